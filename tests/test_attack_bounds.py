"""The attack leaves out linear programmes whose answer it knows; its intervals stay those of solving every one of them."""
import math
import random

import numpy as np
import pytest
from scipy.optimize import linprog

from sonla_eval.protect.attack import CEILING, Facts, bound, families

def everything(seed): # hidden, absent and known quantities tied at random; every fact holds for one true table
    rng = random.Random(seed)
    names = [("m", "", str(k), "2022", "") for k in range(rng.randint(2, 14))]
    truth = {n: float(rng.randint(1, 30)) for n in names}
    facts = Facts()
    for n in names:
        if rng.random() < 0.2: facts.known[n] = truth[n]
        else: (facts.hidden if rng.random() < 0.7 else facts.absent).add(n)
    facts.amounts = {n for n in names if rng.random() < 0.1}
    for k in range(rng.randint(0, 5)):
        parts = rng.sample(names, rng.randint(1, min(5, len(names))))
        total = ("t", "", str(k), "2022", "")
        truth[total] = sum(truth[p] for p in parts)
        if rng.random() < 0.8: facts.known[total] = truth[total]
        else: facts.hidden.add(total)
        facts.sum_of(total, parts)
    for a, b in (rng.sample(names, 2) for _ in range(rng.randint(0, 3))):
        if truth[a] <= truth[b]: facts.never_above(a, b)
    if rng.random() < 0.3: facts.limits.append(({names[0]: 1.0, names[1]: -0.0}, -math.inf, truth[names[0]] + 2)) # a share of nought
    return facts, truth

def both_ends(family, name): # by two programmes of its own
    k = family.names.index(name)
    dense = lambda rows: np.array([[row.get(j, 0.0) for j in range(len(family.names))] for row in rows]) if rows else None
    given = dict(A_ub=dense(family.le[0]), b_ub=family.le[1] or None, A_eq=dense(family.eq[0]), b_eq=family.eq[1] or None, bounds=[(x, CEILING) for x in family.low])
    ends = [linprog(sign*np.eye(len(family.names))[k], method="highs", **given).x[k] for sign in (1, -1)]
    return (math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6)) if family.whole[k] else tuple(ends)

@pytest.mark.parametrize("seed", range(40))
def test_intervals_are_the_ends_of_all_possible_tables(seed):
    facts, truth = everything(seed)
    for family in families(facts):
        for exact in (facts.hidden, set(family.names)):
            got = bound(family, exact, 5.0)
            for name in exact & set(family.names):
                assert got[name] == pytest.approx(both_ends(family, name), abs=1e-5), (seed, name)
            for name in family.names: # what was seen on the way is never wider than the ends
                low, high = both_ends(family, name)
                assert low - 1e-5 <= truth[name] <= high + 1e-5 and got[name][0] >= low - 1e-5 and got[name][1] <= high + 1e-5

@pytest.mark.parametrize("seed", range(40))
def test_limits_passed_on_never_shut_out_a_possible_table(seed):
    for family in families(everything(seed)[0]):
        least, most = family.outer()
        for k, name in enumerate(family.names):
            x = [family.solve(sign*np.eye(len(family.names))[k])[k] for sign in (-1, 1)]
            assert least[k] <= x[0] + 1e-5 and x[1] <= most[k] + 1e-5

def test_an_unprinted_number_that_is_certain_is_still_found():
    facts = Facts(known={("m", "", "14", "2022", ""): 9.0, ("m", "", "116", "2022", ""): 6.0}, absent={("m", "", "118", "2022", "")})
    facts.sum_of(("m", "", "14", "2022", ""), [("m", "", u, "2022", "") for u in ("116", "118")])
    (family,) = families(facts)
    assert bound(family, set(), 5.0) == {("m", "", "118", "2022", ""): (3.0, 3.0)}

def test_facts_that_no_table_meets_give_no_interval():
    facts = Facts(known={("m", "", "14", "2022", ""): 1.0}, hidden={("m", "", u, "2022", "") for u in ("116", "118")})
    facts.sum_of(("m", "", "14", "2022", ""), [("m", "", u, "2022", "") for u in ("116", "118")])
    (family,) = families(facts)
    assert bound(family, facts.hidden, 5.0) == {}
