"""Further cases: numbers derived by hand or printed by R for small data, edges where counts are nought or all, and refusals with their reasons."""
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sonla_eval import methods
from sonla_eval.methods import clustered, honest, missing, rds, series
from sonla_eval.methods.estimate import Refused
from sonla_eval.methods.its import its
from sonla_eval.methods.worlds import YEARS, districts, grouped, months, recruits

TWO = pd.DataFrame({"a": [1, 1, 0], "b": [1, 0, 1], "n": [167, 781, 254]})


@pytest.mark.parametrize("model, size, se, deviance, aic", [("M0", 2805.6, 164.1, 281.334, 308.166), ("Mt", 2389.9, 130.4, 0.0, 28.831), ("Mb", 1295.0, 17.3, 0.0, 28.831)])
def test_seber_as_rcapture_prints_it(model, size, se, deviance, aic):
    "Seber (1982, p. 107) through R's closedp.t."
    e = methods.loglinear(TWO, ["a", "b"], "n", model=model)
    m = e.extra["models"][0]
    assert (round(e.value, 1), round(e.extra["se"], 1), round(m.deviance, 3), round(m.aic, 3)) == (size, se, deviance, aic)


def test_removal_by_hand():
    "Mb on first captures 40, 24, 14: the size solves the removal likelihood; Mbh on the last two rounds is two-sample removal."
    first = [40, 24, 14]
    X = pd.DataFrame([(1, 0, 0, 40), (0, 1, 0, 24), (0, 0, 1, 14)], columns=["r1", "r2", "r3", "n"])
    again = pd.DataFrame([(1, 1, 0, 6), (1, 0, 1, 5), (0, 1, 1, 4)], columns=["r1", "r2", "r3", "n"])
    X = pd.concat([X.assign(n=[40 - 11, 24 - 4, 14]), again])
    def loss(p): return -sum(u * math.log(p * (1 - p) ** i / (1 - (1 - p) ** 3)) for i, u in enumerate(first))
    from scipy.optimize import minimize_scalar
    p = minimize_scalar(loss, bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-12}).x
    e = methods.loglinear(X, ["r1", "r2", "r3"], "n", model="Mb")
    assert e.value == pytest.approx(sum(first) / (1 - (1 - p) ** 3), rel=1e-6)
    h = methods.loglinear(X, ["r1", "r2", "r3"], "n", model="Mbh")
    assert h.value == pytest.approx(40 + 24**2 / (24 - 14), rel=1e-6)
    assert e.low > 78 and h.extra["se"] > 0


def test_what_behaviour_models_refuse():
    rising = pd.DataFrame({"a": [1, 0, 1], "b": [0, 1, 1], "n": [10, 40, 5]})
    with pytest.raises(Refused, match="finite"): methods.loglinear(rising, ["a", "b"], "n", model="Mb")
    with pytest.raises(ValueError, match="heterogeneity"): methods.loglinear(TWO, ["a", "b"], "n", model="Mb", heterogeneity="chao")
    with pytest.raises(ValueError, match="more than four"): methods.loglinear(pd.DataFrame(np.ones((3, 5), int), columns=list("abcde")), list("abcde"))
    wide = pd.DataFrame((np.random.default_rng(1).random((300, 6)) < 0.4).astype(int), columns=list("abcdef"))
    wide = wide[wide.sum(axis=1) > 0]
    assert abs(methods.loglinear(wide, list("abcdef"), model="M0").value - 300) < 15


def test_lists_that_are_copies():
    e = methods.chapman(10, 10, 10)
    assert e.value == 10 and "copied" in e.notes[-1][1]


# ---- errors of a short series ----------------------------------------------------------------------------------------
def test_restricted_rho_equals_the_full_matrices():
    "The filtered likelihood is that of the n x n matrices, also with gaps and two series."
    rng = np.random.default_rng(3)
    t = np.r_[0.0, 1, 2, 4, 5, 6, 9, 10, 11, 12, 0, 1, 2, 3, 5, 6]
    group = np.repeat([0, 1], [10, 6])
    X, y = np.column_stack([np.ones(16), t, group]), rng.normal(size=16).cumsum()
    gap = np.where(np.r_[True, group[1:] != group[:-1]], np.inf, np.r_[0, np.diff(t)])
    rho, variance = series.restricted_rho(X, y, gap)
    def loss(r):
        W = r ** np.abs(np.subtract.outer(t, t)) * np.equal.outer(group, group)
        V = np.linalg.inv(W)
        G = X.T @ V @ X
        e = y - X @ np.linalg.solve(G, X.T @ V @ y)
        return 13 * math.log(e @ V @ e) + np.linalg.slogdet(W)[1] + np.linalg.slogdet(G)[1], float(e @ V @ e) / 13
    grid = np.linspace(-0.9, 0.98, 400)
    assert loss(rho)[0] <= min(loss(r)[0] for r in grid) + 1e-6 and loss(rho)[1] == pytest.approx(variance)


