"""The report on the models: a whole page for every state and verdict, no orphan among findings and recommendations, and the example's truth."""
import json
import math
import re
from dataclasses import replace
from html import unescape
from unicodedata import normalize
from xml.etree import ElementTree

import nbformat
import pandas as pd
import pytest

from conftest import ROOT, YEAR
from gallery import LONG, PLACES, TILES
from sonla_eval.methods.path import STATES
from sonla_eval.methods.protocol import protocols
from sonla_eval.methods.results import frame
from sonla_eval.methods.verdict import VERDICTS
from sonla_eval.plan.commitments import load_plan
from sonla_eval.present import charts_models as C
from sonla_eval.present import graph as G
from sonla_eval.present.book import Book
from sonla_eval.present.sheet import WIDTH
from test_present import texts

NAMES = ["models", *(f"model-{m}" for m in protocols())]
CLAUSE_OF = {"not_started": "not_directed", "cannot_tell": "holds_zero", "continue": "works", "change": "harm_sign", "stop": "harm_beyond_margin"}
PAGES = [f"{e}/{l}/{n}" for e in ("internal", "public") for l in ("vi", "en") for n in NAMES]


def page(site, key): return (site/f"{key}.html").read_text(encoding="utf-8")


# every state and verdict, from rows made by hand

def effect(outcome, value, low, high, measure="model.effect", **more):
    return dict(measure=measure, breakdown=f"model=1;outcome={outcome}", value=value, low=low, high=high, level=0.95, n=5, kind="model estimate", method="Callaway-Sant'Anna (2021)",
        notes_vi="kết quả chính", notes_en="primary outcome", reason_vi=f"{outcome}: tác động", reason_en=f"{outcome}: effect") | more


def rows_for(state, verdict):
    "Rows of model 1 as the evaluation would leave them in a state."
    p = protocols()[1]
    rows = [dict(measure="model.state", breakdown="model=1", method=state), dict(measure="model.letters", breakdown="model=1", value=float(state != "not_directed")),
            dict(measure="model.verdict", breakdown="model=1", method=verdict, reason_vi=f"{VERDICTS[verdict][0].capitalize()}: lý do.", reason_en=f"{VERDICTS[verdict][1].capitalize()}: the reason.", formula=CLAUSE_OF[verdict]),
            dict(measure="model.path", breakdown="model=1;step=1", value=1.0, reason_vi="Có.", reason_en="Yes."), dict(measure="model.path", breakdown="model=1;step=2", method="end", reason_vi="Hết.", reason_en="The end.")]
    begun = state not in ("not_directed", "directed_not_started")
    for k, (u, *_) in enumerate(zip(["116", *map(str, range(118, 129))])):
        role = "treated" if begun and k < 3 else "excluded" if k == 11 else "never"
        rows.append(dict(measure="model.unit", unit=u, breakdown="model=1", method=role, value=12*2021.0 if role == "treated" else math.nan, reason_vi="vì", reason_en="because"))
    if begun:
        rows += [dict(measure=f"model.{w}", breakdown="model=1", period=f"{YEAR}-{m:02}", value=10.0 + m % 4) for w in ("contacts", "persons") for m in range(1, 3 if state == "delivered_too_few" else 13)]
        rows += [dict(measure="model.cost", breakdown="model=1;what=per_person", value=5.0, numerator=500.0), dict(measure="model.count", breakdown="model=1;what=persons", value=30.0, low=20.0, high=43.0)]
    if state == "analysed":
        main = p.primary.id
        rows += [effect(main, 0.19, 0.02, 0.4), effect("any_service", 0.02, -math.inf, 0.3), effect("health_contacts", 0.3, -0.2, 1.4, "model.harm")]
        rows += [dict(measure="model.harm", breakdown="model=1;outcome=health_contacts;variant=margin", value=-0.3, method="worse" if verdict in ("stop", "change") else "safe", reason_vi="x", reason_en="x")]
        rows += [dict(measure="model.dynamic", breakdown=f"model=1;outcome={main};e={e}", value=0.05*e, low=0.05*e - 0.2, high=0.05*e + 0.2) for e in (-3, -2, 0, 1)]
        rows += [dict(measure="model.sensitivity", breakdown=f"model=1;outcome={main};variant=v{k}", value=0.1*k, low=0.1*k - 0.2, high=0.1*k + 0.2, reason_vi=f"không tính 116 {k}", reason_en=f"without 116 {k}") for k in range(3)]
        rows += [dict(measure="model.plane", breakdown=f"model=1;draw={k}", value=k - 5.0, numerator=100.0 + k) for k in range(40)] + [dict(measure="model.ceac", breakdown=f"model=1;wtp={w}", value=w/60) for w in (0, 0.5, 50)]
        rows += [dict(measure="model.mde", breakdown=f"model=1;outcome={main}", value=0.29), dict(measure="model.needed", breakdown="model=1;what=sites", value=7.0, reason_vi="x", reason_en="x")]
    return frame([dict(unit="14", period=str(YEAR), synthetic=True) | r for r in rows]).assign(mask="")


