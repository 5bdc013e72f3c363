"""Panel methods against open reference cases and independent implementations; results must not depend on names, order or threads."""
import json
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from panels import staggered_panel
from sonla_eval.methods.did import bacon, panel, swept, twfe, two_groups
from sonla_eval.methods.estimate import Refused
from sonla_eval.methods.few_clusters import assignments, cr2, few_clusters, n_assignments, randomization, wild_bootstrap
from sonla_eval.methods.honest import event, event_of, honest, relative, smoothness
from sonla_eval.methods.its import its
from sonla_eval.methods.staggered import DEALT, FEW, ONE, staggered
from sonla_eval.methods.synthetic import simplex_weights, synthetic


@pytest.fixture(scope="module")
def case(shared):
    "Reads a reference case: (data, expected)."
    folder = shared / "methods" / "reference"
    def read(name, data): return pd.read_csv(folder / data), json.loads((folder / f"{name}.json").read_text())["expected"]
    return read


def se_of(effects): return np.array([e.extra["se"] for e in effects.rows])
def values(effects): return np.array([e.value for e in effects.rows])


# ---- reference cases -------------------------------------------------------------------------------------------------

def test_twelve_districts(case):
    d, ref = case("wcb_12districts", "wcb_12districts.csv")
    p = panel(d, "district", "period", "y", treated="treated")
    e, c, w, r = twfe(p), cr2(p), wild_bootstrap(p), randomization(p)
    assert abs(e.value - ref["beta"]) < 1e-10 and abs(e.extra["se"] - ref["se_crv1"]) < 1e-10 and abs(e.extra["t"] - ref["t"]) < 1e-9
    assert (e.n, e.extra["k"], e.extra["G"]) == (ref["n"], ref["k"], ref["G"])
    assert abs(e.extra["se_nested"] - ref["crv1_se_nested_fe_not_counted"]) < 1e-10
    assert abs(w.extra["p"] - ref["p_two_tailed_ge"]) < 1e-9 and w.extra["vectors"] == ref["n_enum"]
    assert abs(c.extra["se"] - ref["cr2"]["se"]) < 1e-10 and abs(c.extra["df"] - ref["cr2"]["df"]) < 1e-9 and abs(c.extra["p"] - ref["cr2"]["p"]) < 1e-9
    assert r.extra["deals"] == ref["ri_n_assignments"] and abs(r.extra["p"] - ref["ri_p_abs_beta"]) < 1e-9 and abs(r.value - ref["ri_beta_obs"]) < 1e-10


def test_mpdta(case):
    d, ref = case("did_mpdta_cs", "mpdta.csv")
    s = staggered(panel(d, "countyreal", "year", "lemp", start="first.treat"), control="never", seed=1)
    cells = s.effects()
    for k in range(len(s.att)):
        att, se = ref["att_gt_and_analytic_se_6dp"][f"{int(s.cohort[k])},{s.p.times[s.time[k]]}"]
        assert abs(s.att[k] - att) < 1e-6 and abs(cells.rows[k].extra["se"] - se) < 1e-6
        assert abs(s.att[k] - ref["att_gt_vignette_4dp"][f"{int(s.cohort[k])},{s.p.times[s.time[k]]}"]) < 5.1e-5
    assert len(s.att) == 12 and abs(s.pretest().p - ref["pretest_p_value"]) < 1e-5
    e = s.simple()
    assert abs(e.value - ref["simple"]["att"]) < 1e-9 and abs(e.extra["se"] - ref["simple"]["se"]) < 1e-9
    for name, at in (("dynamic", "egt"), ("group", "groups"), ("calendar", "years")):
        a = getattr(s, name)()
        assert [int(x) for x in a.at] == ref[name][at]
        assert abs(a.overall.value - ref[name]["overall"]) < 1e-9 and abs(a.overall.extra["se"] - ref[name]["overall_se"]) < 1e-9
        assert np.abs(values(a) - ref[name]["att"]).max() < 1e-6 and np.abs(se_of(a) - ref[name]["se"]).max() < 1e-6
    b, rb = s.dynamic(balance=1), ref["dynamic_balance_e1"]
    assert list(b.at) == rb["egt"] and np.abs(values(b) - rb["att"]).max() < 5.1e-5 and abs(b.overall.value - rb["overall"]) < 5.1e-5
    assert abs(b.overall.extra["se"] / rb["overall_se_bootstrap"] - 1) < 0.1


