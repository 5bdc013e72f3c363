"""The page: one file that asks for nothing, runs nothing, shows no code, and reads well on paper and on a phone."""
import re
import shutil
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from gallery import NAMES, draw
from sonla_eval.present.blocks import callout, findings, main_points, para
from sonla_eval.publish.page import PageError, PageMeta, body_html, contents_html, counts, lint_page, markdown_html, simple_page, to_html, typed_numbers, unsafe, with_ids

CHROME = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


def shown(value): return new_code_cell("secret_code()", outputs=[new_output("display_data", data={"text/html": value._repr_html_(), "text/plain": "<object at 0x7f00>"})])


def text(vi, en): return [new_markdown_cell(vi, metadata={"tags": ["vi"]}), new_markdown_cell(en, metadata={"tags": ["en"]})]


def notebook(lang, names=NAMES):
    cells = [*text("# Kết quả", "# Results"), *text("## Những điểm chính", "## Main points"), shown(main_points(["Một huyện chưa có kế hoạch."])), *text("## Hình", "## Figures\n\nA [source](https://example.org/a).")]
    cells += [shown(draw(n, lang)) for n in names]
    cells += [*text("## Phát hiện", "## Findings"), shown(findings([("F1", "Một huyện chưa có kế hoạch.", [("heat", "hình")])], lang)), shown(callout("limit", "Mẫu số.", lang)), shown(para("Đoạn **đậm**."))]
    return new_notebook(cells=cells)


def meta(lang, **changes): return PageMeta(**{**dict(title="Sơn La 2022", lang=lang, year=2022, unit="Sơn La", synthetic=True, home_href="../index.html", other_lang_href="x.html", provenance={"version": "0.1"}), **changes})


@pytest.fixture(scope="module", params=["vi", "en"])
def page(request): return request.param, to_html(notebook(request.param), meta(request.param))


def test_page_has_no_fault_and_all_it_should(page):
    lang, html = page
    assert lint_page(html, {"figures": len(NAMES), "findings": 1, "points": 1, "callouts": 1}) == []
    assert counts(html)["figures"] == len(NAMES)
    assert html == to_html(notebook(lang), meta(lang))
    assert "secret_code" not in html and "0x7f00" not in html
    assert len(html.encode()) < 1_500_000
    assert not re.search(r"<script|\son\w+=|https?://(?!www\.w3\.org/2000/svg|example\.org)", re.sub(r"data:[^\"')]*", "", html))


def test_page_speaks_one_language(page):
    lang, html = page
    assert f'<html lang="{lang}">' in html and ("Những điểm chính" in html) == (lang == "vi") and ("Main points" in html) == (lang == "en")
    assert 'hreflang="en"' in html if lang == "vi" else 'hreflang="vi"' in html


def test_failed_cell_stops_the_page():
    nb = notebook("vi", [])
    nb.cells.append(new_code_cell("x", outputs=[new_output("error", ename="KeyError", evalue="'C5'", traceback=["/home/someone/x.py"])]))
    with pytest.raises(PageError, match=r"cell \d+ failed: KeyError"): to_html(nb, meta("vi"))
    nb.cells[-1].metadata["tags"] = ["hide"]
    with pytest.raises(PageError): to_html(nb, meta("vi"))


@pytest.mark.parametrize("html", [
    "<script>alert(1)</script>", "<SCRIPT src=//x.y/z></SCRIPT>", "<img src='http://x.y/z.png' alt=a>", "<p onclick=alert(1)>x</p>", "<a href='java&#10;script:alert(1)'>x</a>",
    "<iframe srcdoc=x></iframe>", "<link rel=stylesheet href=//x.y>", "<style>@import 'x'</style>", "<div style='background:url(https://x.y/z)'>x</div>", "<svg><use href='//x.y#z'/></svg>",
    "<form action=//x.y></form>", "<object data=x></object>", "<base href=//x.y>", "<meta http-equiv=refresh content='0;url=//x.y'>", "<video src=x></video>", "<svg><image href='http://x.y/z'/></svg>",
    "<a href='data:text/html,<b>x</b>'>x</a>", "<svg><animate attributeName=href values='javascript:alert(1)'/></svg>", "<input autofocus onfocus=alert(1)>", "<img srcset='//x.y 2x' alt=a>"])
def test_what_runs_or_loads_is_refused(html):
    assert unsafe(html), html
    nb = new_notebook(cells=[new_code_cell("", outputs=[new_output("display_data", data={"text/html": html})])])
    with pytest.raises(PageError): to_html(nb, meta("vi"))
    with pytest.raises(PageError): simple_page(html, meta("en"))


def test_markdown_is_escaped():
    evil = "a <script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](http://x.y/z.png)\n\n<b onclick=x>raw</b>"
    out = markdown_html(evil)
    assert unsafe(out) == [] and "<b" not in out and "<img" not in out
    cells = [new_markdown_cell(evil), new_code_cell("", outputs=[new_output("display_data", data={"text/markdown": evil, "text/plain": "z"})])]
    assert lint_page(to_html(new_notebook(cells=cells), meta("vi"))) == []


