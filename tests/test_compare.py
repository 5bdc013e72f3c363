"""compare: two runs, two years, two versions of the code, before and after a correction; nothing internal on a public page."""
import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from conftest import ROOT, YEAR
from sonla_eval.methods import results as R
from sonla_eval.plan.commitments import load_plan
from sonla_eval.protect.suppress import protect
from sonla_eval.publish import compare as C
from sonla_eval.publish import differences as D
from sonla_eval.publish import packet as P
from sonla_eval.publish import sides as S
from sonla_eval.publish.site import reports

FORM, PLAN = ROOT/"data"/"indicators"/"form.yaml", ROOT/"data"/"plan"/f"{YEAR}.yaml"


@pytest.fixture(scope="module")
def read(example):
    "Records and tables of the example's years, read once."
    from sonla_eval.intake.clean import read_year
    out, before = {}, None
    for y in (YEAR - 1, YEAR):
        out[y] = read_year(example/str(y), y, before=before)
        before = out[y].records
    return out


def made_from(**more) -> dict:
    "What a packet of this year would list."
    p = dict(id="a"*64, year=YEAR, source={"sonla_eval/methods/results.py": "1"}, definitions={f"data/plan/{YEAR}.yaml": "2", "data/units/communes.csv": "3"}, inputs={f"{YEAR}/119.xlsx": "4"},
             lock={"sha256": "", "versions": {"pandas": "3"}}, parameters={"threshold": 5, "year": YEAR, "langs": ["vi"], "seed": 1})
    return p | more


def side(read, records=None, year=YEAR, plan=None, packet=None, edition="internal", form=None, plan_text=None, name="a") -> S.Side:
    "A side evaluated from records in this process."
    taken = read[year]
    records = taken.records if records is None else records
    tallies = {year: R.counts(records, year)}
    y = R.Year(year, tallies[year], records, taken.tables, None, True, frozenset())
    results = protect(R.evaluate(plan or replace(load_plan(YEAR), year=year), y), edition)
    text = (plan_text or PLAN.read_text(encoding="utf-8"), form or FORM.read_text(encoding="utf-8"))
    return S.Side(name, year, edition, results, True, packet or made_from(), records, D.read_definitions(*text), {k: "0" for k in taken.tables}, {})


@pytest.fixture(scope="module")
def base(read): return side(read)


def changed_records(read, value):
    "B4 of district 119 becomes another number, as it would if the workbook were sent again."
    records = read[YEAR].records.copy()
    at = records.index[(records["indicator"] == "B4") & (records["unit"] == "119")][0]
    records.loc[at, "value"] = value
    return records, records.loc[at]


def rows_of(c, measure, unit="14"):
    r = c.rows[(c.rows["measure"] == measure) & (c.rows["unit"] == unit)]
    assert len(r) == 1, (measure, unit, len(r))
    return r.iloc[0]


def test_the_same_twice_differs_in_nothing(base):
    c = S.compare(P.Archive(Path("nowhere")), base, base)
    assert len(c.rows) == len(c.cells) == 0 and c.compared > 5000
    assert C.w("same", "en") in C.page_html(c, "en")


def test_one_changed_cell_is_followed_to_the_province(read, base):
    records, cell = changed_records(read, 100.0)
    b = side(read, records, packet=made_from(id="b"*64, inputs={f"{YEAR}/119.xlsx": "5"}))
    c = S.compare(P.Archive(Path("nowhere")), base, b)
    assert set(c.rows["causes"]) == {"data"}
    assert {("item:B4", "14"), ("item:B4", "119"), ("C5", "14"), ("C5", "119")} <= set(zip(c.rows["measure"], c.rows["unit"]))
    assert set(c.rows["unit"]) <= {"14", "119"}
    r = rows_of(c, "C5")
    told = c.cells.iloc[list(r["cells"])]
    assert told[["file", "sheet", "cell", "new"]].values.tolist() == [[cell["source_file"], cell["source_sheet"], cell["source_cell"], 100.0]]
    html = C.page_html(c, "vi")
    assert f"{cell['source_file']}, {cell['source_sheet']}, {cell['source_cell']}" in html and "số liệu" in html


