"""The store of clean years and the command that reads it; series in the geography of any date; the half years of 2025."""
import json

import pandas as pd
import pytest
from openpyxl import load_workbook

from sonla_eval.cli import main
from sonla_eval.intake.clean import by_district, read_year, requests
from sonla_eval.intake.form import write_form
from sonla_eval.intake.frame import expected, reporting
from sonla_eval.intake.geography import series
from sonla_eval.intake.records import RecordError, about_records, as_records, read_records
from sonla_eval.intake.store import find_current, keep, store_path, stored, year_key, year_records
from sonla_eval.plan.units import ERAS, communes, crosswalk, districts


@pytest.fixture()
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("SONLA_EVAL_CLEAN", str(tmp_path/"clean"))
    return tmp_path/"clean"


@pytest.fixture()
def raw(tmp_path):
    here = tmp_path/"raw"/"2022"
    here.mkdir(parents=True)
    write_form(2022, "127", here/"127_bao-cao-2022.xlsx", {("A1", "127", "2022"): 21, ("C1", "127", "2022-02"): 1, ("F1", "04225", "2022-Q1"): 2}, "10/01/2023")
    return tmp_path/"raw"


def test_a_year_is_kept_once_and_made_again_when_it_changes(store, raw):
    calls = []
    first, made_up = year_records(raw, 2022, lambda *n: calls.append(n))
    assert not made_up and calls == [(1, 1)] and about_records(store/"2022.parquet")["year"] == 2022
    again, _ = year_records(raw, 2022, lambda *n: calls.append(n))
    assert again.equals(first) and len(calls) == 1 and read_records(store/"2022.parquet").equals(first)
    write_form(2022, "127", raw/"2022"/"127_bao-cao-2022.xlsx", {("A1", "127", "2022"): 22}, "10/01/2023")
    assert find_current(raw, 2022) is None
    changed, _ = year_records(raw, 2022, lambda *n: calls.append(n))
    assert len(calls) == 2 and changed.query("indicator == 'A1' and unit == '127'")["value"].tolist() == [22]
    assert sorted(p.name for p in store.iterdir()) == ["2022.parquet"], "nothing half written is left"


def test_a_correction_makes_the_stored_year_stale(store, raw, monkeypatch, tmp_path):
    year_records(raw, 2022)
    before = year_key(raw, 2022)
    import sonla_eval.intake.store as module
    fixes = tmp_path/"corrections"/"2022.yaml"
    fixes.parent.mkdir()
    fixes.write_text("version: 1\nyear: 2022\n")
    real = module.data_path
    monkeypatch.setattr(module, "data_path", lambda *parts: fixes if parts == ("corrections", "2022.yaml") else real(*parts))
    assert year_key(raw, 2022) != before and find_current(raw, 2022) is None


def test_the_example_never_stands_in_for_the_real_year(store, raw, example):
    year_records(raw, 2022)
    real = (store/"2022.parquet").read_bytes()
    made, made_up = year_records(example, 2022)
    assert made_up and (store/"2022.parquet").read_bytes() == real and (store/"example"/"2022.parquet").is_file()
    (store/"2022.parquet").write_bytes((store/"example"/"2022.parquet").read_bytes())
    with pytest.raises(RecordError, match="delete it.*xóa"): stored(2022, False)
    with pytest.raises(RecordError): find_current(example, 2022)


def test_a_run_writes_the_store_and_keeps_its_own_copy(built, monkeypatch):
    s, report, _ = built
    from pathlib import Path
    monkeypatch.setenv("SONLA_EVAL_CLEAN", str(Path(s.packets).parent/"clean"))
    work = Path(s.packets)/"2022"/"data"
    assert report.code == 0 and stored(2022, True)[0].equals(read_records(work/"records-2022.parquet"))
    assert list(pd.read_parquet(work/"reviewed.parquet").columns)[-3:] == ["who", "when", "why"]


