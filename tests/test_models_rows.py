"""The models' rows of the example year: true to how the example was made, protected like any others, and the same whatever the order of the input."""
import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from sonla_eval.methods import models as M
from sonla_eval.methods import sites as S
from sonla_eval.methods import results as R
from sonla_eval.methods import truths as T
from sonla_eval.methods.delivery import breakdown, earlier_tables
from sonla_eval.methods.protocol import protocols
from sonla_eval.methods.verdict import VERDICTS

YEAR = 2022


@pytest.fixture(scope="module")
def year(example):
    "The example's records of four years, its tables, and those of the years before."
    from sonla_eval.intake.clean import read_year
    taken = {y: read_year(example/str(y), y) for y in range(2019, YEAR + 1)}
    tallies = {y: R.counts(t.records, y) for y, t in taken.items()}
    y = R.Year(YEAR, tallies[YEAR], taken[YEAR].records, taken[YEAR].tables, tallies[YEAR - 1], True)
    return y, tallies, {k: earlier_tables(example, k) for k in range(2019, YEAR)}, taken


@pytest.fixture(scope="module")
def rows(year):
    y, tallies, before, _ = year
    return M.rows(y, tallies, before)


def pick(rows, measure, **parts):
    key = breakdown(**parts)
    return [r for r in rows if r["measure"] == f"model.{measure}" and r["breakdown"] == key and r["period"] == str(YEAR)]


def test_earlier_tables_are_those_of_the_whole_reading(year):
    _, _, before, taken = year
    for y, tables in before.items():
        for name, t in tables.items():
            a, b = (x.drop(columns=[c for c in x.columns if c.startswith("source_")]).astype(str).reset_index(drop=True) for x in (t, taken[y].tables[name]))
            pd.testing.assert_frame_equal(a, b, check_dtype=False)


def test_verdicts_are_true_to_the_example(rows, example):
    truth = json.loads((example/"truth.json").read_text(encoding="utf-8"))["years"][str(YEAR)]["models"]
    v = {k: pick(rows, "verdict", model=k)[0] for k in (1, 2, 3)}
    assert v[2]["method"] == "not_started" and v[3]["method"] == "cannot_tell"
    assert v[1]["method"] in ("continue", "cannot_tell"), "the example's model 1 works and does no harm"
    full = next(e["full"] for e in truth["effects"] if (e["model"], e["item"]) == (1, "E4b"))
    e = pick(rows, "effect", model=1, outcome="referral_done")[0]
    assert e["low"] <= 0.8*full <= e["high"], "the interval holds the true effect, which is still building up"
    assert all(r["method"] in VERDICTS and r["reason_vi"] and r["reason_en"] for r in v.values())


def test_a_model_that_never_started_has_no_effects(rows):
    mine = {r["measure"] for r in rows if r["breakdown"].startswith("model=2")}
    assert "model.effect" not in mine and "model.harm" not in mine and {"model.letters", "model.state", "model.verdict", "model.path", "model.unit"} <= mine


def test_delivery_adds_up(rows, year):
    got = S.delivered(year[0].tables["sites"], year[0].tables["site_months"], 1)
    dose = pick(rows, "dose", model=1)[0]
    months = [r for r in rows if r["measure"] == "model.dose" and r["breakdown"] == "model=1" and len(r["period"]) == 7]
    assert dose["numerator"] == got["contacts"].sum() == sum(r["numerator"] for r in months) and dose["denominator"] == sum(r["denominator"] for r in months)
    fidelity = pick(rows, "fidelity", model=1)[0]
    assert 0 <= fidelity["value"] <= 1 and fidelity["numerator"] == (got["contacts"] >= protocols()[1]["fidelity"]["contacts_per_month"]).sum()


def test_every_district_has_a_role(rows, year):
    for model in (1, 2, 3):
        units = [r for r in rows if r["measure"] == "model.unit" and r["breakdown"] == f"model={model}"]
        assert sorted(r["unit"] for r in units) == sorted(year[0].districts) and all(r["reason_vi"] and r["method"] in S.ROLES for r in units)


