"Reference cases and adversarial tests of shares, counts, sizes, coverage, change, trends, funnels, scores, cost, many tests."
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sonla_eval.methods import change as ch, cost, count, coverage, funnel, lists, multiple, proportion, rds, score, size, trend
from sonla_eval.methods.estimate import Estimate, Refused

SHARED = Path(os.environ.get("SONLA_EVAL_SHARED") or Path(__file__).parents[2] / "shared")
REFERENCE = SHARED / "methods" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference cases are not beside the project")


def case(name):
    "A reference case and its first data file."
    c = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    return c["expected"], c["tolerance"], pd.read_csv(REFERENCE / c["data"][0])


# shares

@needs_reference
def test_shares_equal_r():
    want, tol, _ = case("prop_intervals")
    for row in want["rows"]:
        for f in (proportion.wilson, proportion.clopper_pearson, proportion.wilson_cc):
            e = f(row["x"], row["n"])
            assert (e.low, e.high) == pytest.approx(row[f.__name__], abs=tol["abs"]), (f.__name__, row["x"], row["n"])
    d, e = want["diff_56_70_vs_48_80"], proportion.difference(56, 70, 48, 80, interval="wald")
    assert (e.low, e.high) == pytest.approx(d["ci"], abs=tol["abs"])
    assert (e.extra["p1"], e.extra["p2"]) == pytest.approx(d["est"], abs=tol["abs"])
    assert e.extra["chisq"] == pytest.approx(d["chisq"], abs=tol["abs"]) and e.extra["p"] == pytest.approx(d["p"], abs=tol["abs"])


@pytest.mark.parametrize("a,n1,b,n2,low,high", [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1.0)])
def test_difference_equals_newcombe_1998_table(a, n1, b, n2, low, high):
    e = proportion.difference(a, n1, b, n2)
    assert (e.low, e.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("yes,n", [(5, 4), (-1, 4), (1.5, 4), (float("nan"), 4), (None, 4), (True, 4), (1, float("inf"))])
def test_counts_that_are_none(yes, n):
    with pytest.raises(ValueError): proportion.wilson(yes, n)


def test_nought_of_nought_is_refused_in_both_languages():
    with pytest.raises(Refused) as err: proportion.wilson(0, 0)
    assert "100 %" in err.value.en and "không phát sinh" in err.value.vi


@pytest.mark.parametrize("N,n", [(12, 5), (12, 12), (204, 38), (30, 29)])
def test_finite_population_never_covers_too_little(N, n):
    ends = [proportion.finite_population(x, n, N) for x in range(n + 1)]
    for M in range(N + 1):
        held = sum(stats.hypergeom.pmf(x, N, M, n) for x, e in enumerate(ends) if e.low - 1e-12 <= M / N <= e.high + 1e-12)
        assert held >= 0.95 - 1e-9, (N, n, M)


def test_finite_population_becomes_clopper_pearson():
    a, b = proportion.finite_population(81, 263, 2_000_000), proportion.clopper_pearson(81, 263)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-4)


# counts

def test_garwood_equals_the_chi_square_form():
    for x in (0, 1, 5, 9, 40):
        low, high = count.garwood(x)
        assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * x + 2) / 2, rel=1e-10)
        assert low == pytest.approx(stats.chi2.ppf(0.025, 2 * x) / 2 if x else 0, rel=1e-10)


def test_rate_ratio_agrees_with_its_interval_and_scipy():
    rng = np.random.default_rng(1)
    for _ in range(200):
        a, b, t = int(rng.integers(0, 15)), int(rng.integers(0, 15)), float(rng.uniform(0.3, 3))
        if a + b == 0: continue
        e = count.rate_ratio(a, t, b, 1.0)
        assert (e.extra["p"] <= 0.05) == (not e.low <= 1 <= e.high) or abs(e.extra["p"] - 0.05) < 1e-9
        tails = [stats.binomtest(a, a + b, t / (t + 1), alternative=s).pvalue for s in ("less", "greater")]
        assert e.extra["p"] == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


def test_rise_and_fall_only_with_a_test():
    for a in range(0, 30, 3):
        for b in range(0, 30, 3):
            e = count.compare_counts(a, b)
            said = any(w in e.sentence("en") for w in ("A rise", "A fall"))
            assert said == (e.extra["p"] <= 0.05)
            assert ("tăng" in e.sentence("vi") or "giảm" in e.sentence("vi")) == said


