"""Every public method says its result in both languages, as a table and as a figure, and never more than its test allows."""
import re
import unicodedata

import numpy as np
import pandas as pd
import pytest

from sonla_eval import methods
from sonla_eval.methods.estimate import Estimate, UNITS, coverage_of, coverage_warning, measured
from sonla_eval.methods.worlds import PROVINCE, districts, five_years, grouped, incomes, months, quarters, recruits, rounds, service, three_lists, two_ways, women

R = np.random.default_rng(11)
PANEL = districts(PROVINCE)(R, 0.0)
STRONG = districts(PROVINCE)(R, 3.0)
WOMEN, GROUPS, ROUNDS, LISTS = women(R, 0.2), grouped(R, 0.5), rounds(R, 0.6), three_lists(R, 0.0)
MONTHS, QUARTERS, BOTH = months(R, 0.0), quarters(R, -0.7), ["age", "town"]
COURSE = pd.DataFrame({"enrolled": 1, "completed": [1] * 14 + [0] * 6, "employed12": [1.0] * 9 + [0.0] * 6 + [np.nan] * 5})
STAGED, SERVICE = methods.stages(COURSE, label=("Lớp may 2022", "Sewing course 2022")), methods.kaplan_meier(service(R, 0.0))
CHAPMAN = methods.chapman(120, 90, 30)
LABEL = ("Tỷ lệ cơ sở ký cam kết", "Share of establishments with a pledge")