def run_template(name, book):
    "The outputs of a template's cells on a book, without papermill."
    nb, shown = nbformat.read(ROOT/"nbs"/"reports"/f"{name}.ipynb", 4), []
    scope = {"display": lambda *xs: shown.extend(xs), "model": 1}
    for cell in nb.cells:
        if cell.cell_type != "code" or {"parameters", "outputs"} & set(cell.metadata.get("tags", [])): continue
        source = cell.source.replace("open_report(globals())", "book").replace("from sonla_eval.publish.report import open_report\n", "")
        scope["book"] = book
        *body, last = source.strip().split("\n")
        if source.startswith(("display(", "from ", "import ")) or "\n" in source: exec(source, scope)
        else: exec("\n".join(body), scope); shown.append(eval(last, scope))
    return shown


CASES = [("not_directed", "not_started"), ("directed_not_started", "not_started"), ("delivered_too_few", "cannot_tell"), ("before_after_only", "cannot_tell"),
         ("analysed", "continue"), ("analysed", "change"), ("analysed", "stop"), ("analysed", "cannot_tell")]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("state,verdict", CASES)
def test_the_template_holds_for_every_state(state, verdict, lang):
    assert {s for s, _ in CASES} == set(STATES) and {v for _, v in CASES} == set(VERDICTS)
    book = Book(rows_for(state, verdict), load_plan(YEAR), YEAR, lang=lang)
    shown = run_template("model", book)
    html = "".join(x._repr_html_() for x in shown)
    assert VERDICTS[verdict][book.i].capitalize() in shown[0] and f"verdict {verdict}" in shown[0]
    assert html.count('class="chart"') >= (11 if state == "analysed" else 2) and 'id="protocol"' in html and 'id="theory"' in html and 'id="recommendations"' in html
    for wrong in ("nan", "None", "inf ", "NaN"): assert wrong not in re.sub(r"<[^>]+>|data:[^\"]*", " ", html), wrong
    if state != "analysed": assert "sonla-eval design" in html and 'id="effects"' not in html
    ids = re.findall(r'<(?:figure|div)[^>]* id="([a-z0-9-]+)"', html)
    assert len(ids) == len(set(ids))
    limit = {"vi": 25, "en": 15}[lang]
    for head in re.findall(r'class="headline">([^<]+)<a', html): assert len(head.split()) <= limit, head


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("state,verdict", CASES)
def test_every_link_within_the_page_leads_somewhere(state, verdict, lang):
    "Also the places in the list of CHEERS items, for every state of a model; and what the list calls missing is missing."
    from sonla_eval.present import models_cost
    book = Book(rows_for(state, verdict), load_plan(YEAR), YEAR, lang=lang)
    html = "".join(x._repr_html_() for x in run_template("model", book))
    ids, here = set(re.findall(r'\sid="([^"]+)"', html)), models_cost.on_page(book, 1)
    assert set(re.findall(r'href="#([^"]+)"', html)) <= ids and "recommendations" in ids
    assert here == ids & set(models_cost.PLACES)
    where = dict(re.findall(r'<th scope="row">(\d+)</th>.*?<td[^>]*>.*?</td><td[^>]*>(.*?)</td>', re.search(r'<table[^>]*>(?:(?!<table).)*CHEERS 2022(?:(?!</table>).)*</table>', html, re.S)[0]))
    assert (where["20"] == {"vi": "có", "en": "reported"}[lang]) is (state == "analysed") and where["10"] == {"vi": "không áp dụng", "en": "not applicable"}[lang]