def test_a_correction_is_told_from_new_data(read, base):
    from sonla_eval.intake.corrections import Corrections, apply_corrections
    records, cell = changed_records(read, float(read[YEAR].records.query("indicator == 'B4' and unit == '119'")["value"].iloc[0]))
    entry = dict(indicator="B4", unit="119", period=str(YEAR), expects=float(cell["value"]), value=100, who="an officer", when="2023-02-01", why="the register was counted twice")
    fixed = apply_corrections(records, Corrections("2022.yaml", (entry,), {}))
    b = side(read, fixed, packet=made_from(id="b"*64, definitions=made_from()["definitions"] | {f"data/corrections/{YEAR}.yaml": "6"}))
    c = S.compare(P.Archive(Path("nowhere")), base, b)
    assert set(c.rows["causes"]) == {"correction"} and c.cells["kind"].tolist() == ["correction"]
    assert "counted twice" in c.cells["why"].iloc[0] and "đính chính" in C.page_html(c, "vi")


def test_another_target_is_a_definition(read, base):
    text = PLAN.read_text(encoding="utf-8")
    part = text[text.index("\n  C5:"):]
    now = text.replace(part, re.sub(r"(target:\s*\{[^}]*value: )[\d.]+", r"\g<1>0.5", part, count=1))
    assert now != text
    plan = load_plan(YEAR)
    less = replace(plan, commitments=plan.commitments | {"C5": replace(plan.commitments["C5"], target=replace(plan.commitments["C5"].target, value=0.5))})
    b = side(read, plan=less, plan_text=now, packet=made_from(id="b"*64, definitions=made_from()["definitions"] | {f"data/plan/{YEAR}.yaml": "7"}))
    c = S.compare(P.Archive(Path("nowhere")), base, b)
    assert set(c.rows["causes"]) == {"definition"} and set(c.rows["commitment"]) == {"C5"}
    assert c.moved == {"C5": ["target"]} and "status" in set(c.rows["change"])


def test_other_code_alone_is_code(read, base):
    b = replace(base, packet=made_from(id="b"*64, source={"sonla_eval/methods/results.py": "9"}), results=base.results.assign(value=base.results["value"].where(base.results["measure"].ne("C5"), base.results["value"]/2)))
    c = S.compare(P.Archive(Path("nowhere")), base, b)
    assert set(c.rows["causes"]) == {"code"} and set(c.rows["measure"]) == {"C5"}


def test_mixed_causes_that_nobody_separated_are_both_named(read, base):
    records, _ = changed_records(read, 100.0)
    b = side(read, records, packet=made_from(id="b"*64, inputs={f"{YEAR}/119.xlsx": "5"}, source={"sonla_eval/methods/results.py": "9"}))
    c = S.compare(P.Archive(Path("nowhere")), base, b, apart=False)
    assert set(c.rows["causes"]) == {"data+code"}
    assert "several causes: data, code" in C.page_html(c, "en")


def test_two_years_meet_by_what_stays(read, base):
    a = side(read, year=YEAR - 1, packet=made_from(id="b"*64, year=YEAR - 1, inputs={f"{YEAR - 1}/119.xlsx": "8"}, definitions=made_from()["definitions"] | {f"data/plan/{YEAR - 1}.yaml": "9"}))
    c = S.compare(P.Archive(Path("nowhere")), a, base)
    r = rows_of(c, "C5")
    assert (r["period_a"], r["period_b"]) == (str(YEAR - 1), str(YEAR)) and r["causes"] == "data"
    assert any("two different years" in p for p in C.points(c, "en")) and f"{YEAR - 1} compared with {YEAR}" in C.page_html(c, "en")
    assert set(c.rows.loc[c.rows["change"].isin(["number", "status"]), "causes"]) == {"data"}


def test_a_boundary_that_moved_is_named(read, base):
    b = replace(base, packet=made_from(id="b"*64, definitions=made_from()["definitions"] | {"data/units/communes.csv": "8"}),
                results=base.results.assign(era=base.results["era"].where(base.results["measure"].ne("C9"), "2025H1"), value=base.results["value"].where(base.results["measure"].ne("C9"), 0.123)))
    c = S.compare(P.Archive(Path("nowhere")), base, b)
    assert set(c.rows["causes"]) == {"boundary"}