def test_rows_make_a_table_that_can_be_protected(rows):
    from sonla_eval.protect.suppress import protect
    table = R.frame(rows)
    safe = protect(table, "public", 5)
    assert set(safe["mask"]) <= {"", "withheld"} and len(safe) == len(table)
    persons = table[table["measure"].isin(["model.dose", "model.reach", "model.count"])]
    assert persons["sensitive"].all() and not persons["numerator"].between(1, 4).any()
    for text in [*safe["reason_en"], *safe["notes_en"]]: assert not re.search(r"(?<![\d.,])[1-4] persons", text)


def test_words_and_numbers_agree(rows):
    for r in rows:
        for lang in ("vi", "en"):
            for part in ("reason", "notes"):
                text = r.get(f"{part}_{lang}", "")
                assert "{" not in text and "nan" not in text.lower().split() and "inf" not in text.split()
        if r["measure"] in ("model.effect", "model.harm") and "variant" not in r["breakdown"] and not math.isnan(r.get("value", math.nan)):
            assert r["low"] <= r["value"] <= r["high"] and r["kind"] == "model estimate" and r["level"] >= 0.8


def test_harm_beyond_what_is_allowed_is_marked(rows):
    margins = {r["breakdown"]: r for r in rows if r["measure"] == "model.harm" and "variant=margin" in r["breakdown"]}
    for o in protocols()[1].of("harm"): assert abs(margins[breakdown(model=1, outcome=o.id, variant="margin")]["value"]) == o.margin


def test_order_of_the_input_does_not_matter(year):
    y, tallies, before, _ = year
    mixed = {k: t.sample(frac=1, random_state=3) for k, t in y.tables.items()}
    again = R.Year(YEAR, tallies[YEAR].sample(frac=1, random_state=4), y.records, mixed, y.last, True)
    which = {1: protocols()[1]}
    a, b = (R.frame(M.rows(x, t, before, which, details=False)) for x, t in ((y, tallies), (again, tallies | {YEAR: again.tally})))
    pd.testing.assert_frame_equal(a, b)


def test_post_hoc_is_called_so(rows):
    extra = [r for r in rows if r["measure"] == "model.effect" and "post hoc" in r.get("notes_en", "")]
    named = {o.item for o in protocols()[3].outcomes}
    assert extra and all(r["breakdown"].split("outcome=")[1].split(";")[0] not in named for r in extra if r["breakdown"].startswith("model=3"))


@pytest.mark.parametrize("world, runs", [("community.builds_up", 3), ("community.no_effect", 1), ("community.pretrend", 2), ("community.harm", 1), ("community.one_site", 2), ("community.real_size", 1), ("community.not_started", 1),
    ("labour.builds_up", 2), ("labour.harm", 1), ("labour.real_size", 1), ("peers.builds_up", 1), ("peers.harm", 1), ("peers.real_size", 2), ("peers.not_started", 1)])
def test_kept_rates_come_out_again(world, runs):
    protocol, name = world.split(".")
    kept = T.rates(protocol=protocol).set_index("world").loc[name]
    assert [T.brief(T.run(T.WORLDS[world], k)) for k in range(runs)] == kept["first"].split("; ")[:runs]


def test_a_true_world_gives_a_true_number():
    w = T.WORLDS["community.builds_up"]
    runs = [T.run(w, k) for k in range(3)]
    assert all(r.low < T.truth(w) < r.high for r in runs) and abs(np.mean([r.value for r in runs]) - T.truth(w)) < 0.02


# ---- the other two protocols, and clients ------------------------------------------------------------------------------

DISTRICTS = ["116", *map(str, range(118, 129))]


def tally(cells): return pd.DataFrame([(*c, 1, 1, 0, "[]") for c in cells], columns=["indicator", "unit", "period", "value", "cells", "known", "queried", "keys"])


def sites(model, starts):
    months = [(f"S{k}", f"{y}-{m:02d}", 30, 20, 10) for k, (_, s) in enumerate(starts) for y in range(2019, 2023) for m in range(1, 13) if f"{y}-{m:02d}" >= s]
    return {"directions": pd.DataFrame({"direction": ["HD"], "received": ["2020-01-02"], "model": [model]}),
            "sites": pd.DataFrame([(f"S{k}", model, d, s, None) for k, (d, s) in enumerate(starts)], columns=["site", "model", "district", "start", "stop"]),
            "site_months": pd.DataFrame(months, columns=["site", "month", "contacts", "persons", "new_persons"])}


