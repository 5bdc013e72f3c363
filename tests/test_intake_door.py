"""Nothing that names a person gets past the door, however it is spelt, and what belongs to the form does."""
from datetime import date, datetime
from pathlib import Path
import sys, unicodedata

import pytest
from openpyxl import Workbook

sys.path.insert(0, str(Path(__file__).parent/"corpus"))
import build

from sonla_eval.identity import KINDS
from sonla_eval.intake.clean import read_year, summary, write_queries
from sonla_eval.intake.door import let_in, search
from sonla_eval.intake.reading import read_one, read_path
from sonla_eval.intake.text import REFUSED
from sonla_eval.intake.workbook import Book, Sheet

nfd = lambda t: unicodedata.normalize("NFD", t)
wide = lambda t: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in t)
# one cell of a remark column: (kind, what stands there, what must not be found afterwards)
CELLS = [("phone", "0912345678", "0912345678"), ("phone", "gọi 09 12 34 56 78", "09 12 34 56 78"), ("phone", "+84 912 345 678", "912 345 678"), ("phone", "(+84)(0)912.345.678", "345.678"),
         ("phone", "0084912345678", "912345678"), ("phone", wide("0912345678"), wide("345678")), ("phone", "0912\u200b345\u200b678", "678"), ("phone", "0912 – 345 – 678", "345"), ("phone", 912345678.0, "912345678"),
         ("phone", "(0212) 3852 123", "3852"), ("identity", "014195000123", "014195000123"), ("identity", 14195000123.0, "14195000123"), ("identity", "1.4195000123E10", "4195000123"), ("identity", "CMND: 050 123 456", "123 456"),
         ("identity", wide("014195000123"), wide("195000")), ("card", "DN 4 14 14 001 23456", "23456"), ("card", "4111 1111 1111 1111", "1111"), ("address", "số nhà 12 tổ 3", "tổ 3"), ("address", nfd("tổ 5, phường Quyết Thắng"), "Quy"),
         ("birth", "sinh năm 1995", "1995"), ("birth", nfd("sinh ngày 2/3/1995"), "1995"), ("photo", "anh/kh01.JPG", "kh01"), ("place", "21.34215, 103.90812", "90812"), ("contact", "a.b@example.org", "a.b@"),
         ("contact", "zalo.me/0912", "zalo.me"), ("name", "đã tư vấn chị Lò Thị X", "Thị X"), ("name", nfd("Nguyễn Văn B khai"), "khai"), ("name", "Họ tên: Vàng A C", "Vàng A"), ("name", "đối tượng NguyÔn V¨n D", "V¨n")]
HEADERS = ["Họ và tên", nfd("HỌ VÀ TÊN"), "ho_ten", "Hä vµ tªn", "Hoï vaø teân", "Full name", "Tên", "Số CCCD", "S\u1ed1 \u200bCMND", "Sè CMND", "Số ĐT", "Sè ®iÖn tho¹i", "Phone no.", "Số thẻ BHYT", "Địa chỉ", "§Þa chØ", "Chỗ ở", "Ngày sinh",
           "N¨m sinh", "DOB", "Ảnh", "photo_path", "Tọa độ", "lat", "GPS", "E-mail", "Zalo"]
COLUMNS = {"name": ["Vàng A B", "Lò C", "Sùng D E"], "phone": [912345678.0, 987654321.0, 356789123.0], "identity": ["050123456", "050123457", "050987654"],
           "birth": [datetime(1995, 3, 1), datetime(1988, 1, 2), datetime(2001, 7, 9)], "place": [21.34215, 21.40012, 21.55551]}


def everything(reading):
    """All that a reading keeps, as text."""
    return str(reading)


def read(rows, name="127_x.xlsx", sheet="Biểu 1"): return read_one(Book(name, (Sheet(sheet, [[float(v) if isinstance(v, int) else v for v in r] for r in rows]),)), 2022)


def fill(rows):
    """Rows as openpyxl would store them, all of one width."""
    width = max(map(len, rows))
    return [list(r) + [""] * (width - len(r)) for r in rows]


@pytest.mark.parametrize("kind,value,secret", CELLS, ids=[str(i) for i in range(len(CELLS))])
def test_a_cell_in_a_remark_column(kind, value, secret):
    rows = fill(build.COVER + [build.HEAD + ["Ghi chú"]] + [[*build.ROWS[0], value], build.ROWS[1]])
    got = read(rows)
    asked = [q for q in got.queries if q["check"] == "cell.personal"]
    assert [q["cell"] for q in asked] == ["H6"] and KINDS[kind][1] in asked[0]["found"] and asked[0]["severity"] == "blocks"
    assert secret not in everything(got)
    assert {c[:3]: c[3] for c in got.cells if c[3] == c[3]} == build.WANT, "the numbers beside it are used all the same"


@pytest.mark.parametrize("kind,value,secret", CELLS, ids=[str(i) for i in range(len(CELLS))])
def test_in_the_place_of_a_number_a_name_or_a_title(kind, value, secret):
    rows = fill(build.COVER + [[value]] + [build.HEAD, [*build.ROWS[0][:4], value, 9, 20], ["B9z", value, "", 1, 2, 3, 6]] + [[], ["Ghi chú", value]])
    got = read(rows)
    assert secret not in everything(got)
    assert ("B1a", build.U, "2022-02") in {c[:3] for c in got.cells if c[4] == "queried"}


