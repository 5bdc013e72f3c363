"""The same reports on a cluster and through object storage: the same bytes as on this machine, also when a worker dies."""
import hashlib
import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from conftest import correct, unattacked, until

from sonla_eval.publish.run import run
from sonla_eval.settings import Settings

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

ONLY = ("district-116", "district-118", "quality")


def again(local: Settings, folder: Path, **other) -> Settings:
    "The same run elsewhere, with the prepared year at hand so that only pages are made."
    shutil.copytree(Path(local.packets)/"2022"/"data", folder/"packets"/"2022"/"data")
    return replace(local, **({"site": str(folder/"site"), "packets": str(folder/"packets"), "store": (folder/"store").as_uri()} | other))


def _pages(site: Path) -> dict:
    return {p.relative_to(site).as_posix(): p.read_bytes() for p in sorted(site.rglob("*")) if p.is_file() and not p.name.startswith(".")}


@pytest.fixture(scope="module")
def local(tmp_path_factory, example):
    "The three reports made on this machine."
    base = tmp_path_factory.mktemp("local")
    s = Settings(data=str(example), site=str(base/"site"), packets=str(base/"packets"), langs=("vi",), editions=("internal", "public"))
    assert run(s, ONLY, progress=False).code == 0
    return s


def test_a_dead_worker_changes_nothing(local, cluster, tmp_path):
    "One of two workers is killed while it works: every page is the same as the local one."
    client, workers = cluster
    s = again(local, tmp_path, scheduler=client.scheduler.address)
    killed = threading.Event()
    def kill():
        until(lambda: any(client.processing().values()), "no task began")
        workers[0].kill()
        killed.set()
    killer = threading.Thread(target=kill)
    killer.start()
    assert run(s, ONLY, progress=False).code == 0
    killer.join()
    assert killed.is_set() and workers[0].wait(10) != 0
    assert _pages(Path(s.site)) == _pages(Path(local.site))


def test_through_object_storage(local, cluster, object_store, tmp_path):
    "Workbooks, exchange and site all in a bucket: the same bytes again; and a second run has nothing to do."
    from sonla_eval.publish.remote import pull, push
    client, _ = cluster
    for year in range(2019, 2023): push(Path(local.data)/str(year), f"{object_store}/raw/{year}")
    s = again(local, tmp_path, data=f"{object_store}/raw", site=f"{object_store}/site", scheduler=client.scheduler.address, store=f"{object_store}/store")
    client.run(exec, f"import os; os.environ.update({ {k: v for k, v in os.environ.items() if k.startswith('AWS_')} })")
    assert run(s, ONLY, progress=False).code == 0
    assert _pages(pull(s.site, tmp_path/"pulled")) == _pages(Path(local.site))
    assert run(s, ONLY, progress=False).current


def test_other_code_is_refused(local, cluster, tmp_path, monkeypatch):
    "A worker with another version says so; nothing is published."
    from sonla_eval.publish import year
    client, _ = cluster
    monkeypatch.setattr(year, "definitions", lambda: [Path(__file__)])
    s = again(local, tmp_path, editions=("internal",), scheduler=client.scheduler.address)
    r = run(s, ("district-116",), progress=False)
    assert r.code == 1 and "other code" in dict(r.failed)["internal/vi/district-116"]
    assert not list(Path(s.site).rglob("district-116.html"))


def marked(reports: Path):
    "Puts a mark on every output of the kept notebooks; a cell that runs again loses its own."
    for path in reports.rglob("*.ipynb"):
        nb = nbformat.read(path, 4)
        for cell in nb.cells:
            for o in cell.get("outputs", ()):
                if "metadata" in o: o.metadata["earlier"] = True
        path.write_text(nbformat.writes(nb), encoding="utf-8")
        trace = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        path.with_suffix(".json").write_text(json.dumps(trace | {"notebook": hashlib.sha256(path.read_bytes()).hexdigest()}), encoding="utf-8")


def taken_over(path: Path) -> list:
    "For each cell with outputs of a notebook, whether they are those of before."
    return [all("earlier" in o.metadata for o in c.outputs) for c in nbformat.read(path, 4).cells if c.cell_type == "code" and any("metadata" in o for o in c.outputs)]