def test_the_28_items_of_an_economic_evaluation():
    "28, in order, both languages in full and different, Vietnamese with its marks, every place known; a missing one says why."
    from sonla_eval.present.models_cost import cheers, PLACES
    items = cheers()
    assert [i.n for i in items] == list(range(1, 29)) and len({i.topic for i in items}) == 28
    for i in items:
        for vi, en in (i.topic, i.note):
            assert len(vi) > 8 and len(en) > 8 and vi != en and vi == normalize("NFC", vi) and not vi.isascii() and en.replace("’", "'").replace("“", '"').replace("”", '"').isascii(), i.n
        assert set(i.at) <= set(PLACES) and not (i.at and not i.applies), i.n
    assert {i.n for i in items if not i.at and i.applies} == {5, 19, 21, 25, 27, 28} and {i.n for i in items if not i.applies} == {10, 16}


def test_a_harm_that_points_to_worse_is_never_called_unseen():
    from sonla_eval.present import models, models_doubts
    sign = effect("violence", 0.1, 0.01, 0.2, "model.harm")
    read = dict(measure="model.harm", breakdown="model=1;outcome=violence;variant=margin", value=0.05, method="open", reason_vi="chưa loại trừ được tác hại vượt ngưỡng", reason_en="harm beyond the margin can't be excluded")
    for rows, said in (((sign, read), True), ((sign | dict(low=-0.1), read), False)):
        book = models.few_rows(*rows)
        table, *_, figure = models_doubts.fig_harm(book, 1)
        assert ("points to worse" in models.harm_sentence(book, 1)) is said and ("points to worse" in table) is said and ("to worse" in figure.headline) is said


def test_a_district_with_gaps_is_not_counted_as_compared():
    from sonla_eval.present import models, models_compared
    unit = [dict(measure="model.unit", breakdown="model=1", unit=u, method=m, value=math.nan, reason_en="x", reason_vi="x") for u, m in (("116", "treated"), ("118", "never"), ("119", "never"))]
    for notes, head in (("primary outcome", "1 district with the model and 2 without to compare with"), ("primary outcome; 119: no figures for 1 period (from 2019-H1), not used", "1 district with the model and 1 without to compare with; 1 can't be used")):
        book = models.few_rows(*unit, effect("referral_done", 0.2, 0.1, 0.3, notes_en=notes))
        assert models_compared.fig_roles(book, 1).headline == head
        assert ("first half of 2019" in models_compared.table_places(book, 1)) is ("119" in notes)


def test_the_test_decides_whether_groups_differ():
    from sonla_eval.present import figures_models, models
    groups = [dict(measure="model.group", breakdown=f"model=1;outcome=referral_done;group={g}", value=v, low=v - 0.01, high=v + 0.01, reason_en="x") for g, v in (("centre", 0.1), ("other", 0.3))]
    for verdict, method, head in (("can't be told from chance", "open", "No clear"), ("the effect differs between the groups", "apart", "The effect differs")):
        tested = dict(measure="model.group", breakdown="model=1;outcome=referral_done;variant=difference;group=centre", value=-0.2, method=method, reason_en=f"City against others: {verdict}.")
        drawn = figures_models.fig_groups(models.few_rows(effect("referral_done", 0.2, 0.1, 0.3), *groups, tested), 1)
        assert drawn.headline.startswith(head) and verdict in drawn.note and len(drawn.data) == 3


def test_the_clauses_are_printed_in_the_order_in_which_they_are_asked():
    "Whatever clause decided, the table marks it, leads to the row's verdict and calls all later ones unasked."
    from sonla_eval.methods.verdict import CLAUSES
    from sonla_eval.present import models, models_protocol as P
    assert set(P.LEADS) == set(CLAUSES) == set(P.CLAUSE_WORDS)
    for k, c in enumerate(P.CLAUSE_WORDS):
        table = P.table_rule(models.few_rows(dict(measure="model.verdict", breakdown="model=1", method=P.LEADS[c], formula=c)), 1)
        rows = re.findall(r"<tr>(.*?)</tr>", table)[1:]
        assert [("►" in r, "any more" in r) for r in rows] == [(j == k, j > k) for j in range(len(rows))] and VERDICTS[P.LEADS[c]][1] in rows[k]


