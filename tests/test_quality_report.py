"""The data-quality report: its counts against a plain recount, its answers, its effects and revisions, and what the public edition must not tell."""
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from conftest import YEAR
from sonla_eval.intake import quality as Q
from sonla_eval.intake.checks import far, run_checks
from sonla_eval.intake.corrections import apply_corrections, read_corrections
from sonla_eval.intake.frame import communes_of, form_items
from sonla_eval.intake.queries import query_table
from sonla_eval.intake.records import as_records, read_records, write_records
from sonla_eval.methods import results as R
from sonla_eval.methods.without_doubt import changes, doubted, left_out, public_changes
from sonla_eval.publish import quality_year as QY

HEADINGS = {"vi": ["Tính đầy đủ và kịp thời", "Tính nhất quán nội tại", "Tính nhất quán với nguồn bên ngoài", "So sánh mẫu số và số liệu dân số"],
            "en": ["Completeness and timeliness", "Internal consistency of reported data", "External consistency", "External comparisons of population data"]}


@pytest.fixture(scope="module")
def work(built):
    s, _, _ = built
    from sonla_eval.publish.year import work_folder
    return work_folder(s.packets, YEAR)


@pytest.fixture(scope="module")
def records(work): return {y: read_records(work/f"records-{y}.parquet") for y in range(YEAR - 3, YEAR + 1)}


@pytest.fixture(scope="module")
def queries(work): return pd.read_parquet(work/"queries.parquet")


@pytest.fixture(scope="module")
def base(records, work): return QY.evaluated(YEAR, records, QY.read_tables(work), True, QY.read_ago(work, YEAR))


def page(built, key): return (built[2]/f"{key}.html").read_text(encoding="utf-8")


def question(check, unit, severity="doubtful", **more):
    row = dict.fromkeys(query_table([]).columns, "") | {"id": f"{check}{unit}", "check": check, "unit": unit, "severity": severity} | more
    return pd.DataFrame([row])


# --- counts -----------------------------------------------------------------------------------------------------

def test_counts_against_a_plain_recount(records, queries):
    now = records[YEAR]
    table = Q.measures(now, queries, YEAR, "indicator").set_index("indicator")
    for code in ("B1a", "C1", "F1", "E5", "R1", "P1"):
        own = now[now["indicator"] == code]
        due = came = zero = 0
        for r in own.itertuples():
            due += 1
            if r.value == r.value:
                came += 1
                zero += r.value == 0
        assert table.loc[code, ["due", "came", "missing", "zero"]].tolist() == [due, came, due - came, zero]
    for by in ("indicator", "unit", "block"):
        whole = Q.measures(now, queries, YEAR, by)
        assert whole["due"].sum() == len(now) and whole["came"].sum() == now["value"].notna().sum()
        assert (whole["on_time"] <= whole["came"]).all() and (whole["missing"] + whole["came"] == whole["due"]).all()


def test_the_late_file_and_the_late_months_count(records, queries):
    unit = Q.measures(records[YEAR], queries, YEAR, "unit").set_index("unit")
    assert unit.loc["128", "completeness"] == 1 and unit["timeliness"].idxmin() == "128"
    timely, now = Q.in_time(records[YEAR], YEAR), records[YEAR]
    late = now[(now["indicator"] == "R1") & (now["value"] == 0)]
    for r in late.itertuples():
        month = (now["unit"] == r.unit) & (now["period"] == r.period) & now["indicator"].map(lambda c: form_items()[c].freq == "M")
        assert not timely[month].any()
    assert not timely[now["value"].isna()].any()


def test_rows_in_any_order_give_the_same(records, queries):
    mixed = records[YEAR].sample(frac=1, random_state=4)
    for by in ("indicator", "unit", "block"):
        pd.testing.assert_frame_equal(Q.measures(mixed, queries, YEAR, by), Q.measures(records[YEAR], queries, YEAR, by))


def test_broken_rules_are_those_that_the_checks_ask_about(records):
    rng, now = np.random.default_rng(5), records[YEAR].copy()
    at = rng.choice(now.index[now["value"].notna() & now["indicator"].isin(["B1a", "B1b", "B4", "C1", "C1p", "E1", "E1u", "E0s", "F1b", "V2", "F2a"])], 60, replace=False)
    now.loc[at, "value"] = rng.integers(0, 60, len(at)).astype(float)
    now.loc[at, "status"] = ["zero" if v == 0 else "reported" for v in now.loc[at, "value"]]
    now = as_records(now)
    found, asked = Q.logic(now), query_table(run_checks(now, YEAR))
    for kind, check in (("within", "order.exceeds"), ("sum", "parts.differ"), ("persons", "logic.persons"), ("nothing", "logic.nothing_but")):
        assert found.loc[found["kind"] == kind, "violated"].sum() == (asked["check"] == check).sum() > 0, kind
    assert (found["violated"] <= found["checked"]).all()


