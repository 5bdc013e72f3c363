"""Client effects, sensitivity, clusters, retention, surveys, blanks and power: reference cases, peers, invariance, refusals."""
import itertools
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sonla_eval.methods import client, clustered, missing, power, retention, sensitivity, survey
from sonla_eval.methods.estimate import Refused

SHARED = Path(os.environ.get("SONLA_EVAL_SHARED") or Path(__file__).resolve().parents[2]/"shared")


def reference(name: str) -> tuple[dict, dict]:
    "Expected values and tolerances of an open reference case; skips where the folder is absent."
    path = SHARED/"methods"/"reference"/f"{name}.json"
    if not path.exists(): pytest.skip(f"reference case {name} is not on this machine")
    case = json.loads(path.read_text(encoding="utf-8"))
    return case["expected"], case["tolerance"]


def reference_table(name: str) -> pd.DataFrame:
    return pd.read_csv(SHARED/"methods"/"reference"/name)


# ---------------------------------------------------------------- reference cases

NHEFS = ("C(sex) + C(race) + age + I(age**2) + C(education) + smokeintensity + I(smokeintensity**2) + smokeyrs + I(smokeyrs**2)"
         " + C(exercise) + C(active) + wt71 + I(wt71**2)")


def test_nhefs():
    want, tol = reference("aipw_nhefs")
    d, model = reference_table("nhefs_complete.csv"), f"qsmk + {NHEFS} + qsmk:smokeintensity"
    w = client.ipw(d, "wt82_71", "qsmk", NHEFS, se="robust")
    a = client.aipw(d, "wt82_71", "qsmk", NHEFS, model)
    assert w.n == a.n == want["n"]
    assert w.value == pytest.approx(want["ipw"], abs=tol["point"]) and w.extra["se"] == pytest.approx(want["ipw_se"], abs=tol["se"])
    assert w.extra["mean_weight"] == pytest.approx(want["mean_w"], abs=tol["point"])
    assert client.standardise(d, "wt82_71", "qsmk", NHEFS, model).value == pytest.approx(want["std_gformula"], abs=tol["point"])
    assert a.value == pytest.approx(want["aipw"], abs=tol["point"]) and a.extra["se"] == pytest.approx(want["aipw_se_if"], abs=tol["se"])
    assert client.naive(d, "wt82_71", "qsmk").value == pytest.approx(want["naive"], abs=tol["point"])


def test_rubin():
    want, tol = reference("mi_rubin")
    d = reference_table("rubin_inputs.csv")
    r = missing.rubin(d.iloc[:, 1:4].to_numpy(), d.iloc[:, 4:7].to_numpy(), n=want["n"], k=want["k"])
    for column in ("est", "se", "df", "fmi", "riv", "lambda"):
        assert r[column].tolist() == pytest.approx(want[column], abs=tol["abs"]), column
    one = missing.pool(d["age"], d["U.age"], n=25, k=3, unit="kg/m2")
    assert (one.value, one.extra["df"]) == pytest.approx((want["est"][1], want["df"][1]), abs=tol["abs"])


def test_power():
    want, tol = reference("power_mde")
    got = {"n_50_75_90": power.n_two_shares(0.5, 0.75, 0.9), "power_t": power.power_two_means(1, 20), "mde_h_n80": power.mde_h(80),
           "mde_d_n64": power.mde_two_means(64), "mde_p2_n150_p1_60": power.mde_two_shares(0.6, 150)}
    assert got == pytest.approx(want, abs=tol["abs"])


@pytest.mark.parametrize("measure, numbers, point, limit", [
    ("RR", (3.9, 1.8, 8.7), 7.26, 3.00),            # VanderWeele and Ding 2017, infant formula
    ("RR", (0.80, 0.71, 0.91), 1.81, 1.43),         # the same, a protective ratio
    ("OR, rare outcome", (2.0, 0.9, 4.4), 3.41, 1.0),
])
def test_e_value_published(measure, numbers, point, limit):
    e = sensitivity.e_value(*numbers, measure=measure)
    assert (round(e.point, 2), round(e.limit, 2)) == (point, limit)


# ---------------------------------------------------------------- peers