# size

@needs_reference
def test_two_lists_equal_rcapture():
    want, tol, data = case("crc_chapman")
    a, b = (f(want["n1"], want["n2"], want["m"]) for f in (size.chapman, size.lincoln_petersen))
    assert (a.value, a.extra["se"]) == pytest.approx((want["chapman"], want["chapman_se"]), abs=tol["abs"])
    assert b.value == want["lincoln_petersen"] and b.extra["se"] == pytest.approx(math.sqrt(4800), abs=tol["abs"])
    m = lists.fit_model(*lists.cells(data, ["a", "b"], "freq"))
    assert m.se == pytest.approx(want["lp_se_loglinear"], abs=tol["abs"]) and m.size == pytest.approx(400, abs=1e-6)


HIV = ["c1", "c2", "c3", "c4"]


@needs_reference
@pytest.mark.parametrize("name,kw", [("M0", dict(equal=True)), ("Mt", {}), ("Mh Chao (LB)", dict(equal=True, heterogeneity="chao")), ("Mh Poisson2", dict(equal=True, heterogeneity="poisson2")),
    ("Mh Darroch", dict(equal=True, heterogeneity="darroch")), ("Mh Gamma3.5", dict(equal=True, heterogeneity="gamma3.5")), ("Mth Chao (LB)", dict(heterogeneity="chao")),
    ("Mth Poisson2", dict(heterogeneity="poisson2")), ("Mth Darroch", dict(heterogeneity="darroch")), ("Mth Gamma3.5", dict(heterogeneity="gamma3.5"))])
def test_four_lists_equal_rcapture(name, kw):
    want, tol, data = case("crc_hiv_rome")
    m, w = lists.fit_model(*lists.cells(data, HIV, "freq"), **kw), want["models"][name]
    assert m.size == pytest.approx(w["N"], abs=tol["N"]) and m.se == pytest.approx(w["se"], abs=tol["se"]) and m.deviance == pytest.approx(w["dev"], abs=1e-6)


@needs_reference
def test_hierarchical_models_equal_rcapture():
    want, tol, data = case("crc_hiv_rome")
    H, y = lists.cells(data, HIV, "freq")
    named = {lists.model_name(t, 4): t for t in lists.hierarchical(4)}
    for name, w in want["hierarchical_by_BIC"].items():
        m = lists.fit_model(H, y, named[name], "chao")
        assert (m.size, m.aic, m.bic) == pytest.approx((w["N"], w["AIC"], w["BIC"]), abs=tol["N"]), name
        assert m.se == pytest.approx(w["se"], abs=tol["se"]), name
    w, e = want["best_12_3_4"], lists.loglinear(data, HIV, "freq", model="[12,3,4]")
    assert e.value == pytest.approx(w["N"], abs=tol["N"]) and e.extra["se"] == pytest.approx(w["se"], abs=tol["se"])
    p = lists.loglinear(data, HIV, "freq", model="[12,3,4]", interval="profile")
    assert p.value == pytest.approx(w["profile_multinomial_N"], abs=0.05)
    assert (p.low, p.high) == pytest.approx(w["profile_ci"], rel=1e-4)


@needs_reference
def test_lists_ignore_order_of_rows_and_lists():
    _, _, data = case("crc_hiv_rome")
    a = lists.loglinear(data, HIV, "freq")
    b = lists.loglinear(data.sample(frac=1, random_state=4), HIV, "freq")
    c = lists.loglinear(data, HIV[::-1], "freq")
    assert a == b and a.value == pytest.approx(c.value, rel=1e-9)
    persons = data.loc[data.index.repeat(data.freq), HIV]
    assert lists.loglinear(persons, HIV) == a


def test_lists_without_overlap_are_refused():
    with pytest.raises(Refused): size.chapman(10, 8, 0)
    with pytest.raises(Refused): lists.loglinear(pd.DataFrame(dict(a=[1, 0, 0], b=[0, 1, 0], c=[0, 0, 1], n=[5, 6, 7])), list("abc"), "n")