def test_expected_range_is_the_check_s_own_limit():
    rng = np.random.default_rng(6)
    for _ in range(300):
        others = rng.poisson(rng.choice([0.3, 2, 8, 15, 60, 400]), rng.integers(3, 20)).astype(float)
        low, high, rule = Q.expected_range(others)
        assert low <= np.median(others) <= high and rule == ("mad" if np.median(others) >= 20 else "tail")
        assert not far(np.floor(high), others), (others, high)
        assert far(np.floor(high) + 1 + 1e-6*high, others), (others, high)


def test_grades_never_rise_when_things_get_worse():
    order = "ABCD".index
    for came in np.linspace(0, 1, 21):
        for n in range(0, 30, 3):
            assert order(Q.letter(came, n, 100)) <= order(Q.letter(max(came - 0.05, 0), n, 100))
            assert order(Q.letter(came, n, 100)) <= order(Q.letter(came, n + 3, 100))
            assert order(Q.letter(came, n, 100, 20, 20)) <= order(Q.letter(came, n, 100, 20, 15))


def test_rechecks_are_never_more_right_than_looked_at(base, records):
    seen = base[base["measure"].str.endswith(".verified")]
    assert len(seen) > 10 and (seen["value"] <= 1).all()
    total = {c: records[YEAR].loc[records[YEAR]["indicator"] == c, "value"].sum() for c in ("V1", "V2")}
    row = seen[(seen["measure"] == "C5.verified") & (seen["unit"] == "14")].iloc[0]
    assert (row["numerator"], row["denominator"]) == (total["V2"], total["V1"])


# --- answers ----------------------------------------------------------------------------------------------------

def test_corrections_and_reviews_stand_beside_the_outliers(records, tmp_path):
    now = records[YEAR]
    far_off = query_table(run_checks(now, YEAR)).query("check == 'outlier.peers'").iloc[0]
    cell = {"indicator": "B1a", "unit": "116", "period": "2022-05"}
    old = now[(now["indicator"] == "B1a") & (now["unit"] == "116") & (now["period"] == "2022-05")]
    typed = now.copy()
    typed.loc[old.index, "value"] = 900.0
    file = tmp_path/"2022.yaml"
    file.write_text(json.dumps({"version": 1, "year": YEAR, "corrections": [cell | {"expects": 900, "value": float(old["value"].iloc[0]), "who": "province office", "when": "2023-02-09", "why": "two digits too many"}],
                                "reviewed": [{"query": far_off["id"], "who": "province office", "when": "2023-02-11", "why": "a festival was held there"}]}), encoding="utf-8")
    fixes = read_corrections(file, YEAR)
    mended = apply_corrections(as_records(typed), fixes)
    open_ = query_table(fixes.unasked(run_checks(mended, YEAR)))
    tables = Q.assess(mended, open_, YEAR, corrections=file)
    got = tables["outliers"].set_index("reply")
    assert got.loc["right", ["unit", "value", "who"]].tolist() == [far_off["unit"], float(far_off["found"]), "province office"]
    assert got.loc["corrected", "value"] == 900 and got.loc["corrected", "high"] < 900 and "two digits" in got.loc["corrected", "why"]
    assert len(tables["corrected"]) == len(tables["reviewed"]) == 1
    public = Q.for_public(tables)
    told = "".join(t.to_string() for t in public.values())
    assert not any(word in told for word in ("900", "festival", "province office", far_off["unit"], str(far_off["found"])))
    assert public["corrected"]["n"].tolist() == public["reviewed"]["n"].tolist() == [1]


def test_requests_are_the_questions_of_each_district(records, queries):
    asks = Q.requests(queries, YEAR, "to2024").set_index("unit")
    home = {c: d for c, _, _, d in communes_of("to2024")}
    mine = queries[queries["severity"] != "note"]
    for unit, n in mine["unit"].map(lambda u: home.get(u, u)).value_counts().items(): assert asks.loc[unit, "total"] == n
    assert asks["total"].sum() == len(mine) and set(asks["by"]) == {Q.answer_by(YEAR)} == {"2023-02-15"}


# --- effect -----------------------------------------------------------------------------------------------------