def world(seed: int, binary: bool) -> pd.DataFrame:
    "A random study with overlap."
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 400))
    age, town, risk = rng.normal(30, 6, n), rng.integers(0, 2, n), rng.integers(0, 3, n).astype(float)
    a = (rng.random(n) < 1/(1 + np.exp(-0.5*(age - 30)/6 - 0.5*town + 0.3*risk - 0.1))).astype(int)
    lin = 0.3*(age - 30)/6 + 0.4*town - 0.2*risk + 0.5*a
    y = (rng.random(n) < 1/(1 + np.exp(-lin))).astype(int) if binary else lin + rng.normal(size=n)
    return pd.DataFrame({"age": age, "town": town, "risk": risk, "a": a, "y": y})


RHS = "age + town + risk"


def quiet(f, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args, **kwargs)


@pytest.mark.parametrize("seed", range(50))
def test_zepid(seed):
    zepid = quiet(pytest.importorskip, "zepid")
    from zepid.causal.doublyrobust import AIPTW
    from zepid.causal.gformula import TimeFixedGFormula
    from zepid.causal.ipw import IPTW
    binary = seed % 2 == 0
    d = world(seed, binary)
    z = quiet(AIPTW, d, exposure="a", outcome="y")
    quiet(z.exposure_model, RHS, print_results=False)
    quiet(z.outcome_model, f"a + {RHS}", print_results=False)
    quiet(z.fit)
    ours = client.aipw(d, "y", "a", RHS, f"a + {RHS}")
    theirs = (z.risk_difference, z.risk_difference_se) if binary else (z.average_treatment_effect, z.average_treatment_effect_se)
    assert (ours.value, ours.extra["se"]) == pytest.approx(theirs, abs=1e-8)
    for estimand, standard in (("ATE", "population"), ("ATT", "exposed")):
        i = quiet(IPTW, d, treatment="a", outcome="y", standardize=standard)
        quiet(i.treatment_model, RHS, print_results=False, stabilized=False)
        i.marginal_structural_model("a")
        quiet(i.fit)
        row = (i.risk_difference if binary else i.average_treatment_effect).iloc[1]
        mine = client.ipw(d, "y", "a", RHS, estimand, se="robust")
        assert (mine.value, mine.extra["se"]) == pytest.approx((row.iloc[0], row.iloc[1]), abs=1e-8)
    g = quiet(TimeFixedGFormula, d, exposure="a", outcome="y", outcome_type="binary" if binary else "normal")
    quiet(g.outcome_model, f"a + {RHS}", print_results=False)
    marginal = []
    for treatment in ("all", "none"):
        quiet(g.fit, treatment=treatment)
        marginal.append(g.marginal_outcome)
    assert client.standardise(d, "y", "a", RHS, f"a + {RHS}").value == pytest.approx(marginal[0] - marginal[1], abs=1e-8)


def test_zepid_risk_ratio_error_is_wrong():
    """zepid 0.9.1's error for the AIPTW log risk ratio leaves two terms of the influence function unscaled and adds one that belongs
    with a minus sign, so it misses the bootstrap, while the delta method on the two influence functions matches it."""
    quiet(pytest.importorskip, "zepid")
    from zepid.causal.doublyrobust import AIPTW
    rng = np.random.default_rng(11)
    n = 800
    x = rng.normal(size=n)
    a = (rng.random(n) < 1/(1 + np.exp(-0.4*x))).astype(int)
    d = pd.DataFrame({"x": x, "a": a, "y": (rng.random(n) < 1/(1 + np.exp(-(0.5 + 4*x + 0.4*a)))).astype(int)})
    z = quiet(AIPTW, d, exposure="a", outcome="y")
    quiet(z.exposure_model, "x", print_results=False)
    quiet(z.outcome_model, "a + x", print_results=False)
    quiet(z.fit)
    ours = client.aipw(d, "y", "a", "x")
    se = math.log(ours.extra["ratio"][2]/ours.extra["ratio"][1])/(2*1.959963985)
    boot = [math.log(client.aipw(d.iloc[rng.integers(0, n, n)], "y", "a", "x").extra["ratio"][0]) for _ in range(300)]
    truth = np.std(boot, ddof=1)
    assert z.risk_ratio == pytest.approx(ours.extra["ratio"][0], abs=1e-8)
    assert se == pytest.approx(truth, rel=0.15)
    assert abs(z.risk_ratio_se/truth - 1) > 0.2