def test_corrected_error_is_unbiased_under_its_working_memory():
    "Averaged over the very errors it assumes, the corrected variance is the true one; the plain one is too small."
    rng, t = np.random.default_rng(8), np.arange(36.0)
    X = series.columns(t, (18.0,), slope=False)[0]
    omega = 0.4 ** np.abs(np.subtract.outer(t, t))
    m = series.Memory(0.4, omega, np.zeros((36, 36)), np.eye(2), 1.0)
    root, c = np.linalg.cholesky(omega), np.array([0, 0, 1.0])
    bread = np.linalg.inv(X.T @ X)
    true = float(c @ bread @ X.T @ omega @ X @ bread @ c)
    mine, plain = [], []
    for _ in range(1500):
        y = root @ rng.normal(size=36)
        k = series.corrected(X, y - X @ bread @ (X.T @ y), t, m, 3)
        se, df = k.error(c)
        mine.append(se**2); plain.append(k.raw[2, 2] * 36 / 33)
    assert np.mean(mine) == pytest.approx(true, rel=0.06) and np.mean(plain) < 0.75 * true
    assert df == pytest.approx(2 * np.mean(mine) ** 2 / np.var(mine), rel=0.2)


def test_white_noise_gives_back_the_textbook():
    "Lag 0 and no memory, two groups of six: Welch's error, and n - k degrees of freedom."
    X = np.column_stack([np.ones(12), np.tile([0.0, 1], 6)])
    y = np.random.default_rng(2).normal(size=12)
    b, bread = series.least_squares(X, y)
    white = series.Memory(0.0, np.eye(12), np.zeros((12, 12)), np.eye(2), 1.0)
    se, df = series.corrected(X, y - X @ b, np.arange(12.0), white, 0).error(np.array([0, 1.0]))
    assert se**2 == pytest.approx(y[::2].var(ddof=1) / 6 + y[1::2].var(ddof=1) / 6) and df == pytest.approx(10)


def test_options_of_an_interrupted_series():
    "The coefficients don't depend on the errors; textbook settings ask for textbook errors; a controlled series works with each."
    d = months(np.random.default_rng(1), 1.0)
    fits = {e: its(d, "time", "y", "2020-01", errors=e) for e in ("corrected", "hac", "reml", "model")}
    assert all(np.allclose(f.coef, fits["hac"].coef) for f in fits.values()) and len({f.effects().rows[0].extra["se"] for f in fits.values()}) == 4
    assert its(d, "time", "y", "2020-01").fit["errors"] == "corrected" and its(d, "time", "y", "2020-01", lag=3).fit["errors"] == "hac"
    assert its(d, "time", "y", "2020-01", model="prais").fit["errors"] == "reml" and its(d, "time", "y", "2020-01", model="prais", likelihood=True).fit["errors"] == "model"
    classic = its(d, "time", "y", "2020-01", model="prais", errors="model")
    assert np.allclose(classic.coef, its(d, "time", "y", "2020-01", model="prais").coef)
    both = pd.concat([d.assign(c=0), months(np.random.default_rng(2), 0.0).assign(c=1)])
    for e in ("corrected", "reml"):
        f = its(both, "time", "y", "2020-01", control="c", errors=e)
        assert f.total().extra["se"] > 0 and 1 <= f.effects().rows[0].extra["df"] < 96 and len(f.expected()) == 48
        F, q, df, p = f.slope_test()
        assert q == 1 and F == pytest.approx((f.effects().rows[1].value / f.effects().rows[1].extra["se"]) ** 2, rel=1e-6)
    with pytest.raises(ValueError, match="whole numbers"): its(d.assign(time=np.arange(48) / 2), "time", "y", 12.0)


