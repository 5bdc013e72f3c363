"""Workbooks whose rows are written as XML hold what openpyxl itself would have written, cell for cell, for two readers."""
from datetime import date
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from sonla_eval.publish.workbook import LONGEST, head, rows, write_table, write_workbook
from sonla_eval.safe import no_formula

WORDS = ["=1+1", "+84", "-5", "@x", "\ttab", "'quoted", "  spaces  ", "a<b & \"c\" > d ]]>", "Mường La", "<c/></sheetData>", "\x00\x0b\ud800\uffff", "_x003D_1", "x"*40_000, "", "1", "TRUE", "suppressed", "\nline\nline", "🙂"]
NUMBERS = [0.0, -0.0, 1.0, 1/3, -2/3, 1e15, 123456789012.0, 1e300, 1e-12, 0.1 + 0.2, float("nan"), 4.0, 1e16, 5e-324]

def plain(x): # a value as openpyxl takes it
    if x is None or x is pd.NA or x != x: return None
    if isinstance(x, (bool, np.bool_)): return bool(x)
    if isinstance(x, (int, float, np.number)): return int(x) if float(x).is_integer() else float(f"{float(x):.10g}")
    return no_formula(str(x))[:LONGEST]

def by_openpyxl(table, path, note): # every cell through the library
    wb = openpyxl.Workbook(write_only=True)
    sheet = wb.create_sheet("data")
    sheet.append([no_formula(head(str(c))) for c in table])
    for row in [list(map(str, table.columns)), *table.itertuples(index=False)]: sheet.append([plain(x) for x in row])
    if note:
        about = wb.create_sheet("notes")
        for line in note: about.append([no_formula(line)])
    wb.save(path)

def told(path): # what two readers find: sheet -> rows
    first = {s.title: [[(c.value, c.data_type if c.value is not None else "n") for c in row] for row in s.iter_rows()] for s in openpyxl.load_workbook(path)}
    book = CalamineWorkbook.from_path(path)
    return first, {n: book.get_sheet_by_name(n).to_python() for n in book.sheet_names}

def table_of(words, figures):
    n = max(len(words), len(figures))
    fill = lambda xs: [xs[k % len(xs)] for k in range(n)]
    return pd.DataFrame({"id": pd.Series(fill(words), dtype=object), "value": fill(figures), "n": pd.array(fill([1, None, 3]), dtype="Int64"), "synthetic": fill([True, False]), "mixed": fill(["suppressed", 1.0, True, 1, None, date(2022, 3, 1)]), "=bad": fill([7])})

@pytest.mark.parametrize("note", [(), ("Một câu.", "=2+2")])
def test_cells_are_those_of_openpyxl(tmp_path, note):
    table = table_of([w for w in WORDS if w], NUMBERS)
    write_workbook(table, tmp_path/"a.xlsx", note)
    by_openpyxl(table, tmp_path/"b.xlsx", note)
    mine, theirs = told(tmp_path/"a.xlsx"), told(tmp_path/"b.xlsx")
    assert mine == theirs
    assert len(mine[1]["data"]) == len(table) + 2

def test_nothing_in_a_cell_leaves_it(tmp_path):
    table = table_of(WORDS, NUMBERS)
    write_workbook(table, tmp_path/"a.xlsx", ("Một câu.",))
    with zipfile.ZipFile(tmp_path/"a.xlsx") as z: xml = z.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml and xml.count("</sheetData>") == 1 and xml.count("<row ") == len(table) + 2
    assert all(0x20 <= ord(c) < 0xd800 or 0xe000 <= ord(c) < 0xfffe or ord(c) > 0xffff for c in xml), "a character that XML forbids"

def test_heads_notes_and_bytes(tmp_path):
    table = table_of(WORDS, NUMBERS)
    for name in ("a", "b"): write_table(table, tmp_path/f"{name}.csv", ("Một câu.",))
    assert (tmp_path/"a.xlsx").read_bytes() == (tmp_path/"b.xlsx").read_bytes()
    book = openpyxl.load_workbook(tmp_path/"a.xlsx")
    assert book.sheetnames == ["data", "notes"] and book["data"].freeze_panes == "A3" and book["notes"].column_dimensions["A"].width == 120
    assert all(c.font.bold for c in book["data"][1]) and not any(c.font.bold for c in book["data"][2])
    assert [c.value for c in book["data"][2]][-1] == "'=bad" and book.properties.creator in ("", None)

def test_a_number_is_not_a_truth_and_infinity_is_a_word(tmp_path):
    table = pd.DataFrame({"x": [True, 1, 1.0, "1", float("inf"), None]}, dtype=object)
    write_workbook(table, tmp_path/"a.xlsx")
    values = [c.value for c in openpyxl.load_workbook(tmp_path/"a.xlsx")["data"]["A"][2:]]
    assert values[:5] == [True, 1, 1, "1", "inf"] and "-0" not in rows(pd.DataFrame({"x": [-0.0]}), 3) and values[0] is True and not isinstance(values[1], bool)

def test_an_empty_table_has_its_heads(tmp_path):
    write_workbook(table_of(WORDS, NUMBERS).head(0), tmp_path/"a.xlsx")
    assert rows(pd.DataFrame({"a": []}), 3) == "" and len(CalamineWorkbook.from_path(tmp_path/"a.xlsx").get_sheet_by_name("data").to_python()) == 2
