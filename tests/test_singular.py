"""One of a thing is "1 month", not "1 months": in what methods and pages say in English, and on every English page of the year."""
import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sonla_eval.methods.estimate import Refused, plural

MANY = ("articles cases cells clusters commitments communes contacts days differences directions districts doubts draws establishments figures files findings groups harms indicators items letters models months "
        "numbers outcomes packets pages pairs parts people periods persons places points quarters questions records reports rows rules sentences sheets sites starts statuses tables tests units visits waves weeks words years")
WRONG = re.compile(rf"(?<![\d.,/–−-])\b1[ \u00a0](?:[a-z-]+[ \u00a0])?(?:{'|'.join(MANY.split())})\b")


def wrong(text: str) -> list: return [m[0] for m in WRONG.finditer(text) if not m[0].split()[1] in ("and", "or", "to", "of", "in")]


def test_the_search_can_find_it():
    assert wrong("0 of 1 months of work; 1 doubtful numbers") == ["1 months", "1 doubtful numbers"]
    assert wrong("1 month, 11 months, 0.1 points, priority 1 and models, 2021 cases") == []


def test_no_page_says_it(built):
    "Words, tables, drawings and what a screen reader hears."
    found = {}
    for page in sorted(built[2].glob("*/en/*.html")):
        html = re.sub(r"(?s)<(style|script).*?</\1>", "", page.read_text(encoding="utf-8"))
        heard = re.findall(r'(?:aria-label|alt|title|content)="([^"]*)"', html)
        told = wrong(unescape(" | ".join([re.sub(r"<[^>]+>", " | ", html), *heard])))
        if told: found[page.relative_to(built[2]).as_posix()] = told
    assert found == {}


def one_month(monkeypatch, good: float) -> str:
    from sonla_eval.methods.protocol import protocols
    from sonla_eval.present import models as M
    row = pd.DataFrame([{"value": good, "numerator": good, "denominator": 1.0}])
    monkeypatch.setattr(M, "rows_of", lambda book, measure, model: row)
    monkeypatch.setattr(M, "delivered", lambda book, measure, model: pd.DataFrame({"value": [1.0] + [np.nan]*11}))
    book = SimpleNamespace(lang="en", i=1, w=lambda vi, en: en)
    return " ".join(f(book, m) for f in (M.contacts_sentence, M.dose_sentence) for m in protocols())


@pytest.mark.parametrize("good", [0.0, 1.0])
def test_a_model_of_one_month(monkeypatch, good):
    told = one_month(monkeypatch, good)
    assert "1 contact, in 1 month with a report" in told and f"{good:g} of 1 month of work" in told and wrong(told) == []


def alone(what: str):
    "Calls a method with one unit, of which it always has too few."
    from sonla_eval.methods import its, power, score, staying, trend
    if what == "kappa": return score.kappa([1], [1])
    if what == "control chart": return trend.xmr([3.0])
    if what == "clusters": return power.clustered_shares(0.5, 1, 20, 0.02)
    if what == "curve": return staying.kaplan_meier(pd.DataFrame({"months": [3.0], "ending": ["left"]}))
    return its._enough(np.arange(6), [1], True, 0, 12, 3, 6)


@pytest.mark.parametrize("what,said", [("kappa", "1 unit is too few"), ("control chart", "1 point is too few"), ("clusters", "1 cluster in a group is too few"), ("curve", "1 person is too few"), ("series", "1 period before the start")])
def test_a_method_refuses_one(what, said):
    with pytest.raises(Refused, match=said) as told: alone(what)
    assert wrong(told.value.en) == []


def test_what_is_drawn():
    from sonla_eval.present.words import count_word, t
    assert t("alt.rows", "en", kind="Bars", rows=count_word(1, "row", "en"), facts="") == "Bars with 1 row. "
    assert t("alt.rows", "vi", kind="Cột", rows=count_word(1, "row", "vi"), facts="") == "Cột, 1 dòng. "


def test_commands(capsys):
    from sonla_eval.protect.attack import AttackReport
    from sonla_eval.publish.why import Verdict, explained
    none = pd.DataFrame({"where": [], "low": [], "high": [], "width": [], "asked": []}, dtype=float)
    found = AttackReport(1, none, (), (), (), 5, 1, 1, 1)
    said = [found.sentence("en"), explained([Verdict("public/vi/province", True, "")], [], True), plural(1, "packet")]
    assert "1 hidden number from 1 file:" in said[0] and "1 of 1 report would be made" in said[1]
    assert wrong(" | ".join(said)) == [] and wrong(replace(found, suppressed=2, files=2).sentence("en")) == []