@pytest.mark.parametrize("seed", range(50))
def test_lifelines(seed):
    """Same curve and interval as lifelines at every leaving time. Where nobody is left (survival 0) the log(-log) scale has no value:
    lifelines gives a missing or zero-width interval there, ours keeps the last usable upper end."""
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 80))
    months = np.ceil(rng.exponential(8, n)) if seed % 2 else rng.exponential(8, n)
    ending = rng.choice(["left", "lost", "staying"], n, p=[0.6, 0.2, 0.2])
    if not (ending == "left").any(): ending[0] = "left"
    c = retention.kaplan_meier(pd.DataFrame({"months": months, "ending": ending}))
    k = quiet(lifelines.KaplanMeierFitter().fit, months, ending == "left")
    at = c.rows[(c.rows["left"] > 0)]
    t = at["time"].to_numpy()
    assert at["survival"].to_numpy() == pytest.approx(k.survival_function_at_times(t).to_numpy(), abs=1e-8)
    inside = (at["survival"] > 0).to_numpy()
    interval = k.confidence_interval_survival_function_.loc[t]
    assert at["low"].to_numpy()[inside] == pytest.approx(interval.iloc[:, 0].to_numpy()[inside], abs=1e-8)
    assert at["high"].to_numpy()[inside] == pytest.approx(interval.iloc[:, 1].to_numpy()[inside], abs=1e-8)
    middle = c.median().value
    assert (math.inf if middle is None else middle) == pytest.approx(k.median_survival_time_)
    worst = quiet(lifelines.KaplanMeierFitter().fit, months, ending != "staying")
    assert c.rows["worst"].to_numpy() == pytest.approx(worst.survival_function_at_times(c.rows["time"]).to_numpy(), abs=1e-8)
    assert ((c.rows["worst"] <= c.rows["survival"] + 1e-12) & (c.rows["survival"] <= c.rows["best"] + 1e-12)).all()


@pytest.mark.parametrize("seed", range(50))
def test_signed_rank_scipy_and_brute_force(seed):
    from scipy.stats import wilcoxon
    rng = np.random.default_rng(seed)
    d = rng.normal(0.4, 1, int(rng.integers(8, 14)))
    b = sensitivity.signed_rank_bounds(d, (1.0, 2.0))
    assert b.rows["p_high"][0] == pytest.approx(wilcoxon(d, alternative="greater", method="exact").pvalue, abs=1e-12)
    ranks = np.abs(d).argsort().argsort() + 1
    signs = np.array(list(itertools.product((0, 1), repeat=len(d))))
    chance = (2/3)**signs.sum(1)*(1/3)**(len(d) - signs.sum(1))
    assert b.rows["p_high"][1] == pytest.approx(chance[signs @ ranks >= ranks[d > 0].sum()].sum(), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_gee_and_mixed_against_statsmodels(seed):
    """GEE is statsmodels' own fit; MixedLM is a second, independent fit of the mixed model. Its error comes from a numerical Hessian
    that lets the variance move as well, so it agrees to a thousandth only."""
    import statsmodels.formula.api as smf
    from statsmodels.genmod.cov_struct import Exchangeable
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 9, 200)
    d = pd.DataFrame({"g": g, "a": rng.integers(0, 2, 200), "c": rng.choice(list("xyz"), 200), "age": rng.normal(size=200)})
    d["y"] = rng.normal(size=200) + rng.normal(size=9)[g] + 0.5*d["a"] + (d["c"] == "y")
    m, e = (f(d, "y", "a", ["c", "age"], "g") for f in (clustered.mixed, clustered.gee))
    f = quiet(smf.mixedlm("y ~ a + c + age", d, groups="g").fit, reml=True)
    h = smf.gee("y ~ a + c + age", "g", d, cov_struct=Exchangeable()).fit(cov_type="bias_reduced")
    assert m.value == pytest.approx(f.params["a"], abs=1e-5) and m.extra["se"] == pytest.approx(f.bse["a"], rel=2e-3)
    assert m.extra["variance_between"] == pytest.approx(float(f.cov_re.iloc[0, 0]), rel=1e-3)
    assert (e.value, e.extra["se"]) == pytest.approx((h.params["a"], h.bse["a"]), abs=1e-8)