def test_a_public_page_shows_nothing_that_was_hidden(read):
    records, cell = changed_records(read, 100.0)
    at = records.index[(records["indicator"] == "D1") & (records["unit"] == "119")] if (records["indicator"] == "D1").any() else []
    records.loc[at, "value"] = 3.0
    a = side(read, edition="public")
    b = side(read, records, edition="public", packet=made_from(id="b"*64, inputs={f"{YEAR}/119.xlsx": "5"}))
    c = S.compare(P.Archive(Path("nowhere")), a, b)
    assert len(c.rows) and c.public
    for s in "ab": assert c.rows.loc[c.rows[f"mask_{s}"].fillna("").ne(""), f"value_{s}"].isna().all()
    assert "withheld" not in set(c.rows["mask_a"]) | set(c.rows["mask_b"])
    html = C.page_html(c, "en")
    assert ".xlsx" not in html and cell["source_sheet"] not in html and "Cells that changed" not in html and 'class="page public' in html
    assert "primary" not in html and "complementary" not in html


def test_internal_beside_public_is_refused(read, base):
    with pytest.raises(S.Unequal, match="what the public edition hides"): S.compare(P.Archive(Path("nowhere")), base, replace(base, edition="public"))


def test_no_dependence_on_row_order(read, base):
    records, _ = changed_records(read, 100.0)
    b = side(read, records, packet=made_from(id="b"*64, inputs={f"{YEAR}/119.xlsx": "5"}))
    mixed = replace(b, results=b.results.sample(frac=1, random_state=3), records=b.records.sample(frac=1, random_state=4))
    one, two = (C.page_html(S.compare(P.Archive(Path("nowhere")), base, x), "en") for x in (b, mixed))
    assert one == two


@pytest.fixture(scope="module")
def resent(tmp_path_factory, built, example):
    "District 119 sent its workbook again with another number of pledges; its pages and the province's made again in a folder of their own."
    import shutil
    from sonla_eval.publish.run import run
    base = tmp_path_factory.mktemp("resent")
    for y in range(YEAR - 3, YEAR + 1): shutil.copytree(example/str(y), base/"raw"/str(y))
    records = pd.read_parquet(Path(built[0].packets)/str(YEAR)/"data"/f"records-{YEAR}.parquet")
    cell = records[(records["indicator"] == "B4") & (records["unit"] == "119")].iloc[0]
    path = base/"raw"/str(YEAR)/cell["source_file"]
    book = openpyxl.load_workbook(path)
    book[cell["source_sheet"]][cell["source_cell"]].value = int(cell["value"]) - 3
    book.save(path)
    s = replace(built[0], data=str(base/"raw"), site=str(base/"site"), packets=str(base/"packets"), langs=("vi",))
    report = run(s, only=("district-119",), progress=False)
    assert not report.failed, report.failed
    return s, cell


def page_sides(built, resent, edition):
    one, two = built[0], resent[0]
    a = S.find_side(P.archive_of(one), Path(one.site), str(YEAR), edition)
    b = S.find_side(P.archive_of(two), Path(two.site), str(Path(two.site)/str(YEAR)/edition))
    return a, b


def test_two_archived_runs_give_one_page(built, resent, tmp_path):
    a, b = page_sides(built, resent, "internal")
    assert len(a.pages) == len(reports(YEAR, editions=("internal",))) and list(b.pages) == ["vi/district-119"]
    c = S.compare(P.archive_of(built[0]), a, b)
    assert c.ground.causes == ("data",) and c.ground.data == (f"{YEAR}/{resent[1]['source_file']}",)
    assert set(c.rows["causes"]) == {"data"} and set(c.texts["causes"]) | set(c.figures["causes"]) == {"data"}
    assert len(c.figures) >= 1
    paths = C.write_pages(c, tmp_path/"c.html", ("vi", "en"))
    for path, lang in zip(paths, ("vi", "en")):
        html = path.read_text(encoding="utf-8")
        assert C.lint_page(html) == [] and f'<html lang="{lang}"' in html and len(html.encode()) < 1_500_000
        assert resent[1]["source_file"] in html and str(tmp_path) not in html