def made():
    "Name and estimate, one for each public function that gives one, in the shapes readers meet."
    yield "wilson", methods.wilson(144, 180, label=LABEL)
    yield "clopper", methods.clopper_pearson(0, 12, label=LABEL)
    yield "wilson_cc", methods.wilson_cc(12, 12, label=LABEL)
    yield "finite", methods.finite_population(11, 12, 204, label=LABEL)
    yield "finite, all", methods.finite_population(11, 12, 12, label=LABEL)
    yield "bounds", methods.bounds(7, 9, 12, label=LABEL)
    yield "bounds, silent", methods.bounds(0, 0, 12, label=LABEL)
    yield "difference", methods.difference(80, 100, 60, 100)
    yield "difference, none", methods.difference(5, 10, 5, 10)
    yield from ((f"count {x}", methods.poisson_count(x, label=("Số vụ", "Cases"))) for x in (0, 1, 5, 40))
    yield "rate", methods.rate(3, 1240, label=("Vụ trên 100 lượt kiểm tra", "Cases per 100 inspections"))
    yield from ((f"ratio {a}:{b}", methods.rate_ratio(a, 100, b, 100)) for a, b in ((3, 5), (0, 5), (5, 0), (0, 0), (20, 5)))
    yield from ((f"years {a}:{b}", methods.compare_counts(a, b)) for a, b in ((3, 5), (0, 9), (20, 5)))
    yield "chapman", CHAPMAN
    yield "petersen", methods.lincoln_petersen(120, 90, 30)
    yield from ((f"multiplier, {m}", methods.multiplier(120, 54, 180, method=m)) for m in ("delta", "bootstrap"))
    yield "triangulate", methods.triangulate([CHAPMAN, methods.multiplier(120, 54, 180), methods.multiplier(90, 40, 180)])
    yield from ((f"lists {m}", methods.loglinear(LISTS, list("abc"), model=m)) for m in ("average", "aic", "M0", "Mt"))
    yield "coverage", methods.coverage.coverage(150, CHAPMAN)
    yield from ((f"need {i}", e) for i, e in enumerate(methods.coverage_of_need(30, 31, 150, None, None, (("số trong sổ", "the register", 400),))))
    yield from ((f"need with size {i}", e) for i, e in enumerate(methods.coverage_of_need(0, 0, 150, CHAPMAN, methods.weighted_share(ROUNDS[ROUNDS["round"] == 1], "condom"))))
    yield "rds", methods.rds_ii(recruits(R, 0.0), "y", draws=100, label=("Tỷ lệ dùng dịch vụ", "Share who used the service"))
    yield "gile", methods.gile_ss(recruits(R, 0.0), "y", 400, draws=50, samples=100, label=("Tỷ lệ dùng dịch vụ", "Share who used the service"))
    yield "trend", methods.trend.trend(five_years(R, 0.0))
    yield "trend, rate", methods.trend.trend(five_years(R, 0.0), kind="rate")
    for name, options in (("ols", {}), ("hac", {"errors": "hac"}), ("prais", {"model": "prais"}), ("level", {"slope": False})):
        f = methods.its.its(MONTHS, "time", "y", "2020-01", value_unit="cases", **options)
        yield from ((f"its {name} {i}", e) for i, e in enumerate((*f.effects().rows, f.effect_at(), f.total())))
    f = methods.its.its(QUARTERS, "time", "y", "2021-Q1", model="quasi", slope=False, value_unit="cases")
    yield from ((f"its counts {i}", e) for i, e in enumerate((*f.effects().rows, f.effect_at(), f.total())))
    yield "twfe", methods.twfe(PANEL, value_unit="cases")
    yield "cr2", methods.cr2(PANEL, value_unit="cases")
    yield "wild", methods.wild_bootstrap(PANEL, value_unit="cases")
    yield "randomization", methods.randomization(PANEL, limit=100, draws=199, value_unit="cases")
    s = methods.staggered.staggered(STRONG, draws=0, base="universal", value_unit="cases")
    yield "staggered", s.simple()
    yield from ((f"staggered {k}", e) for k, e in enumerate((s.dynamic().overall, s.group().overall, s.calendar().overall, *s.group().rows)))
    event = methods.event_of(methods.staggered.staggered(districts(YEARS_TOGETHER)(R, 1.0), draws=0, base="universal", value_unit="cases"))
    yield "smoothness", methods.smoothness(event, 0.1)
    yield "relative", methods.relative(event, 1.0, draws=500)
    yield "two groups", methods.two_groups(districts(YEARS_TOGETHER)(R, 1.0), value_unit="cases")
    yield "synthetic", methods.synthetic.synthetic(districts(LONE_START)(R, 1.0), demean=True, value_unit="cases").effect()
    for f in (methods.naive, methods.ipw, methods.standardise, methods.aipw): yield f.__name__, f(WOMEN, "condom", "served", BOTH)
    yield "gee", methods.gee(GROUPS, "yes", "served", [], "district")
    yield "mixed", methods.mixed(GROUPS.rename(columns={"y": "points"}), "points", "served", [], "district")
    yield "icc", methods.icc(GROUPS, "y", "district")
    yield from ((f"stage {k}", e) for k, e in STAGED.estimates.items())
    yield "kaplan meier", SERVICE.at(6)
    yield "median", SERVICE.median()
    yield "survey", methods.weighted_share(ROUNDS[ROUNDS["round"] == 1], "condom", label=("Dùng bao cao su", "Condom use"))
    yield "survey change", methods.survey.change(ROUNDS, "condom", 1, 2)
    yield from ((f"imputed {k}", methods.imputed(incomes(R, 0.0), lambda t: (t["income"].mean(), t["income"].var() / len(t)), m=5, unit="million dong", label=("Thu nhập", "Income"), **o)) for k, o in enumerate(({}, {"borrow": "value"}, {"k_pmm": 0})))
    yield "cost", methods.cost_per_result(900.0, 150, 2022)
    yield "cost of an estimate", methods.cost_per_result(900.0, CHAPMAN, 2022)
    yield "icer", methods.icer(methods.bootstrap(two_ways(R, 0.0), "arm", "stayed", "cost", 2022, draws=200))
    yield "icer, dominated", methods.icer(methods.psa(pd.DataFrame({"e0": [0.3, 0.4], "e1": [0.5, 0.6], "c0": [5.0, 5.1], "c1": [4.0, 4.2]}), 2022))
    yield "kappa", methods.kappa(list("aabbabab") * 4, list("aabbabba") * 4)
    yield from ((f"score {i}", e) for i, e in enumerate(methods.scores(pd.DataFrame({"unit": ["A", "B"], "x": [10.0, np.nan], "z": [3.0, 5.0]}), {"x": 20, "z": 5})))


from sonla_eval.methods.power import Panel as Design

YEARS_TOGETHER, LONE_START = Design(starts=(3,) * 6 + (None,) * 6, periods=6), Design(starts=(10,) + (None,) * 11)
ALL = dict(made())
ENGLISH = sorted({w for vi, en in UNITS.values() if en and en != vi for w in (en,)} | {"without", "interval", "estimate", "per 1"}, key=len, reverse=True)
DIRECTION = re.compile(r"\b(tăng|giảm|rise|rises|rising|fall|falls|falling|increase\w*|decrease\w*|higher|lower|cao hơn|thấp hơn)\b", re.IGNORECASE)


