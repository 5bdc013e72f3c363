"""Figures, tables and words: nothing is cut, nothing overlaps, nothing leaks, nothing depends on the machine."""
import io
import os
import re
import subprocess
import sys
import unicodedata
from html import unescape
from xml.etree import ElementTree

import matplotlib
import pandas as pd
import pytest

from gallery import LONG, NAMES, SECRET, draw, draw_masked, frames, say
from sonla_eval.present import theme, words
from sonla_eval.present.charts_flow import cascade, decomposition, nested_bars
from sonla_eval.present.charts_places import heat, interval_dots, tile_map
from sonla_eval.present.charts_time import lines, small_multiples
from sonla_eval.present.sheet import WIDTH
from sonla_eval.present.tables import csv_text, html_table, scorecard_table

EVERY = [(n, lang) for n in NAMES for lang in ("vi", "en")]


def texts(svg: str):
    "Each text of a drawing with its box: words, left, top, right, bottom, size."
    for e in ElementTree.fromstring(re.sub(r"<(/?)svg:", r"<\1", svg)).iter("{http://www.w3.org/2000/svg}text"):
        style = e.get("style", "")
        size = float(re.search(r"font-size: ([\d.]+)px", style)[1])
        weight = 600 if "font-weight: 600" in style else 400
        anchor = re.search(r"text-anchor: (\w+)", style)
        width = theme.text_width(e.text or "", size, weight)
        x, y = float(e.get("x")), float(e.get("y"))
        left = x - {"middle": width/2, "end": width}.get(anchor[1] if anchor else "start", 0)
        yield e.text, left, y - 0.72*size, left + width, y + 0.1*size, size


@pytest.mark.parametrize("name,lang", EVERY)
def test_text_is_whole_large_and_apart(name, lang):
    svg = draw(name, lang).svg
    height = float(re.search(r'viewBox="0 0 \S+ (\S+)"', svg)[1])
    boxes = list(texts(svg))
    assert boxes
    for text, left, top, right, bottom, size in boxes:
        assert size >= 12 or text in "?!", (text, size)
        assert left >= -1 and right <= WIDTH + 1.5 and top >= -1 and bottom <= height + 1, (text, left, top, right, bottom, height)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1:]:
            wide, high = min(a[3], b[3]) - max(a[1], b[1]), min(a[4], b[4]) - max(a[2], b[2])
            assert wide <= 1 or high <= 1, f"{a[0]!r} and {b[0]!r} overlap"


@pytest.mark.parametrize("name,lang", EVERY)
def test_drawing_is_clean(name, lang):
    fig = draw(name, lang)
    ElementTree.fromstring(fig.svg)
    assert not re.search(r"<style|<script|rotate\(|<metadata|matplotlib|<image|http://(?!www\.w3\.org/2000/svg)", fig.svg)
    assert all(i.startswith(fig.id + "-") for i in re.findall(r'\sid="([^"]+)"', fig.svg))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', fig.svg))
    assert {a or b for a, b in used} <= set(re.findall(r'\sid="([^"]+)"', fig.svg))
    assert "SYNTHETIC" in fig.svg and "SYNTHETIC" not in draw(name, lang, synthetic=False).svg
    assert fig.alt and fig.data.shape[0] and "nan" not in fig.html().lower().replace("finan", "")


@pytest.mark.parametrize("name,lang", EVERY)
def test_csv_holds_what_is_drawn(name, lang):
    fig = draw(name, lang)
    back = pd.read_csv(io.StringIO(fig.csv()))
    assert list(back.columns) == list(fig.data.columns) and len(back) == len(fig.data)
    rows = frames(lang)[name][1]
    assert len(fig.data) == (7 if name == "status_counts" else len(rows) + (name == "decomposition"))


@pytest.mark.parametrize("name,lang", EVERY)
def test_suppressed_number_is_nowhere(name, lang):
    fig = draw_masked(name, lang)
    if fig is None: return
    everything = unescape(fig.html()) + fig.csv() + fig.alt
    assert not re.search(r"7[.,\s%]?777", everything)
    assert words.t("suppressed", lang) in fig.csv() and re.search(words.t("suppressed", lang) + "|•", fig.svg)
    assert "777" not in str(fig.data.to_dict())
    assert "primary" not in everything and SECRET == 7777


