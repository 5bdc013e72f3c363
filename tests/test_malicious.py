"""Malicious text in every text field of a year's workbooks, followed through the check, the pages, the tables and a browser: nothing runs, nothing is asked of the network, no formula lives."""
import csv
import html.parser
import io
import json
import os
import re
import shutil
from urllib.parse import unquote

import openpyxl
import pandas as pd
import pytest
import yaml

from conftest import ROOT, YEAR
from malicious import CONTROL, HOST, MARK, STRINGS, for_cell, for_file, for_sheet, marks
from test_browser import browser # noqa: F401

ONLY = ("province", "district-116", "quality")


class Supply:
    "Hands out the strings in turn, without end."
    def __init__(self): self.k = 0
    def __call__(self):
        self.k += 1
        return STRINGS[(self.k - 1) % len(STRINGS)]


def texts(ws): return [c for row in ws.iter_rows() for c in row if isinstance(c.value, str) and not c.value.startswith("=")]


def put(cell, text):
    cell.value = for_cell(text)
    if cell.data_type == "f": cell.data_type = "s" # typed by a person as text


def beside(path, supply):
    "Every text keeps its words and gets a string after them; codes and dates stay, so that the numbers are still read."
    wb = openpyxl.load_workbook(path)
    for ws in wb:
        if ws.title == "_meta": continue
        for cell in texts(ws):
            if not re.fullmatch(r"[A-Z]?\d[\w/.:-]*", cell.value) and "SYNTHETIC" not in cell.value: put(cell, f"{cell.value} {supply()}")
        last = ws.max_column + 2
        for row in (1, 3, 4, 5, 6, 8): put(ws.cell(row, last), supply())
        put(ws.cell(ws.max_row + 2, 1), supply())
    wb.properties.creator = wb.properties.title = wb.properties.description = for_cell(supply())
    wb.save(path)


def instead(path, supply):
    "Every text gives way to a string; sheets' names too."
    wb = openpyxl.load_workbook(path)
    for ws in wb:
        for cell in texts(ws): put(cell, supply())
        if ws.title != "_meta": ws.title = f"{for_sheet(supply())}{len(ws.title)}"
    wb.save(path)


def as_numbers(path):
    "Each string where a number is due."
    wb, left = openpyxl.load_workbook(path), list(STRINGS)
    for name in ("B Kiểm tra", "C Vụ việc"):
        for row in wb[name].iter_rows(min_row=5, min_col=4, max_col=15):
            for cell in row:
                if left: put(cell, left.pop())
    wb.save(path)
    assert not left


def own_rows(path, supply):
    "The province's own tables: sites, activities, sources, documents, participants, in all their text columns."
    wb = openpyxl.load_workbook(path)
    for ws in wb:
        if ws.title in ("_meta", "Bìa", "Hướng dẫn"): continue
        head = next(r for r in range(1, 6) if sum(c.value is not None for c in ws[r]) > 1)
        for row in ws.iter_rows(min_row=head + 1):
            for cell in row:
                if isinstance(cell.value, str) and not re.fullmatch(r"\d[\d/.-]*|=.*", cell.value): put(cell, f"{cell.value} {supply()}" if cell.column > 1 or ws.title == "spending" else cell.value)
        put(ws.cell(head, ws.max_column + 1), supply())
        for row in range(head + 1, ws.max_row + 1): put(ws.cell(row, ws.max_column), supply())
    wb.save(path)


def poison(folder):
    "Puts all strings into the year's files, several times over."
    supply = Supply()
    one = lambda code: next(folder.glob(f"{code}_*.xlsx"))
    beside(one("116"), supply)
    instead(one("118"), supply)
    one("118").rename(folder/f"118_{for_file(STRINGS[3])}.xlsx")
    as_numbers(one("119"))
    wb = openpyxl.load_workbook(one("120"))
    for name in ("F Truyền thông", "G Xã lành mạnh"):
        for k, s in enumerate(STRINGS): # communes of that name
            put(wb[name].cell(wb[name].max_row + 1, 2), s)
            wb[name].cell(wb[name].max_row, 3).value = k % 7
    wb.save(one("120"))
    for path in folder.glob("tinh_*.xlsx"): own_rows(path, supply)
    for name in (STRINGS[70], STRINGS[90], STRINGS[103]): (folder/f"{for_file(name)}.csv").write_text("a;b\n" + "\n".join(f'{k};"{s}"' for k, s in enumerate(STRINGS)), encoding="utf-8", errors="replace")
    values = [{"dataElement": s, "period": "2022", "orgUnit": s, "value": s} for s in STRINGS]
    (folder/"121_dhis.json").write_text(json.dumps({"dataValues": values}), encoding="utf-8")
    (folder/f"{for_file(STRINGS[101])}.bin").write_bytes(b"x")


@pytest.fixture(scope="module")
def poisoned(example, tmp_path_factory):
    "A year of poisoned workbooks."
    raw = tmp_path_factory.mktemp("poison")/"raw"
    shutil.copytree(example, raw)
    poison(raw/str(YEAR))
    return raw


@pytest.fixture(scope="module")
def pages(poisoned, tmp_path_factory):
    "The pages made from them: province, one district and quality, both editions, both languages."
    from sonla_eval.publish.run import run
    from sonla_eval.settings import read_settings
    out = tmp_path_factory.mktemp("poisoned")
    s = read_settings(year=YEAR, data=str(poisoned), site=str(out/"site"), packets=str(out/"packets"), langs=["vi", "en"], editions=["internal", "public"], workers=2)
    report = run(s, ONLY, progress=False)
    assert report.failed == ()
    return out/"site"


def test_the_corpus_is_large():
    assert len(STRINGS) >= 60 and len(set(STRINGS)) == len(STRINGS)
    assert all(k in marks(s) for k, s in enumerate(STRINGS))