def test_richest_form_wins_and_noise_is_dropped():
    outs = [new_output("stream", name="stdout", text="noise"), new_output("stream", name="stderr", text="/home/x: warning"),
            new_output("display_data", data={"text/html": "<p>rich</p>", "text/markdown": "poor", "text/plain": "poorer"}),
            new_output("display_data", data={"text/markdown": "*words*", "text/plain": "poorer"}), new_output("execute_result", data={"text/plain": "None"})]
    assert body_html(new_notebook(cells=[new_code_cell("", outputs=outs)]), "vi") == "<p>rich</p>\n<p><em>words</em></p>"
    plain = to_html(new_notebook(cells=[new_code_cell("", outputs=[new_output("execute_result", data={"text/plain": "<Figure at 0x1>"})])]), meta("vi"))
    assert "plain text output on the page" in lint_page(plain)
    with pytest.raises(PageError, match="without words"):
        to_html(new_notebook(cells=[new_code_cell("", outputs=[new_output("display_data", data={"image/png": "aGk="})])]), meta("vi"))


def test_contents_follow_the_headings():
    body, heads = with_ids("<h2>Đạt</h2><h3>a &amp; b</h3><h2 id=\"own\">Đạt</h2><h2>Đạt</h2>")
    assert [h[1] for h in heads] == ["dat", "a-b", "own", "dat-2"] and contents_html(heads).count("<li>") == 4
    assert contents_html(heads[:2]) == ""


@pytest.mark.parametrize("damage,fault", [
    ((r'<html lang="\w+">', "<html>"), "language"), ((r"<title>.*?</title>", ""), "title"), ((r'<meta http-equiv[^>]*>', ""), "Content-Security-Policy"), (("default-src 'none'", "default-src 'none'; script-src *"), "lets something in"),
    ((r'<meta charset="utf-8">', ""), "charset"), ((r"<h1[^>]*>.*?</h1>", ""), "level 1"), ((r"<desc.*?</desc>", ""), "no description"), ((r'data:text/csv', "data:x"), "no CSV"), ((r'class="skip"', 'class="s"'), "skip"),
    ((r'href="#main"', 'href="#gone"'), "isn't there"), ((r"</main>", '<img src="data:image/png;base64,aa"></main>'), "picture without words"), ((r"</main>", "<p id=main></p></main>"), "given twice"), ((r"</main>", "<svg></svg></main>"), "drawing without"),
    ((r"</main>", "<h2>a</h2><h4>b</h4></main>"), "jumps"), ((r' – [^<]*</title>', "</title>"), "synthetic"), ((r"</main>", "x"*1_500_000 + "</main>"), "bytes"), ((r'class="headline">', 'class="headline">' + "w "*30), "headline of")])
def test_lint_sees_each_fault(damage, fault):
    html = to_html(notebook("en", ["bullet"]), meta("en"))
    worse = re.sub(damage[0], damage[1].replace("\\", r"\\"), html, count=1, flags=re.S)
    assert worse != html and any(fault in f for f in lint_page(worse)), lint_page(worse)


@pytest.mark.parametrize("changes", [dict(title=" "), dict(lang="fr"), dict(edition="secret"), dict(home_href="//x.y"), dict(other_lang_href="https://x.y"), dict(home_href=" JavaScript:x")])
def test_page_meta_refuses(changes):
    with pytest.raises(ValueError): meta(**{"lang": "vi", **changes})


def test_strings_around_the_report_are_escaped():
    evil = '"><script>x</script>'
    html = simple_page("<p>a</p>", meta("vi", title=evil, unit=evil, description=evil, provenance={evil: {evil: evil}}, classes=('"><b>',)))
    assert "<script" not in html and lint_page(html) == []


def test_numbers_typed_into_prose_are_found():
    nb = new_notebook(cells=[new_markdown_cell("Có 12 huyện, đạt 81,5%, mã C5, `x = 3`, [luật](https://a.b/2021), {{ n }}.")])
    assert [n for _, n in typed_numbers(nb)] == ["12", "81,5%"] and typed_numbers(nb, allow=("12", "81,5%")) == []


@pytest.mark.skipif(CHROME is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [360, 1280])
def test_browser_asks_for_nothing_and_nothing_sticks_out(page, width, tmp_path):
    sync = pytest.importorskip("playwright.sync_api").sync_playwright
    lang, html = page
    path = Path(tmp_path)/"page.html"
    path.write_text(html, encoding="utf-8")
    with sync() as p:
        browser = p.chromium.launch(executable_path=CHROME, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": 900})
        asked, said = [], []
        tab.on("request", lambda r: asked.append(r.url))
        tab.on("console", lambda m: said.append(m.text))
        tab.goto(path.as_uri())
        assert [u for u in asked if not u.startswith(("file:", "data:"))] == [] and said == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.fonts.check('16px \"Sonla Sans\"', 'Đạt nghiệm')")
        small = tab.evaluate("[...document.querySelectorAll('.plot text')].map(e => parseFloat(getComputedStyle(e).fontSize) * e.ownerSVGElement.getBoundingClientRect().width / 460).filter(x => x < 10)")
        assert small == []
        browser.close()
