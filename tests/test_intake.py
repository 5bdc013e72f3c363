"""Reading a year: files beside each other, duplicates, the list that goes back, the store, corrections."""
import csv, json

import pandas as pd
import pytest
from openpyxl import load_workbook

from sonla_eval.intake.checks import check_order, check_parts
from sonla_eval.intake.clean import read_year, summary, write_queries
from sonla_eval.intake.corrections import CorrectionError
from sonla_eval.intake.example import make
from sonla_eval.intake.frame import districts_of, expected
from sonla_eval.intake.form import write_form
from sonla_eval.intake.queries import catalogue
from sonla_eval.intake.records import RecordError, read_records, write_records


@pytest.fixture(scope="module")
def example(tmp_path_factory): return make(tmp_path_factory.mktemp("example"), [2022])


@pytest.fixture(scope="module")
def year(example): return read_year(example, 2022)


def put(folder, unit, values, sent="10/01/2023", name=None):
    here = folder/"2022"
    here.mkdir(exist_ok=True)
    return write_form(2022, unit, here/(name or f"{unit}_bao-cao-2022.xlsx"), values, sent)


def test_every_number_due_has_a_record_and_every_record_its_origin(year):
    assert {d[:3] for d in expected(2022)} <= set(zip(year.records["indicator"], year.records["unit"], year.records["period"]))
    with_value = year.records[year.records["value"].notna()]
    assert (with_value["source_file"] != "").all() and with_value["source_cell"].str.fullmatch(r"[A-Z]+\d+").all()


def test_records_point_at_the_cell_they_come_from(example, year):
    for r in year.records[year.records["status"] == "reported"].sample(60, random_state=1).itertuples():
        cell = load_workbook(example/"2022"/r.source_file, read_only=False)[r.source_sheet][r.source_cell].value
        assert cell == r.value or str(cell).replace(".", "") == str(int(r.value))


def test_rows_in_are_rows_used_and_quarantined(year):
    assert (year.files["rows_in"] == year.files["rows_used"] + year.files["rows_quarantined"]).all() and year.files["rows_in"].min() > 0
    assert year.files["rows_quarantined"].sum() == (year.quarantine["what"] == "row").sum() > 0


def test_reading_twice_gives_the_same(example, year):
    again = read_year(example, 2022)
    pd.testing.assert_frame_equal(again.records, year.records)
    pd.testing.assert_frame_equal(again.queries, year.queries)


def test_a_missing_district_leaves_the_others(example, tmp_path):
    here = tmp_path/"2022"
    here.mkdir()
    for p in (example/"2022").glob("*.xlsx"):
        if not p.name.startswith("120"): (here/p.name).write_bytes(p.read_bytes())
    (here/"119_bao-cao-2022.xlsx").write_bytes(b"\x00\x01\x02 broken")
    got = read_year(tmp_path, 2022)
    assert set(got.queries.loc[got.queries["check"] == "report.missing", "unit"]) == {"119", "120"}
    assert got.records.loc[got.records["unit"] == "120", "status"].isin(["missing", "reported"]).all()
    assert (got.records.query("indicator == 'A1' and unit not in ['119', '120']")["status"] == "reported").all()
    assert "Huyện Mường La" in summary(got) and "119_bao-cao-2022.xlsx" in summary(got, "en")


def test_the_later_of_two_submissions_wins_and_both_are_named(tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20, ("A6", "127", "2022"): 31}, "10/01/2023")
    put(tmp_path, "127", {("A1", "127", "2022"): 22}, "15/01/2023", "127_lan-2.xlsx")
    got = read_year(tmp_path, 2022)
    own = got.records.query("unit == '127' and indicator in ['A1', 'A6']").set_index("indicator")
    assert own["value"].to_dict() == {"A1": 22, "A6": 31}, "a blank in the later file does not wipe out a number"
    q = got.queries[got.queries["check"] == "duplicate.differs"].iloc[0]
    assert q["found"] == "20" and "127_lan-2.xlsx" in q["expected"] and "127_bao-cao-2022.xlsx" == q["file"]
    assert "20" in got.quarantine.loc[got.quarantine["check"] == "duplicate.differs", "content"].tolist()


