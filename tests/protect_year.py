"""A year of results as the evaluation makes them: sparse small counts, sums that hold, shares on top. For tests of protection only."""
import csv

import numpy as np
import pandas as pd

from sonla_eval.plan.indicators import items
from sonla_eval.settings import data_path

DISTRICTS = tuple(str(c) for c in range(116, 129) if c != 117)
COLUMNS = ["id", "commitment", "measure", "unit", "era", "period", "breakdown", "numerator", "denominator", "value", "low", "high", "level", "n",
           "value_unit", "kind", "method", "formula", "status", "reason_vi", "reason_en", "sensitive", "num_item", "den_item", "expected",
           "reporting", "notes_vi", "notes_en", "record_keys", "synthetic"]
SHARES = [("C3", "E0s", "E0"), ("C3.referrals", "E4b", "E4a"), ("C5", "B4", "A1"), ("C6", "A9b", "A9a"), ("C7", "B2c+B2d+B2e", "B2b"),
          ("C7.opened", "C3a", "C1"), ("A7.listed", "A7", "A1")]


def row(measure, unit, period, numerator, denominator=np.nan, num="", den="", commitment="", value=None, value_unit=None, sensitive=False, breakdown="", status=""):
    share = not np.isnan(denominator)
    if value is None: value = numerator/denominator if share and denominator else np.nan if share else numerator
    return dict(zip(COLUMNS, [f"{commitment}:{measure}|{unit}|{period}|{breakdown}", commitment, measure, unit, "to2024", period, breakdown, float(numerator),
                              float(denominator), float(value), np.nan, np.nan, np.nan, float(denominator) if share else np.nan,
                              value_unit or ("share" if share else "persons"), "administrative count", "sum", "k/n" if share else "", status, "", "",
                              sensitive, num, den, 12.0, 12.0, "", "", "[]", True]))


def _months(rng, size):
    "Counts of rare events by district and month: most months hold none."
    rate = rng.gamma(0.5, 0.5, (len(DISTRICTS), 1))*size
    return rng.poisson(rate*rng.gamma(0.8, 1.2, (len(DISTRICTS), 12))).astype(float)


def counts(seed=1, scale=1.0):
    "item -> array of districts x 12 months (M), x 4 quarters (Q) or x 1 (Y), keeping the form's sums and maxima."
    rng, out, form = np.random.default_rng(seed), {}, items()
    size = {"C1a": 0.5, "C1b": 0.5, "C1c": 0.25, "B2b": 0.9, "B5a": 0.4, "C3d": 0.3, "B1a": 12, "B2a": 4}
    for code in ("C1a", "C1b", "C1c"): out[code] = _months(rng, scale*size[code])
    out["C1p"] = out["C1a"] + out["C1b"] + out["C1c"]
    out["C1"] = np.ceil(out["C1p"]/3)
    for code, top, p in (("C1d", "C1p", .06), ("C2", "C1p", .7), ("C3a", "C1", .4)): out[code] = rng.binomial(out[top].astype(int), p).astype(float)
    out["B2b"] = _months(rng, scale*size["B2b"])
    for code, p in (("B2c", .5), ("B2d", .4), ("B2e", .1)): out[code] = rng.binomial(out["B2b"].astype(int), p).astype(float)
    out["B3"] = np.round(out["B2d"]*rng.gamma(4, 2, out["B2d"].shape), 1)
    for code in ("B5a", "C3d"): out[code] = _months(rng, scale*size[code])
    out["B5b"] = rng.binomial(out["B5a"].astype(int), .8).astype(float)
    for code in ("E2a", "E2b", "E2c", "E2d", "E2e"):
        out[code] = rng.poisson(scale*rng.gamma(.6, 6, (len(DISTRICTS), 1))*rng.gamma(1, 1, (len(DISTRICTS), 4))).astype(float)
    out["E1"] = sum(out[c] for c in ("E2a", "E2b", "E2c", "E2d", "E2e"))
    out["E4a"] = rng.poisson(scale*3, (len(DISTRICTS), 4)).astype(float)
    out["E4b"] = rng.binomial(out["E4a"].astype(int), .7).astype(float)
    yearly = {"A1": 60, "A7": 3, "A8a": 1, "A8b": 4, "A9a": .6, "D1": 30, "E0": 12, "E1u": 20, "E3a": 2, "E5": 5}
    for code, mean in yearly.items(): out[code] = rng.poisson(mean*scale*rng.gamma(1.2, .8, (len(DISTRICTS), 1))).astype(float)
    out["A7"] = np.minimum(out["A7"], out["A1"])
    for code, top, p in (("A9b", "A9a", .9), ("D2", "D1", .4), ("E0s", "E0", .8), ("E3b", "E3a", .5), ("B4", "A1", .9)):
        out[code] = rng.binomial(out[top].astype(int), p).astype(float)
    for code, item in form.items():
        if code not in out and item.level != "P":
            out[code] = rng.poisson(8, (len(DISTRICTS), {"M": 12, "Q": 4, "Y": 1}[item.freq])).astype(float)
    return out