def test_left_out_is_what_was_asked_about(records, queries):
    now = records[YEAR]
    hit = now[doubted(now, queries)]
    assert set(hit["indicator"]) == {"F1c", "B1a"} and hit["value"].notna().all()
    without = left_out(now, queries)
    assert len(without) == len(now) and without["value"].notna().sum() == now["value"].notna().sum() - len(hit)
    assert not doubted(now, queries[queries["severity"] == "note"]).any()
    copied = question("copy.month", "123", indicator="B1a", period="2022-04")
    assert set(now[doubted(now, copied)]["period"]) == {"2022-04"} and set(now[doubted(now, copied)]["unit"]) == {"123"}


def test_a_doubt_that_matters_changes_the_status(records, base, work):
    now = records[YEAR]
    case = now[(now["indicator"] == "C1") & (now["value"] > 0)].iloc[0]
    asked = pd.concat([question("outlier.count", "14", indicator="T7", period=str(YEAR)), question("outlier.count", case["unit"], indicator="C1", period=case["period"])])
    moved, n = QY.effect_of_doubt(YEAR, records, QY.read_tables(work), base, asked, True, QY.read_ago(work, YEAR))
    row = moved[moved["measure"] == "A12"].iloc[0]
    assert n == 2 and (row["status_before"], row["status_after"]) == ("met_reported", "not_reported") and row["judged"]
    cases = moved[moved["measure"] == "item:C1"].iloc[0]
    assert cases["value_before"] - cases["value_after"] == case["value"] and cases["sensitive"] # the difference is the district's number
    told = public_changes(moved)
    touchy = moved[moved["sensitive"]]
    assert len(touchy) and told["judged"].sum() == moved["judged"].sum()
    hidden = told[told["sensitive"]]
    assert (hidden["measure"] == "").all() and hidden.filter(regex="_before|_after").replace("", np.nan).isna().all().all()


def test_nothing_in_doubt_nothing_changes(records, base, work):
    moved, n = QY.effect_of_doubt(YEAR, records, QY.read_tables(work), base, query_table([]), True, QY.read_ago(work, YEAR))
    assert n == 0 and moved.empty
    assert changes(base, base.sample(frac=1, random_state=1), YEAR).empty


# --- revisions --------------------------------------------------------------------------------------------------

@pytest.fixture()
def next_year(work, tmp_path):
    "Last year's run as it was left, and this year's folder with last year's tables read again."
    shutil.copytree(work, tmp_path/str(YEAR)/"data")
    here = tmp_path/str(YEAR + 1)/"data"
    (here/"last").mkdir(parents=True)
    for p in work.glob("table-*.parquet"): shutil.copy(p, here/"last"/p.name)
    for p in work.glob("ago-*.parquet"): shutil.copy(p, here/p.name)
    return here


def test_no_earlier_publication_no_revisions(work, records):
    assert QY.revised(YEAR, work, records, True, "internal") is None
    assert not (work/"quality-internal-revisions.parquet").exists() and "revisions" not in QY.read_quality(work, "public")


def test_revisions_name_their_cause(next_year, records):
    now = records[YEAR].copy()
    def put(code, unit, period, value, correction=""):
        at = now.index[(now["indicator"] == code) & (now["unit"] == unit) & (now["period"] == period)]
        now.loc[at, ["value", "status", "correction"]] = [value, "corrected" if correction else "reported", correction]
    was = records[YEAR].query("indicator == 'E5'")
    assert was["value"].isna().sum() == 1
    put("E5", was.loc[was["value"].isna(), "unit"].iloc[0], "2022", 3.0) # a number that had not come
    put("B4", "116", "2022", now.loc[(now["indicator"] == "B4") & (now["unit"] == "116"), "value"].iloc[0] - 1, "2023-05-02 province office: one pledge had run out")
    put("F1c", "03721", "2022-Q2", 234.0)
    table = QY.revised(YEAR + 1, next_year, records | {YEAR: as_records(now)}, True, "internal").set_index("measure")
    assert table.loc["item:E5", ["value_before", "value_after", "cause"]].tolist() == [was["value"].sum(), was["value"].sum() + 3, "late"]
    assert table.loc["C5", "cause"] == "corrected" and table.loc["C5", "numerator_after"] == table.loc["C5", "numerator_before"] - 1
    assert table.loc["item:F1c", "cause"] == "resent" and set(table["cause"]) == {"late", "corrected", "resent"}
    told = QY.revised(YEAR + 1, next_year, records | {YEAR: as_records(now)}, True, "public")
    assert "item:E5" not in set(told["measure"]) and {"C5", "item:F1c"} <= set(told["measure"]) # E5 counts persons


