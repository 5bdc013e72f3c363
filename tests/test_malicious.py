"""Malicious text in every text field of a year's workbooks, followed through the check, the pages, the tables and a browser: nothing runs, nothing is asked of the network, no formula lives."""
import csv
import html.parser
import io
import json
import re
import shutil
from urllib.parse import unquote
from xml.etree import ElementTree

import openpyxl
import pytest

from conftest import YEAR
from gallery import NAMES, frames, say
from malicious import CONTROL, HOST, MARK, STRINGS, for_cell, for_file, for_sheet, marks
from sonla_eval.intake.door import given_away
from sonla_eval.publish.page import unsafe
from test_browser import browser # noqa: F401

RUNS = (("vi", ("internal", "public"), ("province",)), ("en", ("internal", "public"), ("quality",)), ("en", ("internal",), ("district-116",)), ("vi", ("internal",), ("models",)))
ASKED = {k for k, s in enumerate(STRINGS) if not given_away(s)[1]} # the door refuses the others, names of photographs, and repeats none of them


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
    "Every text keeps its words and gets a string after them; codes, dates, names of months and units stay, so that the numbers are still read."
    wb = openpyxl.load_workbook(path)
    for ws in wb:
        if ws.title == "_meta": continue
        for cell in texts(ws):
            if not re.match(r"[A-Z]?\d[\w/.:-]*$|[A-Z]\d+[a-z]?\. |Tháng|Quý|Cả năm|Mã|Xã|Phường|Thị trấn|Huyện|Thành phố|.*SYNTHETIC", cell.value): put(cell, f"{cell.value} {supply()}")
        last = ws.max_column + 2
        for row in (1, 4, 6, 8) if ws.title[0] in "AB" else (1, 6, 8): put(ws.cell(row, last), supply())
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
        last = ws.max_column
        for k in range(2, last + 1): # one garbled cell in each column, each in a row of its own
            if head + k <= ws.max_row: put(ws.cell(head + k, k), f"{ws.cell(head + k, k).value} {STRINGS[k]}")
        put(ws.cell(head, last + 1), supply())
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
    for path in sorted(folder.glob("tinh_*.xlsx")): (beside if "tong-hop" in path.name else own_rows)(path, supply)
    for name in (STRINGS[70], STRINGS[90], STRINGS[103]): (folder/f"{for_file(name)}.csv").write_text("a;b\n" + "\n".join(f'{k};"{s}"' for k, s in enumerate(STRINGS)), encoding="utf-8", errors="replace")
    values = [{"dataElement": s, "period": "2022", "orgUnit": s, "value": s} for s in STRINGS]
    (folder/"121_dhis.json").write_text(json.dumps({"dataValues": values}), encoding="utf-8")
    (folder/f"{for_file(STRINGS[101])}.bin").write_bytes(b"x")
    for s in STRINGS: # workbooks that can't be opened: the terminal names them
        if "\x1b" in s or "\u202e" in s: (folder/f"{for_file(s)}.xlsx").write_bytes(b"x")


@pytest.fixture(scope="module")
def poisoned(example, tmp_path_factory):
    "A year of poisoned workbooks."
    raw = tmp_path_factory.mktemp("poison")/"raw"
    shutil.copytree(example, raw)
    poison(raw/str(YEAR))
    return raw


@pytest.fixture(scope="module")
def pages(poisoned, tmp_path_factory):
    "The pages made from them: province, quality, a district, models; the year is read once for all of them."
    from sonla_eval.publish.run import run
    from sonla_eval.settings import read_settings
    out = tmp_path_factory.mktemp("poisoned")
    for k, (lang, editions, only) in enumerate(RUNS):
        s = read_settings(year=YEAR, data=str(poisoned), site=str(out/"site"/str(k)), packets=str(out/"packets"), langs=[lang], editions=list(editions), workers=1)
        assert run(s, only, progress=False).failed == ()
    return out/"site"


def test_the_corpus_is_large():
    assert len(STRINGS) >= 60 and len(set(STRINGS)) == len(STRINGS) and len(ASKED) >= len(STRINGS) - 2
    assert all(k in marks(s) for k, s in enumerate(STRINGS))


class Parts(html.parser.HTMLParser):
    "Tags with their attributes, and the words, of a page."
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], []
        self.feed(text)
        self.close()
    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    def handle_data(self, data): self.words.append(data)


def alive(text):
    "Would a spreadsheet compute it?"
    return isinstance(text, str) and bool(re.match(r"\s*[=+\-@|＝＋－＠]", text)) and not re.fullmatch(r"[+-]?\d+([.,]\d+)*\s?%?|[-–—−+]", text)