@pytest.mark.parametrize("low,high,ends", [(0.02, 0.4, (True, True)), (-0.1, 0.4, (True, False)), (-0.4, -0.1, (False, False))])
def test_the_cost_of_an_outcome_has_the_effects_interval(low, high, ends):
    "An effect that may be none has no upper cost; one that shows no gain has no cost at all."
    import numpy as np
    from sonla_eval.methods import models as M
    from sonla_eval.methods.answer import Answer
    from sonla_eval.methods.delivery import Pen, Sources
    from sonla_eval.methods.estimate import Estimate
    from sonla_eval.methods.path import BRANCHES, Path
    from types import SimpleNamespace
    q = protocols()[1]
    e = Estimate(value=(low + high)/2, low=low, high=high, level=0.95, kind="model estimate", method="x", formula="x", n=9)
    tables = {"sites": pd.DataFrame([("S1", 1, "116", f"{YEAR}-01", "")], columns=["site", "model", "district", "start", "stop"]), "spending": pd.DataFrame([("S1", 100.0)], columns=["site", "spent"]),
              "site_months": pd.DataFrame([("S1", f"{YEAR}-02", 40, 20, 20)], columns=["site", "month", "contacts", "persons", "new_persons"])}
    rows = M.cost_rows(Pen(SimpleNamespace(year=YEAR, synthetic=True), 1), Answer(q.primary, Path((), BRANCHES["staggered"]), e, "x", "x"), q, Sources(tables, {}))
    cost = next(r for r in rows if "per_outcome" in r["breakdown"])
    assert (not math.isnan(cost["low"]), not math.isnan(cost["high"])) == ends
    if ends[0]: assert np.isclose(cost["low"], 100/(20*high)) and cost["low"] < cost["value"]
    if ends[1]: assert np.isclose(cost["high"], 100/(20*low)) and cost["high"] > cost["value"]


def test_post_hoc_is_marked_when_the_protocol_was_not_locked(monkeypatch):
    from sonla_eval.methods import protocol as P
    from sonla_eval.present import figures_models, models_protocol
    book = Book(rows_for("analysed", "continue"), load_plan(YEAR), YEAR, lang="en")
    for made, mark in ((P.Standing("not_locked", "x", "the protocol was not locked for this year"), True), (P.Standing("locked", "x", "locked in time"), False)):
        for module in (models_protocol, figures_models): monkeypatch.setattr(module, "standing", lambda p, year, made=made: made)
        assert ("post hoc" in models_protocol.protocol_line(book, 1)) is mark and ("post hoc" in figures_models.fig_effects(book, 1)[0].note) is mark
        assert ("post hoc" in models_protocol.table_protocol(book, 1)) is mark
    stranger = Book(frame([*rows_for("analysed", "continue").drop(columns=["mask", "id"]).to_dict("records"), dict(unit="14", period=str(YEAR)) | effect("unplanned", 0.1, 0.0, 0.2)]).assign(mask=""), load_plan(YEAR), YEAR, lang="en")
    assert "unplanned [post hoc]" in figures_models.table_effects(stranger, 1)


# charts

def drawings(lang):
    names = LONG[lang]
    look = dict(headline="h", subtitle="s", source="x", lang=lang, synthetic=True)
    roles = ["treated", "not_yet", "never", "excluded"]*3
    yield C.theory(pd.DataFrame([(s, names[(i + j) % 3]) for i, s in enumerate("ABCDE") for j in range(1 + i % 2)], columns=["stage", "text"]), "theory", assumed="E", **look)
    yield C.role_map(pd.DataFrame(TILES, columns=["tile_col", "tile_row"]).assign(name=PLACES, role=roles, words=["7/2020–3/2021" if r == "excluded" else "" for r in roles]), "roles", **look)
    yield C.timeline(pd.DataFrame({"unit": PLACES, "role": roles, "start": [12*2021.0]*12, "end": [math.nan]*12}), "starts", first=12*2019, last=12*2022 + 11, **look)
    yield C.control(pd.DataFrame({"x": [f"2022-{m:02}" for m in range(1, 13)], "value": [5.0, math.nan, *range(10)], "mean": 5.0, "low": -1.0, "high": 11.0, "special": [False]*11 + [True]}), "control", **look)
    yield C.tornado(pd.DataFrame({"label": names, "value": [12.0, 21, math.nan], "low": [-4.0, math.nan, math.nan], "high": [28.0, math.nan, math.nan]}), "tornado", base=19.0, less="a", more="b", **look)
    yield C.plane(pd.DataFrame({"effect": range(-5, 15), "cost": range(40, 60)}), "plane", effect_words=names[1][:40], cost_words="x", **look)
    yield C.acceptable(pd.DataFrame({"worth": [0, 0.5, 1, 2, 5, 10, 20, 50], "value": [k/8 for k in range(8)]}), "ceac", worth_words="x", **look)
    yield C.links(pd.DataFrame([(f"F-A{k}", f"C-A{k}", f"R-{k//4}") for k in range(14)], columns=["finding", "conclusion", "recommendation"]), "links", **look)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_text_of_the_charts_is_whole_and_apart(lang):
    for fig in drawings(lang):
        ElementTree.fromstring(fig.svg)
        height, boxes = float(re.search(r'viewBox="0 0 \S+ (\S+)"', fig.svg)[1]), list(texts(fig.svg))
        for text, left, top, right, bottom, size in boxes: assert size >= 12 and left >= -1 and right <= WIDTH + 1.5 and top >= -1 and bottom <= height + 1, (fig.id, text)
        for i, a in enumerate(boxes):
            for b in boxes[i + 1:]:
                assert min(a[3], b[3]) - max(a[1], b[1]) <= 1 or min(a[4], b[4]) - max(a[2], b[2]) <= 1, (fig.id, a[0], b[0])