def test_sicily(case):
    d, ref = case("its_sicily", "sicily.csv")
    d["m"] = [f"{y}-{m:02d}" for y, m in zip(d["year"], d["month"])]
    def fit(**k): return its(d.sample(frac=1, random_state=1), "m", "aces", "2005-01", exposure="stdpop", normal=True, **k)
    def rr(f): e = f.effects().rows[0]; return np.array([e.value, e.low, e.high])
    plain, season, slope = fit(model="quasi", slope=False), fit(model="quasi", slope=False, harmonics=2), fit(model="quasi", harmonics=2)
    assert np.abs(rr(plain) - ref["RR_step_quasi"]).max() < 1e-5 and abs(plain.fit["dispersion"] - ref["dispersion_quasi"]) < 1e-5
    assert np.abs(rr(season) - ref["RR_step_quasi_season"]).max() < 1e-5 and abs(season.fit["dispersion"] - ref["dispersion_season"]) < 1e-5
    assert np.abs(rr(slope) - ref["RR_step_with_slope"]).max() < 1e-5
    assert abs(math.exp(12 * season.coef[1]) - ref["trend_per_year"]) < 1e-5
    F, q, df, p = slope.slope_test()
    assert abs(F - ref["F_slope_change"]) < 1e-5 and abs(p - ref["p_slope_change"]) < 1e-5 and (q, df) == (1, 51)
    poisson = math.exp(plain.coef[2] - 1.959963985 * plain.effects().rows[0].extra["se"] / math.sqrt(plain.fit["dispersion"]))
    assert abs(poisson - ref["RR_step_poisson"][1]) < 1e-5
    o = ref["ols_rate"]
    for key, k in (("se_ols", dict(errors="model")), ("nw3", dict(lag=3, small=False)), ("nw3_adj", dict(lag=3)), ("nw12", dict(lag=12, small=False))):
        f = fit(model="ols", per=1e5, **k)
        assert np.abs(f.coef - list(o["coef"].values())).max() < 1e-5 and np.abs(np.sqrt(np.diag(f.cov)) - list(o[key].values())).max() < 1e-5
    assert abs(f.fit["dw"] - o["dw"]) < 1e-5
    g = fit(model="prais", per=1e5, likelihood=True)
    assert np.abs(g.coef / list(o["gls_ar1_ml"].values()) - 1).max() < 0.005 and abs(g.fit["rho"] - o["gls_phi"]) < 0.005
    assert np.abs(np.sqrt(np.diag(g.cov)) / list(o["gls_se"].values()) - 1).max() < 0.005
    h = fit(model="quasi", slope=False, harmonics=2, errors="hac", lag=3, small=False)
    order = ["(Intercept)", "time", "smokban", *(f"harm(month, 2, 12){i}" for i in range(1, 5))]
    assert np.abs(np.sqrt(np.diag(h.cov)) - [ref["hac3_se_poisson_season"][k] for k in order]).max() < 1e-5
    nb = fit(model="negbin", slope=False, harmonics=2)
    assert nb.model == "negbin" and np.abs(nb.coef - [ref["negbin"]["coef"][k] for k in order]).max() < 1e-5
    assert abs(nb.fit["theta"] - ref["negbin"]["theta"]) < 1e-2 and abs(nb.fit["theta_se"] - ref["negbin"]["se_theta"]) < 1e-2


def ehec(case):
    d, ref = case("did_honestdid_ehec", "honestdid_ehec_event_study.csv")
    return event(d["beta"].to_numpy(), d[[f"s{i}" for i in range(7)]].to_numpy(), ref["num_pre"]), ref


def test_honest_ehec(case):
    e, ref = ehec(case)
    for M, ends in ref["relative_magnitudes_CLF"].items():
        r = relative(e, float(M))
        assert abs(r.low - ends[0]) < 0.0006 and abs(r.high - ends[1]) < 0.0006
    for M, ends in ref["smoothness_FLCI"].items():
        r = smoothness(e, float(M))
        for mine, printed in zip((r.low, r.high), ends):
            digits = len(str(printed).split(".")[1])
            assert abs(mine - printed) < max(0.0002, 0.5001 * 10**-digits), "the table prints three significant digits"
    assert 1.5 < honest(e).breakdown < 2


def test_honest_ehec_from_the_panel(case, shared):
    "The event study itself, from the states' panel: same coefficients; same covariance up to the CR1 factor of the table."
    d = pd.read_csv(shared / "methods" / "reference" / "honestdid_ehec_panel.csv")
    e, ref = ehec(case)
    d = d[(d["year"] < 2016) & (d["yexp2"].isna() | (d["yexp2"] != 2015))].assign(start=lambda x: x["yexp2"].where(x["yexp2"] < 2016))
    mine = event_of(staggered(panel(d, "stfips", "year", "dins", start="start"), base="universal"))
    assert np.abs(mine.beta - list(ref["twfe_beta"].values())).max() < 1e-8
    ratio = e.sigma / mine.sigma
    G, n = d["stfips"].nunique(), len(d)
    assert np.abs(ratio - ratio.mean()).max() < 1e-2 and 1.0 < ratio.mean() < 1.25 * G / (G - 1) * (n - 1) / (n - 8 - 7)