def test_the_command_prints_and_exports(store, raw, capsys, tmp_path):
    ask = lambda *words: (main(["records", "--data", str(raw), "--year", "2022", *words]), capsys.readouterr())
    code, said = ask("--unit", "Huyện Sốp Cộp", "--indicator", "số vụ được phát hiện, triệt phá", "--status", "reported")
    assert code == 0 and "127_bao-cao-2022.xlsx C Vụ việc!E5" in said.out and said.out.count("2022-") == 1
    code, said = ask("--indicator", "A1", "--lang", "en", "--rows", "2")
    assert "10 more rows" in said.out and "118 Huyện Quỳnh Nhai" in said.out and "missing" in said.out
    for words, hint in ((("--indicator", "A99"), "near"), (("--unit", "Sốp Cộpp"), "Sốp Cộp"), (("--period", "2022-13"), "not a period"), (("--geography", "hôm nay"), "no date"), (("--out", str(tmp_path/"x.pdf")), ".parquet")):
        code, said = ask(*words)
        assert code == 2 and hint in said.err and said.err.count("\n") == 1
    with pytest.raises(SystemExit): main(["records", "--status", "nonsense"])
    assert "missing" in capsys.readouterr().err
    code, said = (main(["records", "--data", str(raw), "--year", "2019"]), capsys.readouterr())
    assert code == 2 and "no workbooks of 2019" in said.err
    for name in ("x.csv", "x.xlsx", "x.parquet"): assert ask("--indicator", "A1", "--out", str(tmp_path/name))[0] == 0
    assert len(read_records(tmp_path/"x.parquet")) == 12 and len(pd.read_csv(tmp_path/"x.csv")) == 12
    assert [c.value for c in load_workbook(tmp_path/"x.xlsx")["records"][1]][-2:] == ["indicator_name", "unit_name"]


def test_text_in_an_export_is_never_a_formula(store, raw, tmp_path, capsys):
    taken = read_year(raw, 2022)
    keep(type(taken)(**{**taken.__dict__, "records": taken.records.assign(source_sheet="=1+1")}), year_key(raw, 2022))
    for name in ("x.csv", "x.xlsx"): main(["records", "--data", str(raw), "--year", "2022", "--indicator", "A1", "--out", str(tmp_path/name)])
    assert ",=1+1" not in (tmp_path/"x.csv").read_text(encoding="utf-8-sig")
    assert not [c for row in load_workbook(tmp_path/"x.xlsx")["records"].iter_rows() for c in row if c.data_type == "f"]


def records_of(indicator, era, period, value=1.0):
    blank = dict(status="reported", source_file="", source_sheet="", source_cell="", received_on="", correction="", value=value)
    codes = communes(era)["code"] if indicator in ("F1", "G1a", "G2") else districts(era)["code"]
    return as_records(pd.DataFrame([blank | dict(unit=c, era=era, period=period, indicator=indicator) for c in codes]))


@pytest.mark.parametrize("era", list(ERAS))
def test_nothing_is_lost_and_nothing_invented_in_any_geography(era):
    years = pd.concat([records_of("F1", "to2024", "2024-Q4"), records_of("F1", "2025H1", "2025-Q1"), records_of("F1", "from2025-07", "2025-Q4")])
    size = {"2024-Q4": 204, "2025-Q1": 200, "2025-Q4": 75}
    for level in ("C", "D", "P", ""):
        told = series(years, era, level)
        total = told.table.groupby("period")["value"].sum().to_dict()
        for period, n in size.items():
            whole = total.get(period) == n
            assert whole or any(vi.startswith(period) and en.startswith(period) for vi, en in told.notes), (era, level, period)
            assert total.get(period, 0) <= n
    assert series(years, era, "P").table["value"].tolist() == [204, 200, 75] and not series(years, era, "P").refused


def test_known_answers_over_2025():
    half = records_of("F1", "2025H1", "2025-Q2")
    told = series(half, "from2025-07")
    parts = crosswalk().groupby("new_code").size().to_dict()
    assert dict(zip(told.table["unit"], told.table["value"])) == parts and told.level == "C" and not told.notes
    over = series(pd.concat([records_of("F1", "to2024", "2024-Q4"), half]), "2025H1")
    assert over.level == "D" and len(over.table) == 24 and "districts did not change" in over.notes[0][1]
    late = series(records_of("F1", "from2025-07", "2025-Q4"), "to2024", "D")
    assert late.table["unit"].nunique() == 10 and "Chiềng Sơn" in late.notes[0][0]
    for records, era, level, reason in ((records_of("A1", "to2024", "2024"), "from2025-07", "", "none"), (records_of("F1", "to2024", "2024-Q4"), "from2025-07", "", "split"),
                                        (records_of("F1", "from2025-07", "2025-Q4"), "2025H1", "C", "back"), (records_of("A1", "to2024", "2024"), "to2024", "C", "below")):
        got = series(records, era, level)
        assert got.table.empty and got.refused == (reason,) and len(got.notes) == 1
    with pytest.raises(ValueError, match="none of"): series(half, "2031")


