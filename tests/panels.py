"""Random panels with known truth that the method tests and the benchmark share."""
import numpy as np
import pandas as pd


def staggered_panel(seed: int, units: int = 60, periods: int = 7, cohorts=(3, 4, 6), never: bool = True, holes: float = 0.0, name=lambda i: i) -> pd.DataFrame:
    "Units x periods rows: unit, time, start (0 = never), x (fixed covariate), region, y; shuffled rows."
    rng = np.random.default_rng(seed)
    start = rng.choice([*cohorts, *([0] if never else [])], units)
    start[: 2 * len(cohorts)] = np.repeat(cohorts, 2)
    if never: start[-8:] = 0
    x = rng.normal(size=units) + 0.3 * (start > 0)
    t = np.arange(1, periods + 1)
    on = (start[:, None] > 0) & (t[None, :] >= start[:, None])
    y = rng.normal(size=(units, 1)) + 0.2 * t + 0.1 * x[:, None] * t + on * (1 + 0.2 * (t[None, :] - start[:, None])) + rng.normal(size=(units, periods))
    d = pd.DataFrame({"unit": np.repeat([name(i) for i in range(units)], periods), "time": np.tile(t, units), "start": np.repeat(start, periods),
                      "x": np.repeat(x, periods), "region": np.repeat(np.arange(units) % 15, periods), "y": y.ravel()})
    d = d.sample(frac=1, random_state=seed)
    return d[rng.random(len(d)) >= holes].reset_index(drop=True)


def large_panel(units: int, periods: int, seed: int = 1) -> pd.DataFrame:
    "The benchmark's panel: six cohorts spread over the middle half, a third never treated, units in 34 provinces."
    rng = np.random.default_rng(seed)
    dates = np.linspace(periods // 4 + 1, 3 * periods // 4, 6).astype(int)
    start = np.where(rng.random(units) < 1 / 3, 0, rng.choice(dates, units))
    t = np.arange(1, periods + 1)
    y = rng.normal(size=(units, 1)) + np.cumsum(rng.normal(0, 0.1, periods)) + 0.5 * ((start[:, None] > 0) & (t >= start[:, None])) + rng.normal(size=(units, periods))
    return pd.DataFrame({"unit": np.repeat(np.arange(units), periods), "time": np.tile(t, units), "start": np.repeat(start, periods),
                         "province": np.repeat(np.arange(units) % 34, periods), "y": y.ravel()})