@needs_reference
def test_recruited_samples_equal_r():
    want, tol, data = case("rds_fauxsycamore")
    kw = dict(recruiter="recruiter.id", draws=200)
    assert rds.rds_ii(data, "disease", seeds="in", **kw).value == pytest.approx(want["rds2"], abs=tol["rds"])
    assert rds.rds_ii(data, "disease", seeds="out", **kw).value == pytest.approx(want["rds2_excluding_seeds"], abs=tol["rds"])
    assert rds.rds_i(data, "disease", recruiter="recruiter.id") == pytest.approx(want["rds1"]["disease"], abs=tol["rds"])
    assert rds.gile_ss(data, "disease", want["N"], **kw).value == pytest.approx(want["ss_all"]["disease"], abs=tol["ss"])


@needs_reference
def test_the_help_page_of_rds_used_a_population_of_1000():
    "R's help page prints 0.1814 for SS; that is the function's default N of 1000 with seeds in, not the data's 715."
    want, _, data = case("rds_fauxsycamore")
    e = rds.gile_ss(data, "disease", 1000, recruiter="recruiter.id", draws=50, samples=2000)
    assert e.value == pytest.approx(want["doc_table"]["ss"], abs=1e-3)


def test_recruitment_faults_are_named():
    good = pd.DataFrame(dict(id=["a", "b"], recruiter=["", "a"], degree=[2, 3], y=[0, 1]))
    for bad, word in ((good.assign(recruiter=["", "x"]), "'x'"), (good.assign(recruiter=["b", "a"]), "no seed"), (good.assign(degree=[0, 1]), "degree"), (good.assign(id=["a", "a"]), "twice")):
        with pytest.raises(ValueError, match=word): rds.forest(bad, "y")
    circle = pd.DataFrame(dict(id=list("abc"), recruiter=["", "c", "b"], degree=1, y=0))
    with pytest.raises(ValueError, match="circle"): rds.forest(circle, "y")


def test_multiplier_bootstrap_is_seeded_and_near_delta():
    a, b = (size.multiplier(240, 81, 180, method="bootstrap") for _ in range(2))
    assert a == b and a.extra["se"] == pytest.approx(size.multiplier(240, 81, 180).extra["se"], rel=0.1)


def test_triangulation_equals_statsmodels():
    from statsmodels.stats.meta_analysis import combine_effects
    es = [Estimate(v, v / f, v * f, unit="persons", kind="model estimate") for v, f in ((300, 1.3), (420, 1.5), (610, 1.2), (380, 1.8))]
    t = size.triangulate(es)
    y, s = np.log([e.value for e in es]), np.array([math.log(e.high / e.low) / 2 / stats.norm.ppf(0.975) for e in es])
    r = combine_effects(y, s**2, method_re="chi2", use_t=True)
    assert math.log(t.value) == pytest.approx(r.mean_effect_re, rel=1e-9) and t.extra["tau2"] == pytest.approx(r.tau2, rel=1e-9)
    assert math.log(t.high) - math.log(t.value) == pytest.approx(stats.t.ppf(0.975, 3) * max(r.sd_eff_w_re_hksj, r.sd_eff_w_re), rel=1e-9)


# coverage

def test_three_rows_always():
    for s in (None, size.chapman(100, 80, 20)):
        for v in (None, proportion.wilson(81, 180)):
            rows = coverage.coverage_of_need(57, 60, 150, s, v)
            assert len(rows) == 3 and all(r.sentence("vi") and r.sentence("en") for r in rows)
            assert (rows[1].value is None) == (s is None) and (rows[2].value is None) == (v is None)


def test_coverage_of_nobody_and_of_more_than_all():
    s = size.chapman(100, 80, 20)
    none, over = coverage.coverage(0, s), coverage.coverage(600, s)
    assert none.value == 0 == none.low and 0 < none.high < 0.02 and over.value > 1 and "persons" in over.notes[-1][1]


def test_coverage_widens_with_doubt_in_the_reached():
    s = size.chapman(100, 80, 20)
    a, b = coverage.coverage(150, s), coverage.coverage(Estimate(150, 100, 220, unit="persons", kind="model estimate"), s)
    assert b.low < a.low and b.high > a.high


# change

