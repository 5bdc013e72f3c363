"""The yearly report from end to end: pages, editions, languages, manifest, and the truth it must recover."""
import hashlib
import json
import re
import subprocess
import sys
import unicodedata

import jsonschema
import pandas as pd
import pytest

from conftest import ROOT, YEAR

DISTRICTS = ["116", *map(str, range(118, 129))]
NAMES = ["province", "quality", *(f"district-{d}" for d in DISTRICTS)]
KEYS = [f"{e}/{l}/{n}" for e in ("internal", "public") for l in ("vi", "en") for n in NAMES]


def page(site, key): return (site/f"{key}.html").read_text(encoding="utf-8")


def results(site, edition):
    "All results of an edition; the mark in the place of a hidden number is read as missing."
    return pd.concat([pd.read_csv(p, dtype={"unit": str, "period": str}, na_values=["suppressed"], keep_default_na=True).assign(mask=pd.read_csv(p, dtype=str)["mask"]) for p in sorted((site/edition/"tables").glob("results*.csv"))], ignore_index=True)


def test_every_page_is_made(built):
    s, report, site = built
    assert report.failed == ()
    assert report.code == 0
    missing = [k for k in KEYS if not (site/f"{k}.html").is_file()]
    assert missing == []
    assert (site.parent/"index.html").is_file()


