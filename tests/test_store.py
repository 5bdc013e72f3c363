"""A store that several machines share: one run at a time, on a disk, in memory and in a bucket of a real server."""
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from conftest import ROOT, until
from sonla_eval.publish.lease import FOLDER, Busy, Lease, claims, now, sign
from sonla_eval.publish.remote import filesystem, push

HOLD = "import sys, time; from sonla_eval.publish.lease import Lease\nwith Lease(sys.argv[1], 0.2, 2.0) as held: print(held.keeper.pid, flush=True); sys.stdin.read()"


@pytest.fixture(params=["file", "memory", "s3"])
def url(request, tmp_path):
    if request.param == "s3": return request.getfixturevalue("object_store") + f"/{tmp_path.name}"
    return tmp_path.as_uri() if request.param == "file" else f"memory://{tmp_path.name}"


def there(url: str) -> dict: return claims(filesystem(url)[0], f"{filesystem(url)[1]}/{FOLDER}")


def test_the_second_is_told_and_nothing_is_left(url):
    with Lease(url, 0.2, 5.0) as held:
        with pytest.raises(Busy, match="another run holds"): Lease(url, 0.2, 5.0).__enter__()
        held.check()
        assert list(there(url)) == [held.name]
    assert there(url) == {}
    with Lease(url, 0.2, 5.0): pass


def test_many_at_once_never_two_inside(url):
    "Eight that ask at the same moment: each gets in or is told, and no two are ever in at once."
    inside, most, got, told, guard, go = [0], [0], [], [], threading.Lock(), threading.Barrier(8)
    def one(k):
        go.wait()
        try:
            with Lease(url, 0.2, 5.0):
                with guard: inside[0] += 1; most[0] = max(most[0], inside[0])
                time.sleep(0.3)
                with guard: inside[0] -= 1; got.append(k)
        except Busy: told.append(k)
    threads = [threading.Thread(target=one, args=(k,)) for k in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert most[0] == 1 and got and len(got) + len(told) == 8 and there(url) == {}


def another(url: str) -> tuple: # process, pid of the one that renews its claim
    "Another run that holds the store."
    p = subprocess.Popen([sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(ROOT)}, text=True)
    return p, int(p.stdout.readline())


@pytest.mark.parametrize("url", ["file", "s3"], indirect=True)
def test_a_killed_run_lets_go_and_a_dead_machine_is_waited_for(url):
    "Killed alone, its claim goes at once; killed with all that belonged to it, as when a machine is switched off, after the stated time."
    p, _ = another(url)
    p.kill(); p.wait()
    until(lambda: not there(url), "the claim stayed", 10)
    p, keeper = another(url)
    os.kill(keeper, signal.SIGSTOP); p.kill(); p.wait(); os.kill(keeper, signal.SIGKILL)
    assert len(there(url)) == 1
    began = now()
    with Lease(url, 0.2, 2.0): assert 1.9 < now() - began < 8
    assert there(url) == {}


def test_who_slept_too_long_publishes_nothing(tmp_path):
    "A run that was stopped loses its hold, and says so before it sends what vouches for its pages."
    (tmp_path/"here").mkdir()
    for name in ("page.html", "index.html"): (tmp_path/"here"/name).write_text(name)
    url = (tmp_path/"there").as_uri()
    with Lease(url, 0.1, 1.0) as first:
        os.kill(first.keeper.pid, signal.SIGSTOP)
        with Lease(url, 0.1, 1.0):
            with pytest.raises(Busy, match="lost its hold"): push(tmp_path/"here", url, first.check)
            os.kill(first.keeper.pid, signal.SIGCONT)
            until(lambda: first.keeper.poll() is not None, "it went on", 10)
            assert list(there(url)) and first.name not in there(url)
    assert not (tmp_path/"there"/"index.html").exists()


def test_clocks_decide_nothing(tmp_path, monkeypatch):
    "A clock set back by a year or forward by ten takes the store from nobody."
    url = tmp_path.as_uri()
    with Lease(url, 0.2, 5.0):
        for there in (-3e7, 3e8):
            monkeypatch.setattr(time, "time", lambda t=time.time() + there: t)
            with pytest.raises(Busy): Lease(url, 0.2, 5.0).__enter__()


def test_a_run_that_finds_the_site_held_says_so(tmp_path):
    "Two folders, one URL to publish to: the second ends with code 3 and sends nothing."
    from dataclasses import replace
    from conftest import SMALL, small_settings
    from sonla_eval.publish.run import run
    url = (tmp_path/"site").as_uri()
    with Lease(url, 0.2, 5.0):
        with pytest.raises(Busy): run(replace(small_settings(tmp_path), site=url), SMALL, progress=False)
    assert [p.name for p in (tmp_path/"site").iterdir()] == [FOLDER] and not list((tmp_path/"packets").rglob("*.ipynb"))