def test_change_sums_exactly_on_random_years():
    rng = np.random.default_rng(2)
    for _ in range(300):
        old, new = ([dict(unit=u, numerator=int(rng.integers(0, 20)), denominator=int(rng.integers(20, 60)), reported=bool(rng.random() < 0.8)) for u in "ABCDEFGH"] for _ in range(2))
        old[0]["reported"] = new[0]["reported"] = True
        restated = [dict(r, numerator=max(0, r["numerator"] - 2)) for r in old]
        cross = {**{u: u for u in "ABCDEF"}, "G": "F", "H": None}
        new = [r for r in new if r["unit"] not in "GH"] + [dict(unit="Z", numerator=3, denominator=9, reported=True)]
        c = ch.change(dict(year=2025, rows=new, era="b"), dict(year=2024, rows=old, era="a", restated=restated), cross, published=0.4)
        assert math.fsum(v for _, v in c.parts) == pytest.approx(c.difference, abs=1e-12) and c.last == 0.4
        shuffled = ch.change(dict(year=2025, rows=new[::-1], era="b"), dict(year=2024, rows=old[::-1], era="a", restated=restated[::-1]), cross, published=0.4)
        assert shuffled == c


def test_change_is_zero_when_nothing_changed():
    y = [dict(unit=u, numerator=3, denominator=7) for u in "AB"]
    assert all(v == 0 for _, v in ch.change(dict(year=2, rows=y), dict(year=1, rows=y)).parts)


# trends and funnels

def test_xmr_equals_its_formula_and_rebases():
    y = [10, 12, 9, 11, 13, 10, 30, 11, 9, 12, 10, 11, 12]
    mr = np.abs(np.diff(y))
    kept = mr[mr < 3.267 * mr.mean()]
    c = trend.xmr(y)
    assert c.points[0].high == pytest.approx(np.mean(y) + 2.66 * kept.mean()) and [p.value for p in c.special if "outside" in p.rules] == [30]
    r = trend.xmr(y + [50, 52, 49, 51, 53, 50], breaks=["14"])
    assert [p.mean for p in r.points[:13]] == [p.mean for p in c.points] and r.points[-1].mean == pytest.approx(np.mean([50, 52, 49, 51, 53, 50])) and r.trial


@pytest.mark.parametrize("y,rule", [([6] * 3 + [4] * 3 + [6] * 7, "shift"), ([5, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6], "run"), ([5.6, 5.5, 5.4, 5.3, 5.2, 5.1, 5], "run")])
def test_run_rules_need_seven(y, rule):
    assert any(rule in s for s in trend.signals(y, 5.3 if rule == "run" else 5, 0, 10))
    assert not any(rule in s for s in trend.signals(y[:-1], 5.3 if rule == "run" else 5, 0, 10))


@pytest.mark.parametrize("bad", [[1, 2, 3, 4, 5], [5, None, 3, 4, 5, 6, 7, 8], [100.0] * 14])
def test_control_chart_refuses(bad):
    with pytest.raises(Refused): trend.xmr(bad)
    with pytest.raises(Refused): trend.xmr([3, 4, 5, 4, 3, 6, 7], periods=[str(y) for y in range(2016, 2023)])