def test_index_leads_to_every_page(built):
    _, _, site = built
    index = (site.parent/"index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"#]+)"', index))
    assert {f"{YEAR}/{k}.html" for k in KEYS} <= links
    dead = [l for l in links if not l.startswith("data:") and not (site.parent/l).exists()]
    assert dead == []


@pytest.mark.parametrize("key", KEYS)
def test_page_contract(built, key):
    "One self-contained file with language, title, policy and the word SYNTHETIC; nothing asked of the network."
    html = page(built[2], key)
    lang = key.split("/")[1]
    assert f'<html lang="{lang}"' in html
    assert "SYNTHETIC" in re.search(r"<title>(.*?)</title>", html, re.S)[1]
    assert "Content-Security-Policy" in html and "default-src 'none'" in html
    assert not re.search(r'<(?:script|img|link|iframe|object|embed)[^>]+(?:src|href)="(?:https?:)?//', html)
    assert "<script" not in html
    assert "Traceback" not in html and str(ROOT) not in html and "/tmp/" not in html
    assert len(html.encode()) < 1_500_000
    other = "en" if lang == "vi" else "vi"
    assert f'../{other}/{key.split("/")[2]}.html' in html
    assert html == unicodedata.normalize("NFC", html)


def test_province_has_its_figures(built):
    html = page(built[2], "public/vi/province")
    figures = re.findall(r'<figure id="([a-z0-9-]+)" class="chart".*?</figure>', html, re.S)
    assert len(figures) >= 10 and len(set(figures)) == len(figures)
    for block in re.findall(r"<figure\b.*?</figure>", html, re.S):
        assert 'role="img"' in block and re.search(r"<desc[^>]*>[^<]{10,}", block)
        assert 'class="headline"' in block and 'class="subtitle"' in block and 'class="source"' in block and "<table" in block and "data:text/csv" in block
        assert "SYNTHETIC" in block or 'id="published-' in block


def test_scorecard_has_all_26(built):
    for lang in ("vi", "en"):
        html = page(built[2], f"public/{lang}/province")
        table = re.search(r'<div class="table-box" id="scorecard">.*?</table>', html, re.S)[0]
        rows = re.findall(r"<tr><th scope=\"row\"[^>]*>([A-Z]+\d+)</th>", table)
        assert len(rows) == 26 and len(set(rows)) == 26
    card = pd.read_csv(built[2]/"public"/"tables"/"scorecard.csv")
    assert len(card) == 26 and card["status"].notna().all()


def test_main_points_are_few(built):
    for lang in ("vi", "en"):
        html = page(built[2], f"internal/{lang}/province")
        block = re.search(r'<ul class="points".*?</ul>', html, re.S)[0]
        items = re.findall(r"<li>(.*?)</li>", block, re.S)
        assert 3 <= len(items) <= 6 and all("<a" not in i for i in items)


def test_both_languages_hold_the_same_numbers(built):
    "Every figure's data table has the same numbers in both languages."
    def numbers(html):
        out = {}
        for fid, block in re.findall(r'<figure id="([a-z0-9-]+)" class="chart"(.*?)</figure>', html, re.S):
            cells = re.findall(r'<td class="num"[^>]*>([^<]*)</td>', block)
            out[fid] = [re.sub(r"[^\d]", "", c) for c in cells]
        return out
    for name in NAMES:
        vi, en = (numbers(page(built[2], f"public/{l}/{name}")) for l in ("vi", "en"))
        assert vi.keys() == en.keys() and vi == en, name


def test_manifest_lists_what_stands_there(built):
    schema = json.loads((ROOT/"sonla_eval"/"assets"/"manifest.schema.json").read_text())
    for edition in ("internal", "public"):
        folder = built[2]/edition
        m = json.loads((folder/"manifest.json").read_text(encoding="utf-8"))
        jsonschema.validate(m, schema)
        assert m["synthetic"] is True and "SYNTHETIC" in m["notice"]
        there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"}
        assert set(m["outputs"]) == there
        for name, known in m["outputs"].items():
            assert hashlib.sha256((folder/name).read_bytes()).hexdigest() == known["sha256"]
        assert len([k for k in m["inputs"] if k.startswith("2022/") and re.match(r"2022/1\d\d_", k)]) == 12
        assert not any("/home" in k or k.startswith("/") for k in m["inputs"])


def test_public_edition_hides_small_counts(built):
    public, internal = results(built[2], "public"), results(built[2], "internal")
    open_ = internal.set_index("id")
    small = open_[open_["value"].between(1, 4) & open_["measure"].str.match(r"item:(A7|A8|A9|B2[bcde]|B5|C|D|E)") & (open_["unit"].str.len() == 3) & (open_["period"] == str(YEAR))]
    assert len(small) > 5
    shown = public.set_index("id")
    leaked = [i for i in small.index if i in shown.index and pd.notna(shown.loc[i, "value"])]
    assert leaked == []
    zeros = open_[(open_["value"] == 0) & open_["measure"].str.match(r"item:(A7|A8|A9|B2[bcde]|B5|C|D|E)") & (open_["unit"].str.len() == 3) & (open_["period"] == str(YEAR))]
    there = shown.loc[[i for i in zeros.index if i in shown.index]]
    assert (there["value"] == 0).sum() > 20, "a zero that is shown stays a zero"
    assert not (there["mask"].isna() & there["value"].isna()).any(), "a zero never turns into a blank that is not marked"


def test_public_edition_survives_the_attack(built):
    from sonla_eval.protect.attack import attack
    found = attack(built[2]/"public")
    assert found.safe, found.sentence("en")
    assert found.suppressed > 0


def test_no_commune_level_counts_of_persons_in_public(built):
    public = results(built[2], "public")
    communes = public[public["unit"].astype(str).str.len() == 5]
    assert set(communes["measure"]) <= {"item:F1", "item:F1b", "item:F1c", "item:G1a", "item:G1b", "item:G2"}


def test_the_report_recovers_the_truth(built, example):
    "Counts that no fault touches are recovered exactly; the size estimate's interval holds the true number."
    known = json.loads((example/"truth.json").read_text(encoding="utf-8"))
    truth = known["years"][str(YEAR)]
    internal = results(built[2], "internal")
    got = {(r.measure.removeprefix("item:"), r.unit, r.period): r.value for r in internal[internal["measure"].str.startswith("item:")].itertuples()}
    spoiled = {(f.get("item"), f["unit"][:3]) for f in known["faults"] if str(f["year"]) == str(YEAR)}
    wrong, compared = [], 0
    for key, value in truth["values"].items():
        item, unit, period = key.split("|")
        if len(unit) != 3 or (item, unit) in spoiled: continue
        seen = got.get((item, unit, period))
        if seen is None or pd.isna(seen): continue
        compared += 1
        if abs(seen - value) > 1e-9: wrong.append((key, value, seen))
    assert compared > 2000
    assert wrong == []
    size = internal[internal["measure"].eq("size")].iloc[0]
    assert size["low"] <= truth["population"] <= size["high"]
    shown = internal[internal["measure"].eq("O1.survey") & internal["breakdown"].eq("item=condom_last")].iloc[0]
    assert shown["low"] <= truth["survey"]["condom_last"]["other"] <= shown["high"]


def test_nothing_changed_answers_current(built):
    from sonla_eval.publish.run import run
    s, first, site = built
    before = {p: p.stat().st_mtime_ns for p in site.rglob("*.html")}
    again = run(s, progress=False)
    assert again.current and again.key == first.key
    assert before == {p: p.stat().st_mtime_ns for p in site.rglob("*.html")}


def test_same_inputs_same_bytes(built, tmp_path, example):
    "Another folder, another hash seed, one worker: the same page, byte for byte."
    s, _, site = built
    code = ("from sonla_eval.publish.run import run; from sonla_eval.settings import read_settings;"
            f"s = read_settings(year={YEAR}, data={str(example)!r}, site={str(tmp_path/'site')!r}, packets={str(tmp_path/'packets')!r}, langs=['vi', 'en'], editions=['internal', 'public'], workers=1);"
            "r = run(s, only=('province', 'district-119'), progress=False); assert not r.failed, r.failed")
    import os
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)})
    for edition in ("internal", "public"):
        for lang in ("vi", "en"):
            for name in ("province", "district-119"):
                key = f"{edition}/{lang}/{name}.html"
                assert (site/key).read_bytes() == (tmp_path/"site"/str(YEAR)/key).read_bytes(), key
        for table in ("results.csv", "scorecard.csv"):
            assert (site/edition/"tables"/table).read_bytes() == (tmp_path/"site"/str(YEAR)/edition/"tables"/table).read_bytes()


def test_papermill_alone(tmp_path):
    "The template runs under papermill's own engine, by hand, with nothing but its name and two parameters."
    import nbformat
    out = tmp_path/"out.ipynb"
    subprocess.run([sys.executable, "-m", "papermill", "nbs/reports/province.ipynb", str(out), "-p", "year", str(YEAR), "-p", "lang", "en", "--no-progress-bar"], check=True, cwd=ROOT, capture_output=True)
    nb = nbformat.read(out, 4)
    shown = "".join("".join(o.get("data", {}).get("text/html", "")) for c in nb.cells if c.cell_type == "code" for o in c.outputs)
    assert shown.count("<figure") >= 10
