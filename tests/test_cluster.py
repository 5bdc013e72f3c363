"""The same reports on a cluster and through object storage: the same bytes as on this machine, also when a worker dies."""
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import until

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
