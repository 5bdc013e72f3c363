"""The planner: the same test as the evaluation's, power that rises with sites, and errors that say what to write instead."""
import math
import re

import numpy as np
import pandas as pd
import pytest

from sonla_eval.methods import design as D
from sonla_eval.methods.did import panel
from sonla_eval.methods.estimate import Refused
from sonla_eval.methods.staggered import staggered

FOUR = D.Design((3, 3, 4, 4) + (None,)*8, periods=8)


@pytest.mark.parametrize("starts", [(3, 3, 4, 4) + (None,)*8, (2, 2, 2) + (None,)*9, (2, 2, 3, 3, 5, 5)])
def test_it_is_the_evaluations_own_estimate_and_test(starts):
    "Every simulated province gets exactly what Callaway-Sant'Anna with dealt start dates gives on it, never-treated districts or none."
    d = D.Design(starts, periods=7)
    y = D.draw(d, 0.15, 4, np.random.default_rng(3))
    value, p = D.tested(d, y, limit=200_000)
    for k in range(4):
        rows = pd.DataFrame([(g, t + 1, y[k, g, t], 0 if s is None else s + 1) for g, s in enumerate(starts) for t in range(7)], columns=["g", "t", "y", "s"])
        own = staggered(panel(rows, "g", "t", "y", start="s"), draws=0).dealt()
        assert math.isclose(own.value, value[k], abs_tol=1e-12) and math.isclose(own.extra["p"], p[k], rel_tol=1e-9)


def test_size_holds_and_power_rises_with_effect_sites_and_cases():
    curve = D.power_by_effect(FOUR, (0.0, 0.1, 0.25), reps=400)
    assert curve.rows["high"].iloc[0] < 0.09 and curve.rows["power"].is_monotonic_increasing
    sites = D.power_over(D.variants(FOUR, "sites", (1, 2, 6)), (0.0,), wanted=0.24, reps=300)
    assert sites["power"].iloc[0] == 0 and sites["low"].iloc[2] > sites["high"].iloc[1] > 0
    cases = D.power_over(D.variants(FOUR, "size", (12, 192)), (0.0,), wanted=0.12, reps=300)
    assert cases["low"].iloc[1] > cases["high"].iloc[0]


def test_one_site_is_refused_with_its_reason():
    with pytest.raises(Refused, match="12 ways"): D.tested(D.Design((3,) + (None,)*11, 8), np.zeros((1, 12, 8)))
    with pytest.raises(Refused): D.power_by_effect(D.Design((3,)*12, 8), (0.1,), reps=10)


def test_rates_in_persons():
    d = D.Design((3, 3, 4, 4) + (None,)*8, 8, "rate", base=12.0, size=35.0, within=0.0, between=0.0)
    y = D.draw(d, 8.0, 400, np.random.default_rng(1))
    assert abs(y[:, 4:].mean() - 12) < 0.3 and abs(y[:, :2, 4:].mean() - 20) < 0.5


def test_same_seed_same_page(tmp_path, capsys):
    words = ["--sites", "2", "--reps", "50", "--effects", "10,20", "--quiet", "--out"]
    for name in ("a", "b"): assert D.main([*words, str(tmp_path/f"{name}.html")]) == 0
    a, b = ((tmp_path/f"{n}.html").read_text(encoding="utf-8") for n in "ab")
    assert a == b and (tmp_path/"a.csv").read_bytes() == (tmp_path/"b.csv").read_bytes()
    assert a.count("<section") == 2 and '<section lang="vi"' in a and '<section lang="en"' in a and a.count("<svg") == a.count('role="img"') == 8
    assert not re.search(r"<script|(?:src|href)=\"(?:https?:)?//", a) and "/tmp" not in a and str(tmp_path) not in a
    assert "a.html" in capsys.readouterr().out


@pytest.mark.parametrize("words,said", [(["--sites", "13"], "13 sites do not fit 12 districts"), (["--starts", "soon"], "write 2023-04"), (["--base", "110"], "share lies between 0 and 1"),
    (["--base", "95"], "can't rise by"), (["--units", "a,b"], "--units names 2 districts"), (["--starts", "2023-01,2023-07", "--districts", "1"], "2 starts for 1 districts")])
def test_what_can_not_be_is_said_in_both_languages(words, said, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)) as err: D.main([*words, "--quiet", "--out", str(tmp_path/"x.html")])
    assert " / " in str(err.value) and not (tmp_path/"x.html").exists()


@pytest.mark.parametrize("words", [["--effects", "a,b"], ["--reps", "3"], ["--power", "2"], ["--order", "sideways"]])
def test_bad_words_end_with_2(words):
    with pytest.raises(SystemExit) as end: D.main([*words, "--quiet"])
    assert end.value.code == 2