def cells_of(path):
    "Every cell of a CSV or a workbook with the kind that the program that opens it will see."
    if path.suffix == ".csv": return [(c, "s") for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))) for c in row]
    return [(c.value, c.data_type) for ws in openpyxl.load_workbook(path) for row in ws.iter_rows() for c in row]


def test_the_check_says_it_all_and_does_nothing(poisoned, tmp_path, capsys):
    "The list of questions names every string that the door lets in, in cells that stay text; the terminal gets no control character."
    from sonla_eval.cli import main
    for lang in ("vi", "en"):
        assert main(["check", str(poisoned/str(YEAR)), "--out", str(tmp_path), "--lang", lang]) == 2
    said = capsys.readouterr()
    assert MARK.search(said.out) and not CONTROL.search(said.out + said.err) and "\u202e" not in said.out
    for name in ("queries.csv", "queries.xlsx"):
        found = cells_of(tmp_path/name)
        assert marks(" ".join(str(v) for v, _ in found)) == ASKED
        assert [v for v, kind in found if kind == "f" or alive(v) or CONTROL.search(str(v))] == []
    links = [c.hyperlink for ws in openpyxl.load_workbook(tmp_path/"queries.xlsx") for row in ws.iter_rows() for c in row if c.hyperlink]
    assert links and all(re.fullmatch(r"\./[\w%.~-]+", h.target.partition("#")[0]) for h in links)


def test_records_keep_names_and_no_orders(poisoned):
    from sonla_eval.intake.clean import read_year
    taken = read_year(poisoned/str(YEAR), YEAR)
    for table in (taken.records, taken.queries, taken.quarantine, taken.files):
        assert [v for c in table.columns for v in table[c].unique() if isinstance(v, str) and CONTROL.search(v)] == []


def test_pages_show_the_strings_as_words(pages):
    """Every string that the door lets in can be read on the list of cells to correct; no tag, attribute or link is made of one. The public edition repeats none of them but names of activities."""
    shown = {p: Parts(p.read_text(encoding="utf-8")) for p in sorted(pages.rglob("*.html"))}
    assert {"province.html", "quality.html", "district-116.html", "models.html"} <= {p.name for p in shown}
    for path, page in shown.items():
        for tag, at in page.tags:
            assert tag not in ("script", "iframe", "object", "embed", "form", "base", "link", "template", "math", "noscript", "video", "marquee", "portal", "input"), (path, tag)
            assert not any(k.startswith("on") or k in ("srcdoc", "srcset", "autofocus", "formaction") for k in at), (path, tag, at)
            assert HOST not in unquote(at.get("href") or "") or (at["href"] or "").startswith("data:text/csv"), (path, at)
            assert "owned" not in " ".join(str(at.get(k) or "") for k in ("id", "class", "name", "src", "style")), (path, tag, at)
    assert marks(" ".join(shown[next(pages.glob("*/*/internal/en/quality.html"))].words)) == ASKED


