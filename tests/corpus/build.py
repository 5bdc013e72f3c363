"""Awkward files, each named after its fault, with the numbers and the questions that reading them must give.

Run it to write them all: python tests/corpus/build.py FOLDER"""
from io import BytesIO
from pathlib import Path
import sys, unicodedata, zipfile

from openpyxl import Workbook
from openpyxl.styles import Font

U = "127"
NAME = "Huyện Sốp Cộp"
COVER = [["Mã đơn vị", U], ["Năm báo cáo", 2022], ["Ngày gửi", "12/01/2023"], []]
HEAD = ["Mã", "Chỉ tiêu", "Đơn vị tính", "Tháng 1", "Tháng 2", "Tháng 3", "Cả năm"]
ROWS = [["B1a", "Số lượt kiểm tra", "lượt", 7, 4, 9, 20], ["B1b", "Số cơ sở được kiểm tra lần đầu trong năm", "cơ sở", 5, 0, 3, 8]]
WANT = {("B1a", U, "2022-01"): 7, ("B1a", U, "2022-02"): 4, ("B1a", U, "2022-03"): 9, ("B1b", U, "2022-01"): 5, ("B1b", U, "2022-02"): 0, ("B1b", U, "2022-03"): 3}
UHEAD = [["Mã xã", "Xã, phường, thị trấn", "F1. Số hoạt động truyền thông", "", "F1c. Số lượt người tham dự", ""], ["", "", "Quý I", "Quý II", "Quý I", "Quý II"]]
UROWS = [["04225", "Xã Sam Kha", 1, 2, 40, 85], ["04228", "Xã Púng Bánh", 3, 0, 120, 0], ["04231", "Xã Sốp Cộp", 2, 2, 66, 70]]
UWANT = {(i, c, f"2022-Q{q}"): v for c, _, a, b, d, e in UROWS for i, q, v in (("F1", 1, a), ("F1", 2, b), ("F1c", 1, d), ("F1c", 2, e))}
CASES = []


def case(file, want=None, checks=(), problem="", rows=None):
    """Registers a maker of bytes: `want` numbers that must come out (all of them), `checks` the questions asked."""
    def add(make):
        CASES.append({"name": make.__name__, "file": file, "make": make, "want": {} if want is None else want, "checks": sorted(checks), "problem": problem})
        return make
    return add


def book(*sheets, merge=(), after=None):
    wb = Workbook()
    wb.remove(wb.active)
    for i, rows in enumerate(sheets):
        ws = wb.create_sheet(f"Biểu {i + 1}")
        for row in rows: ws.append(row)
        for area in merge: ws.merge_cells(area)
    if after: after(wb)
    out = BytesIO()
    wb.save(out)
    return out.getvalue()


def edit_zip(data, change):
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as src, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        parts = {n: src.read(n) for n in src.namelist()}
        for name, part in change(parts).items(): z.writestr(name, part)
    return out.getvalue()


PLAIN = lambda: book(COVER + [HEAD] + ROWS)

@case("127_plain.xlsx", WANT)
def plain(): return PLAIN()

@case("127_shift.xlsx", WANT)
def shifted_down_and_right(): return book([["", "", *r] for r in [[], []] + COVER + [[], HEAD] + ROWS])

