"""The harness that measures operating characteristics: known answers, seeds, processes, the stored table, the command."""
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sonla_eval.methods import simulate
from sonla_eval.methods.estimate import Refused
from sonla_eval.methods.simulate import Tally, main, measure, one, operating, row_of, run_chunk, said, write_table
from sonla_eval.methods.worlds import Trial, trials


def mean_of(n: int, width: float = 1.96, shift: float = 0.0, refuse: float = 0.0) -> Trial:
    "Mean of n standard normals with known deviation: everything about it is known."
    def answer(x):
        if refuse and x[0] > refuse: raise Refused("no", "không")
        m, se = x.mean() + shift, 1/math.sqrt(n)
        return m, m - width*se, m + width*se, None
    return Trial("test.mean", ("thử", "test"), lambda rng, effect: rng.normal(effect, 1, n), answer, effects=(0.0, 0.5, 1.0, 1.5), at=1, scale=1.0)


def tally(trial: Trial, runs: int = 3000) -> list[Tally]:
    rng = np.random.default_rng(1)
    return [sum((one(trial, rng, e) for _ in range(runs)), Tally()) for e in trial.effects]


def test_known_characteristics():
    r = row_of(mean_of(10), tally(mean_of(10)))
    assert abs(r["bias"]) < 4*r["bias_mc"] and r["bias_mc"] == pytest.approx(1/math.sqrt(10*3000), rel=0.05)
    assert abs(r["coverage"] - 0.95) < 4*r["coverage_mc"] and abs(r["size"] - 0.05) < 4*r["size_mc"]
    assert r["mde"] == pytest.approx(2.80/math.sqrt(10), rel=0.05) and r["mde_low"] <= r["mde"] <= r["mde_high"]


def test_it_can_fail():
    "A biased estimator and a narrow interval are found out."
    r = row_of(mean_of(10, width=1.0), tally(mean_of(10, width=1.0)))
    assert r["coverage"] == pytest.approx(0.683, abs=0.03) and simulate.caution(r, "en").endswith("too narrow.")
    assert row_of(mean_of(10, shift=0.3), tally(mean_of(10, shift=0.3)))["bias"] == pytest.approx(0.3, abs=0.02)


def test_refusals_are_counted_apart():
    r = row_of(mean_of(10, refuse=0.0001), tally(mean_of(10, refuse=0.0001)))
    assert 0.2 < r["refused"] < 0.8 and r["runs"] == 3000


def test_seed_and_processes():
    few = ["proportion.difference", "did.twfe"]
    a, b, c = measure(few, runs=150), measure(few[::-1], runs=150, workers=3), measure(few, runs=150, seed=2)
    pd.testing.assert_frame_equal(a, b.iloc[::-1].reset_index(drop=True))
    assert not a["bias"].equals(c["bias"])
    assert run_chunk(("did.twfe", 0, 0, 20, 5)) == run_chunk(("did.twfe", 0, 0, 20, 5)) != run_chunk(("did.twfe", 0, 1, 20, 5))


def test_same_in_another_process_with_another_hash_seed():
    root = Path(__file__).resolve().parent.parent
    code = "from sonla_eval.methods.simulate import run_chunk; print(run_chunk(('client.aipw', 1, 0, 10, 7)))"
    out = {subprocess.run([sys.executable, "-c", code], cwd=root, env=os.environ | {"PYTHONPATH": str(root), "PYTHONHASHSEED": h}, capture_output=True, text=True, check=True).stdout for h in ("1", "99")}
    assert len(out) == 1


def test_unknown_trial(capsys):
    with pytest.raises(ValueError, match="client.aipw"): measure(["client.apiw"])
    with pytest.raises(SystemExit) as end: main(["--only", "nothing", "--quiet"])
    assert end.value.code == 2 and "no trial 'nothing'" in capsys.readouterr().err


def test_command(tmp_path, capsys):
    out = tmp_path/"operating.csv"
    assert main(["--only", "proportion.wilson", "trend.xmr", "--runs", "60", "--workers", "2", "--out", str(out)]) == 0
    seen = capsys.readouterr()
    assert "2 methods -> operating.csv" in seen.out and "runs" in seen.err
    first = out.read_bytes()
    assert main(["--only", "trend.xmr", "--runs", "60", "--workers", "1", "--quiet", "--out", str(out)]) == 0
    assert out.read_bytes() == first and not capsys.readouterr().err
    assert operating("trend.xmr", out)["runs"].tolist() == [60]


def test_dask_absent_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit, match="dask.distributed"): measure(["proportion.wilson"], runs=10, scheduler="tcp://localhost:1")


@pytest.fixture
def cluster(tmp_path):
    "A dask scheduler and two workers as processes of their own; the address of the scheduler."
    pytest.importorskip("distributed")
    root, where = Path(__file__).resolve().parent.parent, tmp_path/"scheduler.json"
    env, quiet = os.environ | {"PYTHONPATH": str(root)}, {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    def start(*words): return subprocess.Popen([sys.executable, "-m", *words, "--no-dashboard", "--scheduler-file", str(where)], env=env, **quiet)
    running = [start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
    running += [start("distributed.cli.dask_worker", "--nworkers", "1", "--nthreads", "1", "--local-directory", str(tmp_path)) for _ in range(2)]
    until = time.monotonic() + 90
    while not (where.exists() and where.read_text()) and time.monotonic() < until: time.sleep(0.2)
    yield json.loads(where.read_text())["address"]
    for p in running[::-1]: p.terminate()
    for p in running: p.wait(30)


def test_dask_cluster_gives_the_same(cluster, tmp_path, capsys):
    "The same table from two workers on a scheduler as from a pool of forks, through the command."
    few, out = ["proportion.difference", "count.compare_counts", "did.two_groups"], [tmp_path/"dask.csv", tmp_path/"fork.csv"]
    for path, how in zip(out, (["--scheduler", cluster], ["--workers", "2"])):
        assert main(["--only", *few, "--runs", "120", "--quiet", "--out", str(path), *how]) == 0
    assert out[0].read_bytes() == out[1].read_bytes() and capsys.readouterr().out.count("3 methods") == 2


def test_missing_table_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="sonla-eval simulate"): operating("client.aipw", tmp_path/"none.csv")


def test_the_committed_table():
    "Every trial is there with its 2,000 runs, its words in both languages, and a spot of it can be made again."
    table = operating()
    assert table["method"].tolist() == list(trials()) and (table["runs"] >= 2000).all()
    for row in table.to_dict("records"):
        for lang in ("vi", "en"): assert said(row, lang) and "nan" not in said(row, lang)
    assert table.loc[table["coverage"].notna(), "coverage_mc"].max() < 0.012
    again = measure(["proportion.difference"], runs=2000)
    row = table.set_index("method").loc["proportion.difference"]
    for column in ("bias", "coverage", "size", "mde"): assert again[column][0] == pytest.approx(row[column], rel=1e-3)


def test_variants_are_found():
    assert operating("its.its")["method"].tolist() == ["its.its, ols", "its.its, ols hac", "its.its, prais", "its.its, prais model", "its.its, quasi"]
    assert operating("client.aipw")["method"].tolist() == ["client.aipw"]


def test_old_rows_of_dropped_trials_go(tmp_path):
    path = tmp_path/"operating.csv"
    made = measure(["proportion.wilson"], runs=20)
    write_table(pd.concat([made, made.assign(method="gone.method")]), path)
    assert operating(path=path)["method"].tolist() == ["proportion.wilson"]
