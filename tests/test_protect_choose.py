"""The choice of cells against brute force on tiny tables, a reference table and an independent engine on random linked tables."""
import csv
import itertools
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from sonla_eval.protect.choose import Knows, Problem, Reader, at_most, attainable, exact, readers_of

SHARED = Path(os.environ.get("SONLA_EVAL_SHARED", Path(__file__).parents[2]/"shared"))


def one_row(values, threshold=5, row_may_go=True):
    "A province and its districts; the province is always shown."
    v = np.array([sum(values), *values], float)
    district = np.arange(len(v)) > 0
    small = district & (v > 0) & (v < threshold)
    asked = np.where(district & (v > 0), np.minimum(threshold - 1.0, v[0]), 0.0)
    return Problem(v, district, district & False, small, readers_of(asked, small, threshold), 1 + 0.1*np.log1p(v),
                   np.where(district & row_may_go, 0, -1), sparse.csr_matrix([[1.0] + [-1.0]*len(values)]))


def tables_of_row(total, k, low, high):
    "All ways to split a total over k districts within limits."
    return [t for t in itertools.product(*[range(int(low[i]), int(min(high[i], total)) + 1) for i in range(k)]) if sum(t) == total]


def enumerated(values, hide, whole, knows, total):
    "Width of each district's interval by enumeration."
    k = len(values)
    low = [0 if whole else min(v, knows.least[i + 1]) if h else v for i, (v, h) in enumerate(zip(values, hide))]
    high = [total if whole else min(total, max(v, knows.most[i + 1])) if h else v for i, (v, h) in enumerate(zip(values, hide))]
    found = np.array(tables_of_row(total, k, low, high))
    return found.max(axis=0) - found.min(axis=0)


small_rows = st.lists(st.integers(0, 8), min_size=2, max_size=4).filter(lambda v: 0 < sum(v) <= 18)


@settings(max_examples=60, deadline=None)
@given(small_rows, st.integers(0, 2), st.data())
def test_the_reader_sees_what_enumeration_sees(values, k, data):
    p = one_row(values)
    hide = np.array([False] + [v > 0 and data.draw(st.booleans()) for v in values])
    (lo, hi), _ = Reader(p, p.readers[k]).widths(hide, p.free & False, np.flatnonzero(hide), np.full(len(hide), 99.0))
    expected = enumerated(values, hide[1:], False, p.readers[k], sum(values))
    assert np.allclose((hi - lo)[1:][hide[1:]], expected[hide[1:]])


def brute_force(values, p):
    "Cheapest pattern by trying all; infinity when none protects."
    row_cost, best = 1.2*p.cost[1:].sum(), np.inf
    candidates = [(h, False) for h in itertools.product(*[[False, True] if v > 0 else [False] for v in values])] + [((False,)*len(values), True)]
    for hide, whole in candidates:
        cost = row_cost if whole else float((p.cost[1:]*np.array(hide)).sum())
        if cost >= best or not whole and any(m and not h for m, h in zip(p.must[1:], hide)): continue
        if all((enumerated(values, hide, whole, r, sum(values)) >= r.need[1:] - 1e-9)[np.array(hide) | (whole & (p.value[1:] > 0))].all() for r in p.readers): best = cost
    return best


@settings(max_examples=80, deadline=None)
@given(small_rows)
def test_the_exact_choice_is_the_cheapest(values):
    p = one_row(values)
    p = at_most(p, attainable(p))
    if (p.must & (p.asked < 1)).any(): return
    found = exact(p)
    assert found.gap < 1e-9 and found.cost == pytest.approx(brute_force(values, p))


def grid(table, need, threshold=5, sizes=None):
    "A table with all its margins as a problem: everything may be hidden, zeros stay, cost is the value. need: function of the value."
    table = np.asarray(table, float)
    full = table
    for axis in range(table.ndim): full = np.concatenate([full.sum(axis=axis, keepdims=True), full], axis=axis)
    index, rows = np.arange(full.size).reshape(full.shape), []
    for axis in range(table.ndim):
        moved = np.moveaxis(index, axis, 0).reshape(full.shape[axis], -1)
        for line in moved.T:
            row = np.zeros(full.size)
            row[line[0]], row[line[1:]] = 1, -1
            rows.append(row)
    v = full.reshape(-1)
    must = (v > 0) & (v < threshold)
    asked = np.where(must, need(v), 0.0)
    return Problem(v, v > 0, v < 0, must, (Knows(asked, 0*v, np.full(v.size, np.inf)),), v + 0.0, np.full(v.size, -1), sparse.csr_matrix(np.array(rows)))