def test_one_district_in_several_files(tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20}, name="127_a.xlsx")
    put(tmp_path, "127", {("C1", "127", "2022-02"): 1}, name="127_c.xlsx")
    got = read_year(tmp_path, 2022)
    assert got.records.query("unit == '127' and value > 0")["value"].tolist() == [20, 1]
    assert not got.queries["check"].str.startswith("duplicate").any()


def test_queries_workbook_has_a_sheet_for_each_district_and_links(year, tmp_path):
    path = write_queries(year, tmp_path/"queries.xlsx")
    wb = load_workbook(path)
    assert wb.sheetnames[0] == "Tổng hợp" and [s[:3] for s in wb.sheetnames[1:13]] == list(districts_of("to2024"))
    assert all(ws.freeze_panes == "A5" and "dd/mm" in str(ws["A2"].value) or "No questions" in str(ws["A2"].value) for ws in wb)
    sheet = next(ws for ws in wb if ws.title.startswith("119"))
    links = [c.hyperlink.target or c.hyperlink.location for row in sheet.iter_rows() for c in row if c.hyperlink]
    assert links and all("119_bao-cao-2022.xlsx#" in x for x in links)
    with open(tmp_path/"queries.csv", encoding="utf-8-sig", newline="") as f: rows = list(csv.DictReader(f))
    assert len(rows) == len(year.queries) and {"rule_vi", "rule_en", "suggestion_vi", "suggestion_en", "cell"} <= set(rows[0])
    first = path.read_bytes()
    assert write_queries(year, tmp_path/"queries.xlsx").read_bytes() == first


def test_what_the_form_writes_is_read_without_a_question(tmp_path):
    from sonla_eval.intake.sheets import read_tables
    from sonla_eval.intake.workbook import read_book
    for unit in (*districts_of("to2024"), "14"):
        reading = read_tables(read_book(write_form(2023, unit, tmp_path/f"{unit}.xlsx")), 2023)
        assert not reading.queries and reading.unit == unit and reading.rows_quarantined == 0
        assert all(c[4] == "missing" for c in reading.cells)


def test_a_filled_form_comes_back_whole(tmp_path):
    values = {(i, u, p): 3 for i, u, p, _, by in expected(2023) if by == "118" and i not in ("R1",) and not i.startswith(("G1", "P", "V5"))}
    put_path = tmp_path/"2023"
    put_path.mkdir()
    write_form(2023, "118", put_path/"118.xlsx", values, "10/01/2024")
    got = read_year(tmp_path, 2023)
    back = {(r.indicator, r.unit, r.period): r.value for r in got.records.itertuples() if r.value == r.value}
    assert back == values


def test_store_is_atomic_and_checked(year, tmp_path):
    path = write_records(year.records, tmp_path/"clean"/"2022.parquet")
    pd.testing.assert_frame_equal(read_records(path), year.records)
    before = path.read_bytes()
    with pytest.raises(RecordError): write_records(year.records.assign(status="nonsense"), path)
    with pytest.raises(RecordError): write_records(pd.concat([year.records, year.records.tail(1)], ignore_index=True), path)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["2022.parquet"]
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(RecordError): read_records(path)


def test_personal_columns_never_come_in(tmp_path):
    from openpyxl import Workbook
    here = tmp_path/"2022"
    here.mkdir()
    wb = Workbook()
    for row in (["Mã đơn vị", "127"], ["Năm báo cáo", 2022], ["Mã", "Chỉ tiêu", "Cả năm", "Full name", "CCCD", "Địa chỉ", "Ngày sinh", "Phone"], ["A1", "", 21, "Somebody", "014099000001", "Bản Một", "1990-01-01", "0912345678"]):
        wb.active.append(row)
    wb.save(here/"127.xlsx")
    got = read_year(tmp_path, 2022)
    personal = got.queries[got.queries["check"] == "column.personal"]
    assert len(personal) == 5 and (personal["severity"] == "blocks").all()
    everything = got.records.to_csv() + got.queries.to_csv() + got.quarantine.to_csv() + got.files.to_csv()
    for secret in ("Somebody", "014099000001", "Bản Một", "0912345678"): assert secret not in everything


