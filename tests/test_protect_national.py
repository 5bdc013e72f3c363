"""The fast rule for large tables against the linear programmes of the exact choice."""
import numpy as np
import pytest
from scipy import sparse

from sonla_eval.protect.choose import Knows, Problem, Reader
from sonla_eval.protect.national import hide_small, loss


def as_problem(v, done, threshold=5):
    "Communes x months with hidden years; the province's totals are shown."
    n, m = v.shape
    full = np.concatenate([v, v.sum(axis=1, keepdims=True)], axis=1).astype(float)
    hide = np.concatenate([done.cells, done.totals[:, None]], axis=1).reshape(-1)
    index, rows = np.arange(full.size).reshape(full.shape), []
    for j in range(m + 1): rows.append({int(i): 1.0 for i in index[:, j]}) # a shown total: the deviations sum to zero
    for i in range(n): rows.append({int(index[i, m]): 1.0, **{int(k): -1.0 for k in index[i, :m]}})
    data = [(k, c, x) for k, row in enumerate(rows) for c, x in row.items()]
    k, c, x = zip(*data)
    small = ((full > 0) & (full < threshold)).reshape(-1)
    cap = np.broadcast_to(np.append(v.sum(axis=0), v.sum()), full.shape).reshape(-1)
    asked = np.where(small, np.minimum(threshold - 1.0, cap), 0.0)
    value = full.reshape(-1)
    knows = Knows(asked, 0*value, np.full(value.size, np.inf))
    return Problem(value, small | hide, value < 0, small, (knows,), loss(value), np.full(value.size, -1), sparse.csr_matrix((x, (k, c)), shape=(len(rows), full.size))), hide


@pytest.mark.parametrize("seed", range(30))
def test_every_small_number_is_protected(seed):
    rng = np.random.default_rng(seed)
    v = rng.poisson(rng.gamma(.4, 4, (rng.integers(3, 9), 1))*rng.gamma(1, 1, (1, 6)))
    if v.sum() == 0: return
    done = hide_small(v, np.zeros(len(v), int))
    p, hide = as_problem(v, done)
    assert not (p.must & ~hide).any() and 0 <= done.gap < 1
    (lo, hi), _ = Reader(p, p.readers[0]).widths(hide, p.free & False, np.flatnonzero(p.asked > 0), p.asked)
    narrow = (hi - lo < p.asked - 1e-6) & (p.asked > 0)
    assert not narrow.any(), (v, done.cells, (hi - lo)[narrow], p.asked[narrow])


def test_one_commune_cannot_hide():
    with pytest.raises(ValueError): hide_small(np.array([[1, 2]]), np.array(["14"]))


def test_the_order_of_provinces_does_not_matter():
    rng = np.random.default_rng(3)
    v, province = rng.poisson(2, (40, 12)), rng.integers(0, 4, 40)
    by = np.argsort(province, kind="stable")
    one, other = hide_small(v, province), hide_small(v[by], province[by])
    assert (one.cells[by] == other.cells).all() and one.cost == pytest.approx(other.cost)