def test_mice_against_statsmodels():
    "With five donors statsmodels' MICEData gives the same mean; with its default of twenty on forty rows it does not."
    from statsmodels.imputation.mice import MICEData
    rng = np.random.default_rng(4)
    age = rng.normal(30, 6, 60)
    income = 10 + 0.8*(age - 30) + rng.normal(0, 1, 60)
    d = pd.DataFrame({"age": age, "income": np.where(rng.random(60) < 1/(1 + np.exp(-(age - 31)/2)), np.nan, income)})
    ours = np.mean([t["income"].mean() for t in missing.mice(d, m=100)])
    def theirs(k):
        np.random.seed(1)
        data, out = MICEData(d.copy(), k_pmm=k), []
        for _ in range(100):
            data.update_all(5)
            out.append(data.data["income"].mean())
        return np.mean(out)
    five, twenty = theirs(5), theirs(20)
    assert ours == pytest.approx(five, abs=0.15)
    assert abs(twenty - five) > 3*abs(ours - five)


# ---------------------------------------------------------------- formulas checked by another way

def test_survey_error_is_that_of_the_jackknife():
    "Linearisation and leaving out one cluster at a time agree when there are many clusters."
    rng = np.random.default_rng(2)
    g = rng.integers(0, 60, 900)
    d = pd.DataFrame({"cluster": g, "weight": rng.uniform(0.5, 3, 900), "x": (rng.random(900) < 1/(1 + np.exp(-rng.normal(0, 0.8, 60)[g]))).astype(int)})
    e = survey.weighted_share(d, "x")
    out = np.array([np.average(d.x[d.cluster != c], weights=d.weight[d.cluster != c]) for c in range(60)])
    assert e.extra["se"] == pytest.approx(math.sqrt(59/60*((out - out.mean())**2).sum()), rel=0.02)
    assert e.value == pytest.approx(np.average(d.x, weights=d.weight))


def test_survey_strata():
    "With each stratum its own survey of equal weight, the variance is the sum of the parts."
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"cluster": np.repeat(range(16), 10), "h": np.repeat([0, 1], 80), "weight": 1.0, "x": rng.integers(0, 2, 160)})
    e = survey.weighted_share(d, "x", strata="h")
    parts = [survey.weighted_share(d[d.h == h].assign(x=lambda t: t.x), "x").extra["se"] for h in (0, 1)]
    assert e.extra["df"] == 14 and e.extra["se"] == pytest.approx(math.hypot(*parts)/2, rel=1e-9)


def test_client_errors_are_those_of_the_bootstrap():
    d = world(3, True)
    rng = np.random.default_rng(1)
    fits = {"ipw": lambda t: client.ipw(t, "y", "a", RHS), "standardise": lambda t: client.standardise(t, "y", "a", RHS), "aipw": lambda t: client.aipw(t, "y", "a", RHS)}
    draws = [d.iloc[rng.integers(0, len(d), len(d))] for _ in range(150)]
    for name, fit in fits.items():
        assert fit(d).extra["se"] == pytest.approx(np.std([fit(t).value for t in draws], ddof=1), rel=0.2), name


def test_icc_of_balanced_normal_data():
    "The interval of the intracluster correlation covers at its level when clusters have one size."
    rng = np.random.default_rng(9)
    hit = []
    for _ in range(600):
        g = np.repeat(np.arange(10), 8)
        y = rng.normal(0, math.sqrt(0.3), 10)[g] + rng.normal(0, math.sqrt(0.7), 80)
        e = clustered.icc(pd.DataFrame({"y": y, "g": g}), "y", "g")
        hit.append(e.low <= 0.3 <= e.high)
    assert 0.925 < np.mean(hit) < 0.975


# ---------------------------------------------------------------- order, names, hash seed, imports

def same(x, y, tol=1e-9) -> bool:
    return all(getattr(x, f) == pytest.approx(getattr(y, f), abs=tol) for f in ("value", "low", "high"))