def test_known_faults_of_published_figures():
    def rows(**values):
        return pd.DataFrame([dict(unit="14", era="to2024", period="2022", indicator=k, value=float(v), status="reported", source_file="", source_sheet="", source_cell="", received_on="", correction="") for k, v in values.items()])
    assert [q["expected"].split(" ")[0] for q in check_parts(rows(E1=3194, E2a=632, E2b=9, E2c=792, E2d=31, E2e=1523))] == ["2987"]
    assert [q["expected"].split(" ")[0] for q in check_parts(rows(C1p=22, C1a=8, C1b=8, C1c=5))] == ["21"]
    assert check_order(rows(A1=310, A3=313))[0]["indicator"] == "A3"


def test_corrections_in_a_year(tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20, ("C1", "127", "2022-02"): 1})
    fix = tmp_path/"fix.yaml"
    entry = '  - {{indicator: A1, unit: "127", period: "2022", expects: {}, value: 21, who: "Phòng LĐTBXH", when: "2023-02-01", why: "Đếm lại danh sách"}}\n'
    fix.write_text("version: 1\nyear: 2022\ncorrections:\n" + entry.format(20), encoding="utf-8")
    got = read_year(tmp_path, 2022, corrections=fix)
    row = got.records.query("indicator == 'A1' and unit == '127'").iloc[0]
    assert (row["value"], row["status"]) == (21, "corrected") and "Đếm lại danh sách" in row["correction"] and row["source_cell"]
    fix.write_text("version: 1\nyear: 2022\ncorrections:\n" + entry.format(19), encoding="utf-8")
    with pytest.raises(CorrectionError, match="expects 19.*now holds 20"): read_year(tmp_path, 2022, corrections=fix)
    fix.write_text("version: 1\nyear: 2022\ncorrectons: []\n", encoding="utf-8")
    with pytest.raises(CorrectionError, match="correctons"): read_year(tmp_path, 2022, corrections=fix)


def test_a_reviewed_question_is_not_asked_again(tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20, ("B4", "127", "2022"): 25})
    q = read_year(tmp_path, 2022).queries.query("check == 'order.exceeds'").iloc[0]
    fix = tmp_path/"fix.yaml"
    fix.write_text(f'version: 1\nyear: 2022\nreviewed:\n  - {{query: "{q["id"]}", who: "Phòng LĐTBXH", when: "2023-02-01", why: "Đúng: ký cả cơ sở mới mở"}}\n', encoding="utf-8")
    assert q["id"] not in set(read_year(tmp_path, 2022, corrections=fix).queries["id"])


def test_catalogue_is_bilingual_and_every_check_is_known():
    for name, c in catalogue().items():
        assert c["rule_vi"] != c["rule_en"] and c["suggestion_vi"] != c["suggestion_en"], name
        assert {w for w in c["rule_vi"] if w == "{"} == {w for w in c["rule_en"] if w == "{"}


def test_no_folder_is_said_in_both_languages(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder 2022.*không có thư mục"): read_year(tmp_path, 2022)


def test_example_and_real_files_in_one_folder_are_refused(example, tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20})
    (tmp_path/"2022"/"116.xlsx").write_bytes((example/"2022"/"116_bao-cao-2022.xlsx").read_bytes())
    got = read_year(tmp_path, 2022)
    assert "file.mixed" in set(got.queries["check"])
    assert json.loads(got.quarantine.to_json()) is not None