@case("127_title.xlsx", WANT)
def title_block_above(): return book([["UBND HUYỆN"], ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"], ["Độc lập - Tự do - Hạnh phúc"], ["BÁO CÁO NĂM 2022"]] + COVER + [HEAD] + ROWS)

@case("127_cols.xlsx", WANT)
def columns_reordered(): return book(COVER + [[r[i] for i in (5, 1, 6, 3, 0, 4, 2)] for r in [HEAD] + ROWS])

@case("127_alias.xlsx", WANT)
def columns_renamed(): return book(COVER + [["Ký hiệu", "Nội dung", "ĐVT", "T1", "T2/2022", "Month 3", "Tổng cộng"]] + ROWS)

@case("127_nocode.xlsx", WANT)
def no_codes_only_labels(): return book(COVER + [HEAD[1:]] + [["Số lượt cơ sở được kiểm tra", *ROWS[0][2:]], ["Số cơ sở được kiểm tra lần đầu", *ROWS[1][2:]]])

@case("127_lower.xlsx", WANT)
def codes_in_lower_case(): return book(COVER + [HEAD] + [[" b1A ", *ROWS[0][1:]], ["b1b.", *ROWS[1][1:]]])

@case("127_numbered.xlsx", WANT)
def column_number_row(): return book(COVER + [HEAD, ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)"]] + ROWS)

@case("127_numbered2.xlsx", WANT)
def column_number_row_with_letters(): return book(COVER + [HEAD, ["A", "B", "C", 1, 2, 3, 4]] + ROWS)

@case("127_notes.xlsx", WANT)
def notes_below(): return book(COVER + [HEAD] + ROWS + [[], ["Ghi chú: số liệu tính đến 24/12"], ["Người lập biểu"], ["Nơi nhận: Sở LĐTBXH"]])

@case("127_signed.xlsx", WANT)
def date_and_signature_below(): return book(COVER + [HEAD] + ROWS + [["", "", "", "Sốp Cộp, ngày 12 tháng 01 năm 2023"], ["", "", "", "CHỦ TỊCH"]])

@case("127_blankrows.xlsx", WANT)
def blank_rows_between(): return book(COVER + [HEAD, [], ROWS[0], [], [], ROWS[1]])

@case("127_sections.xlsx", WANT)
def section_titles_between(): return book(COVER + [HEAD, ["I", "Công tác kiểm tra"], ROWS[0], ["II", "Kết quả"], ROWS[1]])

@case("127_text.xlsx", WANT, ["cell.text_number"] * 6)
def numbers_as_text(): return book(COVER + [HEAD] + [[*r[:3], *(f"{v:02d}" for v in r[3:6]), str(r[6])] for r in ROWS])

@case("127_thousands.xlsx", {("B1a", U, "2022-01"): 1234, ("B1a", U, "2022-02"): 4, ("B1a", U, "2022-03"): 9}, ["cell.text_number"])
def thousands_with_a_dot(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", "1.234", 4, 9, 1247]])

@case("127_comma.xlsx", {("B1a", U, "2022-01"): 1234, ("B1a", U, "2022-02"): 4, ("B1a", U, "2022-03"): 9}, ["cell.ambiguous_number"])
def thousands_with_a_comma(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", "1,234", 4, 9, 1247]])

@case("127_words.xlsx", {("B1a", U, "2022-01"): 0, ("B1a", U, "2022-02"): 0}, ["cell.words"])
def words_for_numbers(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", "không phát sinh", "-", "chưa có số liệu"]])

@case("127_spelled.xlsx", {("B1a", U, "2022-02"): 4, ("B1a", U, "2022-03"): 9}, ["cell.not_a_number"])
def number_spelled_out(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", "bảy", 4, 9]])

@case("127_negative.xlsx", {("B1a", U, "2022-02"): 4}, ["value.fraction", "value.negative"])
def negative_and_fraction(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", -7, 4, 2.5]])

@case("127_total.xlsx", WANT, ["total.differs"])
def total_differs(): return book(COVER + [HEAD, [*ROWS[0][:6], 22], ROWS[1]])

@case("127_cumulative.xlsx", {("B1a", U, "2022-01"): 7, ("B1a", U, "2022-02"): 11, ("B1a", U, "2022-03"): 20}, ["flow.cumulative"])
def cumulative_numbers(): return book(COVER + [HEAD, ["B1a", "Số lượt kiểm tra", "lượt", 7, 11, 20, 20]])

@case("127_unknown.xlsx", {k: v for k, v in WANT.items() if k[0] == "B1a"}, ["item.unknown"])
def unknown_indicator(): return book(COVER + [HEAD, ROWS[0], ["B9z", "Số lượt kiểm soát", "lượt", 1, 2, 3, 6]])

@case("127_lastyear.xlsx", {}, ["file.wrong_year"], "file.wrong_year")
def last_years_file(): return book([["Mã đơn vị", U], ["Năm báo cáo", 2021], [], HEAD] + ROWS)

@case("127_twoyears.xlsx", {("A1", U, "2022"): 21, ("A6", U, "2022"): 30}, ["column.other_year"])
def last_year_in_a_column(): return book(COVER + [["Mã", "Chỉ tiêu", "Năm 2021", "Năm 2022"], ["A1", "", 19, 21], ["A6", "", 28, 30]])

@case("127_notdue.xlsx", {("A1", U, "2022"): 21}, ["cell.not_due"])
def number_in_a_period_not_due(): return book(COVER + [["Mã", "Chỉ tiêu", "Quý I", "Cả năm"], ["A1", "", 20, 21]])

@case("bao cao.xlsx", {}, ["file.no_unit", "file.no_unit"])
def nobody_says_which_district(): return book([["Năm báo cáo", 2022], [], HEAD] + ROWS)

@case("gui lai.xlsx", WANT)
def district_named_only_in_the_title(): return book([["BÁO CÁO"], [NAME.upper()], [], HEAD] + ROWS)

@case("hai huyen.xlsx", {**WANT, **{(i, "120", p): v for (i, _, p), v in WANT.items()}})
def two_districts_in_one_file():
    return book([[f"Đơn vị: {NAME}"], [], HEAD] + ROWS, [["Đơn vị: Huyện Mường La"], [], HEAD] + ROWS)

@case("ca tinh.xlsx", {**WANT, **{(i, "120", p): v for (i, _, p), v in WANT.items()}})
def two_districts_in_one_table():
    return book([["Năm báo cáo: 2022"], ["Mã huyện", *HEAD]] + [[U, *r] for r in ROWS] + [["Huyện Mường La", *r] for r in ROWS])

@case("gop o.xlsx", {**WANT, **{(i, "120", p): v for (i, _, p), v in WANT.items()}})
def district_merged_down():
    return book([["Mã huyện", *HEAD], [U, *ROWS[0]], ["", *ROWS[1]], ["120", *ROWS[0]], ["", *ROWS[1]]], merge=("A2:A3", "A4:A5"))

@case("127_cover_differs.xlsx", {(i, "120", p): v for (i, _, p), v in WANT.items()}, ["unit.two_names"])
def sheet_names_another_district(): return book(COVER + [["Đơn vị: Huyện Mường La"], HEAD] + ROWS)

@case("127_two_tables.xlsx", {**WANT, ("A1", U, "2022"): 21})
def two_tables_on_a_sheet(): return book(COVER + [HEAD] + ROWS + [[], ["Biểu A"], ["Mã", "Chỉ tiêu", "Cả năm"], ["A1", "", 21]])

@case("127_communes.xlsx", UWANT)
def two_row_header(): return book(COVER + UHEAD + UROWS, merge=("C5:D5", "E5:F5", "A5:A6", "B5:B6"))

@case("127_unmerged.xlsx", UWANT)
def two_row_header_not_merged(): return book(COVER + UHEAD + UROWS)

@case("127_zeros.xlsx", UWANT)
def codes_without_leading_zero(): return book(COVER + UHEAD + [[int(r[0]), *r[1:]] for r in UROWS])

@case("127_names.xlsx", UWANT)
def names_without_codes(): return book(COVER + [r[1:] for r in UHEAD] + [r[1:] for r in UROWS])

@case("127_nfd.xlsx", UWANT)
def names_in_nfd(): return book(COVER + [[unicodedata.normalize("NFD", v) for v in r[1:]] for r in UHEAD] + [[unicodedata.normalize("NFD", r[1]).upper(), *r[2:]] for r in UROWS])

@case("127_totalrow.xlsx", UWANT)
def total_row(): return book(COVER + UHEAD + UROWS + [["", "TỔNG CỘNG", 6, 4, 226, 155]])

@case("127_subtotals.xlsx", UWANT)
def subtotal_rows(): return book(COVER + UHEAD + UROWS[:2] + [["", "Cộng khu vực I", 4, 2, 160, 85], UROWS[2], ["", "Cộng khu vực II", 2, 2, 66, 70], ["", "Tổng số", 6, 4, 226, 155]])

@case("127_badsubtotal.xlsx", UWANT, ["total.differs"])
def subtotal_differs(): return book(COVER + UHEAD + UROWS[:2] + [["", "Cộng khu vực I", 4, 2, 161, 85], UROWS[2]])

@case("127_typo.xlsx", {k: v for k, v in UWANT.items() if k[1] != "04228"}, ["unit.unknown"])
def commune_misspelt(): return book(COVER + [r[1:] for r in UHEAD] + [UROWS[0][1:], ["Xã Púng Bánhh", *UROWS[1][2:]], UROWS[2][1:]])

@case("127_personal.xlsx", WANT, ["column.personal", "column.personal"])
def columns_about_persons(): return book(COVER + [[*HEAD, "Họ và tên", "Số điện thoại"]] + [[*r, "Người Ví Dụ", "0912345678"] for r in ROWS])

@case("127_list.xlsx", WANT, ["column.personal", "column.personal", "row.unused"])
def list_of_persons_on_a_second_sheet(): return book(COVER + [HEAD] + ROWS, [["STT", "Họ tên", "Năm sinh"], [1, "Người Ví Dụ", 1990]])

@case("127_hidden.xlsx", WANT, ["sheet.hidden"])
def hidden_sheet():
    def hide(wb):
        wb.create_sheet("Trang", 0)
        wb["Biểu 1"].sheet_state = "hidden"
    return book(COVER + [HEAD] + ROWS, after=hide)

@case("127_hiddenrow.xlsx", WANT, ["sheet.hidden_rows"])
def hidden_row():
    def hide(wb): wb["Biểu 1"].row_dimensions[7].hidden = True
    return book(COVER + [HEAD] + ROWS, after=hide)

@case("127_formula.xlsx", {k: v for k, v in WANT.items() if k != ("B1a", U, "2022-01")}, ["cell.formula"])
def formula_without_a_value(): return book(COVER + [HEAD, ["B1a", "", "", "=3+4", 4, 9], ROWS[1]])

@case("127_error.xlsx", {k: v for k, v in WANT.items() if k != ("B1a", U, "2022-01")}, ["cell.error"])
def error_in_a_cell():
    def put(wb): wb["Biểu 1"]["D6"].value = "#REF!"; wb["Biểu 1"]["D6"].data_type = "e"
    return book(COVER + [HEAD, ["B1a", "", "", None, 4, 9], ROWS[1]], after=put)

@case("127_percent.xlsx", {("G2", "04225", "2022"): 85.5, ("G2", "04228", "2022"): 90.0})
def score_as_a_percentage():
    def put(wb): wb["Biểu 1"]["C6"].number_format = "0.0%"
    return book(COVER + [["Mã xã", "Xã, phường", "G2. Điểm"], ["04225", "Xã Sam Kha", 0.855], ["04228", "Xã Púng Bánh", 90]], after=put)

@case("127_date.xlsx", {("B1a", U, "2022-02"): 4}, ["cell.date"])
def date_in_a_number_cell():
    from datetime import date
    return book(COVER + [HEAD, ["B1a", "", "", date(2022, 3, 1), 4]])

@case("127_tick.xlsx", {("P1", U, "2022"): 1, ("P2a", U, "2022"): 0}, ["cell.tick"])
def yes_no_and_tick(): return book(COVER + [["Mã", "Chỉ tiêu", "Cả năm"], ["P1", "", "Có"], ["P2a", "", "Không"], ["P2b", "", "x"]])

TC = str.maketrans({v: k for k, v in zip("µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ", "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ")})

@case("127_tcvn3.xlsx", UWANT, ["file.old_font"])
def old_font_tcvn3():
    def font(wb):
        for row in wb["Biểu 1"].iter_rows():
            for c in row: c.font = Font(name=".VnTime")
    plain = lambda v: unicodedata.normalize("NFC", v).lower().translate(TC) if isinstance(v, str) else v
    return book([[plain(v) for v in r] for r in COVER + [r[1:] for r in UHEAD] + [r[1:] for r in UROWS]], after=font)

@case("127_unicode_in_old_font.xlsx", UWANT)
def unicode_text_in_an_old_font():
    def font(wb):
        for row in wb["Biểu 1"].iter_rows():
            for c in row: c.font = Font(name=".VnTime")
    return book(COVER + [r[1:] for r in UHEAD] + [r[1:] for r in UROWS], after=font)

def text(rows, mark, encoding): return "\r\n".join(mark.join(map(str, r)) for r in rows).encode(encoding)

@case("127_semicolon.csv", WANT)
def csv_semicolon_utf8(): return text(COVER + [HEAD] + ROWS, ";", "utf-8")

@case("127_bom.csv", WANT)
def csv_tab_with_bom(): return text(COVER + [HEAD] + ROWS, "\t", "utf-8-sig")

@case("127_utf16.csv", WANT)
def csv_utf16(): return text(COVER + [HEAD] + ROWS, "\t", "utf-16")

@case("127_cp1258.csv", WANT)
def csv_windows_vietnamese(): return _cp1258("\n".join("|".join(map(str, r)) for r in COVER + [HEAD] + ROWS))

def _cp1258(text):
    """Windows-1258 writes a base letter and then a combining tone."""
    out = b""
    for ch in unicodedata.normalize("NFC", text):
        try: out += ch.encode("cp1258")
        except UnicodeEncodeError:
            base = unicodedata.normalize("NFD", ch)
            tones = [m for m in base[1:] if m in "\u0300\u0301\u0303\u0309\u0323"]
            out += unicodedata.normalize("NFC", base[0] + "".join(m for m in base[1:] if m not in tones)).encode("cp1258") + "".join(tones).encode("cp1258")
    return out

@case("127_wrong_extension.xls", WANT, ["file.extension"])
def xlsx_named_xls(): return PLAIN()

@case("127_csv_named.xlsx", WANT, ["file.extension"])
def csv_named_xlsx(): return text(COVER + [HEAD] + ROWS, ";", "utf-8")

@case("127_page.xls", {}, ["file.html"], "file.html")
def html_named_xls(): return b"<html><body><table><tr><td>B1a</td><td>7</td></tr></table></body></html>"

@case("127_scan.xlsx", {}, ["file.wrong_kind"], "file.wrong_kind")
def pdf_named_xlsx(): return b"%PDF-1.7\n%..."

@case("127_empty.xlsx", {}, ["file.empty"], "file.empty")
def empty_file(): return b""

@case("127_torn.xlsx", {}, ["file.unreadable"], "file.unreadable")
def torn_in_half(): return PLAIN()[:3000]

@case("127_locked.xlsx", {}, ["file.password"], "file.password")
def password(): return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 2000

@case("127_word.xlsx", {}, ["file.wrong_kind"], "file.wrong_kind")
def word_file():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as z: z.writestr("word/document.xml", "<w/>")
    return out.getvalue()

@case("127_macro.xlsm", WANT, ["file.macro"])
def macro(): return edit_zip(PLAIN(), lambda p: p | {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"})

@case("127_sparse.xlsx", {}, ["file.too_big"], "file.too_big")
def two_cells_far_apart():
    def put(wb): wb["Biểu 1"]["XFD1048576"] = 1
    return book(COVER + [HEAD] + ROWS, after=put)

@case("127_bomb.xlsx", {}, ["file.too_big"], "file.too_big")
def zip_bomb(): return edit_zip(PLAIN(), lambda p: p | {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData>" + b" " * 200_000_000})

@case("127_nothing.xlsx", {}, ["file.no_table"], "file.no_table")
def no_table_of_the_form(): return book(COVER + [["Kính gửi"], ["Báo cáo đã gửi qua đường bưu điện"]])

@case("127_stray.xlsx", WANT, ["row.unused"])
def numbers_outside_every_table(): return book(COVER + [["Tổng số", 125.0]] + [[]] + [HEAD] + ROWS)


@case("127_column.xlsx", WANT, ["column.unused"])
def column_with_a_strange_header(): return book(COVER + [HEAD + ["Đợt cao điểm"]] + [[*r, 12] for r in ROWS])

@case("127_phone.xlsx", {("B1a", U, "2022-01"): 7}, ["cell.personal"])
def telephone_in_a_number_cell(): return book(COVER + [HEAD, ["B1a", "", "lượt", 7, "gọi 0912345678 để hỏi"]])

@case("tinh_diem.xlsx", {}, ["table.column_missing", "row.unused"])
def provincial_table_without_a_column(): return book([["Mã đơn vị", "14"], ["Năm báo cáo", 2022], ["Mã điểm", "Tháng", "Số lượt tiếp cận", "Số người"], ["S01", "2022-01", 30, 20]])

@case("127_order.xlsx", WANT)
def order_numbers_in_front(): return book(COVER + [["STT", *HEAD]] + [[i, *r] for i, r in enumerate(ROWS, 1)])


def _record(kind, body): return kind.to_bytes(2, "little") + len(body).to_bytes(2, "little") + body

def _biff8(rows):
    """The Workbook stream of an Excel 97-2003 file with one sheet of labels and numbers."""
    import struct
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    sheet += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for r, row in enumerate(rows):
        for c, v in enumerate(row):
            if v == "": continue
            if isinstance(v, str): sheet += _record(0x0204, struct.pack("<HHHHB", r, c, 0, len(v), 1) + v.encode("utf-16-le"))
            else: sheet += _record(0x0203, struct.pack("<HHHd", r, c, 0, float(v)))
    sheet += _record(0x000A, b"")
    name = "Biểu 1".encode("utf-16-le")
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)) + _record(0x0042, struct.pack("<H", 1200))
    size = len(head) + 4 + 8 + len(name) + 4
    bound = _record(0x0085, struct.pack("<IBBBB", size, 0, 0, len(name) // 2, 1) + name)
    return head + bound + _record(0x000A, b"") + sheet

def xls(rows):
    """An old Office container that holds one Workbook stream, padded past the size of a short stream."""
    import struct
    stream = _biff8(rows)
    stream += b"\0" * (-len(stream) % 512) if len(stream) >= 4096 else b"\0" * (4096 - len(stream))
    n = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + n), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    def entry(name, kind, child, start, size):
        raw = name.encode("utf-16-le") + b"\0\0"
        return raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child) + b"\0" * 36 + struct.pack("<IQ", start, size)
    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream)) + (b"\0" * 68 + b"\xff" * 12 + b"\0" * 48) * 2
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    return header.ljust(512, b"\xff") + struct.pack("<128I", *fat) + directory + stream

@case("127_old.xls", WANT)
def excel_2003(): return xls(COVER + [HEAD] + ROWS)

@case("127_old_named.xlsx", WANT, ["file.extension"])
def excel_2003_named_xlsx(): return xls(COVER + [HEAD] + ROWS)

@case("127_twice.xlsx", {**WANT, ("A1", U, "2022"): 21})
def header_repeated_as_on_printed_pages(): return book(COVER + [HEAD, ROWS[0], HEAD, ROWS[1], [], ["Mã", "Chỉ tiêu", "Cả năm"], ["A1", "", 21]])


def write(folder):
    """Writes every case into its own folder; gives the cases."""
    for c in CASES:
        here = Path(folder)/c["name"]
        here.mkdir(parents=True, exist_ok=True)
        (here/c["file"]).write_bytes(c["make"]())
    return CASES


if __name__ == "__main__":
    print(len(write(Path(sys.argv[1]))), "files")
