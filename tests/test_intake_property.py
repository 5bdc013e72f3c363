"""A clean workbook turned into a messy one gives the same records."""
from pathlib import Path
import sys, tempfile, unicodedata

from hypothesis import HealthCheck, given, settings, strategies as st
from openpyxl.styles import Font

sys.path.insert(0, str(Path(__file__).parent/"corpus"))
import build

from sonla_eval.intake.frame import communes_of, form_items
from sonla_eval.intake.sheets import read_tables
from sonla_eval.intake.workbook import open_here

MONTHLY = [i.code for i in form_items().values() if i.block == "B" and i.freq == "M" and i.count != "money"]
COMMUNES = [(c, n) for c, n, _, d in communes_of("to2024") if d == build.U]
count = st.integers(0, 5000)
slow = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def numbers(data, after=None, merge=()):
    """Records of a workbook: {(indicator, unit, period): value}."""
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/"127_x.xlsx"
        path.write_bytes(build.book(data, merge=merge, after=after))
        reading = read_tables(open_here(path), 2022)
    assert reading.rows_in == reading.rows_used + reading.rows_quarantined
    return {c[:3]: c[3] for c in reading.cells}, [q["check"] for q in reading.queries if q["severity"] != "note"]


@st.composite
def item_tables(draw):
    codes = draw(st.lists(st.sampled_from(MONTHLY), min_size=1, max_size=6, unique=True))
    return {c: draw(st.lists(count, min_size=12, max_size=12)) for c in codes}


def write_number(v, how):
    return {"number": v, "text": str(v), "grouped": f"{v:,}".replace(",", "."), "padded": f" {v:02d} ", "dash": "-" if v == 0 else v, "words": "không phát sinh" if v == 0 else v}[how]


@slow
@given(table=item_tables(), order=st.randoms(use_true_random=False), how=st.sampled_from(["number", "text", "grouped", "padded", "dash", "words"]),
       down=st.integers(0, 4), right=st.integers(0, 3), blanks=st.booleans(), total=st.booleans(), nfd=st.booleans(), numbered=st.booleans(), note=st.booleans(),
       month=st.sampled_from(["Tháng {}", "T{}", "tháng {}/2022", "Month {}", "Tháng {} / Month {}"]))
def test_item_table(table, order, how, down, right, blanks, total, nfd, numbered, note, month):
    head = ["Mã", "Chỉ tiêu", "ĐVT", *(month.format(m, m) for m in range(1, 13))] + (["Tổng cộng"] if total else [])
    rows = [[c, form_items()[c].vi, form_items()[c].unit_vi, *(write_number(v, how) for v in vs)] + ([sum(vs)] if total else []) for c, vs in table.items()]
    columns = list(range(len(head)))
    order.shuffle(columns)
    order.shuffle(rows)
    shuffled = [[r[i] for i in columns] for r in [head] + rows]
    if numbered: shuffled.insert(1, [f"({i})" for i in range(1, len(head) + 1)])
    if blanks: shuffled.insert(2, [])
    if note: shuffled += [[], ["Ghi chú: số liệu đã đối chiếu"]]
    sheet = [[]] * down + [["", *r] for r in build.COVER] + [[""] * right + r for r in shuffled]
    if nfd: sheet = [[unicodedata.normalize("NFD", v) if isinstance(v, str) else v for v in r] for r in sheet]
    got, asked = numbers(sheet)
    assert got == {(c, build.U, f"2022-{m:02d}"): v for c, vs in table.items() for m, v in enumerate(vs, 1)}
    assert not asked


@slow
@given(values=st.lists(st.lists(count, min_size=8, max_size=8), min_size=2, max_size=8), merged=st.booleans(), coded=st.booleans(), named=st.booleans(), upper=st.booleans(),
       subtotal=st.booleans(), font=st.sampled_from(["Arial", ".VnTime", "VNI-Times"]), order=st.randoms(use_true_random=False))
def test_commune_table(values, merged, coded, named, upper, subtotal, font, order):
    rows = [["" if named and not coded else c, ("" if coded and not named else n.upper() if upper else n), *vs] for (c, n), vs in zip(COMMUNES, values)]
    wanted = {(item, c, f"2022-Q{q}"): vs[4 * k + q - 1] for (c, _), vs in zip(COMMUNES, values) for k, item in enumerate(("F1", "F1c")) for q in range(1, 5)}
    if not coded and not named: return
    order.shuffle(rows)
    add = lambda part: [sum(r[2 + i] for r in part) for i in range(8)]
    body = rows[:2] + ([["", "Cộng", *add(rows[:2])]] if subtotal else []) + rows[2:] + [["TỔNG", "", *add(rows)]]
    head = [["Mã xã", "Xã, phường", "F1. Số hoạt động", "", "", "", "F1c. Số lượt người", "", "", ""], ["", ""] + [f"Quý {q}" for q in ("I", "II", "III", "IV")] * 2]
    top = len(build.COVER) + 1
    def restyle(wb):
        for row in wb["Biểu 1"].iter_rows():
            for cell in row: cell.font = Font(name=font)
    got, asked = numbers(build.COVER + head + body, restyle, (f"C{top}:F{top}", f"G{top}:J{top}", f"A{top}:A{top + 1}", f"B{top}:B{top + 1}") if merged else ())
    assert got == wanted
    assert not asked


@slow
@given(table=item_tables(), wrong=st.integers(0, 11), by=st.integers(1, 50))
def test_a_total_that_differs_is_always_asked_about(table, wrong, by):
    code, vs = next(iter(table.items()))
    head = ["Mã", "Chỉ tiêu", *(f"Tháng {m}" for m in range(1, 13)), "Cả năm"]
    got, asked = numbers(build.COVER + [head, [code, "", *vs, sum(vs) + by]])
    assert asked in (["total.differs"], ["flow.cumulative"]) and got[code, build.U, f"2022-{wrong + 1:02d}"] == vs[wrong]
