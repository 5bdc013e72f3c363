"""The published figures: typed without loss, and the general rules find the faults known from reading them."""
import csv, os, random, re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("SONLA_EVAL_PROJECT", str(ROOT))

from sonla_eval.plan import published as pub
from sonla_eval.plan.datafile import PlanError

SOURCE = ROOT / "data" / "published" / "figures.csv"
SHARED = Path(os.environ.get("SONLA_EVAL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def rows():
    with open(SOURCE, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def has(faults, **want):
    hits = faults
    for key, value in want.items():
        hits = hits[hits[key] == value]
    return len(hits)


# --- typing -----------------------------------------------------------------------------------------------------

def test_nothing_is_lost():
    table, source = pub.figures(), rows()
    assert len(table) == len(source) == 259
    for typed, raw in zip(table.itertuples(), source):
        assert (typed.place, typed.indicator, typed.value, typed.year_text, typed.unit_text, typed.source_url) == (
            raw["place"], raw["indicator"], float(raw["value"]), raw["year"], raw["unit"], raw["source_url"])


def test_source_table_is_the_shared_one():
    path = SHARED / "domain" / "published_figures.csv"
    if not path.exists():
        pytest.skip("published_figures.csv is not beside the project")
    assert path.read_bytes() == SOURCE.read_bytes()


def test_years_and_hedges():
    table = pub.figures()
    for row in table.itertuples():
        years = [int(y) for y in re.findall(r"(?:19|20)\d\d", row.year_text)]
        assert pd.isna(row.year_from) == (not years)
        if years:
            assert row.year_from in years and row.year_to in years and row.year_from <= row.year_to
        assert row.approx == bool(re.search(r"approx|more than|nearly|over", row.unit_text.replace("conflicts", "")))
        assert row.dated == (not row.year_text.startswith(("unknown", "c.")))
    assert not table.source_title.str.contains("seed").any()


@pytest.mark.parametrize("text, want", [
    ("2019", (2019, 2019, "2019", "", True)), ("2024-09-30", (2024, 2024, "2024-09-30", "", True)), ("2016-2020", (2016, 2020, "2016-2020", "", True)),
    ("2022 (H1 for services; period as in source)", (2022, 2022, "2022", "H1 for services; period as in source", True)),
    ("unknown (between 2016 and 2020)", (2016, 2020, "", "between 2016 and 2020", False)), ("unknown", (None, None, "", "", False)),
    ("c.2004", (2004, 2004, "2004", "", False)), ("2014 (H1, 59/63 provinces)", (2014, 2014, "2014", "H1, 59/63 provinces", True))])
def test_periods(text, want):
    p = pub.parse_period(text)
    assert (p.year_from, p.year_to, p.text, p.note, p.dated) == want


@pytest.mark.parametrize("text", ["", "soon", "20199", "2020-2016", "19", "2019/06"])
def test_bad_periods(text):
    with pytest.raises(ValueError):
        pub.parse_period(text)


def test_units():
    u = pub.parse_unit("persons (95% CI 2445-3014)")
    assert (u.unit, u.low, u.high, u.bound) == ("persons", 2445, 3014, "")
    assert [pub.parse_unit(f"x ({n})").bound for n in ("more than", "nearly", "approx.", "approx., 'over 25'", "lượt")] == [">", "<", "~", ">", ""]


def test_labels_in_both_languages():
    indicators, places = pub.labels()
    for label in [*indicators.values(), *places.values()]:
        assert label.vi and label.en
    assert len({label.vi for label in indicators.values()}) == len(indicators) == 134
    assert len({label.en for label in indicators.values()}) == 134


# --- malformed --------------------------------------------------------------------------------------------------

def project(tmp_path, monkeypatch, **changed):
    """A copy of the data folder with some files' text changed."""
    root = tmp_path / "project"
    for path in (ROOT / "data").rglob("*.*"):
        if path.parent.name in ("published", "plan", "schema", "indicators"):
            to = root / path.relative_to(ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            to.write_text(changed[path.stem](text) if path.stem in changed else text, encoding="utf-8")
    (root / "settings.ini").write_text("", encoding="utf-8")
    monkeypatch.setenv("SONLA_EVAL_PROJECT", str(root))


@pytest.mark.parametrize("old, new, line, reason", [
    (",1512,establishments,", ",about 1512,establishments,", 2, "could not convert"),
    ("Sơn La,province,2019-06,establishments_lodging", "Sơn La,province,mid-2019,establishments_lodging", 3, "is not a year"),
    ("Sơn La,province,2019-06,establishments_lodging", "Sơn La,province,2019-06,establishments_lodgings", 3, "has no label"),
    ("Sơn La,province,2019-06,establishments_lodging", "Sơn Lá,province,2019-06,establishments_lodging", 3, "has no label"),
    ("Sơn La,province,2019-06,establishments_lodging", "Sơn La,commune,2019-06,establishments_lodging", 3, "is none of"),
    ("https://tiengchuong.chinhphu.vn/Mai-dam/Son-La-Truyen-thong", "tiengchuong/Mai-dam/Son-La-Truyen-thong", 2, "address of its source")])
def test_a_bad_row_is_told_by_line(tmp_path, monkeypatch, old, new, line, reason):
    project(tmp_path, monkeypatch, figures=lambda t: t.replace(old, new, 1))
    with pytest.raises(PlanError) as err:
        pub.figures()
    assert (err.value.file, err.value.line) == ("data/published/figures.csv", line) and reason in err.value.reason


def test_stated_components_must_match_a_figure(tmp_path, monkeypatch):
    project(tmp_path, monkeypatch, parts=lambda t: t.replace('place: "Hòa Bình"', 'place: "Lào Cai"'))
    with pytest.raises(PlanError, match="match no figure"):
        pub.check_figures()


def test_an_unknown_rule_is_refused(tmp_path, monkeypatch):
    project(tmp_path, monkeypatch, parts=lambda t: t.replace("rule: at_most", "rule: below", 1))
    with pytest.raises(PlanError, match="none of"):
        pub.check_figures()


# --- the known faults -------------------------------------------------------------------------------------------

def test_known_faults_are_found():
    f = pub.check_figures()
    assert has(f, check="two_sources", place="Yên Bái", found=23.0, expected=39.0) == 1
    assert has(f, check="stated_sum", place="Hòa Bình", found=21.0, expected=22.0) == 1
    assert has(f, check="parts_total", place="Việt Nam", found=2987.0, expected=3194.0) == 1
    assert has(f, check="two_sources", place="Sơn La", found=1513.0, expected=1512.0, period="2019") == 1
    assert has(f, check="two_sources", place="Sơn La", found=310.0, expected=313.0, period="2019") == 1
    assert has(f, check="two_sources", indicator="target_communes_with_communication", found=85.0, expected=90.0, period="2019") == 1
    assert has(f, check="definition_jump", place="Việt Nam", found=126833.0, expected=76037.0, period="2020-2022") == 1
    assert has(f, check="definition_jump", place="Việt Nam", found=99859.0, expected=126833.0, period="2022-2024") == 1
    assert has(f, check="definition_jump", place="Hòa Bình", found=1115.0, expected=305.0) == 1
    assert has(f, check="one_quantity", place="Việt Nam", found=300000.0, expected=15000.0) == 1


def test_what_agrees_is_not_reported():
    f = pub.check_figures()
    assert not has(f, indicator="establishments_lodging", place="Sơn La") and not has(f, indicator="establishment_staff_total")
    assert not has(f, check="derived_sum") and not has(f, place="Lào Cai") and not has(f, place="Hà Nội")
    assert not has(f, check="parts_total", place="Sơn La")
    assert len(f) == 20


def test_every_fault_is_cited_and_said_twice():
    table = pub.figures().set_index("line")
    for row in pub.check_figures().itertuples():
        assert row.check in pub.CHECKS and row.found != row.expected
        assert row.lines and set(table.source_url[list(row.lines)]) == set(row.urls) and len(row.urls) == len(row.sources)
        assert row.reading_vi and row.reading_en and row.reading_vi != row.reading_en and "{" not in row.reading_vi + row.reading_en


def test_faults_do_not_depend_on_row_order():
    want = pub.check_figures()
    for seed in range(3):
        assert pub.check_figures(pub.figures().sample(frac=1, random_state=seed)).equals(want)


# --- the rules are general --------------------------------------------------------------------------------------

def changed(**by_line):
    table = pub.figures()
    for line, value in by_line.items():
        table.loc[table.line == int(line[1:]), "value"] = value
    return pub.check_figures(table)


def new_rows(faults):
    return faults[~faults.reading_en.isin(pub.check_figures().reading_en)]


def test_a_new_break_of_parts_is_found():
    new = new_rows(changed(l82=1081.0))  # Lào Cai lodging
    assert list(new.check) == ["parts_total"] and (new.found.iloc[0], new.expected.iloc[0]) == (1770, 1769)


def test_a_hidden_excess_of_named_kinds_is_found():
    new = new_rows(changed(l138=2000.0))  # Thanh Hóa karaoke: the kinds named exceed the total
    assert list(new.check) == ["parts_total"] and new.found.iloc[0] == 3432


def test_a_new_derived_sum_is_found():
    table = pub.figures()
    derived = table[table.derived.map(bool)]
    assert list(derived.value) == [7, 22]
    new = new_rows(changed(**{f"l{derived.line.iloc[0]}": 8.0}))
    assert list(new.check) == ["derived_sum"] and (new.found.iloc[0], new.expected.iloc[0]) == (7, 8)


def test_mending_a_fault_removes_its_row():
    base = pub.check_figures()
    mended = changed(l10=1512.0, l12=313.0, l14=442.0)
    gone = base[~base.reading_en.isin(mended.reading_en)]
    assert len(mended) == len(base) - 3 and set(gone.place) == {"Sơn La"}


@pytest.mark.parametrize("late, suspected", [(1200.0, True), (1210.0, False), (1512.0, False), (1890.0, False), (1891.0, True)])
def test_jump_is_symmetric_and_at_a_quarter(late, suspected):
    """A register of 1,512 in 2019 against another value five years on; 1,890 is exactly a quarter more."""
    table = pub.figures()
    row = table[table.line == 2].assign(line=1000, year_from=2024, year_to=2024, period="2024", value=late)
    faults = pub.check_figures(pd.concat([table[table.line != 10], row]))
    jumps = faults[(faults.check == "definition_jump") & (faults.place == "Sơn La")]
    assert len(jumps) == suspected


def test_hedged_values_allow_what_they_say():
    exact = {"value": 100.0, "bound": ""}
    for bound, value, agrees in ((">", 50.0, True), (">", 150.0, False), ("<", 105.0, True), ("<", 95.0, False), ("~", 108.0, True), ("~", 130.0, False), ("", 100.0, True), ("", 101.0, False)):
        assert pub._agree(exact, {"value": value, "bound": bound}, 0.1) == agrees, (bound, value)


def test_random_data_without_conflicts_is_silent():
    """Fifty made-up registers that move slowly and add up bring no row."""
    rng, out, template = random.Random(7), [], pub.figures().iloc[0].to_dict()
    for i, year in enumerate(range(2000, 2050)):
        parts = [rng.randint(100, 110) for _ in range(4)]
        names = ["establishments_lodging", "establishments_karaoke_massage", "establishments_dance_bar", "establishments_other"]
        for j, (name, value) in enumerate([*zip(names, parts), ("establishments_total", sum(parts))]):
            out.append({**template, "line": 10*i + j, "indicator": name, "value": float(value), "year_from": year, "year_to": year, "period": str(year), "year_text": str(year)})
    faults = pub.check_figures(pd.concat([pub.figures()[lambda t: t.line == 124], pd.DataFrame(out)]))
    assert list(faults.check) == ["stated_sum"]


# --- charts -----------------------------------------------------------------------------------------------------

def test_series_and_neighbours():
    s = pub.series("Sơn La", "establishments_total")
    assert list(s.value) == [1513, 1512, 1463] and list(s.conflict) == [True, True, False] and list(s.dated) == [True, True, False]
    n = pub.series("Việt Nam", "establishments_total")
    assert list(n.jump) == [False, True, True, True] and not n.conflict.any()
    near = pub.neighbours()
    assert set(near.place) == {"Sơn La", "Lào Cai", "Hòa Bình", "Tuyên Quang", "Thanh Hóa"} and near.source_url.str.startswith("http").all()
    assert pub.neighbours("population").empty
    with pytest.raises(KeyError):
        pub.series("Sơn La", "no_such_indicator")
