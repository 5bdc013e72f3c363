"""What is read once is taken up again: no workbook that stayed as it is, districts' or province's, is opened a second time."""
import shutil
from pathlib import Path

import pytest

from conftest import YEAR, correct
from sonla_eval.intake import reading
from sonla_eval.publish import year as Y
from sonla_eval.publish.kept import Kept


@pytest.fixture()
def few(example, tmp_path) -> Path:
    "The province's own workbooks of a year and one district's."
    (tmp_path/"raw").mkdir()
    for p in sorted((example/str(YEAR)).iterdir()):
        if p.name.startswith(("tinh_", "118_")): shutil.copy(p, tmp_path/"raw")
    return tmp_path/"raw"


def test_only_what_changed_is_opened(few, tmp_path, monkeypatch):
    opened, read_each = [], reading.read_each
    monkeypatch.setattr(reading, "read_each", lambda paths, year: [opened.extend(p.name for p in paths), *read_each(paths, year)][1:])
    paths, kept = sorted(few.iterdir()), Kept(tmp_path/"kept")
    first = Y.kept_readings(kept)(paths, YEAR)
    tables = {name for r in first for name, rows in r.tables.items() if rows}
    assert opened == [p.name for p in paths] and {"cohort", "lists", "survey", "spending", "sites", "site_months"} <= tables
    again = Y.kept_readings(kept)(paths, YEAR)
    assert opened == [p.name for p in paths], "a file that did not change was opened again"
    names = [f.name for f in Y.fields(first[0]) if f.name not in Y.PASSING]
    assert [[repr(getattr(r, n)) for n in names] for r in again] == [[repr(getattr(r, n)) for n in names] for r in first]
    correct(few/f"118_bao-cao-{YEAR}.xlsx", "B Kiểm tra", {"N5": 7})
    Y.kept_readings(kept)(paths, YEAR)
    assert opened[len(paths):] == [f"118_bao-cao-{YEAR}.xlsx"]