def test_smoothness_knows_its_clusters():
    "Coefficients given without clusters repeat R's interval; an event study of twelve districts is wider by a known factor."
    from sonla_eval.methods.staggered import staggered
    e = honest.event_of(staggered(districts(YEARS)(np.random.default_rng(1), 1.0), draws=0, base="universal"))
    known = honest.smoothness(honest.event(e.beta, e.sigma, e.before), 0.0)
    few = honest.smoothness(e, 0.0)
    factor = stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975) * math.sqrt(12 / 9 * 9 / 8)
    assert (few.high - few.low) / (known.high - known.low) == pytest.approx(factor, rel=1e-6)
    assert "G = 12" in few.formula and "taken as known" in known.formula


# ---- people ----------------------------------------------------------------------------------------------------------
def test_gee_errors_of_the_plain_sandwich():
    "errors='robust' is the sandwich of statsmodels and geepack; the default is wider."
    import statsmodels.api as sm
    d = grouped(np.random.default_rng(1), 0.4)
    mine, wide = clustered.gee(d, "yes", "served", [], "district", errors="robust"), clustered.gee(d, "yes", "served", [], "district")
    fit = sm.GEE(d["yes"], sm.add_constant(d["served"]), d["district"], family=sm.families.Binomial(), cov_struct=sm.cov_struct.Exchangeable()).fit(cov_type="robust")
    assert mine.extra["coefficient"] == pytest.approx(fit.params["served"], abs=1e-6) and mine.extra["coefficient_se"] == pytest.approx(fit.bse["served"], abs=1e-6)
    assert wide.extra["coefficient_se"] > mine.extra["coefficient_se"] and mine.extra["odds_ratio"] == pytest.approx(math.exp(fit.params["served"]))


def test_median_on_a_flat_stretch():
    "Half are left between months 2 and 5: R's survfit prints the middle, 3.5."
    d = pd.DataFrame({"months": [1, 1, 1, 2, 2, 5, 5, 7, 8, 9.0], "ending": ["left"] * 10})
    assert methods.kaplan_meier(d).median().value == 3.5
    assert methods.kaplan_meier(d.assign(months=d["months"].replace(2, 2.5))).median().value == 3.75


def test_multiplier_when_everyone_used_it():
    "Twenty of twenty: the register is complete as far as one can see, and the upper limit is that of 20/20."
    e = methods.multiplier(150, 20, 20)
    assert (e.value, e.low) == (150, 150) and e.high == pytest.approx(150 / 0.025 ** (1 / 20))
    assert methods.multiplier(150, 20, 20, deff=2).high == pytest.approx(150 / 0.025 ** (1 / 10))


@pytest.mark.parametrize("c1, c2", [(0, 5), (5, 0), (3, 9), (9, 3), (1, 1), (20, 4)])
def test_p_of_two_counts_as_r(c1, c2):
    "R's poisson.test adds up the outcomes that are no likelier; zeros included."
    e = methods.rate_ratio(c1, 40, c2, 60)
    d = stats.binom.pmf(range(c1 + c2 + 1), c1 + c2, 0.4)
    assert e.extra["p_minlike"] == pytest.approx(d[d <= d[c1] * (1 + 1e-7)].sum())


def test_pooling_without_a_floor_is_hartung_and_knapp():
    "Three log sizes by hand."
    sizes = [methods.multiplier(120, y, 180) for y in (54, 50, 60)]
    e = methods.triangulate(sizes, floor=False)
    y = np.log([s.value for s in sizes])
    v = ((np.log([s.high for s in sizes]) - np.log([s.low for s in sizes])) / (2 * stats.norm.ppf(0.975))) ** 2
    w = 1 / v
    mean = (w * y).sum() / w.sum()
    half = stats.t.ppf(0.975, 2) * math.sqrt((w * (y - mean) ** 2).sum() / 2 / w.sum())
    assert e.extra["tau2"] == 0 and (math.log(e.low), math.log(e.high)) == pytest.approx((mean - half, mean + half))
    assert methods.triangulate(sizes).high > e.high


def test_kappa_leaves_out_the_unscored():
    a, b = list("aabbab") * 3, list("aabbba") * 3
    e = methods.kappa([*a, None, "a"], [*b, "a", np.nan])
    assert e.value == methods.kappa(a, b).value and e.used_table()["n"].tolist() == [18, 2]


