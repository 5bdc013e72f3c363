"""Times of protection: a year's public edition, its attack, and a national table. Run: python tests/bench/protect.py"""
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


def timed(what, work):
    "Runs the work and prints wall and processor seconds."
    wall, cpu = time.perf_counter(), time.process_time()
    out = work()
    print(f"{what}: {time.perf_counter() - wall:.1f} s ({time.process_time() - cpu:.1f} s of processor)")
    return out


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


if __name__ == "__main__": main()