@pytest.mark.parametrize("draw,rows", [(C.role_map, {"tile_col": [1, 1], "tile_row": [1, 1], "name": ["a", "b"], "role": ["never"]*2, "words": [""]*2}),
    (C.role_map, {"tile_col": [1], "tile_row": [1], "name": ["a"], "role": ["friend"], "words": [""]}), (C.timeline, {"unit": ["a"], "role": ["never"], "start": [1.0], "end": [2.0]})])
def test_charts_refuse_what_can_not_be_drawn(draw, rows):
    with pytest.raises(ValueError): draw(pd.DataFrame(rows), "x", headline="h", subtitle="s", source="x", lang="en")


# the graph

def test_an_orphan_is_found_either_way():
    f, c, r = G.Found("F-1", ("a", "a"), ("x",)), G.Concluded("C-1", ("a", "a"), ("F-1",), "not_met"), G.Advised("R-1", ("a", "a"), ("C-1",), ("a", "a"), "2023-03-31", 1)
    good = G.Graph(2022, "public", False, (f,), (c,), (r,))
    assert good.faults({"x"}) == []
    for broken, word in ((replace(good, conclusions=()), "leads to no conclusion"), (replace(good, recommendations=()), "leads to no recommendation"), (replace(good, findings=()), "which is no finding"),
        (replace(good, recommendations=(replace(r, conclusions=()),)), "has no conclusion"), (replace(good, recommendations=(replace(r, by=""),)), "lacks addressee"), (replace(good, findings=(f, f)), "stands twice")):
        assert any(word in x for x in broken.faults({"x"})), word
    assert good.faults(set()) and G.from_json(good.as_json()) == good
    with pytest.raises(ValueError, match="format"): G.from_json('{"format": 2}')


def test_last_years_recommendations_are_followed():
    c = tuple(G.Concluded(f"C-{k}", ("a", "a"), (f"F-{k}",), s) for k, s in enumerate(("not_met", "not_met", "in_doubt", "not_reported")))
    r = tuple(G.Advised(f"R-{k}", ("a", "a"), cs, ("a", "a"), "2023-03-31", 1) for k, cs in enumerate((("C-0",), ("C-0", "C-1"), ("C-2",), ("C-9",))))
    before = G.Graph(2021, "public", False, (), c, r)
    now = replace(before, year=2022, conclusions=(replace(c[0], state="met_verified"), *c[1:]))
    assert G.followed(now, before)["kept"].tolist() == ["done", "part", "open", "gone"]
    book = Book(rows_for("analysed", "continue"), load_plan(YEAR), YEAR, lang="en")
    assert all(w in G.table_followup(book, now, before) for w in ("settled", "in part (1/2)", "still open", "R-0/2021"))


# the example, built

def test_every_page_of_the_models_is_made_and_linked(built):
    _, report, site = built
    assert report.failed == () and [k for k in PAGES if not (site/f"{k}.html").is_file()] == []
    index = (site.parent/"index.html").read_text(encoding="utf-8")
    assert all(f"{YEAR}/{k}.html" in index for k in PAGES)
    for lang in ("vi", "en"):
        assert all(f'href="model-{m}.html"' in page(site, f"public/{lang}/{n}") for m in protocols() for n in ("models", "province"))


