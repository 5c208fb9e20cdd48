"""How many different answers there are, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.vendi_core import bound, cosine, gaussian, score, tfidf
from foundation_priors.display import count
from foundation_priors.errors import ColumnError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

    type Kernel = str | NDArray[np.float64] | Callable[[Any], NDArray[np.float64]]

__all__ = ["vendi"]

type Floats = NDArray[np.float64]

KERNELS = ("match", "gaussian", "tfidf")
MOST = 3000
SUBSETS = 200
FAILS_WHEN = (
    "The score is only as good as its kernel: answers that differ in a way which the kernel does"
    " not see count as one, and a smaller scale= makes any numbers look diverse; it counts variety,"
    " not truth."
)


def vendi(
    llm: SyntheticData | Sequence[Any] | np.ndarray,
    column: str | None = None,
    q: float | Sequence[float] = (1, 2, np.inf),
    *,
    kernel: Kernel | None = None,
    embeddings: np.ndarray | None = None,
    scale: float | None = None,
    by: str | None = None,
    size: int | None = None,
    random_seed: int | None = 0,
) -> xr.Dataset:
    r"""Count the effectively different values of a column: its Vendi scores.

    Parameters
    ----------
    llm : SyntheticData or array_like
        Answers, or values of any kind: real people's, to set beside.
    column : str, optional
        Of answers: an outcome, covariate or factor. Default: the first outcome.
    q : float or sequence of float
        Orders, at least 0. A small order counts rare values in full, infinity the commonest alone.
    kernel : str, array or callable, optional
        ``"match"`` (equal or not), ``"gaussian"`` (numbers), ``"tfidf"`` (texts); a matrix of shape
        (answer, answer) with unit diagonal; or a callable from values to one. Default: ``match``
        for words and truth values, ``gaussian`` for numbers.
    embeddings : array, optional
        Shape (answer, dimension): cosines between them are the kernel.
    scale : float, optional
        Of the Gaussian kernel, in the column's unit. Default: the standard deviation of all values;
        name one to compare columns.
    by : str, optional
        A factor of the answers, whose levels are scored apart.
    size : int, optional
        Score random subsets of so many values, so that groups of different sizes compare.
    random_seed : int, optional
        Of the subsets.

    Returns
    -------
    xarray.Dataset
        ``score`` over (group, q), ``n`` and ``bound``, :math:`n^2 / (1'K1)`, over ``group``; with
        ``size`` the mean over subsets, and ``lower`` and ``upper``, their 5% and 95% quantiles.

    Raises
    ------
    ColumnError
        If values are missing, or of a kind that the kernel does not take.
    ValueError
        If the kernel has another shape, no unit diagonal or negative eigenvalues.

    Notes
    -----
    :math:`VS_q = \exp H_q(\lambda)` with :math:`\lambda` the eigenvalues of K/n: from 1, all alike,
    to n, all different. For ``match`` it is the Hill number of the shares. :math:`VS_\infty =
    1/\lambda_1 \le n^2 / (1'K1)`.

    References
    ----------
    Friedman, D. and Dieng, A. B. (2023). The Vendi score. arXiv:2210.02410. Pasarkar, A. P. and
    Dieng, A. B. (2024). Cousins of the Vendi score. arXiv:2310.12952.

    Examples
    --------
    >>> found = vendi(["Dole", "Dole", "Clinton", "Clinton"])
    >>> found["score"].values.round(6).tolist()
    [[2.0, 2.0, 2.0]]
    """
    values, groups, name = _values(llm, column, by)
    orders = [float(x) for x in np.atleast_1d(np.asarray(q, dtype=float))]
    if not orders or not all(x >= 0 for x in orders):
        raise ValueError(f"q={q!r} must be orders of at least 0.")
    made = _kernel(values, kernel, embeddings, scale)
    rng = np.random.default_rng(random_seed)
    rows = [_group(made, where, orders, size, rng) for where in groups.values()]
    sampled = size is not None
    parts = {"score": np.stack([r[0] for r in rows])}
    if sampled:
        parts |= {"lower": np.stack([r[1] for r in rows]), "upper": np.stack([r[2] for r in rows])}
    result = xr.Dataset(
        {k: (("group", "q"), v) for k, v in parts.items()}
        | {
            "n": ("group", [len(where) for where in groups.values()]),
            "bound": ("group", [r[3] for r in rows]),
        },
        {"group": list(groups), "q": orders},
        {"column": name, "size": size if sampled else 0, "kernel": made[2]},
    )
    result.attrs |= {"reading": _reading(result), "fails_when": FAILS_WHEN}
    return result


def _values(
    llm: SyntheticData | Sequence[Any] | np.ndarray, column: str | None, by: str | None
) -> tuple[np.ndarray, dict[str, np.ndarray], str]:
    from foundation_priors.synthetic import SyntheticData

    if isinstance(llm, SyntheticData):
        name = llm.outcomes[0] if column is None else column
        values, groups = llm.column(name), llm.groups(by)
    else:
        if column is not None or by is not None:
            raise ValueError("column= and by= belong to answers: give the values alone.")
        values = np.asarray(llm)
        name, groups = "values", {"values": np.arange(len(values) if values.ndim else 0)}
    if values.ndim != 1 or not len(values):
        raise ColumnError(f"{name!r} must be one column with at least one value.")
    missing = np.asarray(pd.isna(values))
    if missing.any():
        raise ColumnError(
            f"{name!r} has {count(int(missing.sum()), 'missing value')}: leave them out."
        )
    return values, groups, name


type Made = tuple[np.ndarray, Floats | None, str]


def _kernel(
    values: np.ndarray, kernel: Kernel | None, embeddings: np.ndarray | None, scale: float | None
) -> Made:
    """Return the distinct value of each row, the kernel of the distinct ones, and its name."""
    if embeddings is not None:
        if kernel is not None:
            raise ValueError("Give kernel= or embeddings=, not both.")
        found = np.asarray(embeddings, dtype=float)
        if found.ndim != 2 or len(found) != len(values) or not np.isfinite(found).all():
            raise ValueError(
                f"embeddings of shape {found.shape} must be finite, with a row for each of the"
                f" {len(values)} values."
            )
        return _whole(cosine(found), "embeddings")
    if isinstance(kernel, str) and kernel not in KERNELS:
        raise ValueError(f"kernel={kernel!r} is unknown.{did_you_mean(kernel, KERNELS)}")
    if callable(kernel):
        return _whole(np.asarray(kernel(values), dtype=float), "given", len(values))
    if kernel is not None and not isinstance(kernel, str):
        return _whole(np.asarray(kernel, dtype=float), "given", len(values))
    number = values.dtype.kind in "iuf"
    name = kernel or ("gaussian" if number else "match")
    codes, distinct = pd.factorize(values)
    if name == "match":
        return codes, None, name
    if len(distinct) > MOST:
        raise ValueError(f"There are {len(distinct)} distinct values: score at most {MOST}.")
    if name == "tfidf":
        if not all(isinstance(text, str) for text in distinct):
            raise ColumnError("kernel='tfidf' takes texts: use 'gaussian' for numbers.")
        return codes, cosine(tfidf(list(distinct))), name
    if not number or not np.isfinite(values.astype(float)).all():
        raise ColumnError("kernel='gaussian' takes finite numbers: use 'match' or 'tfidf'.")
    scale = float(np.std(values.astype(float))) or 1.0 if scale is None else scale
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale={scale} must be positive.")
    return codes, gaussian(np.asarray(distinct, dtype=float), scale), name


def _whole(kernel: Floats, name: str, rows: int | None = None) -> Made:
    n = len(kernel) if rows is None else rows
    if kernel.shape != (n, n) or not np.allclose(kernel, kernel.T):
        raise ValueError(f"A kernel of shape {kernel.shape} must be symmetric, {n} by {n}.")
    if not np.allclose(np.diag(kernel), 1):
        raise ValueError("A kernel must be 1 on its diagonal: each value is like itself.")
    if n > MOST:
        raise ValueError(f"There are {n} values: score at most {MOST} of them.")
    least = np.linalg.eigvalsh(kernel)[0]
    if least < -1e-6 * n:
        raise ValueError(f"The kernel has the eigenvalue {least:.2g}: it must have none below 0.")
    return np.arange(n), kernel, name


def _group(
    made: Made, where: np.ndarray, q: list[float], size: int | None, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, float]:
    own = made[0][where]
    whole, most = _scores(own, made[1], q)
    if size is None:
        return whole, whole, whole, most
    if size != int(size) or not 1 <= size <= len(own):
        raise ValueError(f"size={size} must be a whole number from 1 to {len(own)}.")
    if size == len(own):
        return whole, whole, whole, most
    # Eigenvalues cost the cube of the size.
    times = SUBSETS if made[1] is None else int(np.clip(4e8 / size**3, 20, SUBSETS))
    drawn = np.stack(
        [_scores(rng.choice(own, int(size), replace=False), made[1], q)[0] for _ in range(times)]
    )
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    return drawn.mean(axis=0), low, high, most


def _scores(codes: np.ndarray, kernel: Floats | None, q: list[float]) -> tuple[Floats, float]:
    distinct, counts = np.unique(codes, return_counts=True)
    weights = counts.astype(float)
    if kernel is None:
        from foundation_priors.diagnose.vendi_core import hill

        p = weights / weights.sum()
        return np.array([hill(p, order) for order in q]), float(1 / (p @ p))
    own = kernel[np.ix_(distinct, distinct)]
    return score(own, weights, q), bound(own, weights)


def _reading(result: xr.Dataset) -> str:
    order = result["q"].values[0]
    parts = "; ".join(
        f"{g}: {count(int(n), 'value')} count{'s' if n == 1 else ''} as {s:.1f}"
        for g, n, s in zip(
            result["group"].values,
            result["n"].values,
            result["score"].values[:, 0],
            strict=True,
        )
    )
    size = result.attrs["size"]
    name = result.attrs["column"]
    text = f"Effectively different values of {name!r} (Vendi score of order {order:g})"
    return f"{text}, in subsets of {size}: {parts}." if size else f"{text}: {parts}."
