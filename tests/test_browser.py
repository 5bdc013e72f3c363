"""The built site in a real browser: nothing is asked of the network, nothing runs, nothing sticks out, everything can be reached."""
import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = ["index.html", "2022/public/vi/province.html", "2022/public/en/province.html", "2022/public/vi/district-119.html", "2022/internal/en/district-116.html", "2022/internal/vi/quality.html"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        if os.environ.get("CI"): pytest.fail("CI must have chromium")
        pytest.skip("no chromium on this machine: the browser checks are left out")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--disable-component-update", "--no-first-run"])
        yield b
        b.close()


def visit(browser, site, name, width):
    "Opens a page and returns it with everything that it asked for and said."
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, said = [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: said.append(m.text))
    page.on("dialog", lambda d: said.append(f"dialog {d.message}"))
    page.goto((site.parent/name).as_uri())
    return page, [u for u in asked if not u.startswith(("data:", "file:"))] + [u for u in asked if u.startswith("file:")][1:], said


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_page_in_the_browser(built, browser, name, width):
    page, outside, said = visit(browser, built[2], name, width)
    try:
        assert outside == [] and said == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "SYNTHETIC" in page.title()
        assert page.evaluate("document.fonts.status") == "loaded"
        small = page.evaluate("[...document.querySelectorAll('main p, main li, main td')].filter(e => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 12).length")
        assert small == 0
    finally: page.close()


def test_language_link_and_contents(built, browser):
    page, *_ = visit(browser, built[2], "2022/public/vi/province.html", 1280)
    try:
        assert page.evaluate("document.documentElement.lang") == "vi"
        gone = page.evaluate("[...document.querySelectorAll('nav a')].filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1)))).length")
        assert gone == 0
        page.click("a.lang")
        assert page.evaluate("document.documentElement.lang") == "en"
        page.click("a.home")
        assert page.url.endswith("index.html")
    finally: page.close()


def test_figures_have_names_for_those_who_cannot_see(built, browser):
    page, *_ = visit(browser, built[2], "2022/public/en/province.html", 1280)
    try:
        nameless = page.evaluate("""[...document.querySelectorAll('figure.chart svg')].filter(s => {
            const ids = (s.getAttribute('aria-labelledby') || '').split(' ');
            return s.getAttribute('role') !== 'img' || ids.length < 2 || !ids.every(i => document.getElementById(i) && document.getElementById(i).textContent.trim().length > 5)}).length""")
        assert nameless == 0
        assert page.evaluate("document.querySelectorAll('figure.chart').length") >= 10
    finally: page.close()


def test_on_paper(built, browser):
    "The page prints: a PDF of many pages, with the text in it."
    page, *_ = visit(browser, built[2], "2022/public/vi/district-119.html", 1280)
    try: assert len(page.pdf(format="A4")) > 20_000
    finally: page.close()