def _spread(matrix, year):
    "period -> vector over districts: the reported periods, the quarters of months, and the year."
    k = matrix.shape[1]
    if k == 1: return {str(year): matrix[:, 0]}
    out = {str(year): matrix.sum(axis=1)}
    if k == 4: return out | {f"{year}-Q{q + 1}": matrix[:, q] for q in range(4)}
    out |= {f"{year}-{m + 1:02d}": matrix[:, m] for m in range(12)}
    return out | {f"{year}-Q{q + 1}": matrix[:, 3*q:3*q + 3].sum(axis=1) for q in range(4)}


def results(year=2022, seed=1, scale=1.0, communes=True, missing=()):
    "The year's results: items by district and province over up to 17 periods, shares by year, communes for items of their level."
    form, data, rows = items(), counts(seed, scale), []
    spread = {code: _spread(m, year) for code, m in data.items()}
    for code, periods in spread.items():
        unit_of = "persons" if form[code].count == "persons" else form[code].unit_en
        for period, v in periods.items():
            v = np.array([np.nan if (code, d) in missing else x for d, x in zip(DISTRICTS, v)])
            for d, x in zip(DISTRICTS, v): rows.append(row(f"item:{code}", d, period, x, num=code, value_unit=unit_of, sensitive=form[code].sensitive))
            rows.append(row(f"item:{code}", "14", period, np.nansum(v), num=code, value_unit=unit_of, sensitive=form[code].sensitive))
    for code in ("K1", "K2", "K3", "K4"):
        rows.append(row(f"item:{code}", "14", str(year), data["C3a"].sum() if code == "K1" else 2, num=code, value_unit="cases", sensitive=True))
    for name, num, den in SHARES:
        a, b = sum(data[c].sum(axis=1) for c in num.split("+")), data[den].sum(axis=1)
        sensitive = any(form[c].sensitive for c in (*num.split("+"), den))
        for u, x, y in [*zip(DISTRICTS, a, b), ("14", a.sum(), b.sum())]:
            status = "not_applicable" if y == 0 else "met_reported" if x == y else "not_met"
            rows.append(row(name, u, str(year), x, y, num, den, name.split(".")[0], sensitive=sensitive, status=status))
    if communes:
        rng = np.random.default_rng(seed + 1)
        with open(data_path("units", "communes.csv"), encoding="utf-8") as f: units = [r["code"] for r in csv.DictReader(f) if r["valid_from"] < "2022" < r["valid_to"]]
        for code in ("F1", "F1b", "F1c", "G1a", "G1b", "G2"):
            for period in ([str(year)] if code[0] == "G" else [str(year)] + [f"{year}-Q{q}" for q in range(1, 5)]):
                for u, x in zip(units, rng.poisson(3, len(units))): rows.append(row(f"item:{code}", u, period, x, num=code, value_unit=form[code].unit_en))
        for u, x in zip(units, rng.poisson(.05, len(units))): rows.append(row("item:B5a", u, str(year), x, num="B5a", value_unit="points", sensitive=True))
    return pd.DataFrame(rows, columns=COLUMNS)
