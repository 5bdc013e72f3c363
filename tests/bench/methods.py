"""Seconds of the panel methods and of their peers on the same panels, side by side in one process, interleaved, medians.

    python tests/bench/methods.py [rounds]

Wall seconds decide; CPU seconds of ours stand beside them, for a machine that is busy with other things. Small: 200 units x 12 periods. Large: 3,300 units x 40 periods. Each round runs ours, then the peer; the first round warms up and
is not counted. `reach` is the goal in seconds; the exit code is 1 when one is missed.
"""
import contextlib
import io
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

import numpy as np
import pandas as pd

from panels import large_panel
from sonla_eval.methods.did import panel, twfe
from sonla_eval.methods.few_clusters import cr2, randomization, wild_bootstrap
from sonla_eval.methods.honest import event, relative, smoothness
from sonla_eval.methods.staggered import staggered


def load(d, cluster=None): return panel(d, "unit", "time", "y", start="start", cluster=cluster)


def callaway(d, draws):
    s = staggered(load(d), control="never", draws=draws)
    return s.simple(), s.dynamic(), s.group(), s.calendar()


def diff_diff_callaway(d, draws):
    import diff_diff
    return diff_diff.CallawaySantAnna(n_bootstrap=draws, seed=1).fit(d, outcome="y", unit="unit", time="time", first_treat="start", aggregate="all")


def csdid_callaway(d):
    from csdid.att_gt import ATTgt
    o = ATTgt(yname="y", gname="start", idname="unit", tname="time", data=d, control_group="nevertreated", cband=False).fit(est_method="reg", bstrap=False)
    return [o.aggte(typec=k, bstrap=False, cband=False) for k in ("simple", "dynamic", "group", "calendar")]


def statsmodels_twfe(d):
    "All dummies written out: feasible for the small panel only."
    import statsmodels.api as sm
    on = ((d["start"] > 0) & (d["time"] >= d["start"])).to_numpy(float)
    X = np.column_stack([pd.get_dummies(d["unit"]).to_numpy(float), pd.get_dummies(d["time"]).to_numpy(float)[:, 1:], on])
    return sm.OLS(d["y"].to_numpy(), X).fit(cov_type="cluster", cov_kwds={"groups": d["unit"].to_numpy()})


def demeaned(d):
    "The panel as wildboottest takes it: a regression of the two-way residuals, clusters the provinces."
    import statsmodels.api as sm
    from sonla_eval.methods.did import swept
    s = swept(load(d, "province"))
    return sm.OLS(pd.Series(s.y.ravel(), name="y"), pd.DataFrame({"d": s.x.ravel()})), pd.Series(np.repeat(s.cluster, s.x.shape[1]))


def peer_wild(d):
    from wildboottest.wildboottest import wildboottest
    model, cluster = demeaned(d)
    return wildboottest(model, B=999, cluster=cluster, param="d", weights_type="webb", seed=1, parallel=False, show=False)


def twelve():
    "Twelve districts, eight quarters, six staggered starts."
    rng = np.random.default_rng(4)
    start = np.r_[[3, 4, 4, 5, 6, 6], np.zeros(6, int)]
    return pd.DataFrame({"unit": np.repeat(np.arange(12), 8), "time": np.tile(np.arange(1, 9), 12), "start": np.repeat(start, 8), "y": rng.normal(size=96)})


def study():
    "Five coefficients before the base, two after."
    rng = np.random.default_rng(5)
    return event(np.r_[rng.normal(0, 0.5, 5), 3.0, 3.2], 0.25 * (np.eye(7) + 1) / 2, 5)