@pytest.mark.parametrize("name", ALL)
def test_says_itself(name):
    e = ALL[name]
    for lang in ("vi", "en"):
        text = e.sentence(lang)
        assert text == unicodedata.normalize("NFC", text) and "  " not in text and "nan" not in text.lower().split() and " ." not in text and text.endswith(".")
        assert not re.search(r"\bnan\b|None|inf\b|\{|\}", text), text
        if e.value is not None and None not in (e.low, e.high) and e.level is not None and type(e).__name__ != "Unknown": assert ("khoảng tin cậy" if lang == "vi" else "interval") in text
        t = e.table(lang)
        assert len(t) == 1 and list(t.columns) != list(e.table("en" if lang == "vi" else "vi").columns)
        fig = e.figure(lang)
        assert fig.axes and fig.axes[0].get_xlabel() is not None
    vietnamese = e.sentence("vi") + " " + str(e.table("vi").iloc[0]["Đơn vị"]) + " " + e.figure("vi").axes[0].get_xlabel()
    assert not [w for w in ENGLISH if re.search(rf"(?<![\w]){re.escape(w)}(?![\w])", vietnamese)], vietnamese


@pytest.mark.parametrize("name", ALL)
def test_a_direction_needs_a_test(name):
    "Words of direction only where a test rejects; never in a plain estimate."
    e = ALL[name]
    for lang in ("vi", "en"):
        if DIRECTION.search(e.sentence(lang)): assert e.extra.get("p") is not None and e.extra["p"] < 0.05, e.sentence(lang)


@pytest.mark.parametrize("name", ALL)
def test_who_was_used_and_how(name):
    "The table of who was used has whole numbers and a reason's column; the formula names what it divides by."
    e = ALL[name]
    used = e.used_table()
    assert list(used.columns) == ["group", "n", "why"] and (used["n"].dropna() >= 0).all()
    if e.kind in ("sample estimate", "model estimate") and e.value is not None and e.method: assert e.formula, name
    for key, mark in (("G", "G = "), ("k", "k = "), ("df", "df = ")):
        if key in e.extra and e.value is not None: assert mark in e.formula, (name, key, e.formula)


@pytest.mark.parametrize("name", ALL)
def test_a_bad_interval_is_said(name):
    "What simulation found wrong with an interval stands in the sentence, read from the table and not from the code."
    e = ALL[name]
    trial = e.extra.get("trial")
    for lang in ("vi", "en"): assert measured(trial, lang) in e.sentence(lang)
    if trial: assert coverage_of(trial) is not None or not trial.startswith(("proportion", "count", "size", "client", "missing")), f"{trial} was not measured"


def sets():
    "What is said, drawn and tabled as a whole: charts, series, panels, curves, families."
    yield "its", methods.its.its(MONTHS, "time", "y", "2020-01", value_unit="cases")
    yield "its counts", methods.its.its(QUARTERS, "time", "y", "2021-Q1", model="quasi", value_unit="cases")
    yield "its effects", methods.its.its(MONTHS, "time", "y", "2020-01").effects()
    s = methods.staggered.staggered(STRONG, draws=99, base="universal", value_unit="cases")
    yield from (("staggered", s), ("dynamic", s.dynamic()), ("cells", s.effects()), ("groups", s.group()), ("calendar", s.calendar()))
    yield "few clusters", methods.few_clusters.few_clusters(PANEL, value_unit="cases")
    yield "bacon", methods.bacon(PANEL)
    yield "honest", methods.honest.honest(methods.event_of(methods.staggered.staggered(districts(YEARS_TOGETHER)(R, 2.0), draws=0, base="universal")), values=(0.5, 1.0))
    yield "synthetic", methods.synthetic.synthetic(districts(LONE_START)(R, 1.0), demean=True, value_unit="cases")
    yield "funnel", methods.funnel.funnel(pd.DataFrame({"unit": list("ABCDEF"), "numerator": [8, 9, 7, 8, 40, 2], "denominator": [10, 10, 10, 10, 50, 40]}))
    yield "xmr", methods.xmr([10, 12, 11, 13, 12, 11, 10, 12, 30, 11, 12, 13])
    yield from (("stages", STAGED), ("curve", SERVICE), ("mixture", methods.pattern_mixture(COURSE, "employed12")))
    yield "e-value", methods.e_value(1.8, 1.2, 2.7)
    yield "bounds", methods.sign_bounds(25, 8)
    yield "power", methods.clustered_shares(0.5, 6, 20, 0.05)
    yield "family", methods.family({"a": 0.01, "b": 0.04, "c": None})
    yield "scores", methods.scores(pd.DataFrame({"unit": ["A", "B", "C"], "x": [10.0, 15, 20], "z": [3.0, 5.0, 1.0]}), {"x": 20, "z": 5})
    yield "shares", methods.shares(pd.DataFrame({"unit": ["A", "B"], "numerator": [3, np.nan], "denominator": [4, 5]}), label=LABEL)
    yield "rates", methods.rates(pd.DataFrame({"unit": ["A", "B"], "count": [3, 0], "exposure": [40, 0]}))
    yield "effects", methods.client.effects(WOMEN, "condom", "served", BOTH)
    yield "rounds", methods.survey.rounds(ROUNDS, "condom")