# ---- peers on random panels ------------------------------------------------------------------------------------------

def csdid(d, control, method, base, anticipation, x, unbalanced=False):
    from csdid.att_gt import ATTgt
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ATTgt(yname="y", gname="start", idname="unit", tname="time", xformla="~x" if x else None, data=d, control_group={"never": "nevertreated", "notyet": "notyettreated"}[control],
                     anticipation=anticipation, cband=False, allow_unbalanced_panel=unbalanced).fit(est_method=method, base_period=base, bstrap=False)


def agree(s, o):
    "Largest gap of the cells' effects and errors; every cell of the peer must be there."
    mp = o.MP
    at = {(g, s.p.times[t]): k for k, (g, t) in enumerate(zip(s.cohort, s.time))}
    psi = np.asarray(mp["inffunc"]["inffunc"])
    se, mine = np.sqrt((psi**2).mean(0) / mp["n"]), np.sqrt((s.psi**2).sum(1)) / s.psi.shape[1]
    assert len(mp["att"]) == len(s.att)
    return max(max(abs(s.att[at[g, t]] - a), abs(mine[at[g, t]] - e)) for g, t, a, e in zip(mp["group"], mp["t"], mp["att"], se))


def test_csdid_on_random_panels(capsys):
    "54 panels through every combination of control group, method, base and anticipation."
    ways = [(c, m, b, a, x) for c in ("never", "notyet") for m, x in (("dr", False), ("dr", True), ("reg", True), ("ipw", True)) for b in ("varying", "universal") for a in (0, 1)]
    for seed in range(54):
        c, m, b, a, x = ways[seed % len(ways)]
        d = staggered_panel(seed, cohorts=(4, 5, 7) if seed % 2 else (3, 4, 6))
        s = staggered(panel(d, "unit", "time", "y", start="start", covariates=("x",) if x else ()), control=c, method=m, base=b, anticipation=a, draws=0)
        assert agree(s, csdid(d, c, m, b, a, x)) < 1e-8, (seed, c, m, b, a, x)


def test_csdid_averages_on_random_panels(capsys):
    for seed in range(50, 60):
        d = staggered_panel(seed, never=seed % 3 > 0)
        c = "notyet" if seed % 3 == 0 or seed % 2 else "never"
        s, o = staggered(panel(d, "unit", "time", "y", start="start"), control=c, draws=0), csdid(d, c, "dr", "varying", 0, False)
        for name in ("dynamic", "group", "calendar"):
            r, a = o.aggte(typec=name, bstrap=False, cband=False).atte, getattr(s, name)()
            assert abs(a.overall.value - r["overall_att"]) < 1e-8 and abs(a.overall.extra["se"] - r["overall_se"]) < 1e-8, (seed, name)
            assert np.abs(values(a) - r["att_egt"]).max() < 1e-8 and np.abs(se_of(a) - np.ravel(r["se_egt"])).max() < 1e-8


def test_unbalanced_against_csdid(capsys):
    "cross = R's allow_unbalanced_panel; balanced = R's default, which drops units."
    for seed in range(8):
        d = staggered_panel(100 + seed, holes=0.08)
        p = panel(d, "unit", "time", "y", start="start")
        assert agree(staggered(p, control="never", missing="cross", draws=0), csdid(d, "never", "reg", "varying", 0, False, unbalanced=True)) < 1e-8
        assert agree(staggered(p, control="never", missing="balanced", draws=0), csdid(d, "never", "reg", "varying", 0, False)) < 1e-8
    kept = staggered(p, control="never", draws=0)
    assert kept.size.sum() > staggered(p, control="never", missing="balanced", draws=0).size.sum()
    assert any(u["group"] == "incomplete" for u in kept.p.used)


def test_diff_diff_on_random_panels():
    import diff_diff
    for seed in range(50):
        d = staggered_panel(200 + seed)
        c = "never" if seed % 2 else "notyet"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            r = diff_diff.CallawaySantAnna(control_group={"never": "never_treated", "notyet": "not_yet_treated"}[c]).fit(d, outcome="y", unit="unit", time="time", first_treat="start", aggregate="all")
        s = staggered(panel(d, "unit", "time", "y", start="start"), control=c, draws=0)
        e, dyn, g = s.simple(), s.dynamic(), s.group()
        assert abs(e.value - r.overall_att) < 1e-8 and abs(e.extra["se"] - r.overall_se) < 1e-8
        for at, row in zip(dyn.at, dyn.rows):
            assert abs(row.value - r.event_study_effects[at]["effect"]) < 1e-8 and abs(row.extra["se"] - r.event_study_effects[at]["se"]) < 1e-8
        for at, row in zip(g.at, g.rows):
            assert abs(row.value - r.group_effects[int(at)]["effect"]) < 1e-8 and abs(row.extra["se"] - r.group_effects[int(at)]["se"]) < 1e-8