def test_a_series_for_one_unit_from_the_command(store, tmp_path, capsys):
    here = tmp_path/"raw"/"2025"
    here.mkdir(parents=True)
    own, new = communes("2025H1").query("district == '127'")["code"].tolist(), crosswalk().set_index("old_code")["new_code"]
    write_form(2025, "127", here/"127_bao-cao-2025.xlsx", {("F1", c, q): 2 for c in own for q in ("2025-Q1", "2025-Q2")}, "10/07/2025")
    unit = new[own[0]]
    n = int((new == unit).sum())
    code = main(["records", "--data", str(tmp_path/"raw"), "--year", "2025", "--unit", unit, "--indicator", "F1", "--geography", "2025-07-01", "--status", "reported", "--lang", "en", "--out", str(tmp_path/"s.csv")])
    got = pd.read_csv(tmp_path/"s.csv", dtype={"unit": str})
    assert code == 0 and dict(zip(got["period"], got["value"])) == {"2025-Q1": 2 * n, "2025-Q2": 2 * n} and set(got["parts"]) == {n}


def test_the_halves_of_2025_come_back_whole(tmp_path):
    here = tmp_path/"2025"
    here.mkdir()
    due = [d for d in expected(2025) if d[4] == "127" and not d[0].startswith("R")]
    first = {d[:3]: 1 for d in due}
    last = {d[:3]: 1 for d in expected(2025) if d[3] == "from2025-07" and d[0] in ("F1", "F1b", "F1c", "G1a", "G1b", "G2")}
    write_form(2025, "127", here/"127.xlsx", first, "10/07/2025")
    write_form(2025, "14", here/"tinh.xlsx", last, "10/01/2026")
    got = read_year(tmp_path, 2025)
    back = {(r.indicator, r.unit, r.period): r.value for r in got.records.itertuples() if r.value == r.value}
    assert first and back == first | last and {p for _, _, p in first} == {f"2025-{m:02d}" for m in range(1, 7)} | {"2025-Q1", "2025-Q2"}
    assert set(got.queries.loc[got.queries["check"] == "report.missing", "unit"]) == set(reporting(2025)) - {"127"}
    with pytest.raises(ValueError, match="không báo cáo"): write_form(2026, "127", tmp_path/"x.xlsx")


def test_who_is_asked_for_how_much_and_by_when(example):
    year = read_year(example, 2022)
    table = requests(year).set_index("unit")
    assert table[["blocks", "doubtful", "note"]].sum().sum() == len(year.queries) and table["due"].sum() == len(year.records)
    assert set(table["reply_by"]) == {"2023-02-15"} and "01/03/2023" in by_district(year, "vi", "2023-03-01")


def test_what_was_reviewed_is_kept_with_its_cell(tmp_path):
    (tmp_path/"2022").mkdir()
    write_form(2022, "127", tmp_path/"2022"/"127.xlsx", {("A1", "127", "2022"): 20, ("B4", "127", "2022"): 25}, "10/01/2023")
    q = read_year(tmp_path, 2022).queries.query("check == 'order.exceeds'").iloc[0]
    fix = tmp_path/"fix.yaml"
    fix.write_text(json.dumps({"version": 1, "year": 2022, "reviewed": [{"query": q["id"], "who": "Phòng LĐTBXH", "when": "2023-02-01", "why": "Đúng: ký cả cơ sở mới mở"}]}), encoding="utf-8")
    got = read_year(tmp_path, 2022, corrections=fix).reviewed
    assert len(got) == 1 and got.iloc[0][["unit", "file", "sheet", "cell", "value", "who", "when", "why"]].tolist() == ["127", "127.xlsx", q["sheet"], q["cell"], "25", "Phòng LĐTBXH", "2023-02-01", "Đúng: ký cả cơ sở mới mở"]
    assert read_year(tmp_path, 2022).reviewed.empty
