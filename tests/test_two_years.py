"""A second year: what was published about the first and has changed since is listed with its cause, and both years stand in one site."""
import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT, YEAR, correct, unattacked
from sonla_eval.publish import packet as P
from sonla_eval.publish.site import names

NEXT, ONLY = YEAR + 1, ("province", "district-118", "quality", "model-3")
PLACES = [(edition, lang) for edition in ("internal", "public") for lang in ("vi", "en")]
HEADS = {"vi": f"Số liệu năm {YEAR}: đã công bố và hiện nay", "en": f"Figures of {YEAR}: as published and now"}
CAUSE = {"vi": "số liệu được gửi lại với giá trị khác", "en": "data were sent again with other values"}


@pytest.fixture(scope="module")
def years(built, example, tmp_path_factory) -> tuple:
    "The year as published; then a district sends its workbook again, late and with other numbers, and the next year is made: (settings, what the run said)."
    from sonla_eval.publish.run import run
    base, s = tmp_path_factory.mktemp("years"), built[0]
    shutil.copytree(example, base/"raw")
    for part in ("site", "packets"): shutil.copytree(getattr(s, part), base/part)
    shutil.copytree(ROOT/"data", base/"project"/"data", ignore=shutil.ignore_patterns("clean", "20??"))
    (base/"project"/"nbs").symlink_to(ROOT/"nbs")
    for name in ("settings.ini", "requirements.lock"): shutil.copy(ROOT/name, base/"project"/name)
    plan = (ROOT/"data"/"plan"/f"{YEAR}.yaml").read_text(encoding="utf-8")
    assert f"\nyear: {YEAR}\n" in plan
    (base/"project"/"data"/"plan"/f"{NEXT}.yaml").write_text(plan.replace(f"\nyear: {YEAR}\n", f"\nyear: {NEXT}\n"), encoding="utf-8") # the example's plan, promised once more
    correct(base/"raw"/str(YEAR)/f"118_bao-cao-{YEAR}.xlsx", "B Kiểm tra", {"N5": 7, "P5": 28})
    correct(base/"raw"/str(YEAR)/f"118_bao-cao-{YEAR}.xlsx", "A Cơ sở", {"D18": 43})
    with pytest.MonkeyPatch.context() as m, unattacked():
        m.setenv("SONLA_EVAL_PROJECT", str(base/"project"))
        m.setenv("SONLA_EVAL_CLEAN", str(base/"clean"))
        s = replace(s, year=NEXT, data=str(base/"raw"), site=str(base/"site"), packets=str(base/"packets"))
        yield s, run(s, ONLY, progress=False)


def page(years, edition, lang) -> str: return (Path(years[0].site)/str(NEXT)/edition/lang/"province.html").read_text(encoding="utf-8")


def test_what_changed_is_exactly_what_was_corrected(years):
    "Two numbers were corrected; nothing else of last year moves, although this year's run looks back one year less far than last year's did."
    s, done = years
    assert done.failed == () and set(done.made) == {f"{e}/{l}/{name}" for e, l in PLACES for name in ONLY}
    table = pd.read_parquet(Path(s.packets)/str(NEXT)/"data"/"quality-internal-revisions.parquet").set_index("measure")
    assert {m: (r["numerator_after"] - r["numerator_before"], r["cause"]) for m, r in table.iterrows() if m in ("C5", "item:B4", "item:B1a")} == {"C5": (-2, "resent"), "item:B4": (-2, "resent"), "item:B1a": (1, "resent")}
    assert set(table["cause"]) == {"resent"} and not table.index.str.startswith("model.").any()


@pytest.mark.parametrize("edition,lang", PLACES)
def test_the_next_report_lists_it(years, edition, lang):
    html = page(years, edition, lang)
    at = html.index(HEADS[lang])
    rows = [[unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)] for row in re.findall(r"<tr>(.*?)</tr>", html[at:html.index("</table>", at)], re.S)]
    told = {row[0]: row for row in rows[1:]}
    assert CAUSE[lang] in told["C5"] and CAUSE[lang] in told["B1a"], told
    published, now = told["C5"][3:5]
    figures = [re.sub(r"\D", "", x.split("/")[0]) for x in (published, now)]
    assert int(figures[0]) - int(figures[1]) == 2
    old = (Path(years[0].site)/str(YEAR)/edition/lang/"province.html").read_text(encoding="utf-8")
    assert published.partition(" ")[0] in unescape(old), "the figure as last year's page told it"
    assert "model." not in html[at:html.index("</table>", at)]


