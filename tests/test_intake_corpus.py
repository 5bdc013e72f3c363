"""Each awkward file gives exactly the numbers and the questions that it should."""
from pathlib import Path
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parent/"corpus"))
import build

from sonla_eval.intake.reading import read_one
from sonla_eval.intake.workbook import open_all


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    cases = build.write(folder)
    opened = open_all([folder/c["name"]/c["file"] for c in cases])
    return {c["name"]: b for c, b in zip(cases, opened)}


def test_there_are_enough():
    assert len(build.CASES) >= 40 and len({c["name"] for c in build.CASES}) == len(build.CASES)


@pytest.mark.parametrize("case", build.CASES, ids=lambda c: c["name"])
def test_case(case, books):
    reading = read_one(books[case["name"]], 2022)
    got = {c[:3]: c[3] for c in reading.cells if c[3] == c[3]}
    assert got == case["want"]
    assert sorted(q["check"] for q in reading.queries) == case["checks"]
    assert reading.problem == case["problem"]
    assert reading.rows_in == reading.rows_used + reading.rows_quarantined
    if "0912345678" in str(case["make"].__code__.co_consts): assert "0912345678" not in str(reading) and "Người Ví Dụ" not in str(reading)
