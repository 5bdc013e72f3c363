"""How fast reading is: python tests/bench/intake.py [FOLDER]

Makes 200 workbooks of about 100 x 30 cells and one of 50,000 x 30, reads them end to end (opened in a child process,
cleaned, checked), and compares with pandas and openpyxl doing the reading alone."""
from pathlib import Path
import resource, sys, tempfile, time

import numpy as np, pandas as pd
from openpyxl import Workbook

from sonla_eval.intake.clean import read_year
from sonla_eval.intake.frame import communes_of
from sonla_eval.intake.workbook import open_all

COMMUNES = [(c, n) for c, n, *_ in communes_of("to2024")]


def commune_book(path, numbers, rows):
    """A table of communes: three indicators by quarter with half-years and the year, three once a year, four of last year."""
    wb = Workbook(write_only=True)
    ws = wb.create_sheet("F")
    ws.append(["Mã đơn vị", "14"])
    ws.append(["Năm báo cáo", 2022])
    top, below, marks = ["Mã xã", "Xã, phường"], ["", ""], ["Quý I", "Quý II", "6 tháng đầu năm", "Quý III", "Quý IV", "6 tháng cuối năm", "Cả năm"]
    for item in ("F1. Số hoạt động", "F1b. Lồng ghép", "F1c. Lượt người"): top += [item] + [""] * 6; below += marks
    top += ["G1a. Đăng ký", "G1b. Công nhận", "G2. Điểm", "F1. Số hoạt động", "F1b.", "F1c.", "G2."]
    below += ["Năm 2022"] * 3 + ["Năm 2021"] * 4
    ws.append(top)
    ws.append(below)
    for j in rows:
        row = list(COMMUNES[j])
        for k in range(3):
            q = [int(x) for x in numbers[j, 4 * k:4 * k + 4]]
            row += [q[0], q[1], q[0] + q[1], q[2], q[3], q[2] + q[3], sum(q)]
        ws.append(row + [1, int(numbers[j, 0] % 2), int(60 + numbers[j, 1] % 40), 1, 2, 3, 80])
    wb.save(path)


def wide_book(path, rng, rows=50_000, cols=30):
    wb = Workbook(write_only=True)
    ws = wb.create_sheet("list")
    ws.append(["Danh sách / List", "Khóa băm / Keyed hash", *(f"x{i}" for i in range(cols - 2))])
    for i in range(rows): ws.append(["A", f"k{i:07d}", *(int(x) for x in rng.integers(0, 1000, cols - 2))])
    wb.save(path)


def used():
    """Processor seconds of this process and of its finished children."""
    return tuple(sum(resource.getrusage(w)[:2]) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def clock(label, work):
    """Time on the clock, and what two free cores would need: this process, and its children side by side."""
    start, before = time.perf_counter(), used()
    out = work()
    took, after = time.perf_counter() - start, used()
    two = after[0] - before[0] + (after[1] - before[1]) / 2
    print(f"{label:58s} {took:7.2f} s on the clock {two:7.2f} s on two free cores")
    return two, out


def main(folder):
    rng, numbers = np.random.default_rng(1), np.random.default_rng(2).integers(0, 400, (204, 12))
    many, one, twelve = folder/"many"/"2022", folder/"one"/"2022", folder/"twelve"/"2022"
    for d in (many, one, twelve): d.mkdir(parents=True, exist_ok=True)
    for i in range(200): commune_book(many/f"tinh_{i:03d}.xlsx", numbers, sorted(rng.choice(204, 100, replace=False)))
    for i in range(12): (twelve/f"tinh_{i:03d}.xlsx").write_bytes((many/f"tinh_{i:03d}.xlsx").read_bytes())
    wide_book(one/"tinh_wide.xlsx", rng)
    paths = sorted(many.iterdir())
    t_open, books = clock("200 workbooks of 100 x 30, opened only", lambda: open_all(paths))
    t_twelve, _ = clock("12 of them, end to end", lambda: read_year(folder/"twelve", 2022))
    t_all, year = clock("200 workbooks of 100 x 30, end to end", lambda: read_year(folder/"many", 2022))
    t_pandas, _ = clock("pandas with openpyxl, 40 of them, reading alone", lambda: [pd.read_excel(p, engine="openpyxl", header=None) for p in paths[:40]])
    t_wide, wide = clock("50,000 x 30 in one workbook, end to end", lambda: read_year(folder/"one", 2022))
    print(f"cells {sum(len(r) for b in books for s in b.sheets for r in s.grid):,}; records {len(year.records):,}; queries {len(year.queries):,}; rows of the wide table {len(wide.tables['lists']):,}")
    print(f"ratio to pandas with openpyxl, reading alone: {5 * t_pandas / t_all:.1f} x end to end, {5 * t_pandas / t_open:.1f} x opening")
    own, child = (resource.getrusage(w).ru_maxrss / 1024 for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"peak memory: {own:.0f} MB here, {child:.0f} MB in a child")


if __name__ == "__main__":
    if len(sys.argv) > 1: main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as d: main(Path(d))