def test_five_year_trend_equals_cochran_armitage():
    d = pd.DataFrame(dict(year=range(2018, 2023), numerator=[12, 15, 20, 22, 29], denominator=[50, 52, 55, 51, 60]))
    e = trend.trend(d.sample(frac=1, random_state=1))
    x = np.repeat(d.year.to_numpy(), d.denominator)
    y = np.concatenate([np.r_[np.ones(a), np.zeros(n - a)] for a, n in zip(d.numerator, d.denominator)])
    assert e.extra["chisq"] == pytest.approx(len(x) * np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
    with pytest.raises(Refused): trend.trend(d.assign(era=["to2024"] * 4 + ["2025H1"]))
    with pytest.raises(Refused): trend.trend(d.assign(year=[2017, 2018, 2019, 2020, 2022]))
    with pytest.raises(Refused): trend.trend(d.tail(4))


def test_funnel_limits_are_exact_where_counts_allow():
    for n, theta in ((20, 0.8), (60, 0.5), (400, 0.05)):
        for p in (0.025, 0.975):
            k = funnel.limit(p, n, theta) * n
            low, high = stats.binom.cdf(math.floor(k) - 1, n, theta), stats.binom.cdf(math.ceil(k), n, theta)
            assert low <= p <= high


def test_funnel_ignores_order_and_does_not_rank():
    d = pd.DataFrame(dict(unit=list("ABCDEF"), numerator=[8, 9, 30, 12, 20, 41], denominator=[10, 12, 60, 15, 24, 50]))
    a, b = funnel.funnel(d), funnel.funnel(d[::-1])
    assert {p.unit: p for p in a.points} == {p.unit: p for p in b.points} and (a.phi, a.tau, a.theta) == (b.phi, b.tau, b.theta)
    assert [p.unit for p in a.points] == list("ABCDEF")


# scores

def test_kappa_equals_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa
    rng = np.random.default_rng(3)
    for _ in range(30):
        a = rng.integers(0, 4, 80)
        b = np.where(rng.random(80) < 0.5, a, rng.integers(0, 4, 80))
        t = np.zeros((4, 4))
        np.add.at(t, (a, b), 1)
        for ours, theirs in (("none", None), ("linear", "linear"), ("quadratic", "fc")):
            e, r = score.kappa(a, b, classes=range(4), weights=ours), cohens_kappa(t, wt=theirs)
            assert e.value == pytest.approx(r.kappa, abs=1e-10), ours
            assert e.extra["se"] == pytest.approx(r.std_kappa, abs=1e-10), ours


def test_score_refuses_and_bounds():
    with pytest.raises(Refused): score.kappa(["x"] * 12, ["x"] * 12)
    with pytest.raises(ValueError, match="'A'"): score.scores(pd.DataFrame(dict(unit=["A"], a=[11], b=[1])), dict(a=10, b=10))


# cost

@needs_reference
def test_cost_effectiveness_equals_r():
    want, tol, data = case("cea_vaccine")
    d = cost.psa(data, 2006, effect_unit="QALY", currency="pound")
    e, t = cost.icer(d), cost.ceac(d, want["k"])
    assert e.n == want["n"] and e.value == pytest.approx(want["icer"], abs=tol["icer"])
    assert (e.extra["effect"], e.extra["cost"]) == pytest.approx((want["mean_de"], want["mean_dc"]), rel=1e-9)
    assert t.eib.tolist() == pytest.approx(want["eib"], abs=tol["eib"])
    assert t.probability.tolist() == pytest.approx(want["ceac_gt0"], abs=tol["ceac"])
    assert t.evpi.tolist() == pytest.approx(want["evpi"], abs=tol["eib"])


def test_the_ends_of_the_ratio_are_where_the_curve_turns():
    rng = np.random.default_rng(5)
    for e, c, s in ((2, 10, 0.4), (2, 10, 1.5), (-2, -10, 0.4)):
        t = pd.DataFrame(dict(e0=0, e1=rng.normal(e, s, 999), c0=0, c1=rng.normal(c, 2, 999)))
        d = cost.psa(t, 2022)
        r = cost.icer(d)
        k = np.unique(np.concatenate([np.linspace(0, 60, 4000), [r.low, min(r.high, 1e6)]]))
        p = np.array([(cost.net_benefit(d, x) > 0).mean() for x in k])
        p = p if e > 0 else 1 - p
        assert (p[k < r.low - 0.02] <= 0.0255).all(), (e, r.low)
        assert math.isinf(r.high) or (p[(k > r.high + 0.02)] >= 0.9745).all(), (e, r.high)
        assert r.low <= r.value <= r.high


# many tests

@needs_reference
def test_adjusted_p_values_equal_r():
    want, tol, data = case("multitest_bh1995")
    for ours, theirs in (("bh", "BH"), ("holm", "holm"), ("by", "BY"), ("hommel", "hommel"), ("bonferroni", "bonf")):
        got = multiple.adjusted(data.p, ours)
        assert got.tolist() == pytest.approx(want[theirs], abs=tol["abs"]), ours
        turned = multiple.adjusted(data.p[::-1], ours)[::-1]
        assert turned.tolist() == pytest.approx(got.tolist(), abs=1e-15)


def test_adjusted_p_values_equal_statsmodels_on_random_ones():
    from statsmodels.stats.multitest import multipletests
    rng = np.random.default_rng(6)
    for _ in range(50):
        p = rng.random(int(rng.integers(1, 25))) ** 2
        for ours, theirs in (("bh", "fdr_bh"), ("holm", "holm"), ("by", "fdr_by"), ("hommel", "hommel"), ("bonferroni", "bonferroni")):
            assert multiple.adjusted(p, ours) == pytest.approx(multipletests(p, method=theirs)[1], abs=1e-12), ours


# all

def every_estimate():
    "One result of each method."
    people = pd.DataFrame([dict(id=f"{i:03d}", recruiter="" if i < 3 else f"{i // 3:03d}", degree=2 + i % 7, y=int(i % 3 == 0)) for i in range(60)])
    cells = pd.DataFrame(dict(a=[1, 1, 1, 1, 0, 0, 0], b=[1, 1, 0, 0, 1, 1, 0], c=[1, 0, 1, 0, 1, 0, 1], n=[9, 14, 11, 40, 12, 33, 38]))
    years = pd.DataFrame(dict(year=range(2019, 2024), numerator=[60, 66, 71, 80, 90], denominator=[100] * 5))
    table = pd.DataFrame(dict(unit=list("ABCDEF"), numerator=[8, 9, 30, 12, 20, 41], denominator=[10, 12, 60, 15, 24, 50]))
    draws = cost.psa(pd.DataFrame(dict(e0=[0.0, 0], e1=[2.0, 1], c0=[0.0, 0], c1=[3.0, 4])), 2022)
    two = [size.chapman(100, 80, 20), size.multiplier(240, 81, 180)]
    return [proportion.wilson(3, 9), proportion.clopper_pearson(3, 9), proportion.wilson_cc(3, 9), proportion.finite_population(3, 9, 12), proportion.bounds(3, 9, 12), proportion.difference(3, 9, 5, 9),
            proportion.shares(table), count.poisson_count(4), count.rate(4, 100), count.rate_ratio(4, 1, 9, 1), count.compare_counts(4, 9), *two, size.lincoln_petersen(100, 80, 20), size.triangulate(two),
            lists.loglinear(cells, list("abc"), "n"), rds.rds_ii(people, "y", draws=100), rds.gile_ss(people, "y", 100, draws=100, samples=100), *coverage.coverage_of_need(5, 6, 7, two[0], None),
            *coverage.coverage_of_need(0, 0, 7, None, None, (("số có hồ sơ", "those on record", 20),)), trend.xmr([4, 6] * 7), trend.g_chart([3, 9, 4, 22, 7, 1, 30]), trend.trend(years), funnel.funnel(table),
            score.scores(pd.DataFrame(dict(unit=["A", "B"], a=[5, 6], b=[3, 2])), dict(a=10, b=10), draws=200), score.kappa([0, 1] * 8, [0, 1] * 7 + [1, 1]), cost.cost_per_result(300, 90, 2022), cost.icer(draws),
            multiple.family(dict(a=0.01, b=0.2)), ch.change(dict(year=2, rows=table), dict(year=1, rows=table.assign(numerator=table.numerator - 1)))]


def test_every_result_says_itself_in_both_languages():
    for e in every_estimate():
        for lang in ("vi", "en"):
            text = e.sentence(lang)
            assert text.endswith(".") and "None" not in text and "nan" not in text, text
            assert len(e.table(lang)) >= 1
            assert e.figure(lang).axes
        assert e.sentence("vi") != e.sentence("en")


FINGERPRINT = "import sys; sys.path.insert(0, sys.argv[1]); import test_methods_basic as t; print([e.sentence(l) for e in t.every_estimate() for l in ('vi', 'en')])"


def test_results_do_not_depend_on_hash_seed_or_threads():
    said = set()
    for h, n in (("0", "1"), ("77", "2")):
        env = {**os.environ, "PYTHONHASHSEED": h, "OPENBLAS_NUM_THREADS": n, "PYTHONIOENCODING": "utf-8"}
        said.add(subprocess.run([sys.executable, "-c", FINGERPRINT, str(Path(__file__).parent)], env=env, capture_output=True, text=True, encoding="utf-8", check=True).stdout)
    assert len(said) == 1 and len(said.pop()) > 1000
