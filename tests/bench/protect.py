"""Times of protection: a year's public edition, its attack, a national table; and its loss beside pytauargus on random linked tables. Run: python tests/bench/protect.py"""
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import protect_year as year
from sonla_eval.protect.attack import attack
from sonla_eval.protect.national import hide_small
from sonla_eval.protect.suppress import plan, protect, public_table
from test_protect_choose import argus, grid, protected, random_table, solved


def timed(what, work):
    "Runs the work and prints wall and processor seconds."
    wall, cpu = time.perf_counter(), time.process_time()
    out = work()
    print(f"{what}: {time.perf_counter() - wall:.1f} s ({time.process_time() - cpu:.1f} s of processor)")
    return out


def peers(tables=24):
    "Loss of the exact choice over pytauargus's optimum, and protected cells of both, on random linked tables."
    ratios, ours_n, theirs_n, fewer = [], 0, 0, 0
    for seed in range(tables):
        table = random_table(seed)
        theirs = argus(table)[1]
        p, ours = solved(grid(table, lambda v: 0.6*v))
        kept = [int(protected(p, hide)[p.must].sum()) for hide in (ours.hide, theirs)]
        ours_n, theirs_n, fewer = ours_n + kept[0], theirs_n + kept[1], fewer + (kept[0] < kept[1])
        if p.cost[theirs].sum(): ratios.append(ours.cost/p.cost[theirs].sum())
    print(f"  {tables} tables: loss {np.mean(ratios):.3f} of pytauargus's on average, {max(ratios):.3f} at most; {ours_n} cells protected, {theirs_n} by pytauargus; fewer in {fewer} tables")


def main():
    results = year.results(seed=1)
    safe = timed(f"a year's public edition, {len(results):,} rows", lambda: protect(results, "public"))
    print(f"  {(safe['mask'].isin(['primary', 'complementary'])).sum()} numbers hidden, {(safe['mask'] == 'withheld').sum()} rows withheld, gap {plan(results).gap:.1%}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder)/"tables").mkdir()
        public_table(safe).to_csv(Path(folder)/"tables"/"results.csv", index=False)
        print(" ", timed("  its attack", lambda: attack(Path(folder))).sentence("en"))
    rng = np.random.default_rng(1)
    communes, indicators = 3321, 20
    province = np.sort(rng.integers(0, 34, communes))
    tables = [rng.poisson(rng.gamma(.3, size, (communes, 1))*rng.gamma(1, 1, (1, 12))) for size in np.geomspace(.5, 40, indicators)]
    done = timed(f"a national table, {communes:,} communes x 12 months x {indicators} indicators", lambda: [hide_small(t, province) for t in tables])
    cost, bound = sum(d.cost for d in done), sum(d.bound for d in done)
    print(f"  {sum(int(d.cells.sum() + d.totals.sum()) for d in done):,} cells hidden, gap {(cost - bound)/cost:.1%}")
    timed("random linked tables beside pytauargus", peers)


if __name__ == "__main__": main()
