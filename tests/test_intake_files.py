"""Files that are locked, broken, disguised or made to hurt: each is named for what it is, quickly, and nothing in it runs."""
from io import BytesIO
from pathlib import Path
import ast, struct, subprocess, sys

import pytest

sys.path.insert(0, str(Path(__file__).parent/"corpus"))
import build

from sonla_eval.intake.clean import read_year
from sonla_eval.intake.reading import read_each

BOMB = b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8)) + b"]><sst><si><t>&i;</t></si></sst>"
FORMULAS = ("=cmd|'/c calc'!A0", "='[other.xlsx]S'!A1", '=WEBSERVICE("http://127.0.0.1:9/x")')


def encrypted(data, word="mat-khau"):
    """The file as Excel saves it with a password."""
    OOXMLFile = pytest.importorskip("msoffcrypto.format.ooxml").OOXMLFile
    out = BytesIO()
    OOXMLFile(BytesIO(data)).encrypt(word, out)
    return out.getvalue()


def locked_xls():
    """An Excel 97-2003 file with a password: the record FILEPASS stands behind the first one and the rest is unreadable."""
    plain = build._biff8(build.COVER + [build.HEAD] + build.ROWS)
    kept = build._biff8
    build._biff8 = lambda rows: plain[:20] + struct.pack("<HHHHH", 0x002F, 54, 1, 1, 1) + bytes(48) + bytes(b ^ 0x5A for b in plain[20:])
    try: return build.xls([])
    finally: build._biff8 = kept


def with_formulas():
    def put(wb):
        for cell, text in zip(("D6", "E6", "F6"), FORMULAS): wb["Biểu 1"][cell] = text
    return build.book(build.COVER + [build.HEAD] + build.ROWS, after=put)


def cached(data):
    """The same formulas with the values that Excel had computed."""
    return build.edit_zip(data, lambda p: p | {"xl/worksheets/sheet1.xml": p["xl/worksheets/sheet1.xml"].replace(b"</f><v />", b"</f><v>7</v>").replace(b"</f><v></v>", b"</f><v>7</v>").replace(b"</f><v/>", b"</f><v>7</v>")})


def entity(p):
    sheet = p["xl/worksheets/sheet1.xml"].replace(b"<worksheet", b'<!DOCTYPE w [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet', 1)
    return p | {"xl/worksheets/sheet1.xml": sheet.replace(b"<sheetData>", b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&e;</t></is></c></row>')}


FILES = {
    "127_locked.xlsx": (lambda: encrypted(build.PLAIN()), "file.password"),
    "127_locked_named.xls": (lambda: encrypted(build.PLAIN()), "file.password"),
    "127_locked_2003.xls": (locked_xls, "file.password"),
    "127_page.xls": (lambda: b"\xef\xbb\xbf<HTML><table><tr><td>B1a</td></tr></table></HTML>", "file.html"),
    "127_page16.xls": (lambda: "<html><table><tr><td>1</td></tr></table></html>".encode("utf-16"), "file.html"),
    "127_web.xls": (lambda: b"MIME-Version: 1.0\nContent-Type: multipart/related", "file.wrong_kind"),
    "127_xml.xls": (lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "file.wrong_kind"),
    "127_zeros.xlsx": (lambda: bytes(500), "file.empty"),
    "127_cut.xlsx": (lambda: build.PLAIN()[:-40], "file.unreadable"),
    "127_entity.xlsx": (lambda: build.edit_zip(build.PLAIN(), entity), "file.unreadable"),
    "127_laughs.xlsx": (lambda: build.edit_zip(build.PLAIN(), lambda p: p | {"xl/sharedStrings.xml": BOMB}), "file.unreadable"),
    "127_parts.xlsx": (lambda: build.edit_zip(build.PLAIN(), lambda p: p | {f"xl/x{i}.xml": b"0" for i in range(4000)}), "file.too_big"),
    "127_sparse.xlsx": (build.two_cells_far_apart, "file.too_big"),
    "127_bomb.xlsx": (build.zip_bomb, "file.too_big"),
    "127_slip.xlsx": (lambda: build.edit_zip(build.PLAIN(), lambda p: p | {"../../evil.txt": b"x"}), ""),
    "127_formulas.xlsx": (with_formulas, ""),
    "127_cached.xlsx": (lambda: cached(with_formulas()), ""),
    "127_picture.xlsx": (lambda: build.edit_zip(build.PLAIN(), lambda p: p | {"xl/media/image1.png": b"\x89PNG"}), ""),
}


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    here = tmp_path_factory.mktemp("files")
    for name, (make, _) in FILES.items(): (here/name).write_bytes(make())
    return here, dict(zip(FILES, read_each([here/n for n in FILES], 2022)))


@pytest.mark.parametrize("name", FILES)
def test_each_is_named_for_what_it_is(name, readings):
    here, got = readings
    reading, want = got[name], FILES[name][1]
    assert reading.problem == want
    if want: assert [(q["check"], q["severity"], q["unit"]) for q in reading.queries] == [(want, "blocks", "127")] and not reading.cells
    assert sorted(p.name for p in here.iterdir()) == sorted(FILES) and not (here.parent.parent/"evil.txt").exists()


def test_formulas_are_never_computed(readings):
    _, got = readings
    blank, full = got["127_formulas.xlsx"], got["127_cached.xlsx"]
    assert [q["cell"] for q in blank.queries if q["check"] == "cell.formula"] == ["D6", "E6", "F6"]
    assert {c[:3]: c[3] for c in blank.cells if c[0] == "B1a"} != {} and all(c[3] != c[3] and c[4] == "queried" for c in blank.cells if c[0] == "B1a")
    assert [c[3] for c in full.cells if c[0] == "B1a"] == [7, 7, 7]
    for reading in (blank, full): assert not any(word in str(reading) for word in ("cmd", "WEBSERVICE", "other.xlsx"))
    assert [q["check"] for q in got["127_picture.xlsx"].queries] == ["file.extras"]


def test_the_password_is_real():
    msoffcrypto = pytest.importorskip("msoffcrypto")
    for data in (encrypted(build.PLAIN()), locked_xls()): assert msoffcrypto.OfficeFile(BytesIO(data)).is_encrypted()
    file, out = msoffcrypto.OfficeFile(BytesIO(encrypted(build.PLAIN()))), BytesIO()
    file.load_key(password="mat-khau")
    file.decrypt(out)
    assert out.getvalue()[:2] == b"PK"


WATCHED = """import resource, sys
from pathlib import Path
from sonla_eval.intake.clean import read_year
year = read_year(Path(sys.argv[1]), 2022)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(sorted(year.files["state"]), used.ru_maxrss // 1024, used.ru_utime, sep=";")"""


def test_bad_files_among_twelve_cost_little_and_stop_nobody(tmp_path):
    here = tmp_path/"2022"
    here.mkdir()
    (here/"116_sparse.xlsx").write_bytes(build.two_cells_far_apart())
    (here/"118_bomb.xlsx").write_bytes(build.zip_bomb())
    for i in range(10): (here/f"127_{i:02d}.xlsx").write_bytes(build.PLAIN())
    said = subprocess.run([sys.executable, "-c", WATCHED, str(tmp_path)], capture_output=True, text=True, check=True).stdout.strip()
    states, megabytes, seconds = said.split(";")
    assert ast.literal_eval(states) == ["read"] * 10 + ["too_big"] * 2
    assert int(megabytes) < 500 and float(seconds) < 5
