"""Weights of a Dirichlet process over all its concentrations: the NumPy core.

A gamma process over the answers is additive in the concentration, so what a draw gives them at one
concentration is what it gave them at the one before, and some jumps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["increments", "real_weights", "smallest_jump", "solve", "weights_of_draw"]

type Floats = NDArray[np.float64]

FINEST, COARSEST = 1e-12, 1e-2
EXACT = 10.0
"""Increments up to this concentration have the finest jumps: there a few jumps are the whole."""
TAIL = np.exp(-1.0)
"""Rate of the proposals above 1, of density exp(-x)."""
NODES = np.array([0.5 - 0.5 / np.sqrt(3.0), 0.5 + 0.5 / np.sqrt(3.0)])
"""Gauss-Legendre on (0, 1), each of weight one half."""
RATES = 0.5 / NODES
CHUNK = 1_000_000


def smallest_jump(concentration: float, budget: float) -> float:
    """Return the jump below which jumps are drawn at two sizes only.

    Parameters
    ----------
    concentration : float
        The largest.
    budget : float
        About how many jumps a draw may have.

    Examples
    --------
    >>> smallest_jump(50.0, 3000.0), smallest_jump(3000.0, 6000.0)
    (1e-12, 0.01)
    """
    room = budget / max(concentration, 1e-300) - TAIL - RATES.sum()
    return float(np.clip(np.exp(-min(room, 700.0)), FINEST, COARSEST))


def real_weights(rng: np.random.Generator, draws: int, rows: int) -> Iterator[Floats]:
    """Yield the Gamma(1) weights of real rows in blocks of draws, shape (block, row)."""
    block = max(1, CHUNK // rows)
    for start in range(0, draws, block):
        yield rng.standard_exponential((min(block, draws - start), rows))


def increments(
    rng: np.random.Generator, grid: Floats, draws: int, base: Floats, smallest: float
) -> Iterator[tuple[sparse.csr_array, sparse.csr_array]]:
    r"""Yield what is added to the answers' weights from each concentration to the next.

    Parameters
    ----------
    rng : numpy.random.Generator
    grid : numpy.ndarray, shape (concentration,)
        Rising from 0 or more; the first increment is from 0 to the first.
    draws : int
    base : numpy.ndarray, shape (answer,)
        Adds to 1.
    smallest : float
        Jumps below it have two sizes; `FINEST` holds for increments that end at most at `EXACT`.

    Yields
    ------
    tuple of scipy.sparse.csr_array, shape (draw, answer)
        The jumps below ``smallest`` and those above, to be added.

    Notes
    -----
    The Gamma(da * base) weights of an increment are the jumps of a Poisson process with intensity
    :math:`da\, e^{-x} / x\, dx`, each at an answer drawn from ``base``. Those above ``smallest``
    are drawn exactly, by thinning proposals of intensity :math:`1/x` up to 1 and :math:`e^{-x}`
    above. Those below, :math:`\epsilon` at most 0.01, have the sizes of two Gauss-Legendre nodes
    :math:`x_k` on :math:`(0, \epsilon)` at rates :math:`\epsilon e^{-x_k} / (2 x_k)`. The
    quadrature keeps the first four cumulants of every answer's weight to within 1e-12 of the
    concentration, and jumps so small show in none of the rest.
    """
    for end, step in zip(grid, np.diff(grid, prepend=0.0), strict=True):
        least = FINEST if end <= EXACT else smallest
        parts = _small(rng, step, draws, least), _large(rng, step, draws, least)
        yield tuple(_csr(sizes, counts, base, rng) for counts, sizes in parts)


def _csr(
    sizes: Floats, counts: NDArray[np.int64], base: Floats, rng: np.random.Generator
) -> sparse.csr_array:
    starts = np.concatenate([[0], np.cumsum(counts)])
    places = _places(rng, base, len(sizes))
    return sparse.csr_array((sizes, places, starts), shape=(len(counts), len(base)))


def _small(
    rng: np.random.Generator, step: float, draws: int, smallest: float
) -> tuple[NDArray[np.int64], Floats]:
    """Return each draw's number of jumps below the smallest, and the sizes of all."""
    nodes = smallest * NODES
    rates = RATES * np.exp(-nodes)
    counts = rng.poisson(step * rates.sum(), draws)
    first = rng.random(int(counts.sum())) < rates[0] / rates.sum()
    return counts, np.where(first, *nodes)


def _large(
    rng: np.random.Generator, step: float, draws: int, smallest: float
) -> tuple[NDArray[np.int64], Floats]:
    """Return each draw's number of proposed jumps, and the sizes of all, 0 for those thinned."""
    logs = -np.log(smallest)
    counts = rng.poisson(step * (logs + TAIL), draws)
    place = rng.random(int(counts.sum())) * (logs + TAIL)
    out = np.exp(-place)
    out[rng.standard_exponential(len(place)) <= out] = 0.0
    above = np.flatnonzero(place >= logs)
    sizes = 1.0 + rng.standard_exponential(len(above))
    out[above] = np.where(rng.random(len(above)) * sizes <= 1.0, sizes, 0.0)
    return counts, out


def _places(rng: np.random.Generator, base: Floats, count: int) -> NDArray[np.int64]:
    """Return an answer for each jump."""
    if np.ptp(base) <= 1e-12 * base.max():
        return rng.integers(len(base), size=count)
    cumulated = np.cumsum(base)
    found = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right")
    return np.minimum(found, np.flatnonzero(base)[-1])


def weights_of_draw(seed: np.random.SeedSequence, grid: Floats, rows: int, base: Floats) -> Floats:
    r"""Return one draw's weights of all rows at every concentration, in real observations.

    Returns
    -------
    numpy.ndarray, shape (concentration, row + answer)
        Each row of it adds to ``rows`` + concentration, and divided by that is
        :math:`\mathrm{Dirichlet}(1, .., 1, a\,base)`.
    """
    rng = np.random.default_rng(seed)
    real = rng.standard_exponential(rows)
    steps = np.diff(grid, prepend=0.0)[:, None] * base
    answers = np.cumsum(rng.standard_gamma(steps), axis=0)
    out = np.concatenate([np.broadcast_to(real, (len(grid), rows)), answers], axis=1)
    return out * ((rows + grid) / out.sum(axis=1))[:, None]


def solve(systems: Floats, size: int) -> Floats:
    """Solve many small positive definite systems at once.

    Parameters
    ----------
    systems : numpy.ndarray, shape (number, draw)
        For each row of the matrix in turn, its entries from the diagonal on and its right-hand
        side; overwritten.
    size : int
        Of the matrices.

    Returns
    -------
    numpy.ndarray, shape (size, draw)
        Nan where a matrix is not positive definite.

    Examples
    --------
    >>> solve(np.array([[4.0], [2.0], [2.0], [3.0], [5.0]]), 2)[:, 0]
    array([-0.5,  2. ])
    """
    ends = np.cumsum(np.arange(size + 1, 1, -1))
    rows = np.split(systems, ends[:-1])
    for j, pivot in enumerate(rows):
        pivot[0][~(pivot[0] > 0)] = np.nan
        for i in range(j + 1, size):
            rows[i] -= pivot[i - j] / pivot[0] * pivot[i - j :]
    out = np.empty((size, systems.shape[1]))
    for j in reversed(range(size)):
        known = np.einsum("ks,ks->s", rows[j][1:-1], out[j + 1 :])
        out[j] = (rows[j][-1] - known) / rows[j][0]
    return out