def test_after_a_correction_the_same_cells_run(local, cluster, tmp_path):
    "One district corrects one number: the workers run the cells that read it and take over the others, as this machine does."
    client, _ = cluster
    here, there = tmp_path/"here", tmp_path/"there"
    for year in range(2019, 2023): shutil.copytree(Path(local.data)/str(year), tmp_path/"raw"/str(year))
    correct(tmp_path/"raw"/"2022"/"118_bao-cao-2022.xlsx", "B Kiểm tra", {"N5": 7, "P5": 28})
    for base in (here, there):
        for part in ("site", "packets"): shutil.copytree(getattr(local, part), base/part)
        marked(base/"packets"/"2022"/"reports")
    s = replace(local, data=str(tmp_path/"raw"), site=str(here/"site"), packets=str(here/"packets"))
    with unattacked():
        one = run(s, ONLY, progress=False)
        shutil.rmtree(there/"packets"/"2022"/"data")
        shutil.copytree(here/"packets"/"2022"/"data", there/"packets"/"2022"/"data")
        two = run(replace(s, site=str(there/"site"), packets=str(there/"packets"), scheduler=client.scheduler.address, store=(tmp_path/"store").as_uri()), ONLY, progress=False)
    assert one.failed == two.failed == () and one.made == two.made and "public/vi/district-118" in one.made and "public/vi/district-116" not in one.made
    for key in one.made:
        a, b = (taken_over(base/"packets"/"2022"/"reports"/f"{key}.ipynb") for base in (here, there))
        assert a == b and True in a and False in a, key
    for part in ("site", "packets/2022/reports"): assert _pages(here/part) == _pages(there/part)


@pytest.fixture()
def lent(tmp_path, monkeypatch) -> tuple:
    "A prepared year in a store, with last year's findings beside it: (store, local folder)."
    from sonla_eval.publish import cluster
    work = tmp_path/"packets"/"2022"/"data"
    for name, text in (("clean.json", '{"year": 2022}'), ("results.parquet", "numbers"), ("last/table-sites.parquet", "sites")):
        (work/name).parent.mkdir(parents=True, exist_ok=True)
        (work/name).write_text(text)
    before = tmp_path/"packets"/"2021"/"data"/"findings-public.json"
    before.parent.mkdir(parents=True)
    before.write_text("[]")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cluster.prepared_here.cache_clear()
    return (tmp_path/"store").as_uri(), work


def test_a_worker_sees_last_years_findings(lent):
    from sonla_eval.publish import cluster
    from sonla_eval.publish.year import findings_before
    store, work = lent
    cluster._give(f"{store}/k1", work)
    got = cluster.prepared_here(store, "k1")/"2022"/"data"
    assert (got/"last"/"table-sites.parquet").read_text() == "sites" and findings_before(got, "public").read_text() == "[]"


def test_half_sent_or_spoiled_is_never_used(lent, tmp_path):
    "A run that died while it sent the year; a byte that changed in the store; one that changed in a worker's own copy."
    from sonla_eval.publish import cluster
    store, work = lent
    cluster._give(f"{store}/k1", work)
    at = tmp_path/"store"/"k1"
    (at/"given.json").unlink()
    (at/"given"/"2022"/"data"/"results.parquet").unlink()
    with pytest.raises(FileNotFoundError): cluster.prepared_here(store, "k1")
    cluster._give(f"{store}/k1", work)
    (at/"given"/"2022"/"data"/"results.parquet").write_text("numbert")
    with pytest.raises(OSError, match="not what was sent"): cluster.prepared_here(store, "k1")
    (at/"given"/"2022"/"data"/"results.parquet").write_text("numbers")
    copy = cluster.prepared_here(store, "k1")
    (copy/"2022"/"data"/"results.parquet").write_text("numbert")
    cluster.prepared_here.cache_clear() # as in another process
    assert (cluster.prepared_here(store, "k1")/"2022"/"data"/"results.parquet").read_text() == "numbers"