def test_labour_rights_at_the_provinces_real_size():
    rng, starts = np.random.default_rng(6), [(d, "2021-02" if k < 3 else "2022-03") for k, d in enumerate(DISTRICTS[:6])]
    begun = {d: int(s[:4]) for d, s in starts}
    tallies = {}
    for y in range(2019, 2023):
        cells = []
        for d in DISTRICTS:
            p = 0.45 + 0.2*(y >= begun.get(d, 9999))
            cells += [("A1", d, str(y), 125.0), ("A6", d, str(y), 190.0), ("A6b", d, str(y), float(rng.binomial(190, p))), ("B4", d, str(y), 120.0)] + [("B2e", d, f"{y}-{m:02d}", 0.0) for m in range(1, 13)]
        tallies[y] = tally(cells)
    got = M.rows(R.Year(YEAR, tallies[YEAR], pd.DataFrame(), sites(2, starts)), tallies, which={2: protocols()[2]})
    e, v = pick(got, "effect", model=2, outcome="contracts")[0], pick(got, "verdict", model=2)[0]
    assert pick(got, "path", model=2, step=9)[0]["method"] == "staggered" and e["low"] < 0.2 < e["high"] and e["low"] > 0
    assert v["method"] in ("continue", "cannot_tell") and pick(got, "harm", model=2, outcome="staff")[0]["value"] == 0


def test_peers_by_survey_rounds_that_name_the_district():
    rng, starts = np.random.default_rng(7), [(d, "2021-02") for d in DISTRICTS[:6]]
    rows = [(y, f"C{d}", d, 1.0, int(rng.random() < 0.5 + 0.3*(y >= 2021 and d in DISTRICTS[:6])), 0) for y in range(2019, 2023) for d in DISTRICTS for _ in range(60)]
    asked = pd.DataFrame(rows, columns=["round", "cluster", "district", "weight", "condom_last", "avoided_care"])
    tables = sites(3, starts) | {"survey": asked[asked["round"] == YEAR]}
    tallies = {y: tally([("D1", d, str(y), 30.0) for d in DISTRICTS]) for y in range(2019, 2023)}
    before = {y: {"survey": asked[asked["round"] == y]} for y in range(2019, YEAR)}
    got = M.rows(R.Year(YEAR, tallies[YEAR], pd.DataFrame(), tables), tallies, before, {3: protocols()[3]})
    e = pick(got, "effect", model=3, outcome="condom_last")[0]
    assert pick(got, "path", model=3, step=8)[0]["method"] == "survey" and e["low"] < 0.3 < e["high"] and e["low"] > 0 and "design effect" in e["notes_en"]


def test_clients_with_some_lost():
    from dataclasses import replace
    from sonla_eval.methods.protocol import Outcome, Protocol
    from sonla_eval.methods.worlds import women
    q = protocols()[1]
    d = women(np.random.default_rng(2), 0.25, n=300)
    d.loc[::15, "condom"] = np.nan
    o = Outcome("condom", "Bao cao su", "Condom", "primary", "clients", item="condom", covariates=("age", "town"), relevant=0.05)
    mine = Protocol(1, q.id, q.vi, q.en, (o, *(replace(h, role="harm") for h in q.of("harm"))), q.raw, q.digest)
    tallies = {y: tally([("D1", x, str(y), 30.0) for x in DISTRICTS]) for y in (2021, 2022)}
    got = M.rows(R.Year(YEAR, tallies[YEAR], pd.DataFrame(), sites(1, [("116", "2021-06")]) | {"clients": d}), tallies, which={1: mine})
    e = pick(got, "effect", model=1, outcome="condom")[0]
    ends = [pick(got, "sensitivity", model=1, outcome="condom", variant=f"lost-{w}")[0]["value"] for w in ("worst", "best")]
    assert pick(got, "path", model=1, step=5)[0]["method"] == "clients" and ends[0] < e["value"] < ends[1] and e["low"] < 0.25 < e["high"]