def test_two_public_editions_name_no_cell(built, resent):
    a, b = page_sides(built, resent, "public")
    html = C.page_html(S.compare(P.archive_of(built[0]), a, b), "vi")
    assert ".xlsx" not in html and "A Cơ sở" not in html


def test_only_the_published_folder_is_enough(built, resent):
    a, b = page_sides(built, resent, "public")
    bare = S.side_of_folder(Path(resent[0].site)/str(YEAR)/"public")
    assert bare.packet is None and len(bare.results)
    c, full = S.compare(P.archive_of(built[0]), a, bare), S.compare(P.archive_of(built[0]), a, b)
    assert set(c.rows["causes"]) == {"unknown"} and set(c.rows["key"]) == set(full.rows["key"])
    assert "causes can't be told" in C.points(c, "en")[-1]


def test_code_and_data_are_taken_apart_by_evaluating_again(built, resent):
    "The second run's program halves every share of C5 while its workbook changed too: each part is measured."
    archive = P.archive_of(resent[0])
    a, b = page_sides(built, resent, "internal")
    key = b.packet["source"]["sonla_eval/methods/results.py"]
    text = archive.store.path(key).read_text(encoding="utf-8")
    assert "    return frame(rows)\n" in text
    file = archive.folder/"results.py"
    file.write_text(text.replace("    return frame(rows)\n", "    for r in rows:\n        if r['measure'] == 'C5': r['value'] = r['value'] / 2\n    return frame(rows)\n"), encoding="utf-8")
    store = P.archive_of(built[0]).store
    halved = store.put(file)
    file.unlink()
    results = b.results.assign(value=b.results["value"].where(b.results["measure"].ne("C5"), b.results["value"]/2))
    b = replace(b, results=results, packet=b.packet | {"source": b.packet["source"] | {"sonla_eval/methods/results.py": halved}})
    c = S.compare(P.archive_of(built[0]), a, b)
    assert c.apart == ""
    r = rows_of(c, "C5")
    parts = json.loads(r["parts"])
    assert r["causes"] == "data+code" and parts["code"] == pytest.approx(-r["value_a"]/2) and parts["data"] == pytest.approx(r["value_b"] - r["value_a"]/2)
    assert rows_of(c, "item:B4")["causes"] == "data"
    other = c.rows[(c.rows["measure"] == "C5") & ~c.rows["unit"].isin(["14", "119"])]
    assert len(other) == 11 and set(other["causes"]) == {"code"}
    assert "several causes: data (" in C.page_html(c, "en")


def test_the_command_says_what_it_found(built, monkeypatch, tmp_path, capsys):
    from sonla_eval.cli import main
    monkeypatch.setattr(C, "read_settings", lambda: built[0])
    assert main(["compare", str(YEAR), str(YEAR), "--edition", "public", "--lang", "en", "--out", str(tmp_path/"same.html")]) == 0
    assert "The two sides are the same" in capsys.readouterr().out and (tmp_path/"same.html").is_file()
    assert main(["compare", str(YEAR), "1999", "--out", str(tmp_path/"x.html")]) == 2
    assert "1999" in capsys.readouterr().err and not (tmp_path/"x.html").exists()


@pytest.mark.parametrize("lang,head,words", [("en", "What changed since last year</h2>", f"No {YEAR - 1} edition was published with this program"), ("vi", "Điều gì đã thay đổi so với năm trước</h2>", f"Chưa có bản năm {YEAR - 1} nào được công bố bằng chương trình này")])
def test_the_province_says_which_published_numbers_have_changed(built, lang, head, words):
    "Without an edition of last year the section says that there is nothing to compare with; the table itself is that of the quality report."
    html = (built[2]/"internal"/lang/"province.html").read_text(encoding="utf-8")
    part = html[html.index(head) + len(head):]
    assert words in part[:part.index("<h2")]
    template = (ROOT/"nbs"/"reports"/"province.ipynb").read_text(encoding="utf-8")
    assert template.count("quality_followup.table_revisions(book)") == 1
