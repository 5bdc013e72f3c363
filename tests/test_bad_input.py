"""Bad input: a clear message that names file, sheet and cell, nothing lost, and the report still made where it can be."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from conftest import ROOT, YEAR


def workbook(folder, code): return next((folder/str(YEAR)).glob(f"{code}_*.xlsx"))


def read(folder):
    from sonla_eval.intake.clean import read_year
    return read_year(folder/str(YEAR), YEAR)


def evaluated(folder, work):
    from sonla_eval.publish.year import clean_year, evaluate_year
    clean_year(YEAR, folder, work)
    return evaluate_year(YEAR, work)


def only_years(folder, *years):
    for p in folder.iterdir():
        if p.is_dir() and p.name not in map(str, years): shutil.rmtree(p)


def test_missing_district_widens_the_bounds(months, tmp_path):
    "The report is still made; the district is not reported; the province's bounds widen and nothing is called met."
    only_years(months, 2021, 2022)
    whole = evaluated(months, tmp_path/"whole").set_index("id")
    workbook(months, "119").unlink()
    part = evaluated(months, tmp_path/"part").set_index("id")
    assert (part.loc["C1:C1|119|2022|", "status"]) == "not_reported"
    row = part.loc["C5:C5|14|2022|"]
    assert row["expected"] == 12 and row["reporting"] == 11
    assert row["low"] < whole.loc["C5:C5|14|2022|", "value"] <= row["high"] + 1e-9
    assert not str(part.loc["C1:C1|14|2022|", "status"]).startswith("met")
    assert part.loc["C9:C9|14|2022|", "expected"] - part.loc["C9:C9|14|2022|", "reporting"] >= 29


def test_missing_district_is_named(months):
    workbook(months, "119").unlink()
    q = read(months).queries
    assert (q["unit"].eq("119") & q["severity"].eq("blocks")).any()


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_unreadable_file_is_named_and_the_rest_is_read(months, content):
    path = workbook(months, "120")
    path.write_bytes(content)
    taken = read(months)
    q = taken.queries[taken.queries["file"].eq(path.name)]
    assert q["severity"].eq("blocks").any() and q["rule_vi"].str.len().gt(5).all() and q["rule_en"].str.len().gt(5).all()
    known = taken.records[taken.records["source_file"].ne("")]
    assert known["unit"].str[:3].nunique() > 1 and len(known) > 3000


def spoil(path, wanted, new):
    "Changes the first cell for which wanted(sheet title, cell) holds; returns (sheet, coordinate)."
    wb = openpyxl.load_workbook(path)
    for ws in wb.worksheets:
        for row in ws.iter_rows():
            for cell in row:
                if wanted(ws, cell):
                    where = (ws.title, cell.coordinate)
                    cell.value = new
                    wb.save(path)
                    return where
    raise AssertionError("no such cell")


def beside(code, offset):
    "A cell `offset` columns right of the cell that holds an item code."
    def wanted(ws, cell):
        return cell.column > offset and str(ws.cell(cell.row, cell.column - offset).value) == code and cell.value is not None
    return wanted


def test_text_where_a_number_belongs(months):
    path = workbook(months, "121")
    sheet, at = spoil(path, beside("A1", 3), "nhiều")
    q = read(months).queries
    hit = q[q["file"].eq(path.name) & q["sheet"].eq(sheet) & q["cell"].eq(at)]
    assert len(hit) == 1 and hit["severity"].iloc[0] in ("blocks", "doubtful") and "nhiều" in hit["found"].iloc[0]


def test_total_that_differs_from_its_parts(months):
    path = workbook(months, "122")
    sheet, at = spoil(path, beside("A1", 3), 9999)
    q = read(months).queries
    hit = q[q["file"].eq(path.name) & q["sheet"].eq(sheet)]
    assert hit["found"].astype(str).str.contains("9999|9.999|9,999", regex=True).any()


def test_unit_code_that_contradicts_the_name(months):
    "The code on the cover is wrong, the name is right: the file is used for the unit named, and asked about."
    path = workbook(months, "123")
    spoil(path, lambda ws, c: str(c.value) == "123", "777")
    taken = read(months)
    asked = taken.queries[taken.queries["file"].eq(path.name) & taken.queries["check"].eq("unit.cover")]
    assert len(asked) == 1 and asked["found"].iloc[0] == "777" and asked["severity"].iloc[0] in ("blocks", "doubtful")


def test_unknown_unit(months):
    "Neither code, name nor file name says which unit it is: the file is set aside, the district counts as not reported."
    path = workbook(months, "123")
    wb = openpyxl.load_workbook(path)
    for ws in wb.worksheets:
        for cell in (c for row in ws.iter_rows() for c in row):
            if cell.value == "123": cell.value = "777"
            elif isinstance(cell.value, str): cell.value = cell.value.replace("Huyện Mộc Châu", "Huyện Không Có").replace("Mộc Châu", "Không Có")
    path.unlink()
    path = path.with_name("bao-cao.xlsx")
    wb.save(path)
    taken = read(months)
    assert taken.queries[taken.queries["file"].eq(path.name)]["severity"].eq("blocks").any()
    assert (taken.queries["unit"].eq("123") & taken.queries["severity"].eq("blocks")).any()


def test_a_sheet_copied_from_last_year_is_asked_about(months):
    "The year before is compared, case cohorts of several years included; a register that doubled is named."
    from sonla_eval.intake.clean import read_year
    path = workbook(months, "122")
    spoil(path, beside("A1", 3), 9999)
    last = read_year(months/str(YEAR - 1), YEAR - 1).records
    q = read_year(months/str(YEAR), YEAR, before=last).queries
    assert (q["check"].eq("last_year.jump") & q["file"].eq(path.name)).any()


def test_rows_in_are_rows_used_plus_quarantined(months):
    f = read(months).files
    assert (f["rows_in"] == f["rows_used"] + f["rows_quarantined"]).all() and f["rows_in"].sum() > 3000


def cli(*args):
    done = subprocess.run([sys.executable, "-m", "sonla_eval", *args], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_year_without_a_plan_is_refused(tmp_path, months):
    code, _, err = cli("run", "--year", "2019", "--data", str(months), "--quiet")
    assert code == 2 and "2019" in err and "Traceback" not in err


def test_missing_folder_is_refused():
    code, _, err = cli("run", "--data", "data/nowhere", "--quiet")
    assert code == 2 and "data/nowhere" in err and "Traceback" not in err


def test_mistyped_report_is_refused():
    code, _, err = cli("run", "--only", "provnce", "--quiet")
    assert code == 2 and "provnce" in err and "province" in err


def test_mistyped_parameter_is_refused_before_anything_runs(tmp_path):
    from sonla_eval.publish.engine import ParameterError, execute
    with pytest.raises(ParameterError, match="did you mean 'year'"): execute(ROOT/"nbs"/"reports"/"province.ipynb", {"yaer": 2022})
    with pytest.raises(ParameterError, match="expected int"): execute(ROOT/"nbs"/"reports"/"province.ipynb", {"year": "2022"})
    with pytest.raises(ParameterError, match="one of"): execute(ROOT/"nbs"/"reports"/"province.ipynb", {"lang": "fr"})


def test_mistyped_parameter_is_refused_by_hand_too(tmp_path):
    "papermill itself only warns; the template's first cell refuses."
    done = subprocess.run([sys.executable, "-m", "papermill", "nbs/reports/province.ipynb", str(tmp_path/"o.ipynb"), "-p", "yaer", "2023", "--no-progress-bar"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "yaer" in done.stderr


def test_check_lists_cells_and_says_how_bad(months, tmp_path):
    path = workbook(months, "121")
    spoil(path, beside("A1", 3), "nhiều")
    code, out, err = cli("check", str(months/str(YEAR)), "--out", str(tmp_path/"q"))
    assert code in (1, 2) and "Traceback" not in err and out.strip()
    table = pd.read_csv(tmp_path/"q"/"queries.csv")
    assert {"file", "sheet", "cell", "rule_vi", "rule_en"} <= set(table.columns) and table["file"].eq(path.name).any()
    assert (tmp_path/"q"/"queries.xlsx").stat().st_size > 1000


def test_a_failed_report_is_not_published(built, tmp_path, monkeypatch):
    "One report fails: the others are published, the index says that it is missing, the exit code is 1."
    from sonla_eval.publish import run as R, site
    s, _, _ = built
    shutil.copytree(Path(s.packets)/str(YEAR)/"data", tmp_path/"packets"/str(YEAR)/"data") # the prepared year, so that this run leaves nothing in the shared one
    t = s.__class__(**{**s.__dict__, "site": str(tmp_path/"site"), "packets": str(tmp_path/"packets"), "langs": ("vi",), "editions": ("public",)})
    real = site.page_of
    def broken(nb, r, *a, **k):
        if r.name == "district-116": raise RuntimeError("a broken page")
        return real(nb, r, *a, **k)
    monkeypatch.setattr(site, "page_of", broken)
    done = R.run(t, only=("district-116", "district-118"), progress=False)
    assert done.code == 1 and done.failed[0][0] == "public/vi/district-116" and done.made == ("public/vi/district-118",)
    year = tmp_path/"site"/str(YEAR)
    assert (year/"public/vi/district-118.html").is_file() and not (year/"public/vi/district-116.html").exists()
    assert "district-116" not in json.loads((year/"public/manifest.json").read_text())["outputs"]
    assert "chưa có trang này" in (tmp_path/"site"/"index.html").read_text(encoding="utf-8")
