"""From sites to an answer: roles of districts, the decision table, published panels through the path of the real year."""
import json
import math
import zlib

import numpy as np
import pandas as pd
import pytest

from panels import staggered_panel
from sonla_eval.methods import answer as A
from sonla_eval.methods import sites as S
from sonla_eval.methods.did import panel, some_units
from sonla_eval.methods.path import BRANCHES, Facts, choose, detectable
from sonla_eval.methods.protocol import Outcome, Protocol, protocols
from sonla_eval.methods.verdict import decide

UNITS = ["116", "118", "119", "120", "121", "122", "123", "125"]
FIRST, UNTIL = S.month_of("2019-01"), S.month_of("2022-12")
COLUMNS = ["site", "model", "district", "start", "stop"]


def register(*rows): return pd.DataFrame(rows, columns=COLUMNS)
def told(*sites): return pd.DataFrame({"site": list(sites), "month": "2022-06", "contacts": 9, "persons": 5, "new_persons": 5})
def role(sites, months, unit, model=1): return {p.unit: p for p in S.places(sites, months, model, UNITS, FIRST, UNTIL)}[unit]


# ---- what part a district plays --------------------------------------------------------------------------------------

@pytest.mark.parametrize("rows, unit, want", [
    ([("A", 1, "116", "2021-03", None)], "116", "treated"),
    ([("A", 1, "116", "2021-03", None)], "118", "never"),
    ([("A", 1, "116", "2023-03", None)], "116", "not_yet"),
    ([("A", 1, "116", None, None)], "116", "excluded"),
    ([("A", 1, "116", "2018-03", None)], "116", "excluded"),
    ([("A", 1, "116", "2020-03", "2021-06")], "116", "excluded"),
    ([("A", 1, "116", "2020-03", "2021-06"), ("B", 1, "116", "2021-05", None)], "116", "treated"),
    ([("quiet", 1, "116", "2021-03", None)], "116", "excluded"),
    ([("quiet", 1, "116", "2022-12", None)], "116", "treated"),
    ([("quiet", 1, "116", "2020-03", None), ("B", 1, "116", "2021-05", None)], "116", "treated"),
    ([("A", 1, "116", "2021-03", None), ("C", 3, "116", "2021-05", None)], "116", "excluded"),
    ([("A", 1, "116", "2021-03", None), ("C", 3, "116", "2015-05", None)], "116", "treated"),
    ([("C", 3, "116", "2022-11", None)], "116", "never"),
    ([("C", 3, "116", "2022-10", None)], "116", "excluded"),
    ([("C", 3, "116", "2020-10", "2020-11")], "116", "never"),
])
def test_roles(rows, unit, want):
    p = role(register(*rows), told("A", "B", "C"), unit)
    assert p.role == want and p.vi and p.en


def test_start_is_the_first_site_that_reported():
    sites = register(("quiet", 1, "116", "2020-03", None), ("B", 1, "116", "2021-05", None), ("A", 1, "116", "2021-03", None))
    assert role(sites, told("A", "B"), "116").start == S.month_of("2021-03")
    shuffled = sites.sample(frac=1, random_state=1)
    assert S.places(shuffled, told("A", "B"), 1, UNITS, FIRST, UNTIL) == S.places(sites, told("B", "A"), 1, UNITS, FIRST, UNTIL)


def test_new_communes_go_home_or_nowhere():
    from sonla_eval.plan import units as U
    home = S.homes(U.crosswalk())
    cross = U.crosswalk()
    for new, d in home.items():
        old = set(cross.loc[cross["new_code"] == new, "old_district"])
        assert (old == {d}) if d else len(old) > 1
    t = pd.DataFrame({"indicator": "F1", "unit": list(home), "period": "2025-Q3", "value": 1.0})
    moved, lost = S.carried(t, home)
    assert moved["value"].sum() + len(lost) == len(home) and set(lost) == {u for u, d in home.items() if not d}


@pytest.mark.parametrize("text", ["2022", "10/2022", "2022-13", "x"])
def test_months_that_are_none(text):
    with pytest.raises(ValueError): S.month_of(text)


# ---- the decision table ----------------------------------------------------------------------------------------------

def test_every_path_ends_and_says_why():
    rng = np.random.default_rng(1)
    for _ in range(3000):
        f = Facts(*rng.integers(0, 3, 2).tolist(), *rng.integers(0, 60, 2).tolist(), kind=str(rng.choice(["panel", "survey", "clients"])),
                  **dict(zip(("treated", "controls", "before", "after", "quarters", "clients"), rng.integers(0, 12, 6).tolist())))
        p = choose(f)
        assert p.branch.id in BRANCHES and len(p.table("vi")) == len(p.table("en")) == len(p.steps) + 1
        if p.branch.effect: assert f.sites and f.months >= f.need_months and f.persons >= f.need_persons
        if p.branch.id in ("staggered", "survey"): assert f.treated >= f.need_treated and f.controls >= f.need_controls


def test_few_persons_stand_in_no_sentence():
    for n in range(1, 5): assert all(f"{n} persons" not in t and f" {n} người" not in t for lang in ("vi", "en") for t in choose(Facts(1, 1, 9, n)).table(lang))


