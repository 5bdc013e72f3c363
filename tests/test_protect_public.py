"""What stands in the published files: marks that nothing else looks like, a note with each, no trace of the machine, and what belongs to the officer kept inside."""
import getpass
import html.parser
import io
import json
import re
import socket
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from conftest import ROOT, YEAR
from gallery import NAMES, draw_masked
from sonla_eval.present.tables import html_table

WORD = {"vi": "che", "en": "suppressed"}


@pytest.fixture(scope="module")
def public(built): return built[2]/"public"


class Cells(html.parser.HTMLParser):
    "Blocks (figures and table boxes) of a page with their cells, hidden cells and notes; texts of drawings."
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.blocks, self.depth, self.open = [], 0, []
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        css = (at.get("class") or "").split()
        if tag == "figure" or "table-box" in css: self.blocks.append({"id": at.get("id"), "hidden": [], "note": "", "svg": ""})
        self.open.append((tag, css))
    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag: pass
    def handle_data(self, data):
        if not self.blocks: return
        css = {c for _, cs in self.open for c in cs}
        if "suppressed" in css: self.blocks[-1]["hidden"].append(data)
        if "hidden-cells" in css: self.blocks[-1]["note"] += data
        if any(t == "svg" for t, _ in self.open): self.blocks[-1]["svg"] += data + "\n"


def blocks(path): return Cells(path.read_text(encoding="utf-8")).blocks


def noted(b, lang):
    "A block's hidden cells are the word alone, and its note counts them and says why."
    assert set(b["hidden"]) <= {WORD[lang]} and bool(b["hidden"]) == bool(b["note"]), b["id"]
    if not b["hidden"]: return
    assert re.search(rf"\b{len(b['hidden'])} (ô|cells?)\b", b["note"]) and ("số nhỏ" if lang == "vi" else "small count") in b["note"], (b["id"], b["note"])
    if b["svg"]: assert "•" in b["svg"] or WORD[lang] in b["svg"], b["id"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_chart_and_table_notes_what_it_hides(lang):
    seen = 0
    for name in NAMES:
        fig = draw_masked(name, lang)
        if fig is None: continue
        b = Cells(fig.html()).blocks[0]
        noted(b, lang)
        assert b["hidden"], name
        seen += 1
    table = html_table(pd.DataFrame({"x": ["a", "b", "c", "d"], "n": [3.0, 0.0, None, 7.0], "mask": ["primary", "", "", "complementary"]}), lang, "caption", "t")
    b = Cells(table).blocks[0]
    noted(b, lang)
    assert seen > 10 and len(b["hidden"]) == 2
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table)
    assert len({cells[0], cells[1], cells[2]}) == 3 and cells[1] == "0"


def test_each_hidden_cell_is_a_word_and_each_block_says_why(public):
    "Screen readers get the word; the note under the figure or table counts the cells and gives the reason, in the page's language."
    for path in public.glob("*/*.html"):
        for b in blocks(path): noted(b, path.parent.name)