def test_residuals_are_borrowed_for_numbers_and_values_for_codes():
    "A code stays a code; a number may lie beyond those seen, as the fit demands."
    rng = np.random.default_rng(1)
    x = np.linspace(0, 10, 60)
    d = pd.DataFrame({"x": x, "number": np.where(x > 7, np.nan, 3 * x + rng.normal(0, 0.1, 60)), "code": np.where(x > 7, np.nan, (x > 3) * 1.0)})
    filled = missing.mice(d, m=3, borrow="auto")
    assert all(set(f["code"]) <= {0.0, 1.0} and f["number"].max() > 25 for f in filled)
    assert all(f["number"].max() < 22 for f in missing.mice(d, m=3))
    with pytest.raises(ValueError, match="borrow"): missing.mice(d, borrow="name")


def test_race_chances_are_those_of_successive_samples():
    d = np.r_[np.full(20, 2), np.full(20, 6), np.full(10, 15)]
    assert np.abs(rds.race_chances(d, 120) - rds.inclusion(d, 120, samples=4000)).max() < 0.03
    assert (rds.race_chances(d, 50) == 1).all()
    N = (1 / rds.race_chances(d, 400)).sum()
    assert np.corrcoef(rds.race_chances(d, 10**6), d)[0, 1] > 0.9999 and N > 50


def test_gile_bootstrap():
    "Seeded, blind to the order and the names of rows, narrower than redrawing whole trees, and nearly nothing when all are in."
    d = recruits(np.random.default_rng(4), 0.0)
    e = methods.gile_ss(d, "y", 400, draws=200, samples=200)
    again = methods.gile_ss(d.sample(frac=1, random_state=1), "y", 400, draws=200, samples=200)
    tree = methods.gile_ss(d, "y", 400, draws=200, samples=200, interval="tree")
    assert (e.low, e.high) == pytest.approx((again.low, again.high)) and e.value == tree.value and tree.high - tree.low > e.high - e.low
    assert methods.gile_ss(d, "y", len(d) + 1, draws=50, samples=50).extra["se"] < e.extra["se"] / 2
    with pytest.raises(ValueError, match="interval"): methods.gile_ss(d, "y", 400, interval="ss2")


# ---- refusals and errors ---------------------------------------------------------------------------------------------
def simple_panel(**changes):
    rng = np.random.default_rng(1)
    d = pd.DataFrame([(u, q, rng.normal()) for u in range(12) for q in range(8)], columns=["u", "q", "y"])
    return d.assign(start=d["u"].map(lambda u: 4 if u < 3 else 6 if u < 6 else 0), **changes)


@pytest.mark.parametrize("way", ["twfe", "cr2", "wild_bootstrap"])
def test_nothing_left_for_an_error(way):
    for y in (1.0, lambda d: ((d["start"] > 0) & (d["q"] >= d["start"])).astype(float)):
        with pytest.raises(Refused, match="nothing is left"): getattr(methods, way)(methods.panel(simple_panel().assign(y=y), "u", "q", "y", start="start"))


def test_no_overlap_in_a_panel_is_refused():
    "A covariate that separates the treated: no cell after the start, and no 'nan' in a sentence."
    s = methods.staggered.staggered(methods.panel(simple_panel().assign(x=lambda d: d["u"] * 1.0), "u", "q", "y", start="start", covariates=("x",)))
    with pytest.raises(Refused, match="overlap"): s.simple()


@pytest.mark.parametrize("call", [
    lambda d: methods.panel(d, "u", "quarter", "y", start="start"), lambda d: its(d, "q", "cases", 4), lambda d: methods.ipw(d, "y", "start", ["age"]),
    lambda d: methods.kaplan_meier(d), lambda d: methods.weighted_share(d, "y"), lambda d: methods.shares(d), lambda d: methods.rates(d), lambda d: methods.funnel.funnel(d),
    lambda d: methods.loglinear(d, ["a", "b"]), lambda d: methods.rds_ii(d, "y"), lambda d: methods.gee(d, "y", "start", [], "place"), lambda d: methods.icc(d, "y", "place"),
    lambda d: methods.scores(d, {"a": 1, "b": 2}), lambda d: methods.trend.trend(d)])
def test_a_missing_column_is_named(call):
    with pytest.raises(ValueError, match="there is no column '.*'; the table has: u, q, y, start"): call(simple_panel())
