"""What the tests share: where the project and the reference cases are, and one built site for all."""
import os
import zipfile
import re
import shutil
import subprocess
import sys
import time
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ["SONLA_EVAL_PROJECT"] = str(ROOT)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SOURCE_DATE_EPOCH", "1646092800")
os.environ.setdefault("SONLA_EVAL_CLEAN", tempfile.mkdtemp(prefix="sonla_eval_clean_")) # clean years of tests stay out of the project
sys.path.insert(0, str(ROOT))
YEAR = 2022


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    "Folder of the reference cases; tests that need it are skipped where it is absent."
    folder = Path(os.environ.get("SONLA_EVAL_SHARED", ROOT.parent/"shared"))
    if not folder.is_dir(): pytest.skip("the folder shared/ with the reference cases is not beside the project")
    return folder


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Path:
    "The example province's workbooks, made once."
    from sonla_eval.intake.example import make
    folder = tmp_path_factory.mktemp("example")
    make(folder)
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory, example):
    "The whole year built once: (settings, run report, site folder of the year)."
    from sonla_eval.publish.run import run
    from sonla_eval.settings import read_settings
    out = tmp_path_factory.mktemp("out")
    s = read_settings(year=YEAR, data=str(example), site=str(out/"site"), packets=str(out/"packets"), langs=["vi", "en"], editions=["internal", "public"], workers=2)
    with pytest.MonkeyPatch.context() as m:
        m.setenv("SONLA_EVAL_CLEAN", str(out/"clean")) # other tests clean the same year with other numbers
        return s, run(s, progress=False), out/"site"/str(YEAR)


@pytest.fixture()
def months(example, tmp_path) -> Path:
    "A private copy of the example's workbooks that a test may spoil."
    shutil.copytree(example, tmp_path/"raw")
    return tmp_path/"raw"


@pytest.fixture()
def cluster(tmp_path_factory):
    "A scheduler and two workers, each a process of its own."
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    base = tmp_path_factory.mktemp("cluster")
    env = os.environ | {"PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(ROOT), "TMPDIR": str(base),
                        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s", "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s"}
    where = base/"scheduler.json"
    def start(*words): return subprocess.Popen([sys.executable, "-m", "distributed.cli." + words[0], *words[1:]], cwd=base, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    head = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(where))
    until(where.is_file, "the scheduler did not start")
    workers = [start("dask_worker", "--scheduler-file", str(where), "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1") for _ in range(2)]
    with distributed.Client(scheduler_file=str(where), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client, workers
    for p in [*workers, head]: p.kill()
    for p in [*workers, head]: p.wait()


@pytest.fixture(scope="session")
def object_store():
    "A bucket of a real local server that speaks S3."
    pytest.importorskip("moto", reason="the test server for object storage is not installed")
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    keep = dict(os.environ)
    os.environ.update(AWS_ENDPOINT_URL=f"http://{host}:{port}", AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    from pyarrow.fs import S3FileSystem
    S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True).create_dir("sonla")
    yield "s3://sonla/evaluation"
    os.environ.clear()
    os.environ.update(keep)
    server.stop()


def until(true, complaint: str, seconds: float = 60):
    "Waits until something is true."
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, complaint
        time.sleep(0.1)


SMALL = ("district-118", "district-121", "quality")


def small_settings(base: Path):
    "Settings of a small run: three reports, one language, both editions, everything below one folder."
    from sonla_eval.settings import read_settings
    return read_settings(year=YEAR, data=str(base/"raw"), site=str(base/"site"), packets=str(base/"packets"), langs=["vi"], workers=2)


def correct(path: Path, sheet: str, cells: dict):
    "Puts other numbers into cells of a workbook that hold one; every other byte of its parts stays."
    import openpyxl
    part = f"xl/worksheets/sheet{openpyxl.load_workbook(path, read_only=True).sheetnames.index(sheet) + 1}.xml"
    with zipfile.ZipFile(path) as old: parts = {i: old.read(i.filename) for i in old.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info, data in parts.items():
            for cell, value in cells.items() if info.filename == part else ():
                data, n = re.subn(rf'(<c r="{cell}"[^>]*>(?:<f>[^<]*</f>)?<v>)[^<]*(</v>)'.encode(), rf"\g<1>{value}\g<2>".encode(), data)
                assert n == 1, f"{cell} holds no number"
            new.writestr(info, data)


@contextmanager
def unattacked():
    "Runs without the attack on the public edition: it takes long, publishes nothing and has tests of its own."
    with pytest.MonkeyPatch.context() as m:
        m.setattr("sonla_eval.publish.run.unsafe", lambda *_: "")
        yield


@pytest.fixture(scope="session")
def small(tmp_path_factory, example) -> Path:
    "A folder with workbooks, site and packets of a small run; tests copy it."
    from sonla_eval.publish.run import run
    base = tmp_path_factory.mktemp("small")/"before"
    for y in (YEAR - 1, YEAR): shutil.copytree(example/str(y), base/"raw"/str(y)) # two years: less to read
    with unattacked(): done = run(small_settings(base), SMALL, progress=False)
    assert done.failed == ()
    return base


@pytest.fixture(scope="session")
def corrected(small) -> tuple:
    "The same after one district corrected one number: (folder, what the run said)."
    from sonla_eval.publish.run import run
    base = small.parent/"after"
    shutil.copytree(small, base)
    correct(base/"raw"/str(YEAR)/f"118_bao-cao-{YEAR}.xlsx", "B Kiểm tra", {"N5": 7, "P5": 28})
    with unattacked(): return base, run(small_settings(base), SMALL, progress=False)


def pytest_collection_modifyitems(items):
    "Tests that share the built year go to one worker and those of a file to one, so that nothing is made twice."
    for item in items: item.add_marker(pytest.mark.xdist_group("built" if "built" in item.fixturenames else item.path.name))