WHOLE = dict(sets())


@pytest.mark.parametrize("name", WHOLE)
def test_sets_say_themselves(name):
    x = WHOLE[name]
    for lang in ("vi", "en"):
        text = x.sentence(lang)
        assert text == unicodedata.normalize("NFC", text) and "  " not in text and not re.search(r"\bnan\b|None|\binf\b|\{|\}|= 0[.,]000\b", text), text
        assert len(x.table(lang)) >= 1 and x.figure(lang).axes
        assert not re.search(r"\btăng\b|\bgiảm\b|\brise|\bfall\b|increas|decreas", text), text
    assert not [w for w in ENGLISH if re.search(rf"(?<![\w]){re.escape(w)}(?![\w])", x.sentence("vi"))], x.sentence("vi")
    assert x.sentence("vi") != x.sentence("en")


def test_added_up():
    "Yes and no make n; due and lost too; periods used and dropped make the rows."
    w = methods.wilson(144, 180).used_table()
    assert w["n"].sum() == 180 and STAGED.estimates["employed12"].used_table().set_index("group")["n"].to_dict() == {"due": 20, "lost": 5}
    holes = MONTHS.assign(y=MONTHS["y"].where(np.arange(48) != 7))
    used = methods.its.its(holes, "time", "y", "2020-01").used
    assert {u["group"]: u["n"] for u in used} == {"periods used": 47, "dropped": 1}


def test_the_sentence_follows_the_table(monkeypatch, tmp_path):
    "Another table, other words; without a table it says that nothing was measured; within 93-97 % it says nothing."
    import sonla_eval.settings
    e = methods.wilson(8, 10, label=LABEL)
    folder = tmp_path / "methods"
    monkeypatch.setattr(sonla_eval.settings, "data_path", lambda *p: tmp_path.joinpath(*p))
    assert e.sentence("en").endswith("has not been measured by simulation.")
    folder.mkdir()
    def write(c): (folder / "operating.csv").write_text(f"method,design_vi,design_en,coverage\nproportion.wilson,\"mười, hai\",ten,{c}\n", encoding="utf-8")
    write(0.81); assert "only 81.0 %" in e.sentence("en") and "(mười, hai)" in e.sentence("vi")
    write(0.9999); assert "wider than needed" in e.sentence("en")
    write(0.951); assert e.sentence("en").endswith("sample estimate).")
    assert coverage_warning(float("nan")) == "" and coverage_warning(0.93) == "" == coverage_warning(0.97)


def test_results_carry_the_warning():
    "A result row shows an interval without a sentence: the warning stands in its notes."
    from sonla_eval.methods.estimate import notes_of
    bad = ALL["naive"]
    assert notes_of(bad)[-1] == (measured("client.naive", "vi"), measured("client.naive", "en")) and "too narrow" in notes_of(bad)[-1][1]
    assert notes_of(None) == () and notes_of(methods.wilson(8, 10)) == methods.wilson(8, 10).notes


def test_every_name_is_found():
    "Whatever the guide names exists; the modules win over functions of the same name."
    assert all(callable(getattr(methods, name)) for name in methods.PLACES)
    assert methods.its.__name__.endswith("methods.its") and methods.effects.__name__.endswith("methods.effects")
    with pytest.raises(AttributeError, match="ask"): methods.nothing_of_the_kind
    assert {m for m in methods.MODULES} >= {"its", "staggered", "lists"} and "wilson" in dir(methods)
    assert isinstance(methods.wilson(1, 2), Estimate)