def test_both_years_stand_in_the_index_and_every_link_leads_somewhere(years):
    site = Path(years[0].site)
    index = (site/"index.html").read_text(encoding="utf-8")
    pages = {p.relative_to(site).as_posix() for p in site.glob("20*/*/*/*.html")}
    left_out = {*names(NEXT)} - {*ONLY}
    assert {p.split("/")[0] for p in pages} == {str(YEAR), str(NEXT)} and pages <= set(re.findall(r'href="([^"#]+)"', index))
    for path in [site/"index.html", *(site/p for p in sorted(pages) if p.startswith(str(NEXT)))]:
        text = path.read_text(encoding="utf-8")
        ids = set(re.findall(r'id="([^"]+)"', text))
        for link in set(re.findall(r'href="([^"]+)"', text)):
            if link.startswith(("http", "data:", "mailto:", "blob:")): continue
            name, _, anchor = unescape(link).partition("#")
            if path.parent != site and name.removesuffix(".html") in left_out: continue # reports of the year that this test doesn't make
            assert (path.parent/name).resolve().is_file() if name else anchor in ids, f"{path.name}: {link}"


def test_compare_makes_a_page_of_the_two_years(years, monkeypatch, tmp_path, capsys):
    from sonla_eval.cli import main
    from sonla_eval.publish import compare as C
    monkeypatch.setattr(C, "read_settings", lambda: years[0])
    for lang in ("vi", "en"):
        out = tmp_path/f"{lang}.html"
        assert main(["compare", str(YEAR), str(NEXT), "--edition", "public", "--lang", lang, "--out", str(out)]) == 1
        assert str(NEXT) in out.read_text(encoding="utf-8") and "C5" in out.read_text(encoding="utf-8")


def test_the_packet_holds_what_last_year_left(years):
    "Its findings, and the years before it that it looked back to: without them `verify` could not make the pages again."
    s, _ = years
    archive = P.archive_of(s)
    mine = [k for e in ("internal", "public") for k in json.loads((Path(s.site)/str(NEXT)/e/"manifest.json").read_text(encoding="utf-8"))["packets"].values()]
    assert len(mine) == len(PLACES)*len(ONLY)
    for key in mine:
        given = P.read_packet(archive, key)["inputs"]
        assert {"earlier/findings-public.json", f"earlier/records-{YEAR - 3}.parquet"} <= set(given) and any(n.startswith(f"earlier/ago-{YEAR - 3}-") for n in given)


def test_the_second_year_is_made_again_from_its_packets_alone(years, monkeypatch, capsys):
    """Province, district, quality and a model of the second year, with nothing of the first at hand but what their packets hold. The attack on an
    edition takes long and changes no byte of it; it is passed over here as it was when the year was made."""
    from sonla_eval.publish import verify as V
    s, _ = years
    monkeypatch.setattr(V, "read_settings", lambda: s)
    monkeypatch.setattr(V, "RUN", V.RUN.replace("from sonla_eval.settings", "import sonla_eval.publish.run as R\nR.unsafe = lambda *_: ''\nfrom sonla_eval.settings"))
    assert "R.unsafe" in V.RUN
    code, told = V.main([str(Path(s.site)/str(NEXT)/"public"), "--workers", "2"]), capsys.readouterr().out
    assert code == 0, told
    for name in ONLY: assert told.count(f"({NEXT} public/vi/{name})") == told.count(f"({NEXT} public/en/{name})") == 1
    assert told.count("same, byte for byte") == told.count("and the same id") == 2*len(ONLY) and "made by other code" not in told


def test_a_packet_of_the_second_year_needs_what_the_first_left(years):
    "Without last year's findings in the archive it can't be made again, and the answer names them; with other ones it is refused."
    from sonla_eval.publish.verify import verify
    s, _ = years
    archive = P.archive_of(s)
    key = json.loads((Path(s.site)/str(NEXT)/"public"/"manifest.json").read_text(encoding="utf-8"))["packets"]["vi/province.html"]
    content = P.read_packet(archive, key)
    name = "earlier/findings-public.json"
    kept = archive.store.path(content["inputs"][name])
    whole = kept.read_bytes()
    try:
        kept.write_bytes(whole + b" ")
        with pytest.raises(ValueError, match="findings-public.json: its copy in the archive was changed"): verify(archive, [content])
        kept.unlink()
        with pytest.raises(FileNotFoundError, match="findings-public.json: not in the archive any more"): verify(archive, [content])
    finally: kept.write_bytes(whole)


def test_links_to_pages_that_were_not_made_are_told(years):
    "The second year was made in part: its index and its run name the pages that its pages link to in vain, and no others; the first year's, made whole, says nothing."
    s, done = years
    site = Path(s.site)
    left_out = sorted(n for n in names(NEXT) if n.startswith("model-") and n not in ONLY)
    assert left_out and {to.split("/", 1)[1] for _, to in done.nowhere} == {f"{lang}/{n}" for lang in ("vi", "en") for n in left_out}
    assert {page.split("/")[2] for page, _ in done.nowhere} == {"province"}
    index = (site/"index.html").read_text(encoding="utf-8")
    parts = dict(zip((NEXT, YEAR), index[index.index(f'<h2 id="y{NEXT}"'):].split(f'<h2 id="y{YEAR}"')))
    told = re.findall(r"Pages of this edition link to pages that were not made[^<]*</span> ([^<]*)</p>", parts[NEXT])
    assert told == [", ".join(f"{lang}/{n}" for lang in ("en", "vi") for n in left_out)]*2 and "were not made" not in parts[YEAR]