def test_same_rows_give_same_bytes_whatever_the_hash_seed():
    code = "import sys; sys.path[:0] = ['tests']; from gallery import *; import hashlib; print(hashlib.sha256(''.join(draw(n, l).html() for n in NAMES for l in ('vi', 'en')).encode()).hexdigest())"
    seen = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True, cwd=theme.asset().parent.parent).stdout for seed in ("0", "77")}
    assert len(seen) == 1 and len(seen.pop().strip()) == 64


def test_drawing_leaves_no_trace_in_matplotlib():
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 31, "svg.fonttype": "path", "axes.facecolor": "red", "text.usetex": False}):
        odd = draw("lines", "vi").svg
    assert odd == draw("lines", "vi").svg and dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or matplotlib.pyplot.get_fignums() == []


def test_two_figures_on_one_page_share_no_id():
    a, b = draw("heat", "vi").html(), draw("budget_bars", "vi").html()
    ids = lambda html: set(re.findall(r'\sid="([^"]+)"', html))
    assert ids(a) and ids(b) and not ids(a) & ids(b)


EVIL = '"><script>alert(1)</script>\'&<img src=x onerror=1>'


def test_markup_in_names_stays_text():
    rows = pd.DataFrame({"unit": [EVIL, "=SUM(A1)"], "value": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7]})
    fig = interval_dots(rows, "evil", **{**say("en"), "headline": EVIL, "subtitle": EVIL, "source": EVIL, "note": EVIL})
    ElementTree.fromstring(fig.svg)
    assert "<script" not in fig.html() and "<img" not in fig.html()
    assert "'=SUM(A1)" in fig.csv()
    box = html_table(rows.assign(mask=["", "primary"]), "en", EVIL, "t", source=EVIL)
    assert "<script" not in box and "<img" not in box
    card = scorecard_table(pd.DataFrame([dict(id=EVIL, commitment=EVIL, target=EVIL, numerator=1, denominator=2, status="not_met", reason=EVIL)]), "en", EVIL, "c")
    assert "<script" not in card and "<img" not in card


@pytest.mark.parametrize("text,out", [("=1", "'=1"), ("+a", "'+a"), ("-b", "'-b"), ("@c", "'@c"), ("\td", "' d"), ("e", "e"), ("a,b", '"a,b"')])
def test_csv_formulas_are_text(text, out):
    assert csv_text(pd.DataFrame({"x": [text], "y": [-3.5]})).splitlines()[1] == f"{out},-3.5"


def test_zero_missing_and_suppressed_stay_three_things():
    df = pd.DataFrame({"u": ["a", "b", "c"], "n": [0.0, None, 3.0], "mask": ["", "", "complementary"]})
    assert csv_text(html_shown(df)) == "u,n\na,0\nb,\nc,suppressed\n"
    box = html_table(df, "en", "caption", "t")
    assert ">0<" in box and "no data" in box and ">suppressed<" in box


def html_shown(df):
    from sonla_eval.present.tables import unmasked
    return unmasked(df, "en")


def test_words_are_in_both_languages_and_composed():
    every = words.all_words()
    assert words.check_words(every) == []
    for key, entry in every.items():
        for text in entry.values():
            assert unicodedata.is_normalized("NFC", str(text)), key
    letters = set("".join(str(x) for e in every.values() for x in e.values()))
    held = set(map(chr, theme._face(400).get_charmap()))
    assert not {c for c in letters - held if c.isprintable()}


def test_same_facts_in_both_languages():
    for name in NAMES:
        vi, en = draw(name, "vi").data, draw(name, "en").data
        assert vi.shape == en.shape
        for a, b in zip(vi.columns, en.columns):
            if pd.api.types.is_numeric_dtype(vi[a]): pd.testing.assert_series_equal(vi[a], en[b], check_names=False)