def test_csv_and_workbook_hold_the_same_marks(public):
    "The word stands where the number would; a zero is 0, a missing figure is empty; the workbook says the same as the CSV."
    hidden = zeros = 0
    for path in sorted((public/"tables").glob("results*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        masked = table["mask"] == "suppressed"
        assert set(table["mask"]) <= {"", "suppressed"} and (table.loc[masked, ["numerator", "value"]] == "suppressed").all(axis=None)
        assert not (table.loc[~masked, ["numerator", "denominator", "value", "low", "high"]] == "suppressed").any(axis=None)
        hidden, zeros = hidden + int(masked.sum()), zeros + int((table["value"] == "0").sum())
        rows = list(openpyxl.load_workbook(path.with_suffix(".xlsx"), read_only=True)["data"].iter_rows(values_only=True))
        assert " / " in rows[0][list(rows[1]).index("value")] and list(rows[1]) == list(table.columns) and len(rows) == len(table) + 2
        at = [rows[1].index(c) for c in ("id", "value", "mask")]
        for row, told in zip(rows[2:], table[["id", "value", "mask"]].itertuples(index=False)):
            x = row[at[1]]
            assert row[at[0]] == told.id and (row[at[2]] or "") == told.mask
            assert (x is None and told.value == "") or x == told.value or abs(float(x) - float(told.value)) < 1e-8
    assert hidden > 20 and zeros > 100


def test_workbooks_say_nothing_of_their_maker(built):
    for path in built[2].glob("*/tables/*.xlsx"):
        with zipfile.ZipFile(path) as z:
            told = z.read("docProps/core.xml").decode()
            assert {i.date_time for i in z.infolist()} == {(2022, 3, 1, 0, 0, 0)}
        assert re.findall(r">([^<]+)<", told) in (["2022-03-01T00:00:00Z"]*2, ["2022-03-01T00:00:00Z"]), told


def test_manifest_and_index_know_the_workbooks(built):
    for edition in ("internal", "public"):
        folder = built[2]/edition
        books = {f"tables/{p.name}" for p in (folder/"tables").glob("*.xlsx")}
        assert len(books) >= 6 and books <= set(json.loads((folder/"manifest.json").read_text(encoding="utf-8"))["outputs"])
        index = (built[2].parent/"index.html").read_text(encoding="utf-8")
        assert all(f"{YEAR}/{edition}/{b}" in index for b in books)


def everything(folder):
    "Name and text of each published file, those inside workbooks too."
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as z:
                for n in z.namelist(): yield f"{path.name}/{n}", z.read(n).decode("utf-8", "replace")
        else: yield path.relative_to(folder).as_posix(), path.read_bytes().decode("utf-8")


def test_no_trace_of_the_machine(built):
    "No folder, user, host, address of memory or failure in any published file of either edition, metadata of drawings and workbooks included."
    out = Path(tempfile.gettempdir())
    words = [str(ROOT), str(built[2].parent), str(Path.home()) + "/", f"{out}/", "/site-packages/", "\\Users\\", "Traceback (most recent", "<metadata", "matplotlib", "<dc:creator>openpyxl", "object at 0x"]
    words += [w for w in (getpass.getuser(), socket.gethostname()) if len(w) > 5]
    n = 0
    for name, text in everything(built[2]):
        n += 1
        held = [w for w in words if w in text and not (w == "matplotlib" and name.endswith("manifest.json"))]
        assert held == [], (name, held)
        assert not re.search(r"(?<![\w.])/(home|root|tmp|work|var|usr|Users|mnt)/\w", text), name
    assert n > 60


def test_every_page_has_its_policy(built):
    pages = [*built[2].rglob("*.html"), built[2].parent/"index.html"]
    for path in pages:
        head = path.read_text(encoding="utf-8").partition("</head>")[0]
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', head)
        assert policy and "default-src 'none'" in policy[1] and "script-src" not in policy[1] and "unsafe-eval" not in policy[1], path
        assert head.index("Content-Security-Policy") < head.index("<title") or head.index("Content-Security-Policy") < 600


def test_the_log_reaches_the_officer_and_nobody_else(built):
    log = pd.concat([pd.read_csv(p, dtype={"unit": str}) for p in (built[2]/"internal"/"tables").glob("disclosure*.csv")])
    assert len(log) > 50 and log["why_vi"].notna().all() and log["why_en"].notna().all() and log["value"].notna().any()
    assert not [p for p in (built[2]/"public").rglob("*") if "disclosure" in p.name]
    shown = pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False) for p in (built[2]/"public"/"tables").glob("results*.csv")])
    assert set(shown.loc[shown["mask"] != "", "id"]) == set(log.loc[log["mask"] != "withheld", "id"])
    assert not set(shown["id"]) & set(log.loc[log["mask"] == "withheld", "id"])


def test_the_attacks_report_is_kept(built):
    from sonla_eval.publish.run import packet_folder
    told = json.loads((packet_folder(built[0])/"attack.json").read_text(encoding="utf-8"))
    assert told["safe"] and told["recovered"] == told["printed_elsewhere"] == told["narrower_than_asked"] == 0 and told["suppressed"] > 20 and told["narrowest_interval"] >= 3


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_end_of_each_edition_lists_what_differs(built, lang):
    "Both editions list the same figures with the same number of hidden cells: those that the public page really hides."
    for name in ("province", "district-119"):
        lists = {}
        for edition in ("public", "internal"):
            page = (built[2]/edition/lang/f"{name}.html").read_text(encoding="utf-8")
            part = re.search(r'(?s)<div class="table-box" id="editions-page">.*?</table>', page)
            lists[edition] = re.findall(r'<th scope="row">(.*?)</th><td[^>]*>(\d+) (?:ô|cells)', part[0]) if part else []
            assert ("làm tròn" if lang == "vi" else "rounded") in page and 'id="editions-year"' in page
        hidden = [len(b["hidden"]) for b in blocks(built[2]/"public"/lang/f"{name}.html") if b["hidden"]]
        assert sorted(int(n) for _, n in lists["public"]) == sorted(hidden)
        assert sorted(int(n) for _, n in lists["internal"]) == sorted(hidden)