@pytest.mark.parametrize("header", HEADERS)
def test_a_column_by_its_header(header):
    rows = fill(build.COVER + [build.HEAD + [header]] + [[*r, f"bí mật {k}"] for k, r in enumerate(build.ROWS)])
    got = read(rows)
    asked = [q for q in got.queries if q["check"] == "column.personal"]
    assert [q["cell"] for q in asked] == ["H5"] and "bí mật" not in everything(got)
    assert {c[:3]: c[3] for c in got.cells if c[3] == c[3]} == build.WANT


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_that_only_its_cells_give_away(kind):
    values = COLUMNS[kind]
    got = read(fill(build.COVER + [["TT", "Cột X", "Số vụ"]] + [[k, v, 2] for k, v in enumerate(values, 1)]))
    assert {"column.personal", "cell.personal"} & {q["check"] for q in got.queries}
    for v in values: assert str(v).removesuffix(".0") not in everything(got) and str(v)[:10] not in everything(got)


def test_a_list_of_persons_under_a_table():
    got = read(fill(build.COVER + [build.HEAD] + build.ROWS + [[], ["STT", "Họ tên", "Tuổi"], [1, "Vàng A B", 19], [2, "Lò C", 24], [], ["", "", "", "CHỦ TỊCH"], ["", "", "", "Lò Thị D"]]))
    assert {c[:3]: c[3] for c in got.cells if c[3] == c[3]} == build.WANT
    assert {"column.personal", "cell.signature"} <= {q["check"] for q in got.queries} <= {"column.personal", "row.unused", "cell.signature"}
    for secret in ("Vàng", "Lò", "19", "24"): assert secret not in str(got.quarantine) and f"'{secret}" not in str(got.queries)


def test_names_of_files_and_sheets(tmp_path):
    wb = Workbook()
    wb.active.title = "Lò Thị X"
    for row in build.COVER + [build.HEAD] + build.ROWS: wb.active.append(row)
    wb.save(tmp_path/"127 Lò Thị X 0912345678.xlsx")
    got = read_path(tmp_path/"127 Lò Thị X 0912345678.xlsx", 2022)
    assert {"file.personal", "sheet.personal"} <= {q["check"] for q in got.queries}
    assert "Thị" not in everything(got) and "0912345678" not in everything(got) and len([c for c in got.cells if c[3] == c[3]]) == 6


def test_nothing_reaches_any_table_or_file_of_the_year(tmp_path):
    here = tmp_path/"2022"
    here.mkdir()
    secrets = [str(s) for _, _, s in CELLS]
    wb = Workbook()
    for row in build.COVER + [build.HEAD + ["Ghi chú"]] + build.ROWS: wb.active.append(row)
    for k, (_, value, _) in enumerate(CELLS): wb.active.append(["B1a", "", "", value, None, None, None, value])
    for k, header in enumerate(HEADERS): wb.create_sheet(f"s{k}").append([header, "x"]); wb[f"s{k}"].append([f"bí mật {k}", 2])
    wb.save(here/"127_x.xlsx")
    (here/"kobo.csv").write_text("start;nhom/ma_huyen;ky;nhom/B1a;nhom/ho_ten;phonenumber;_geolocation;_uuid;_submission_time\n2022-05-01;120;2022-05;4;Vàng A B;0912345678;21.34215 103.90812;aa;2022-05-02T01:00:00\n", encoding="utf-8")
    year = read_year(tmp_path, 2022)
    write_queries(year, tmp_path/"out.xlsx")
    kept = "".join(t.to_csv() for t in (year.records, year.queries, year.quarantine, year.files, year.reviewed, *year.tables.values())) + summary(year) + (tmp_path/"out.csv").read_text(encoding="utf-8-sig")
    for secret in [s for s in secrets if len(s) > 4] + ["bí mật", "Vàng A B", "90812"]: assert secret not in kept, secret
    assert year.records.query("indicator == 'B1a' and unit == '120' and period == '2022-05'")["value"].tolist() == [4]


def test_what_belongs_to_reports_is_let_in():
    letter = [["UBND HUYỆN SỐP CỘP"], ["Số: 45/BC-LĐTBXH"], ["Sốp Cộp, ngày 12 tháng 01 năm 2023"], ["Thực hiện Công văn số 5109/LĐTBXH-PCTNXH của UBND thành phố Sơn La"], ["Tổng số 204 xã, phường, thị trấn"],
              ["ngày 05-12-2022 12 người"], ["triệt phá 3 đường dây"], ["Tiểu khu 3"], ["Đội 178 thành phố"], ["các tháng 03 04 05 06 07"], [150_000_000.0, 12.5, 21.0], [date(2022, 3, 1)], ["Nghị định số 144/2021/NĐ-CP"], ["Năm sinh hoạt"]]
    assert search(letter) == []
    book, found = let_in(Book("127_bao-cao-2022.xlsx", (Sheet("Biểu 1", letter),)))
    assert found == [] and book.sheets[0].grid == letter and not any(REFUSED in str(v) for r in book.sheets[0].grid for v in r)


def test_the_example_year_raises_nothing(example):
    year = read_year(example, 2022)
    assert not year.queries["check"].str.contains("personal|signature").any()