@pytest.mark.parametrize("make,rows,options,words_in", [
    (decomposition, pd.DataFrame({"part": ["a", "b"], "value": [1.0, 2.0]}), dict(total=4.0, total_words="x"), "add up to 3"),
    (nested_bars, pd.DataFrame({"label": ["a", "b"], "value": [1.0, 2.0], "of": ["", "a"]}), {}, "larger than"),
    (nested_bars, pd.DataFrame({"label": ["a"], "value": [1.0], "of": ["z"]}), {}, "aren't there"),
    (cascade, pd.DataFrame({"step": ["a", "b"], "value": [1.0, 2.0], "source": "s", "period": "2022", "unit": "persons"}), {}, "no break"),
    (lines, pd.DataFrame({"series": list("abcde"), "x": 1, "value": 1.0}), {}, "at most 4"),
    (lines, pd.DataFrame({"series": ["a", "a"], "x": 1, "value": 1.0}), {}, "two values"),
    (small_multiples, pd.DataFrame({"panel": [str(i) for i in range(13)], "x": 1, "value": 1.0}), {}, "at most 12"),
    (heat, pd.DataFrame({"unit": ["a"], "period": ["2022-01"], "state": ["lost"]}), {}, "unknown states"),
    (tile_map, pd.DataFrame({"tile_col": [1, 1], "tile_row": [1, 1], "name": ["a", "b"], "value": [1.0, 1.0]}), {}, "one tile"),
    (interval_dots, pd.DataFrame({"unit": ["a"], "value": [1.0]}), {}, "needs the columns"),
])
def test_a_chart_that_would_mislead_is_refused(make, rows, options, words_in):
    with pytest.raises(ValueError, match=words_in): make(rows, "x", **say("en"), **options)


@pytest.mark.parametrize("field", ["headline", "subtitle", "source"])
def test_a_chart_without_its_words_is_refused(field):
    with pytest.raises(ValueError, match=field): draw("bullet", "en", **{field: "  "})
    rows = frames("en")["bullet"][1]
    told = {k: v for k, v in say("en").items() if k != field}
    with pytest.raises(TypeError): frames("en")["bullet"][0](rows, "x", **told)


def test_order_of_places_is_kept_and_not_a_ranking():
    fig = draw("interval_dots", "vi")
    assert list(fig.data.iloc[:, 0]) == list(frames("vi")["interval_dots"][1]["unit"])
    assert list(fig.data.iloc[:, 1]) != sorted(fig.data.iloc[:, 1])


def test_line_stops_at_gaps_and_breaks():
    rows = pd.DataFrame({"series": "a", "x": range(2018, 2027), "value": [0.1, 0.2, None, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]})
    count = lambda **k: len(re.findall(r"<path d=\"M [^\"]*L[^\"]*\"[^>]*stroke: #12436d", lines(rows, "x", **say("en"), **k).svg))
    assert count() == 2 and count(breaks=((2025, "merger"),)) == 3


def test_bars_start_at_zero():
    svg = draw("bullet", "en").svg
    starts = {round(float(m), 1) for m in re.findall(r'<path d="M ([\d.]+) [\d.]+ L [^"]*" style="fill: #12436d"/>', svg)}
    assert len(starts - {round(min(starts), 1)}) == 1


def test_palette_passes_wcag():
    assert all(theme.contrast(c, theme.PAPER) >= 3 for c in (theme.BLUE, theme.ORANGE, theme.GREY, theme.TEAL, theme.AXIS))
    assert all(theme.contrast(a[0], b[0]) >= 3 for a, b in zip(theme.SERIES, theme.SERIES[1:]))
    assert len({d for _, d, _ in theme.SERIES}) == len({m for *_, m in theme.SERIES}) == 4


def test_long_names_are_wrapped_not_cut():
    for lang in ("vi", "en"):
        shown = " ".join(t for t, *_ in texts(draw("forest", lang).svg))
        for name in LONG[lang]: assert all(w in shown for w in name.split())


def test_a_district_whose_statuses_are_all_left_out_is_not_called_unmeasured():
    "What the public edition hides is measured; the page says that it is left out."
    from sonla_eval.methods.results import frame
    from sonla_eval.plan.commitments import load_plan
    from sonla_eval.present.book import Book
    from sonla_eval.present.figures_plan import fig_grid
    for status, mask, said in (("", "primary", "leaves out the status of 1 commitment"), (None, "", "no commitment is measured")):
        rows = [dict(commitment="C6", measure="C6", unit="116", period="2022", status=status)] if status is not None else [dict(measure="item:A1", unit="116", period="2022")]
        html = fig_grid(Book(frame(rows).assign(mask=mask), load_plan(2022), 2022, unit="116", lang="en", edition="public"))._repr_html_()
        assert said in html
