"""A country through the same engine: what is hidden stays hidden, what is shown adds up, and a cluster gives the same bytes."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from sonla_eval.intake.country import make_country, sizes
from sonla_eval.methods.country import NATION, country_results, province_results
from sonla_eval.publish.country import main, protected, run_country


@pytest.fixture(scope="module")
def country(tmp_path_factory) -> Path:
    return make_country(tmp_path_factory.mktemp("country"), 6, 90, range(2024, 2026))


@pytest.fixture(scope="module")
def results(country) -> pd.DataFrame:
    parts = [province_results(p, p.name, 2025) for p in sorted(country.iterdir()) if p.is_dir()]
    return pd.concat([*parts, country_results(parts)], ignore_index=True)


def test_the_real_size_is_made_of_whole_communes():
    n = sizes()
    assert len(n) == 34 and sum(n.values()) == 3321 and min(n.values()) >= 10


@pytest.mark.parametrize("measure", ["item:C1", "item:C1p", "item:C2", "item:B2b"])
def test_no_hidden_month_can_be_narrowed(results, measure):
    "Every hidden province-month, bounded by linear programming from what is shown, keeps an interval as wide as the threshold asks."
    safe = protected(results)
    at = lambda r, unit, period: r[(r["measure"] == measure) & (r["unit"] == unit) & (r["period"] == period)]["numerator"].iloc[0]
    units, months = sorted(set(results["unit"]) - {NATION}), [f"2025-{m:02d}" for m in range(1, 13)]
    shown = np.array([[at(safe, u, m) for m in months] for u in units], float)
    truth = np.array([[at(results, u, m) for m in months] for u in units], float)
    hidden = [tuple(x) for x in np.argwhere(np.isnan(shown))]
    assert hidden, "the example has small numbers to hide"
    assert not ((shown > 0) & (shown < 5)).any()
    equalities, right = [], []
    for j, m in enumerate(months):
        row = [float(c[1] == j) for c in hidden]
        if any(row): equalities.append(row); right.append(at(results, NATION, m) - np.nansum(shown[:, j]))
    for i, u in enumerate(units):
        row = [float(c[0] == i) for c in hidden]
        if any(row) and not np.isnan(at(safe, u, "2025")): equalities.append(row); right.append(at(results, u, "2025") - np.nansum(shown[i]))
    for k, (i, j) in enumerate(hidden):
        if not 0 < truth[i, j] < 5: continue
        c = np.eye(len(hidden))[k]
        low, high = (linprog(s*c, A_eq=equalities, b_eq=right, bounds=(0, None), method="highs") for s in (1, -1))
        assert -high.fun - low.fun >= 4 - 1e-6, (units[i], months[j])


def test_minors_and_other_parts_are_never_told_of_a_province(results):
    safe = protected(results)
    assert set(safe.loc[safe["measure"].isin(["item:C1a", "item:C1d", "item:C3d"]), "unit"]) == {NATION}


def test_one_province_alone_is_refused(results):
    with pytest.raises(ValueError, match="no country"): protected(results[results["unit"].isin(["P01", NATION])])


def test_the_same_bytes_with_more_workers_and_a_failed_place_publishes_nothing(country, tmp_path, monkeypatch):
    pages = lambda p: {q.relative_to(p).as_posix(): q.read_bytes() for q in sorted(p.rglob("*")) if q.is_file()}
    one = run_country(country, 2025, tmp_path/"a", tmp_path/"pa", ("en",), workers=1)
    two = run_country(country, 2025, tmp_path/"b", tmp_path/"pb", ("en",), workers=3)
    assert pages(one) == pages(two) and len(list(one.glob("en/*.html"))) == 7
    before = pages(one)
    (country/"P04"/"2025.parquet").rename(tmp_path/"kept")
    (country/"P04"/"2025.parquet").write_bytes(b"PAR1 broken")
    try:
        with pytest.raises(RuntimeError, match="P04"): run_country(country, 2025, tmp_path/"a", tmp_path/"pa", ("en",))
    finally: (tmp_path/"kept").replace(country/"P04"/"2025.parquet")
    assert pages(one) == before


def test_on_a_cluster(country, cluster, tmp_path):
    "Two workers, another process each: the same bytes."
    client, _ = cluster
    here = run_country(country, 2025, tmp_path/"a", tmp_path/"pa", ("vi",))
    there = run_country(country, 2025, tmp_path/"b", tmp_path/"pb", ("vi",), scheduler=client.scheduler.address, store=(tmp_path/"store").as_uri())
    for p in sorted(here.rglob("*")):
        if p.is_file(): assert p.read_bytes() == (there/p.relative_to(here)).read_bytes(), p.name


def test_the_command(tmp_path, capsys):
    assert main(["make", str(tmp_path/"c"), "--provinces", "2", "--communes", "20", "--years", "2025", "2025"]) == 0
    assert main(["run", str(tmp_path/"c"), "--lang", "en", "--site", str(tmp_path/"s"), "--packets", str(tmp_path/"p")]) == 0
    with pytest.raises(ValueError, match="too few"): main(["make", str(tmp_path/"d"), "--provinces", "3", "--communes", "20"])
