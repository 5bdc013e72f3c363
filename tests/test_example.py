"""The example province: the same seed gives the same bytes, and reading gives the truth back except where a fault stands."""
import hashlib, json

import pytest

from sonla_eval.intake.clean import read_year
from sonla_eval.intake.example import make, true_values
from sonla_eval.intake.frame import expected


def hashes(folder): return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.xlsx")}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory): return make(tmp_path_factory.mktemp("faulty"), [2021, 2022])


@pytest.fixture(scope="module")
def clean(tmp_path_factory): return make(tmp_path_factory.mktemp("clean"), [2022], faults=False)


def test_same_seed_same_bytes(faulty, tmp_path):
    assert hashes(make(tmp_path, [2022])).items() <= hashes(faulty).items()
    assert hashes(make(tmp_path/"other", [2022], seed=7)) != {k: v for k, v in hashes(faulty).items() if k.startswith("2022")}


def test_without_faults_the_records_are_the_truth_and_nothing_is_asked(clean):
    year = read_year(clean, 2022)
    truth = json.loads((clean/"truth.json").read_text(encoding="utf-8"))["years"]["2022"]["values"]
    got = {f"{r.indicator}|{r.unit}|{r.period}": r.value for r in year.records.itertuples() if r.value == r.value}
    assert got == truth
    assert set(year.queries["check"]) <= {"report.late", "outlier.peers"} and len(year.queries) <= 3
    assert year.synthetic and (year.files["rows_quarantined"] == 0).all()


def test_every_fault_is_asked_about_where_it_stands(faulty):
    year = read_year(faulty, 2022)
    log = [f for f in json.loads((faulty/"truth.json").read_text(encoding="utf-8"))["faults"] if f["year"] == 2022]
    assert {f["fault"] for f in log} == {"month_not_sent", "blank_for_zero", "total_differs", "words_for_number", "number_as_text", "unknown_commune"}
    asked = {(q.check, q.file, q.sheet, q.cell) for q in year.queries.itertuples()}
    wants = {"total_differs": "total.differs", "words_for_number": "cell.words", "number_as_text": "cell.text_number"}
    for f in log:
        where = (f["file"], f["sheet"], f["cell"])
        if f["fault"] in wants: assert (wants[f["fault"]], *where) in asked
        if f["fault"] == "unknown_commune": assert ("unit.unknown", f["file"], f["sheet"], "A" + f["cell"][1:]) in asked
        if f["fault"] == "month_not_sent" and f["item"] == "R1": assert ("report.month_missing", *where) in asked
        if f["fault"] == "blank_for_zero":
            r = year.records.query("indicator == @f['item'] and unit == @f['unit'] and period == @f['period']").iloc[0]
            assert r["status"] == "missing" and r["source_cell"] == f["cell"]


def test_a_district_that_sent_nothing_is_missing_not_zero(faulty):
    year = read_year(faulty, 2021)
    own = year.records[year.records["unit"] == "127"]
    assert set(own.loc[own["indicator"] != "L2", "status"]) >= {"missing"} and own.loc[own["indicator"] == "A1", "status"].tolist() == ["missing"]
    assert year.queries.loc[year.queries["check"] == "report.missing", "unit"].tolist() == ["127"]
    assert set(zip(year.records["indicator"], year.records["unit"], year.records["period"])) >= {d[:3] for d in expected(2021)}


def test_scale_and_known_sizes():
    for year, cases in ((2019, 3), (2022, 6)):
        v = true_values(20220301, year)
        assert sum(n for (c, *_), n in v.items() if c == "C1") == cases and 1400 < sum(n for (c, *_), n in v.items() if c == "A1") < 1600
        quarters = {}
        for (c, unit, period), n in v.items():
            if c == "F1": quarters.setdefault(unit, []).append(n)
        share = sum(all(q) for q in quarters.values()) / len(quarters)
        assert len(quarters) == 204 and 0.75 < share < 0.96
    pledges = [v["B4", d, "2022"] / v["A1", d, "2022"] for (c, d, _) in v if c == "A1"]
    assert min(pledges) >= 0.95 and any(p < 1 for p in pledges) and sum(p == 1 for p in pledges) >= 6


def test_people_never_stand_with_a_place(clean):
    from sonla_eval.intake.frame import TABLES
    for table, columns in TABLES.items():
        names = {c for c, *_ in columns}
        assert not ({"person", "key", "round"} & names and "district" in names), table
    assert {"F", "C"} and not (set(read_year(clean, 2022).tables["survey"].columns) & {"age", "district", "name"})