def test_detectable_is_what_the_textbook_says():
    assert abs(detectable(-1.959964, 1.959964) - 2.801585) < 1e-5 and detectable(0, math.inf) == math.inf


# ---- published and made-up panels through the same path ----------------------------------------------------------------

DONE = Facts(letters=1, sites=9, months=99, persons=999, need_before=1)
RATE = Outcome("y", "Kết quả", "Outcome", "primary", "panel", scale="count", relevant=0.01)


def like(**changes) -> Protocol:
    "The community protocol with some entries changed."
    q = protocols()[1]
    return Protocol(q.model, q.id, q.vi, q.en, q.outcomes, q.raw | changes, q.digest)


def through(p, q=None, outcome=RATE):
    q = q or like()
    a = A.from_panel(outcome, p, A.replace(DONE, **A.panel_facts(p, 2)), q)
    return a, decide(a.path.branch.state, a, (), q)


def test_mpdta(shared):
    folder = shared/"methods"/"reference"
    d, ref = pd.read_csv(folder/"mpdta.csv"), json.loads((folder/"did_mpdta_cs.json").read_text())["expected"]
    a, v = through(panel(d, "countyreal", "year", "lemp", start="first.treat"), like(comparison="never", window={"before": 2, "after": 2}))
    assert a.path.branch.id == "staggered" and abs(a.effect.value - ref["simple"]["att"]) < 1e-9
    assert a.effect.high < 0 and v.id in ("stop", "cannot_tell") and len(a.dynamic) >= 4


def test_medicaid(shared):
    d = pd.read_csv(shared/"methods"/"reference"/"honestdid_ehec_panel.csv")
    start = next(c for c in d.columns if c.startswith("yexp"))
    p = panel(d[["stfips", "year", "dins", start]].assign(**{start: d[start].fillna(0)}), "stfips", "year", "dins", start=start)
    a, v = through(p, like(window={"before": 3, "after": 2}))
    assert a.path.branch.id == "staggered" and 0.03 < a.effect.low < a.effect.value < a.effect.high < 0.12
    assert a.breakdown >= 1 and v.id in ("continue", "cannot_tell")


def test_twelve_districts(shared):
    folder = shared/"methods"/"reference"
    d = pd.read_csv(folder/"wcb_12districts.csv")
    from sonla_eval.methods.staggered import staggered
    p = panel(d, "district", "period", "y", treated="treated")
    a, _ = through(p)
    assert a.path.branch.id == "staggered" and abs(a.effect.value - staggered(p, draws=0).simple().value) < 1e-12 and a.effect.low < a.effect.value < a.effect.high


def test_a_law_that_came_state_by_state():
    d = staggered_panel(seed=4, units=50, periods=11, cohorts=(5, 6, 8))
    on = (d["start"] > 0) & (d["time"] >= d["start"])
    truth = float((1 + 0.2*(d["time"] - d["start"]))[on].mean())
    a, v = through(panel(d, "unit", "time", "y", start="start"), like(window={"before": 3, "after": 3}))
    assert a.path.branch.id == "staggered" and a.effect.low < truth < a.effect.high and a.effect.low > 0
    assert a.pretrend is not None and len(a.bounds) == 4 and v.id in ("continue", "cannot_tell")


def test_names_and_order_do_not_matter():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame([(f"{u:02}", t, rng.normal() + 3*(u < 6 and t >= 3 + u//2), 3 + u//2 if u < 6 else 0) for u in range(12) for t in range(8)], columns=["u", "t", "y", "s"])
    other = rows.assign(u=rows["u"].map(lambda u: f"x{zlib.crc32(u.encode())}")).sample(frac=1, random_state=2)
    a, b = (through(panel(r, "u", "t", "y", start="s"))[0] for r in (rows, other))
    assert (a.effect.value, a.effect.low, a.pretrend, a.breakdown) == (b.effect.value, b.effect.low, b.pretrend, b.breakdown)
    assert [x[0] for x in a.dynamic] == [x[0] for x in b.dynamic] and all(abs(x[1].low - y[1].low) < 1e-12 for x, y in zip(a.dynamic, b.dynamic))


def test_one_district_never_continues_with_eleven_others():
    rng = np.random.default_rng(8)
    rows = pd.DataFrame([(f"{u:02}", t, rng.normal()*0.1 + 5*(u == 0 and t >= 8), 8 if u == 0 else 0) for u in range(12) for t in range(16)], columns=["u", "t", "y", "s"])
    p = panel(rows, "u", "t", "y", start="s")
    a = A.from_panel(RATE, p, A.replace(DONE, **A.panel_facts(p), quarters=8), like())
    v = decide("analysed", a, (), like())
    assert a.path.branch.id == "synthetic" and a.effect.low > 0 and v.id == "cannot_tell" and v.clause == "level"
    few = A.from_panel(RATE, some_units(p, np.arange(12) < 5), A.replace(DONE, treated=1, controls=4, before=8, after=8, quarters=8), like())
    assert few.path.branch.id == "its" and few.effect.value > 4