def tasks():
    "(task, panel, goal in seconds or None, ours, peer's name, peer or None)"
    small, large, few, e = large_panel(200, 12), large_panel(3300, 40), twelve(), study()
    for name, d, reach in (("small", small, (0.02, 0.01, 0.01, 0.02)), ("large", large, (0.5, 0.25, 0.1, 0.05))):
        p = load(d)
        yield "CS-DiD, 999 multiplier draws, all aggregates", name, reach[0], lambda d=d: callaway(d, 999), "diff-diff", lambda d=d: diff_diff_callaway(d, 999)
        yield "CS-DiD, analytic, all aggregates", name, reach[1], lambda d=d: callaway(d, 0), "diff-diff", lambda d=d: diff_diff_callaway(d, 0)
        if name == "small": yield "CS-DiD, analytic, all aggregates", name, reach[1], lambda d=d: callaway(d, 0), "csdid", lambda d=d: csdid_callaway(d)
        yield "TWFE with cluster errors", name, reach[2], lambda d=d: twfe(load(d)), *(("statsmodels", lambda d=d: statsmodels_twfe(d)) if name == "small" else ("", None))
        yield "wild bootstrap, 34 clusters, 999 draws", name, reach[3], lambda d=d: wild_bootstrap(load(d, "province"), interval=False), "wildboottest", lambda d=d: peer_wild(d)
        yield f"wild bootstrap, {len(p.y)} clusters, 999 draws", name, reach[3], lambda p=p: wild_bootstrap(p, interval=False), "", None
        yield f"wild bootstrap, {len(p.y)} clusters, with interval", name, None, lambda p=p: wild_bootstrap(p), "", None
    p = load(few)
    yield "full enumeration, 12 clusters, p and interval", "12 x 8", 0.1, lambda: wild_bootstrap(p), "", None
    yield "randomization inference, 166,320 deals", "12 x 8", None, lambda: randomization(p), "", None
    yield "CR2 with Satterthwaite", "12 x 8", None, lambda: cr2(p), "", None
    yield "HonestDiD, relative magnitudes, 4 values of Mbar", "5 + 2", 5.0, lambda: [relative(e, m) for m in (0.5, 1.0, 1.5, 2.0)], "", None
    yield "HonestDiD, smoothness, 4 values of M", "5 + 2", None, lambda: [smoothness(e, m) for m in (0.0, 0.1, 0.2, 0.3)], "", None


def seconds(f):
    "(wall, CPU) seconds of one call, whatever it prints thrown away."
    t, c = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()): f()
    return time.perf_counter() - t, time.process_time() - c


def run(rounds: int = 5) -> bool:
    "Prints the table; whether every goal is reached."
    print(f"{'task':52}{'panel':8}{'ours s':>9}{'cpu s':>8}{'reach':>7}  {'peer':14}{'peer s':>9}{'ratio':>8}")
    good = True
    for task, name, reach, ours, peer_name, peer in tasks():
        a, b = [], []
        for k in range(rounds + 1):
            x, y = seconds(ours), seconds(peer)[0] if peer else float("nan")
            if k: a.append(x); b.append(y)
        (mine, cpu), theirs = np.median(a, axis=0).tolist(), float(np.median(b)) if peer else float("nan")
        miss = reach is not None and mine > reach
        good &= not miss
        print(f"{task:52}{name:8}{mine:9.4f}{cpu:8.4f}{'' if reach is None else f'{reach:7.2f}':>7}{'!' if miss else ' '} {peer_name:14}" + (f"{theirs:9.3f}{theirs / mine:7.1f}x" if peer else ""), flush=True)
    return good


IMPORTS = ("import statsmodels.api", "import sonla_eval.methods", "from sonla_eval import methods; [getattr(methods, m) for m in methods.MODULES]")


def imports(rounds: int = 5, reach: float = 1.5) -> bool:
    "Import of the room, empty-handed and with every module of it, against statsmodels.api: new interpreters in turn, medians."
    root = Path(__file__).resolve().parents[2]
    def once(code): return seconds(lambda: subprocess.run([sys.executable, "-c", code], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=True))[0]
    taken = np.array([[once(code) for code in IMPORTS] for _ in range(rounds + 1)][1:])
    peer, bare, whole = np.median(taken, axis=0).tolist()
    for what, mine in (("import sonla_eval.methods", bare), ("... and every module in it", whole)):
        print(f"{what:52}{'':8}{mine:9.3f}{'':15}{'!' if mine > reach * peer else ' '} {'statsmodels':14}{peer:9.3f}   ours / peer = {mine / peer:.3f} (to stay under {reach})")
    return max(bare, whole) <= reach * peer


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sys.exit(0 if imports(rounds) & run(rounds) else 1)