CALLS = {
    "naive": lambda d: client.naive(d, "y", "a"), "ipw": lambda d: client.ipw(d, "y", "a", ["age", "town", "who"]),
    "standardise": lambda d: client.standardise(d, "y", "a", ["age", "town", "who"]), "aipw": lambda d: client.aipw(d, "y", "a", ["age", "town", "who"]),
    "gee": lambda d: clustered.gee(d, "y", "a", ["age", "who"], "place"), "mixed": lambda d: clustered.mixed(d, "z", "a", ["age", "who"], "place"),
    "icc": lambda d: clustered.icc(d, "z", "place"), "survey": lambda d: survey.weighted_share(d, "y", cluster="place"),
    "stages": lambda d: retention.stages(d[["a", "y"]]).estimates["y"], "imputed": lambda d: missing.imputed(d[["age", "holes"]], missing.mean_and_variance("holes"), m=5, unit="x"),
}


def study() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    d = world(8, True)
    d["place"], d["who"], d["weight"] = rng.choice([f"xã {i}" for i in range(9)], len(d)), rng.choice(["a", "b", "c"], len(d)), rng.uniform(1, 3, len(d))
    d["z"] = d["a"] + rng.normal(size=len(d)) + d["place"].str[-1].astype(int)/5
    return d.assign(holes=np.where(rng.random(len(d)) < 0.3, np.nan, d["z"]))


@pytest.mark.parametrize("name", CALLS)
def test_order_and_names(name):
    d = study()
    renamed = d.assign(place="Bản " + d["place"].map({p: "zyxwvutsr"[i] for i, p in enumerate(sorted(d["place"].unique()))}), who=d["who"].map({"a": "c", "b": "a", "c": "b"}))
    assert same(CALLS[name](d), CALLS[name](d.sample(frac=1, random_state=5)))
    assert same(CALLS[name](d), CALLS[name](renamed.set_index(pd.Index([f"r{i}" for i in range(len(d))]))))


def test_rosenbaum_order():
    d = study()
    a, b = (sensitivity.rosenbaum(x, "z", "a", ["town", "who"]) for x in (d, d.sample(frac=1, random_state=2)))
    assert a.rows["p_high"].to_numpy() == pytest.approx(b.rows["p_high"].to_numpy(), abs=1e-12) and a.pairs == b.pairs


SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
import test_methods_client as t
d = t.study()
print([repr(float(t.CALLS[n](d).value)) + repr(float(t.CALLS[n](d).high)) for n in t.CALLS])
"""


def run(code: str, *args: str, **env: str) -> str:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=root, env=os.environ | {"PYTHONPATH": str(root)} | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hash_seed():
    here = str(Path(__file__).parent)
    assert run(SCRIPT, here, PYTHONHASHSEED="1") == run(SCRIPT, here, PYTHONHASHSEED="4242")


def test_threads():
    here = str(Path(__file__).parent)
    one, two = (eval(run(SCRIPT, here, OPENBLAS_NUM_THREADS=n)) for n in ("1", "2"))
    assert [x[:11] for x in one] == [x[:11] for x in two]


def test_import_is_light():
    code = "import sys, sonla_eval.methods.client, sonla_eval.methods.clustered, sonla_eval.methods.missing, sonla_eval.methods.power, sonla_eval.methods.retention, sonla_eval.methods.sensitivity, sonla_eval.methods.survey\nprint([m for m in ('statsmodels', 'patsy', 'matplotlib', 'scipy.stats') if m in sys.modules])"
    assert run(code).strip() == "[]"


# ---------------------------------------------------------------- refusals and words

def cut(d, **changes): return d.assign(**changes)


REFUSALS = {
    "few persons": lambda d: client.aipw(d.head(30), "y", "a", "age"),
    "no overlap": lambda d: client.ipw(cut(d, age=d["a"]*10 + d["age"]/100), "y", "a", "age"),
    "one group": lambda d: client.standardise(cut(d, a=1), "y", "a", "age"),
    "constant outcome": lambda d: client.aipw(cut(d, y=1), "y", "a", "age"),
    "five clusters GEE": lambda d: clustered.gee(cut(d, place=np.arange(len(d)) % 5), "y", "a", [], "place"),
    "two clusters served": lambda d: clustered.mixed(cut(d, place=np.arange(len(d)) % 8, a=(np.arange(len(d)) % 8 < 2).astype(int)), "z", "a", [], "place"),
    "0/1 in a mixed model": lambda d: clustered.mixed(d, "y", "a", [], "place"),
    "five clusters survey": lambda d: survey.weighted_share(cut(d, place=np.arange(len(d)) % 5), "y", cluster="place"),
    "nobody enrolled": lambda d: retention.stages(pd.DataFrame({"enrolled": [0, 0], "completed": [0, 0]})),
    "short curve": lambda d: retention.kaplan_meier(pd.DataFrame({"months": [1, 2], "ending": ["left", "left"]})),
    "few pairs": lambda d: sensitivity.sign_bounds(3, 1),
    "few values": lambda d: missing.mice(d[["age", "z"]].assign(z=d["z"].where(np.arange(len(d)) < 5))),
    "few found": lambda d: missing.pattern_mixture(pd.DataFrame({"x": [1, 0, None]}), "x"),
    "few districts": lambda d: power.panel_power(power.Panel(starts=(4, None, None))),
    "all start together": lambda d: power.panel_power(power.Panel(starts=(4,)*8)),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    with pytest.raises(Refused) as caught: REFUSALS[name](study())
    assert caught.value.vi and caught.value.en and caught.value.vi != caught.value.en


@pytest.mark.parametrize("name", CALLS)
def test_words(name):
    "Interval in both languages, a variance formula, and no 'rise' or 'fall' without a test."
    e = CALLS[name](study())
    for lang, words in (("vi", ("tăng", "giảm")), ("en", ("rise", "fall"))):
        s = e.sentence(lang)
        assert ("khoảng tin cậy" if lang == "vi" else "interval") in s
        assert "p" in e.extra or not any(w in s.lower().split() for w in words)
    assert e.formula and e.used and e.figure("vi") is not None


def test_faults_name_the_cell():
    with pytest.raises(ValueError, match="'completed', row 'người 2'"):
        retention.stages(pd.DataFrame({"enrolled": [1, 1], "completed": [1, 3]}, index=["người 1", "người 2"]))
    with pytest.raises(ValueError, match="'weight', row 1"):
        survey.weighted_share(pd.DataFrame({"cluster": range(8), "weight": [1, -1] + [1]*6, "x": [0, 1]*4}), "x")
    with pytest.raises(ValueError, match="'a', row 2"):
        client.aipw(pd.DataFrame({"y": [1, 0, 1], "a": [0, 1, 2], "x": [1, 2, 3]}), "y", "a", "x")
    with pytest.raises(ValueError, match="repeat one another"):
        client.ipw(study().assign(twice=lambda d: 2*d["age"]), "y", "a", ["age", "twice"])


def test_due_and_bounds():
    "Fuzz: the bounds always hold the share that would be seen if nobody had been lost."
    rng = np.random.default_rng(0)
    for _ in range(50):
        n = int(rng.integers(3, 40))
        truth = pd.DataFrame({"enrolled": (rng.random(n) < 0.8).astype(float), "completed": rng.integers(0, 2, n).astype(float), "employed6": rng.integers(0, 2, n).astype(float)})
        truth.loc[0, "enrolled"] = 1.0
        due = {"employed6": pd.Series(rng.random(n) < 0.7)}
        seen = truth.copy()
        seen.loc[rng.random(n) < 0.3, ["completed", "employed6"]] = np.nan
        a, b = (retention.stages(x, due=due).rows for x in (truth, seen))
        assert (a["eligible"] == b["eligible"]).all() and (b["eligible"] == b["known"] + b["lost"]).all()
        ok = a["eligible"] > 0
        assert ((b["worst"] <= a["share"] + 1e-12) & (a["share"] <= b["best"] + 1e-12))[ok].all()


def test_boolean_and_text_columns():
    "A treatment given as True/False is the same as 1/0."
    d = study()
    assert same(client.aipw(d, "y", "a", ["age", "who"]), client.aipw(d.assign(a=d["a"] == 1), "y", "a", ["age", "who"]))
    assert same(clustered.gee(d, "y", "a", ["who"], "place"), clustered.gee(d.assign(a=d["a"] == 1), "y", "a", ["who"], "place"))


def test_stages_with_repeated_row_names():
    "A cohort joined from two sheets has the same row numbers twice."
    half = pd.DataFrame({"enrolled": [1, 1, 1], "employed12": [1, 0, None]})
    both = pd.concat([half, half])
    due = {"employed12": pd.Series([True, False, True]*2, index=both.index)}
    r = retention.stages(both, due=due).rows
    assert r["eligible"].tolist() == [6, 4] and r["yes"].tolist() == [6, 2] and r["lost"].tolist() == [0, 2]