def test_bacon_against_diff_diff():
    import diff_diff
    for seed in range(50):
        d = staggered_panel(300 + seed, units=30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            r = diff_diff.BaconDecomposition(weights="exact").fit(d, outcome="y", unit="unit", time="time", first_treat="start")
        p = panel(d, "unit", "time", "y", start="start")
        b = bacon(p)
        mine = sorted(zip(b.rows["weight"].round(9), b.rows["estimate"].round(7)))
        theirs = sorted((round(c.weight, 9), round(c.estimate, 7)) for c in r.comparisons)
        assert np.abs(np.array(mine) - np.array(theirs)).max() < 2e-7 and abs(b.beta - swept(p).beta) < 1e-10


def dummies(d, x=True):
    "Full design with all dummies and the treatment last."
    treated = ((d["start"] > 0) & (d["time"] >= d["start"])).astype(float)
    return np.column_stack([pd.get_dummies(d["unit"]).to_numpy(float), pd.get_dummies(d["time"]).to_numpy(float)[:, 1:], *([d["x"] * d["time"]] if x else []), treated])


def test_twfe_against_statsmodels():
    "Fifty unbalanced panels, with and without a covariate, clustered by unit or by region."
    import statsmodels.api as sm
    for seed in range(50):
        d = staggered_panel(400 + seed, units=30, holes=0.1 if seed % 2 else 0.0).assign(xt=lambda v: v["x"] * v["time"])
        by = "region" if seed % 3 == 0 else "unit"
        e = twfe(panel(d, "unit", "time", "y", start="start", covariates=("xt",) if seed % 5 == 0 else (), cluster=by))
        X = dummies(d, seed % 5 == 0)
        fit = sm.OLS(d["y"].to_numpy(), X).fit(cov_type="cluster", cov_kwds={"groups": d[by].to_numpy()}, use_t=True)
        assert abs(e.value - fit.params[-1]) < 1e-8 and abs(e.extra["se"] - fit.bse[-1]) < 1e-8 and e.extra["k"] == np.linalg.matrix_rank(X)
        assert abs(e.extra["p"] - fit.pvalues[-1]) < 1e-8


def test_wildboottest_on_random_panels():
    "Fifty panels of seven to nine clusters, every sign vector; the peer counts only |t*| > |t|, so the ties are added back."
    import statsmodels.api as sm
    from wildboottest.wildboottest import WildboottestCL
    for seed in range(50):
        G = 7 + seed % 3
        rng = np.random.default_rng(seed)
        d = staggered_panel(500 + seed, units=G, periods=5, cohorts=(3, 4), never=False, holes=0.05 if seed % 2 else 0.0)
        d["start"] = d["unit"].map(dict(enumerate(rng.permutation([3, 3, 4] + [0] * (G - 3)))))
        X = dummies(d, False)
        R = np.zeros(X.shape[1]); R[-1] = 1
        b = WildboottestCL(X=X, Y=d["y"].to_numpy(), cluster=pd.Series(d["unit"].to_numpy()), R=R, B=2**G + 1, seed=1, parallel=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            b.get_scores(bootstrap_type="11", impose_null=True, adj=True, cluster_adj=True); b.get_weights(weights_type="rademacher")
            b.get_numer(); b.get_denom(); b.get_tboot(); b.get_vcov(); b.get_tstat(); b.get_pvalue()
        t, draws = abs(float(np.ravel(b.t_stat)[0])), np.abs(np.ravel(b.t_boot))[1:] if len(np.ravel(b.t_boot)) > 2**G else np.abs(np.ravel(b.t_boot))
        e = wild_bootstrap(panel(d, "unit", "time", "y", start="start"), interval=False)
        assert e.extra["vectors"] == 2**G == len(draws)
        assert abs(e.extra["p"] - (draws >= t * (1 - 1e-9)).mean()) < 1e-8, seed


def test_cr2_against_full_matrices():
    "CR2 and its df by the textbook, with every n x n matrix written out, on unbalanced panels."
    for seed in range(20):
        d = staggered_panel(600 + seed, units=14, periods=6, holes=0.1 if seed % 2 else 0.0)
        d["start"] = np.where(d["unit"] < 6, d["start"].where(d["start"] > 0, 3), 0)
        by = "unit" if seed % 3 else "region"
        if by == "region": d["region"] = d["unit"] // 2
        e = cr2(panel(d, "unit", "time", "y", start="start", cluster=by))
        X = dummies(d, False)
        H = X @ np.linalg.pinv(X)
        M, c = np.eye(len(d)) - H, np.linalg.pinv(X.T @ X)[-1]
        u, P, V = M @ d["y"].to_numpy(), [], 0.0
        for g in sorted(d[by].unique()):
            at = np.nonzero((d[by] == g).to_numpy())[0]
            w, Q = np.linalg.eigh(M[np.ix_(at, at)])
            v = (Q[:, w > 6e-6] / np.sqrt(w[w > 6e-6]) @ Q[:, w > 6e-6].T) @ (X[at] @ c)
            V += (v @ u[at]) ** 2
            P.append(M[:, at] @ v)
        B = np.array(P) @ np.array(P).T
        assert abs(e.extra["se"] - math.sqrt(V)) < 1e-8 and abs(e.extra["df"] - np.trace(B) ** 2 / (B**2).sum()) < 1e-6


def test_smoothness_against_diff_diff(case):
    "The shortest fixed-length interval: ours is never longer than the peer's, and nearly the same."
    from diff_diff.honest_did import HonestDiD
    rng = np.random.default_rng(3)
    events = [ehec(case)[0]]
    for _ in range(5):
        A = rng.normal(size=(6, 6))
        events.append(event(rng.normal(size=6), A @ A.T / 6 + 0.3 * np.eye(6), 4, weights=[0.5, 0.5]))
    for e in events:
        P = e.before
        for M in (0.0, 0.3 * e.se, e.se):
            *_, low, high = HonestDiD(method="smoothness")._compute_smoothness_bounds(e.beta[:P], e.beta[P:], e.sigma, e.sigma[P:, P:], e.weights, P, len(e.weights), M)
            mine = smoothness(e, M)
            assert mine.high - mine.low <= (high - low) * (1 + 1e-6) and abs(mine.low - low) < 0.02 * e.se and abs(mine.high - high) < 0.02 * e.se


# ---- where a peer is wrong, and why ----------------------------------------------------------------------------------

def test_diff_diff_relative_magnitudes_are_too_narrow(case):
    "At Mbar = 2 the published interval includes zero; the peer's doesn't, so it overstates what the conclusion survives."
    from diff_diff.honest_did import HonestDiD
    e, ref = ehec(case)
    P = e.before
    *_, low, high = HonestDiD(method="relative_magnitude")._compute_rm_bounds(e.beta[:P], e.beta[P:], e.sigma, e.sigma[P:, P:], e.weights, P, 2, 2.0, list(range(5)), None)
    published, mine = ref["relative_magnitudes_CLF"]["2"], relative(e, 2.0)
    assert published[0] < 0 < low and mine.low < 0
    assert high - low < 0.9 * (published[1] - published[0])


def test_peers_print_absurd_errors_for_cohorts_of_one_unit(capsys):
    "A cohort of one unit adds no spread of its own: the peers' error is that of the controls' mean alone. Here it is flagged and dealt."
    import diff_diff
    rng = np.random.default_rng(5)
    start = np.r_[3, 5, np.zeros(20)]
    def draw(): return pd.DataFrame({"unit": np.repeat(np.arange(22), 6), "time": np.tile(np.arange(1, 7), 22), "start": np.repeat(start, 6), "y": rng.normal(size=132)})
    sd = np.std([staggered(panel(draw(), "unit", "time", "y", start="start"), control="never", draws=0).att[1] for _ in range(200)])
    d = draw()
    se = np.sqrt((np.asarray(csdid(d, "never", "reg", "varying", 0, False).MP["inffunc"]["inffunc"]) ** 2).mean(0) / 22)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = diff_diff.CallawaySantAnna().fit(d, outcome="y", unit="unit", time="time", first_treat="start")
    assert se < 0.4 * sd and abs(r.group_time_effects[(3, 3)]["se"] - se) < 1e-8
    s = staggered(panel(d, "unit", "time", "y", start="start"), control="never")
    cell = s.effects().rows[1]
    assert cell.extra["flag"] == ONE and "se" not in cell.extra and cell.high - cell.low > 2.5 * sd
    assert s.simple().extra["flag"] == DEALT and s.simple().extra["p"] > 0


def test_wildboottest_leaves_out_ties(case):
    "The two all-equal sign vectors give back the data: |t*| = |t|. Counting only |t*| > |t| makes p too small by 2/2^G."
    _, ref = case("wcb_12districts", "wcb_12districts.csv")
    assert abs(ref["p_two_tailed_ge"] - ref["p_two_tailed_gt"] - 2 / 4096) < 1e-9


def test_diff_diff_anticipation_differs_from_r_did(capsys):
    "In the anticipation window diff-diff still compares with the period before, which takes a lasting early effect away; R's did (2.5) and csdid use the last unaffected period."
    import diff_diff
    d = staggered_panel(7, cohorts=(4, 5, 7))
    d["y"] += 5.0 * ((d["start"] > 0) & (d["time"] >= d["start"] - 2) & (d["time"] < d["start"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = diff_diff.CallawaySantAnna(anticipation=2).fit(d, outcome="y", unit="unit", time="time", first_treat="start", aggregate="event_study")
    s = staggered(panel(d, "unit", "time", "y", start="start"), control="never", anticipation=2, draws=0)
    assert agree(s, csdid(d, "never", "reg", "varying", 2, False)) < 1e-8
    assert s.dynamic()[-1].value > 4 and abs(r.event_study_effects[-1]["effect"]) < 1.5


# ---- order, names, threads -------------------------------------------------------------------------------------------

def everything(d):
    "Every number of every method on one panel, as a flat array."
    p = panel(d, "unit", "time", "y", start="start")
    s = staggered(p, draws=199)
    u = staggered(panel(d, "unit", "time", "y", start="start", covariates=("x",)), base="universal", draws=199)
    out = [twfe(p), cr2(p), wild_bootstrap(p, draws=199), randomization(p, draws=199), s.simple(), *s.effects().rows, *s.dynamic().rows, *s.group().rows, *u.dynamic().rows]
    numbers = [v for e in out for v in (e.value, e.low, e.high, e.extra.get("p", 0), e.extra.get("band_low", 0))]
    r = relative(event_of(u), 1.0, draws=500)
    one = panel(d[(d["start"] == 0) | (d["unit"] == d.loc[d["start"] == 6, "unit"].max())], "unit", "time", "y", start="start")
    return np.array([*numbers, r.low, r.high, *(c for e in synthetic(one, demean=True).effects().rows for c in (e.value, e.low, e.high))], float)


def test_order_and_names_do_not_matter():
    a = staggered_panel(1)
    names = dict(enumerate(np.random.default_rng(0).permutation([f"Huyện {i:03d}" for i in range(60)])))
    first = everything(a)
    assert (everything(a.sample(frac=1, random_state=9)) == first).all()
    keep = a.loc[a["start"] == 6, "unit"].max()
    renamed = a.assign(unit=a["unit"].map({**names, keep: "Ỷ last"}))
    assert (everything(renamed) == first).all(), "names must not change a digit"


def test_hash_seed_and_threads_do_not_matter():
    code = "import sys; sys.path[:0] = sys.argv[1:3]; from panels import staggered_panel; from test_methods_panel import everything; print(everything(staggered_panel(1)).round(9).tolist())"
    here = os.path.dirname(os.path.abspath(__file__))
    seen = set()
    for seed, threads in (("0", "1"), ("77", "2")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        seen.add(subprocess.run([sys.executable, "-c", code, os.path.dirname(here), here], env=env, capture_output=True, text=True, check=True).stdout)
    assert len(seen) == 1


# ---- refusals and words ----------------------------------------------------------------------------------------------

def test_refusals_speak_both_languages():
    d = staggered_panel(2)
    series = pd.DataFrame({"t": np.arange(30), "y": np.arange(30.0)})
    refused = [
        lambda: twfe(panel(d[d["unit"] < 5].assign(start=lambda v: np.where(v["unit"] < 2, 3, 0)), "unit", "time", "y", start="start")),
        lambda: twfe(panel(d.assign(start=1), "unit", "time", "y", start="start")),
        lambda: twfe(panel(d.assign(start=3), "unit", "time", "y", start="start")),
        lambda: two_groups(panel(d, "unit", "time", "y", start="start")),
        lambda: staggered(panel(d.assign(start=d["start"].where(d["start"] > 0, 7)), "unit", "time", "y", start="start"), control="never"),
        lambda: staggered(panel(d.assign(start=1), "unit", "time", "y", start="start")),
        lambda: wild_bootstrap(panel(d[d["unit"] < 5].assign(start=lambda v: np.where(v["unit"] < 2, 3, 0)), "unit", "time", "y", start="start")),
        lambda: randomization(panel(d[d["unit"] < 4].assign(start=lambda v: np.where(v["unit"] < 1, 3, 0)), "unit", "time", "y", start="start")),
        lambda: its(series, "t", "y", 5), lambda: its(series, "t", "y", 29), lambda: its(series.iloc[:12], "t", "y", 10, harmonics=1),
        lambda: synthetic(panel(d, "unit", "time", "y", start="start")),
        lambda: event([0.0, 1.0], np.eye(2), 1),
        lambda: panel(d.assign(on=d["time"] == 3), "unit", "time", "y", treated="on"),
    ]
    for f in refused:
        with pytest.raises(Refused) as r: f()
        assert r.value.en and r.value.vi and r.value.en != r.value.vi


def test_errors_name_what_is_wrong():
    d = staggered_panel(2)
    with pytest.raises(ValueError, match="two rows"): panel(pd.concat([d, d.iloc[:1]]), "unit", "time", "y", start="start")
    with pytest.raises(ValueError, match="two different starts"): panel(d.assign(start=np.arange(len(d)) % 5), "unit", "time", "y", start="start")
    with pytest.raises(ValueError, match="either"): panel(d, "unit", "time", "y")
    with pytest.raises(ValueError, match="no period"): panel(d.assign(time="soon"), "unit", "time", "y", start="start")
    with pytest.raises(ValueError, match="one kind"): panel(d.assign(time=d["time"].map("2022-{:02d}".format), start="2022"), "unit", "time", "y", start="start")
    with pytest.raises(ValueError, match="0 or 1"): panel(d.assign(on=2), "unit", "time", "y", treated="on")
    with pytest.raises(ValueError, match="'y' holds"): panel(d.assign(y="many"), "unit", "time", "y", start="start")
    with pytest.raises(ValueError, match="two clusters"): panel(d.assign(region=np.arange(len(d)) % 3), "unit", "time", "y", start="start", cluster="region")
    with pytest.raises(ValueError, match="one kind"): its(pd.DataFrame({"t": [f"2020-{m:02d}" for m in range(1, 13)], "y": 1.0}), "t", "y", 2020)
    with pytest.raises(ValueError, match="control"): staggered(panel(d, "unit", "time", "y", start="start"), control="all")


def test_no_direction_without_a_test():
    "Null effects: no sentence of any method may name a direction."
    d = staggered_panel(3, units=40)
    rng = np.random.default_rng(0)
    d["y"] = rng.normal(size=len(d))
    p = panel(d, "unit", "time", "y", start="start")
    series = pd.DataFrame({"t": np.arange(40), "y": rng.normal(10, 1, 40)})
    said = [staggered(p), few_clusters(p), staggered(p).dynamic(), its(series, "t", "y", 20)]
    for s in said:
        vi, en = s.sentence("vi"), s.sentence("en")
        for word in ("rise", "fall", "increase", "decrease", "higher", "lower"): assert word not in en.lower(), en
        for word in ("tăng", "giảm", "cao hơn", "thấp hơn"): assert word not in vi.lower(), vi
    for s in said[:1] + said[2:]: assert s.figure("vi") is not None and len(s.table("en"))


def test_bands_are_wider_than_pointwise_and_bootstrap_errors_agree():
    s = staggered(panel(staggered_panel(4, units=200), "unit", "time", "y", start="start"), control="never", draws=1999)
    for e in s.dynamic().rows: assert e.extra["band_low"] <= e.low and e.high <= e.extra["band_high"]
    draws = s.signs @ s.psi.T / s.psi.shape[1]
    q = np.quantile(draws, [0.25, 0.75], axis=0)
    assert np.abs((q[1] - q[0]) / 1.3489795 / se_of(s.effects()) - 1).max() < 0.1


def test_twelve_districts_are_covered():
    "No effect, errors that remember: the analytic 95 % interval covers too seldom at twelve districts, the dealt one doesn't."
    hits = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        e = rng.normal(size=(12, 10))
        for k in range(1, 10): e[:, k] += 0.5 * e[:, k - 1]
        d = pd.DataFrame({"unit": np.repeat(np.arange(12), 10), "time": np.tile(np.arange(1, 11), 12), "start": np.repeat([3, 3, 5, 5, 7, 7, *[0] * 6], 10), "y": e.ravel()})
        m = staggered(panel(d, "unit", "time", "y", start="start"), draws=0).dynamic().overall
        hits.append((abs(m.value) <= 2.201 * m.extra["se"], m.low <= 0 <= m.high))
    assert m.extra["flag"] == FEW and "deals" in m.formula and "12 clusters" in m.notes[-1][1]
    analytic, dealt = np.mean(hits, 0)
    assert analytic < 0.935 < dealt + 0.02 and dealt > 0.915


def test_deals_are_all_there_and_p_is_exact():
    for start in ([1, 2, 2, 9, 9, 9], [3, 9, 9, 9], [1, 1, 2, 2, 3, 3]):
        deals, dates, complete = assignments(tuple(start))
        assert complete and len(np.unique(deals, axis=0)) == len(deals) == n_assignments(start)
        assert all(sorted(dates[r]) == sorted(start) for r in deals)
    d = staggered_panel(8, units=7, periods=5, cohorts=(3, 4), never=False)
    d["start"] = np.where(d["unit"] < 2, 3, np.where(d["unit"] < 3, 4, 0))
    p = panel(d, "unit", "time", "y", start="start")
    deals, dates, _ = assignments(tuple(p.start.tolist()))
    by_hand = np.array([abs(swept(panel(d.assign(start=d["unit"].map(dict(zip(p.units, dates[r])))), "unit", "time", "y", start="start")).beta) for r in deals])
    assert abs(randomization(p).extra["p"] - (by_hand >= abs(swept(p).beta) - 1e-9).mean()) < 1e-12


def test_wild_interval_inverts_the_test():
    d = staggered_panel(9, units=11, periods=6, cohorts=(3, 4))
    d["start"] = np.where(d["unit"] < 5, np.where(d["unit"] < 3, 3, 4), 0)
    p = panel(d, "unit", "time", "y", start="start")
    e = wild_bootstrap(p)
    on = ((d["start"] > 0) & (d["time"] >= d["start"])).to_numpy()
    def at(null): return wild_bootstrap(panel(d.assign(y=d["y"] - null * on), "unit", "time", "y", start="start"), interval=False).extra["p"]
    width = e.high - e.low
    assert at(e.low + 0.01 * width) > 0.05 >= at(e.low - 0.01 * width) and at(e.high - 0.01 * width) > 0.05 >= at(e.high + 0.01 * width)


def test_wild_bootstrap_with_covariates_refits():
    "The linear shortcut equals refitting the whole regression, with a covariate and holes."
    from sonla_eval.methods.few_clusters import Wild, sign_vectors
    d = staggered_panel(10, units=10, periods=6, cohorts=(3, 4), holes=0.1).assign(xt=lambda v: v["x"] * v["time"])
    d["start"] = np.where(d["unit"] < 5, np.where(d["unit"] < 3, 3, 4), 0)
    p = panel(d, "unit", "time", "y", start="start", covariates=("xt",))
    codes, signs, _ = sign_vectors(10)
    for null in (0.0, 0.7):
        size = Wild(swept(p), codes, signs).t(null)[1]
        X = dummies(d)
        order = {u: i for i, u in enumerate(p.units)}
        Z = X[:, :-1]
        y0 = d["y"].to_numpy() - null * X[:, -1]
        u = y0 - Z @ np.linalg.lstsq(Z, y0, rcond=None)[0]
        x = X[:, -1] - Z @ np.linalg.lstsq(Z, X[:, -1], rcond=None)[0]
        for r in range(0, 1024, 97):
            ys = u * signs[codes[r]][[order[i] for i in d["unit"]]]
            b = np.linalg.lstsq(X, ys, rcond=None)[0]
            score = pd.Series(x * (ys - X @ b)).groupby(d["unit"].to_numpy()).sum()
            assert abs(abs(b[-1]) / math.sqrt((score**2).sum()) / size[r] - 1) < 1e-8


def test_simplex_weights_are_optimal():
    "No small move between two donors improves the fit (Karush-Kuhn-Tucker), over random problems with more or fewer donors than periods."
    rng = np.random.default_rng(1)
    for _ in range(50):
        rows, J = rng.integers(5, 12), rng.integers(5, 15)
        A = rng.normal(size=(rows, J))
        b = A @ rng.dirichlet(np.ones(J)) + rng.normal(0, 0.3, rows)
        w = simplex_weights(b, A)
        g = A.T @ (A @ w - b)
        assert abs(w.sum() - 1) < 1e-12 and (w >= 0).all() and g[w > 1e-9].max() - g.min() < 1e-5


def test_relative_magnitudes_cover():
    "Truths that use the whole allowance are covered at least as often as promised (within Monte Carlo error)."
    rng = np.random.default_rng(2)
    sigma = 0.04 * (np.eye(5) + 1) / 2
    root, bias = np.linalg.cholesky(sigma), np.array([-0.5, 0.0, -0.5, -0.5, -1.0])
    hits = [r.low <= 1 <= r.high for r in (relative(event(bias + np.r_[0, 0, 1, 1, 1] + root @ rng.normal(size=5), sigma, 2), 1.0, draws=1000) for _ in range(60))]
    assert np.mean(hits) >= 0.88


def test_its_refuses_a_stretch_of_zeros():
    "A ratio against a stretch without any event has no finite estimate: it is refused with a reason, not an overflow."
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"t": [f"{y}-Q{q}" for y in range(2016, 2023) for q in range(1, 5)]})
    d["y"] = rng.poisson(1.2, len(d))
    d.loc[16:, "y"] = 0
    for model in ("quasi", "negbin"):
        with pytest.raises(Refused, match="only zeros"): its(d, "t", "y", "2020-Q1", model=model)