@pytest.mark.parametrize("key", PAGES)
def test_page_of_a_model(built, key):
    "One file, one language, the verdict before everything else, every figure with its table; no machine, no code."
    html, (_, lang, name) = page(built[2], key), key.split("/")
    assert f'<html lang="{lang}"' in html and "SYNTHETIC" in re.search(r"<title>(.*?)</title>", html, re.S)[1] and len(html.encode()) < 1_500_000
    assert html.index('class="verdict') < html.index("<figure") and "<script" not in html and "/tmp/" not in html and str(ROOT) not in html
    for block in re.findall(r"<figure\b.*?</figure>", html, re.S): assert 'role="img"' in block and "<table" in block and "data:text/csv" in block and 'class="source"' in block
    text = re.sub(r"<[^>]+>", " ", re.sub(r"data:[^\"]*", "", html))
    assert not re.search(r"\b(?:nan|None|NaN)\b", text)
    assert 'id="theory"' in html or name == "models"


def test_both_languages_hold_the_same_numbers(built):
    def numbers(html): return {f: [re.sub(r"[^\d]", "", c) for c in re.findall(r'<td class="num"[^>]*>([^<]*)</td>', b)] for f, b in re.findall(r'<figure id="([a-z0-9-]+)" class="chart"(.*?)</figure>', html, re.S)}
    for name in NAMES: assert numbers(page(built[2], f"public/vi/{name}")) == numbers(page(built[2], f"public/en/{name}")), name


def test_the_graph_of_the_example_has_no_orphan(built):
    for edition in ("internal", "public"):
        tables = built[2]/edition/"tables"
        graph = G.from_json((tables/"findings.json").read_text(encoding="utf-8"))
        ids = set(pd.read_csv(tables/"results.csv", usecols=["id"], dtype=str)["id"])
        assert graph.faults(ids) == [] and graph.year == YEAR and graph.synthetic and graph.edition == edition
        assert {f"C-M{m}" for m in protocols()} <= {c.id for c in graph.conclusions} and {c.id for c in graph.conclusions if c.id[2] in "ACO"} == {f"C-{k}" for k in load_plan(YEAR).commitments}
        html = page(built[2], f"{edition}/en/province")
        assert all(r.text[1] in unescape(html) and r.id in html for r in graph.recommendations)
        listed = json.loads((built[2]/edition/"manifest.json").read_text(encoding="utf-8"))["outputs"]
        assert "tables/findings.json" in listed


def test_the_examples_truth(built, example):
    "What is true of the example's models is what the pages say: who started, who is left out, an interval that holds the effect, no effect told where too little was delivered."
    results = pd.read_csv(built[2]/"internal"/"tables"/"results.csv", dtype={"unit": str, "period": str}, keep_default_na=False, na_values={c: [""] for c in ("value", "low", "high")})
    def one(measure, breakdown, unit="14"): return results[(results["measure"] == measure) & (results["breakdown"] == breakdown) & (results["unit"] == unit) & (results["period"] == str(YEAR))].iloc[0]
    assert [one("model.state", f"model={m}")["method"] for m in (1, 2, 3)] == ["analysed", "not_directed", "delivered_too_few"]
    assert [one("model.verdict", f"model={m}")["method"] for m in (2, 3)] == ["not_started", "cannot_tell"]
    assert one("model.unit", "model=1", "118")["method"] == "excluded" and one("model.unit", "model=1", "116")["method"] == "treated" and one("model.unit", "model=1", "121")["method"] == "never"
    truth = json.loads((example/"truth.json").read_text(encoding="utf-8"))["years"]
    added = [x for y in map(str, range(YEAR - 3, YEAR + 1)) for k, x in truth[y]["models"]["added"].items() if k.startswith("E4b|")]
    e = one("model.effect", "model=1;outcome=referral_done")
    assert e["low"] <= sum(added)/len(added) <= e["high"] and e["high"] - e["low"] < 0.6
    assert results[(results["measure"] == "model.effect") & results["breakdown"].str.startswith("model=3")]["value"].isna().all()


def test_few_persons_of_a_single_site_are_not_told(built):
    for edition in ("internal", "public"):
        results = pd.read_csv(built[2]/edition/"tables"/"results.csv", dtype={"unit": str, "period": str})
        mine = results[results["measure"].isin(["model.contacts", "model.persons", "model.count"]) & results["breakdown"].str.startswith("model=3")]
        assert len(mine) and not mine["value"].between(1, 4).any()