def protected(p, hide):
    "Cells whose interval is as wide as asked."
    (lo, hi), _ = Reader(p, p.readers[-1]).widths(hide, p.free & False, np.flatnonzero(p.asked > 0), p.asked)
    return (hi - lo >= p.asked - 1e-6) & (p.asked > 0)


def solved(p):
    "The exact choice where every need can be met; cells whose need can't be met ask for what they can get."
    (lo, hi), _ = Reader(p, p.readers[-1]).widths(p.free, p.free & False, np.flatnonzero(p.asked > 0), p.asked)
    p = at_most(p, np.where(p.asked > 0, hi - lo, 0.0))
    return p, exact(p)


def test_the_reference_table():
    path = SHARED/"methods"/"reference"/"sdc_table1.csv"
    if not path.is_file(): pytest.skip("the shared reference tables are not here")
    rows = list(csv.reader(path.open()))
    table = np.array([[float(x) for x in r[1:4]] for r in rows[1:4]])
    assert table.sum() == float(rows[4][4]) and [r.sum() for r in table] == [float(r[4]) for r in rows[1:4]]
    p = grid(table, lambda v: 0*v)
    at = int(np.flatnonzero(p.value == 22)[0]) # row II, column C
    hide = np.isin(p.value, [8, 22, 17, 12])
    far = np.full(p.value.size, 999.0)
    seen = [float(22 + x[at]) for x in Reader(p, p.readers[0]).widths(hide, p.free & False, np.array([at]), far)[0]]
    assert seen == [5, 30] # II.A + II.C = 30 and III.A = 25 - II.A, so II.C lies between 5 and 30
    alone = np.arange(p.value.size) == at
    assert [float(x[at]) for x in Reader(p, p.readers[0]).widths(alone, p.free & False, np.array([at]), far)[0]] == [0, 0]
    asked = np.where(alone, 10.0, 0.0)
    p = replace(p, must=alone, readers=(Knows(asked, 0*asked, np.full(asked.size, np.inf)),))
    best = np.inf
    others = np.flatnonzero(~alone)
    for k in range(1, 7): # every set of up to six more cells
        for chosen in itertools.combinations(others, k):
            hide = alone | np.isin(np.arange(16), chosen)
            cost = p.cost[hide].sum()
            if cost < best and protected(p, hide)[at]: best = cost
    found = exact(p)
    assert found.cost == pytest.approx(best) and protected(p, found.hide)[at]


def argus(table):
    "Protected cells and cost of pytauargus on the same table, in the order of `grid`."
    pytauargus = pytest.importorskip("pytauargus")
    pd = pytest.importorskip("pandas")
    names = [f"X{k}" for k in range(table.ndim)]
    micro = [dict(zip(names, (f"c{i:02d}" for i in at)), y=1.0) for at in np.ndindex(table.shape) for _ in range(int(table[at]))]
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder) # the engine leaves logs where it runs
        try: out = pd.DataFrame(pytauargus.protect(pd.DataFrame(micro), names, response="y", safety_rules="FREQ(5,30)", suppress="OPT(1)", workdir=folder).tables[0].dataframe())
        finally: os.chdir(here)
    found = {tuple(r[names]): (r["y"], r["status"]) for _, r in out.iterrows()}
    full = itertools.product(*[["Total", *(f"c{i:02d}" for i in range(n))] for n in table.shape])
    cells = [found.get(at, (0.0, "E")) for at in full]
    return np.array([v for v, _ in cells]), np.array([s in "UM" for _, s in cells])


def random_table(seed):
    rng = np.random.default_rng(seed)
    shape = (5, 4) if seed % 3 else (3, 3, 2)
    rates = rng.gamma(1.0, 12, shape[:1] + (1,)*(len(shape) - 1))*rng.gamma(1.5, 0.7, (1,)*(len(shape) - 1) + shape[-1:])
    table = rng.poisson(np.broadcast_to(rates, shape))
    table[tuple(0 for _ in shape)] += 1
    return np.maximum(table, (rng.random(shape) < 0.85).astype(int)) if seed % 2 else table


@pytest.mark.parametrize("seed", range(24))
def test_against_pytauargus(seed):
    table = random_table(seed)
    value, theirs = argus(table)
    p, ours = solved(grid(table, lambda v: 0.6*v)) # FREQ(5,30): 30 % below and above
    assert np.allclose(value, p.value)
    audit = np.flatnonzero(p.must)
    assert protected(p, ours.hide)[audit].sum() >= protected(p, theirs)[audit].sum()
    assert protected(p, ours.hide)[audit][p.asked[audit] > 0].all()
    assert ours.cost <= 1.10*p.cost[theirs].sum() + 1e-6