def test_tables_and_manifest_hold_no_formula(pages):
    files = [p for p in sorted(pages.rglob("*")) if p.is_file() and p.suffix in (".csv", ".xlsx")]
    assert len(files) >= 8
    for path in files: assert [v for v, kind in cells_of(path) if kind == "f" or alive(v) or CONTROL.search(str(v))] == [], path
    links = [unquote(at["href"].partition(",")[2]) for p in pages.rglob("*.html") for _, at in Parts(p.read_text(encoding="utf-8")).tags if (at.get("href") or "").startswith("data:text/csv")]
    assert len(links) > 100
    for text in links: assert [c for row in csv.reader(io.StringIO(text)) for c in row if alive(c)] == []
    for path in pages.rglob("manifest.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        assert not CONTROL.search(json.dumps(told, ensure_ascii=False)) and set(told["outputs"]) == {p.relative_to(path.parent).as_posix() for p in path.parent.rglob("*") if p.is_file() and p != path}


def test_names_of_published_files_are_plain(pages):
    assert [p.name for p in pages.rglob("*") if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+)?|\.run\.lock", p.name)] == []


@pytest.mark.parametrize("name", ["public/vi/province", "public/en/quality", "internal/vi/province", "internal/en/district-116", "internal/en/quality", "internal/vi/models"])
def test_nothing_runs_and_nothing_is_asked(pages, browser, name): # noqa: F811
    "The page without its policy, so that escaping alone must hold: no script, no dialog, no request, no element made of a string, also when everything is opened and touched."
    context = browser.new_context(bypass_csp=True)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("dialog", lambda d: (said.append(d.message), d.dismiss()))
    page.on("popup", lambda w: said.append("popup"))
    page.route("**/*", lambda r: r.continue_() if r.request.url.startswith(("file:", "data:")) else r.abort())
    try:
        start = next(pages.glob(f"*/{YEAR}/{name}.html")).as_uri()
        page.goto(start)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        page.evaluate("for (const e of document.querySelectorAll('body *')) for (const k of ['mouseover', 'focus', 'toggle', 'error', 'load']) e.dispatchEvent(new Event(k))")
        page.wait_for_timeout(200)
        assert said == [] and page.evaluate("typeof window.owned") == "undefined" and page.url == start
        assert [u for u in asked if not u.startswith("data:")] == [start]
        assert page.evaluate("document.querySelectorAll('[id*=owned],[class*=owned],script,iframe,object,embed,form,base,link,template,math,input,[onerror],[onload],[onfocus]').length") == 0
        assert page.evaluate(f"[...document.links].filter(a => a.href.includes('{HOST}') && !a.href.startsWith('data:text/csv')).length") == 0
    finally: context.close()


def poisoned_rows(rows, supply):
    "Names of rows, columns' words and reasons replaced by strings; what the chart computes with stays."
    out = rows.copy()
    for c in ("label", "unit", "name", "panel", "series", "step", "source", "reason", "activity", "part", "stage", "of"):
        if c not in out or c == "unit" and "step" in out: continue
        put = {v: supply()[:70] for v in out[c].unique() if v}
        out[c] = out[c].map(lambda v: put.get(v, v))
    if "of" in out: out["of"] = ["", *out["label"][:1].repeat(len(out) - 1)]
    return out


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", NAMES)
def test_charts_draw_them_as_words(name):
    "Names of rows, title, source, note and description made of strings: the drawing is well formed, nothing in it acts, and each word is there."
    supply = Supply()
    supply.k = 7*NAMES.index(name)
    make, rows, options, _ = frames("en")[name]
    rows, words = poisoned_rows(rows, supply), {k: supply()[:70] for k in ("headline", "subtitle", "source", "note", "alt")}
    fig = make(rows, name.replace("_", "-"), **{**say("en"), **options, **words})
    text = fig.html()
    assert unsafe(text) == []
    ElementTree.fromstring(re.search(r"(?s)<svg.*?</svg>", text)[0])
    page = Parts(text)
    assert not any("owned" in str(at.get("id")) + str(at.get("class")) for _, at in page.tags)
    used = {c for c in fig.data.select_dtypes(exclude="number").columns}
    assert marks(" ".join(page.words)) >= marks(" ".join([*words.values(), *(str(v) for c in used for v in fig.data[c])]))
    assert [c for row in csv.reader(io.StringIO(fig.csv())) for c in row if alive(c)] == []


def test_tables_of_other_packages_are_words():
    "A model's summary and a styled frame whose names are strings, shown by a notebook and put on a page."
    import nbformat
    from sonla_eval.publish.engine import run_cells
    from sonla_eval.publish.page import body_html
    code = """from sonla_eval.present.foreign import guard_shell
import numpy as np, pandas as pd, statsmodels.api as sm
guard_shell()
rng = np.random.default_rng(1)
fit = sm.OLS(pd.Series(rng.normal(size=90), name=NAMES[0]), pd.DataFrame(rng.normal(size=(90, 40)), columns=NAMES[1:41])).fit()
frame = pd.DataFrame({s: [1] for s in NAMES}, index=pd.Index([NAMES[0]], name=NAMES[1]))"""
    shown = ["fit.summary(title=NAMES[3])", "fit.summary2(title=NAMES[3])", "fit.summary().tables[1]", "frame.style.set_caption(NAMES[3])", "frame"]
    cells = [nbformat.v4.new_code_cell(f"NAMES = {[s[:80] for s in STRINGS[:60]]!r}"), nbformat.v4.new_code_cell(code), *map(nbformat.v4.new_code_cell, shown)]
    run_cells(cells)
    assert [c.source for c in cells if any(o.output_type == "error" for o in c.outputs)] == [] and all(c.outputs for c in cells[2:])
    text = body_html(nbformat.v4.new_notebook(cells=cells), "en")
    page = Parts(text)
    assert unsafe(text) == [] and not any("owned" in str(at) for tag, at in page.tags) and {tag for tag, _ in page.tags} <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "style"}
    assert marks(" ".join(page.words)) == marks(" ".join(s[:80] for s in STRINGS[:60]))