def test_a_changed_definition_is_called_one(next_year, records):
    folder = QY.last_folder(next_year, YEAR + 1)
    old = R.read_results(folder/"results-internal.parquet")
    at = old.index[old["id"] == f"C5:C5|14|{YEAR}|"]
    old.loc[at, ["denominator", "status"]] = [1600.0, "met_reported"]
    R.write_results(old, folder/"results-internal.parquet")
    table = QY.revised(YEAR + 1, next_year, records, True, "internal")
    assert table[["measure", "cause", "status_before", "status_after"]].values.tolist() == [["C5", "definition", "met_reported", "not_met"]]


def test_a_changed_table_is_called_one(next_year, records):
    path = next_year/"last"/"table-cohort.parquet"
    table = pd.read_parquet(path)
    table.loc[table["completed"].notna(), "completed"] = 0
    table.to_parquet(path, index=False)
    causes = QY.revised(YEAR + 1, next_year, records, True, "internal").set_index("measure")["cause"]
    assert set(causes) == {"table"} and causes.index.str.startswith("A6").all()


def test_revisions_make_the_year_out_of_date(next_year, example):
    from sonla_eval.publish.year import year_key
    def key(): return year_key(YEAR + 1, example, 5, next_year)
    before = key()
    folder = QY.last_folder(next_year, YEAR + 1)
    late = read_records(folder/f"records-{YEAR}.parquet")
    late.loc[late["indicator"] == "A1", "value"] += 1
    write_records(late, folder/f"records-{YEAR}.parquet")
    assert key() != before


# --- the pages --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("edition", ["internal", "public"])
def test_page_has_who_s_headings_and_every_part(built, edition, lang):
    html = page(built, f"{edition}/{lang}/quality")
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    found = [next((i for i, h in enumerate(heads) if w in h), -1) for w in HEADINGS[lang]]
    assert -1 not in found and found == sorted(found)
    figures, tables = (set(re.findall(p, html)) for p in (r'<figure id="([a-z0-9-]+)" class="chart"', r'<div class="table-box" id="([a-z0-9-]+)"'))
    assert {"grades", "indicator-grades", "reporting", "units", "sheets", "filled", "zero-missing", "over-time", "lists", "effect"} <= figures
    assert {"indicators", "logic", "logic-rules", "verified", "external", "denominators", "requests", "files"} <= tables
    assert ("queries" in tables) == ("outliers" in figures) == (edition == "internal")
    assert html.count('class="points"') == 1 and len(re.search(r'<ul class="points">(.*?)</ul>', html, re.S)[1].split("</li>")) - 1 == 6


def test_public_page_names_no_cell_and_no_value(built, queries):
    inside, outside = (page(built, f"{e}/en/quality") for e in ("internal", "public"))
    for q in queries[queries["severity"] != "note"].to_dict("records"):
        if q["file"] and q["cell"]: assert f"{q['file']}, {q['sheet']}, {q['cell']}" in inside
        assert f"{q['sheet']}, {q['cell']}" not in outside
    assert "1,234" in inside and "1,234" not in outside and "1234" not in outside


def test_public_tables_hold_counts_only(work):
    public = QY.read_quality(work, "public")
    assert list(public["outliers"].columns) == ["rule", "reply", "n"] and list(public["corrected"].columns) == ["n"]
    assert not {"cell", "value", "found", "who", "zero"} & {c for name in ("indicator", "unit", "outliers", "requests", "corrected", "reviewed") for c in public[name].columns}
    assert "zero" in public["block"] # by sheet, for the whole province


def test_the_grid_tells_the_five_states(built, work):
    from sonla_eval.plan.commitments import load_plan
    from sonla_eval.present.book import Book
    from sonla_eval.present.figures_data import fig_reporting
    results = R.read_results(work/"results-public.parquet")
    states = results.loc[results["measure"] == "dq.report", "breakdown"].value_counts()
    assert {"state=reported", "state=late", "state=zero", "state=missing"} == set(states.index) and states.sum() == 144
    half = results[~((results["measure"] == "dq.report") & (results["period"] > f"{YEAR}-06"))]
    running = fig_reporting(Book(half, load_plan(YEAR), YEAR, lang="en"))
    assert running.headline.endswith("of 72") and (running.data.iloc[:, 2] == "not due").sum() == 72


def test_a_zero_report_is_told_from_public_numbers_alone(work):
    "Whether a district had cases in a month must not follow from the grid."
    results = R.read_results(work/"results.parquet")
    zero = results[(results["measure"] == "dq.report") & (results["breakdown"] == "state=zero")]
    visits = results[results["measure"] == "item:B1a"].set_index(["unit", "period"])["value"]
    assert len(zero) and all(visits[r.unit, r.period] == 0 for r in zero.itertuples())
    public = R.read_results(work/"results-public.parquet").set_index("id")["mask"]
    assert all(public[f":item:B1a|{r.unit}|{r.period}|"] == "" for r in zero.itertuples())