def test_a_series_over_the_merger_of_2025():
    from sonla_eval.intake.geography import GeographyError, in_geography
    from sonla_eval.intake.records import as_records
    from sonla_eval.plan.units import communes, crosswalk, districts
    def rows(units, era, indicator="F1", value=1.0):
        return as_records(pd.DataFrame([dict(unit=u, era=era, period="2025-Q1" if era != "to2024" else "2024-Q1", indicator=indicator, value=value, status="reported", source_file="", source_sheet="",
                                             source_cell="", received_on="", correction="") for u in units]))
    half = rows(communes("2025H1")["code"], "2025H1")
    half.loc[0, ["value", "status"]] = [float("nan"), "missing"]
    got = in_geography(half, "from2025-07").set_index("unit")
    new = crosswalk().set_index("old_code")["new_code"][half.loc[0, "unit"]]
    assert len(got) == 75 and got["parts"].sum() == 200 and got["value"].isna().sum() == 1 and pd.isna(got.loc[new, "value"])
    old = rows(districts("to2024")["code"], "to2024", "A1", 40.0)
    assert in_geography(pd.concat([old, rows(districts("2025H1")["code"], "2025H1", "A1", 41.0)]), "2025H1")["value"].tolist() == [40.0] * 12 + [41.0] * 12
    for bad, era in ((rows(communes("to2024")["code"], "to2024"), "2025H1"), (old, "from2025-07"), (rows(communes("from2025-07")["code"], "from2025-07"), "2025H1"), (half.assign(indicator="G2"), "from2025-07")):
        with pytest.raises(GeographyError, match=" / "): in_geography(bad, era)


def test_exports_of_other_systems_beside_workbooks(tmp_path):
    put(tmp_path, "127", {("A1", "127", "2022"): 20})
    (tmp_path/"2022"/"dhis2.csv").write_text('"dataelement","period","orgunit","categoryoptioncombo","value","lastupdated"\n"B1a","202203","118","HllvX50cXC0","9","2023-01-09"\n"B1a","202204","118","HllvX50cXC0","7","2023-01-09"\n', encoding="utf-8")
    (tmp_path/"2022"/"dhis2.json").write_text(json.dumps({"dataValues": [{"dataElement": "A1", "period": "2022", "orgUnit": "119", "value": "38"}, {"dataElement": "A1", "period": "2022", "orgUnit": "999", "value": "1"}]}), encoding="utf-8")
    (tmp_path/"2022"/"kobo.csv").write_text("start;nhom/ma_huyen;ky;nhom/B1a;phonenumber;_uuid;_submission_time\n2022-05-01;120;2022-05;4;0912345678;aa;2022-05-02T01:00:00\n", encoding="utf-8")
    got = read_year(tmp_path, 2022)
    back = {(r.indicator, r.unit, r.period): r.value for r in got.records.itertuples() if r.value == r.value}
    assert back == {("A1", "127", "2022"): 20, ("B1a", "118", "2022-03"): 9, ("B1a", "118", "2022-04"): 7, ("A1", "119", "2022"): 38, ("B1a", "120", "2022-05"): 4}
    assert got.queries.loc[got.queries["check"] == "unit.unknown", "found"].tolist() == ["999"]
    assert {"118", "119", "120", "127"}.isdisjoint(got.queries.loc[got.queries["check"] == "report.missing", "unit"])
    assert "0912345678" not in got.records.to_csv() + got.queries.to_csv() + got.quarantine.to_csv()
    assert (got.files["rows_in"] == got.files["rows_used"] + got.files["rows_quarantined"]).all()


def test_without_districts_the_province_fills_in_the_communes(tmp_path):
    from sonla_eval.intake.sheets import read_tables
    from sonla_eval.intake.workbook import read_book
    from sonla_eval.plan.units import communes
    code = communes("from2025-07")["code"].iloc[3]
    reading = read_tables(read_book(write_form(2026, "14", tmp_path/"14.xlsx", {("F1", code, "2026-Q1"): 2})), 2026)
    assert [c[:4] for c in reading.cells if c[3] == c[3]] == [("F1", code, "2026-Q1", 2)] and not reading.queries
    assert {c[1] for c in reading.cells if c[0] == "F1"} == set(communes("from2025-07")["code"])
    with pytest.raises(ValueError, match="không báo cáo"): write_form(2026, "116", tmp_path/"116.xlsx")
