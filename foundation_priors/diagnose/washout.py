"""How many more real observations until the language model no longer matters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.components import REAL, components
from foundation_priors.diagnose.sensitivity import check_path
from foundation_priors.diagnose.shares import shares
from foundation_priors.diagnose.washout_core import Local, Place, Sums, kappa_of_share
from foundation_priors.diagnose.washout_future import Future, Seen, first_lasting
from foundation_priors.errors import UnreliableWarning, brief, check_probability, did_you_mean, warn
from foundation_priors.path.draws import Quantity, evaluate, labels, margin_of

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["washout"]

type Floats = NDArray[np.float64]

FAILS = (
    "New rows are taken to be like the present ones, of the same covariates and from the same "
    "model: rows chosen to inform more settle it sooner, and a model that is wrong is not washed "
    "out."
)
Z = 1.6449
"""Of a 90% interval."""
PLACES = (0.05, 0.5, 0.95)
CLOSE = 0.25
"""How far from the target, as a part of it, the share at a formula's rows may be."""
FAR = "the path's draws do not reach so many rows, and a path from a file cannot be refitted"


def washout(
    path: TrustPath,
    quantity: Quantity,
    *,
    share: float | None = None,
    probability: float | None = None,
    trust: Any = "cautious",
    source: str | None = None,
    assurance: float = 0.8,
    truth: Any = 0.0,
    random_seed: int | None = None,
) -> xr.Dataset:
    r"""Return how many more real observations make the language model matter little.

    Parameters
    ----------
    path : TrustPath
    quantity : str or callable
        A quantity, whose share of information from the answers is to fall; or a statement such as
        ``"beta > 0.2"``, whose tipping point is to vanish.
    share : float
        The share to fall below, .1 by default.
    probability : float
        A statement holds where its probability is at least this, .95 by default.
    trust : number, dict or rule
        Of the share. A rule stands for its mean weight.
    source : str, optional
        Whose share; that of all sources together by default.
    assurance : float
        The probability with which the tipping point is to vanish from the whole path.
    truth : number, dict or rule
        The trust of the posterior that future data are expected from, for a statement.
    random_seed : int, optional
        Of the futures of a statement; defaults to the path's own.

    Returns
    -------
    xarray.Dataset
        ``observations``, further real rows, 0 where none are needed and infinite where no number
        of rows like the present ones does; ``mcse``; ``lower`` and ``upper``, a 90% interval.

        For a quantity, over ``quantity`` where it is an array: ``share``, the present one, and
        ``mcse_share``; ``check``, the share with so many rows more, from the path's draws
        reweighted by a power of the real likelihood or from the compiled model sampled at it;
        ``reliable`` and ``reason``.

        For a statement: ``median``, the number that does in half of all futures; over ``rows``,
        ``settled``, the probability that the statement no longer tips, with ``holds`` that it
        holds everywhere; and ``check``, the largest difference of a probability on the path from
        that by reweighting the path's draws by a power of the real likelihood, when
        ``check_rows`` new rows repeat the present ones.

    Warns
    -----
    UnreliableWarning
        Where no number of rows can be relied on.

    Notes
    -----
    With :math:`A_c` the parts of the information (`foundation_priors.reliance`), that of the real
    data in proportion to the rows, the share falls to s after

    .. math:: m = n \left( \frac{A_s / s - \sum_c A_c}{A_r} \right)

    rows, exact for a normal mean and a binomial rate; with several coordinates the direction that
    moves the quantity turns as data come in, and m is multiplied by what that changes in Gaussian
    approximation. The interval adds to the Monte Carlo error what the information depends on where
    the quantity lies, from its 5% to its 95% point. Where the share with so many rows more is not
    the one asked for, as where an answers' private scale grows once real rows disagree with them,
    the first number of rows from which on the share stays below it is searched for.

    For a statement the path is Gaussian at each weight, future estimates scatter about draws from
    the posterior at ``truth`` by the information of the new rows, and each future either tips or
    not; the interval is between the rows that settle 10% and 90% of the futures, as far as these
    exist. ``mcse`` is a jackknife over the path's draws.

    References
    ----------
    .. [1] S. Morita, P. F. Thall and P. Mueller (2008). Determining the effective sample size of a
       parametric prior. Biometrics 64(2). doi:10.1111/j.1541-0420.2007.00888.x

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.diagnose.washout(path, "beta", share=0.1).observations  # doctest: +SKIP
    >>> fp.diagnose.washout(path, "beta > 0.2").attrs["reading"]  # doctest: +SKIP
    """
    check_path(path, "washout()")
    value = evaluate(path.draws, quantity)
    if value.dtype == bool:
        from foundation_priors.diagnose.washout_tipping import tipping_washout

        if share is not None or source is not None:
            raise ValueError(
                f"{quantity!r} is a statement, which has a tipping point: leave out share= and "
                "source=, or name a quantity."
            )
        level = 0.95 if probability is None else probability
        seed = path.facts.seed if random_seed is None else random_seed
        return tipping_washout(path, margin(path, quantity), level, assurance, truth, seed)
    if probability is not None:
        raise ValueError(
            f"{quantity!r} is no statement: leave out probability=, or write a comparison, such "
            "as 'beta > 0'."
        )
    target, seed = 0.1 if share is None else share, random_seed
    seed = path.facts.seed if seed is None else seed
    return _share_washout(path, quantity, value, target, trust, source, seed)


def margin(path: TrustPath, statement: Quantity) -> tuple[str, Floats]:
    """Return a statement in words and for each draw by how much it holds.

    A function of the draws may have a ``label`` and a method ``margin`` that says so.

    Raises
    ------
    ValueError
        Unless it is a single comparison of scalars.
    """
    if isinstance(statement, str):
        label, away = statement, margin_of(path.draws, statement)
    else:
        of = getattr(statement, "margin", None)
        label, away = getattr(statement, "label", ""), of(path.draws) if of else None
    if away is None or away.ndim != 1:
        raise ValueError(
            f"{brief(statement)} must be one comparison in words, such as 'beta > 0.2', of two "
            "scalars."
        )
    return label, np.asarray(away, dtype=float)


def _share_washout(
    path: TrustPath,
    quantity: Quantity,
    value: xr.DataArray,
    target: float,
    trust: Any,
    source: str | None,
    seed: Any,
) -> xr.Dataset:
    check_probability(target, "share")
    if source is not None and source not in path.sources:
        raise ValueError(f"There is no source {source!r}.{did_you_mean(source, path.sources)}")
    how = path._weighing(trust)
    if how.points.shape:
        raise ValueError(
            "washout() takes one weight, one for each source, or a rule: give a number."
        )
    point = how.points.array[0]
    how.reliable()
    parts, at = components(path), dict(zip(path.sources, point, strict=True))
    names = list(parts)
    values, grads = (
        np.stack([_times(part[i], at.get(n, 1.0)) for n, part in parts.items()]) for i in (0, 1)
    )
    said = [names.index(s) for s in (path.sources if source is None else [source])]
    flat = value.values.reshape(len(value), -1).astype(float)
    solve = _solver(path, point, values, grads, names.index(REAL), said, target, flat)
    name = quantity if isinstance(quantity, str) else str(value.name or "quantity")
    said_names = list(path.sources) if source is None else [source]
    future = Future(path, point, quantity, said_names, seed)
    rows = [
        _checked(solve(column), partial(future.share, column), target, path.facts.n_real)
        for column in range(flat.shape[1])
    ]
    data = {k: ("quantity", np.array([row[k] for row in rows])) for k in rows[0]}
    out = xr.Dataset(data, {"quantity": labels(value, name, path.draws)})
    out.attrs = {"target": target, "trust": how.label(), "n_real": path.facts.n_real}
    out.attrs["reading"] = _reading(out, source)
    out.attrs["fails_when"] = FAILS
    if not out.reliable.all():
        warn(
            f"Rows that wash the answers out are not to be relied on: {out.attrs['reading']}",
            UnreliableWarning,
        )
    return out.isel(quantity=0) if value.ndim == 1 else out


def _times(array: Floats, weight: float) -> Floats:
    return weight * array if weight else np.zeros_like(array)


def _solver(
    path: TrustPath,
    point: Floats,
    values: Floats,
    grads: Floats,
    real: int,
    said: list[int],
    target: float,
    quantities: Floats,
) -> Callable[[int], dict[str, float]]:
    """Return a function from the number of a quantity, (draw, quantity), to what it needs."""
    mixture, u, n = path.posterior.mixture, path.posterior.u, path.facts.n_real
    w = mixture.weights(point[None])[0]
    place = Place(Sums.of(w, u, list(grads), quantities), real)

    def parts_of(array: Floats) -> Floats:
        """Answers and the rest, then what makes the share of the first equal m / n."""
        own = array[said].sum(axis=0)
        wanted = own / target - array.sum(axis=0)
        return np.stack([wanted, array[real] - wanted])

    pair = parts_of(grads), parts_of(values)
    both = [
        np.stack([x[said].sum(axis=0), x.sum(axis=0) - x[said].sum(axis=0)])
        for x in (grads, values)
    ]

    def solve(column: int) -> dict[str, float]:
        h = quantities[:, column]
        now = shares(mixture, point, h, u, *both)
        ratio = shares(mixture, point, h, u, *pair)
        here = place.of(column)
        turned = _turn(here, said, target)
        at = [_ratio_at(w, u, h, pair[0], q) for q in PLACES]
        rows = np.array([ratio.share[0], *at]) * turned * n
        if now.share[0] <= target:  # it may rise yet, where other parts settle sooner
            rows = np.full(len(rows), n * kappa_of_share(here, said, target))
        error = float(ratio.share_error[0] * turned * n) if np.isfinite(turned) else 0.0
        found = np.where(rows > 0, rows, 0.0)
        return {
            "share": float(now.share[0]),
            "mcse_share": float(now.share_error[0]),
            "observations": float(found[0]),
            "mcse": error if found[0] else 0.0,
            "lower": max(float(found.min()) - Z * error, 0.0) if found[0] else 0.0,
            "upper": float(found.max()) + Z * error if found[0] else 0.0,
        }

    return solve


def _checked(
    one: dict[str, Any], share: Callable[[float], Seen | None], target: float, n: int
) -> dict[str, Any]:
    """Hold a formula's rows against the share with so many rows, or else search for them."""
    one |= {"check": one["share"], "reliable": True, "reason": ""}
    m = one["observations"]
    if m == 0 and one["share"] <= target:
        return one
    if 0 < m < np.inf:
        there, beyond = share(m / n), share(4 * m / n)
        if there is None or beyond is None:
            return one | {"check": np.nan, "reliable": False, "reason": FAR}
        close = abs(there.share - target) <= CLOSE * target + 3 * there.error
        if close and beyond.share <= target + 3 * beyond.error and there.agree:
            return one | {"check": there.share}
    kappa, error, ends, reason = first_lasting(share, target)
    m, error, low, high = (n * x for x in (kappa, error, *ends))
    there = share(kappa) if np.isfinite(kappa) else None
    return one | {
        "observations": m,
        "mcse": error,
        "lower": max(min(low, m - Z * error), 0.0) if np.isfinite(m) else low,
        "upper": max(high, m + Z * error) if np.isfinite(m) else high,
        "check": np.nan if there is None else there.share,
        "reliable": not reason,
        "reason": reason,
    }


def _turn(here: Local, said: list[int], target: float) -> float:
    """Return how the direction's turning changes the rows, in Gaussian approximation."""
    full = kappa_of_share(here, said, target)
    v = here.covariance @ here.slope
    source = float(v @ here.curves[said].sum(axis=0) @ v)
    real = float(v @ here.real @ v)
    if not np.isfinite(full):
        return np.inf
    plain = (source / target - float(here.slope @ v)) / real if real > 0 else np.inf
    return float(full / plain) if plain > 0 and full > 0 else 1.0


def _ratio_at(w: Floats, u: Floats, h: Floats, pair: Floats, q: float) -> float:
    """Return m / n from the draws about one quantile of the quantity."""
    mean = w @ h
    sd = np.sqrt(w @ (h - mean) ** 2)
    order = np.argsort(h)
    place = np.interp(q, np.cumsum(w[order]), h[order])
    near = w * np.exp(-(((h - place) / sd) ** 2) / 2) if sd > 0 else w
    near = near / near.sum()
    wh = near * (h - near @ h)

    def covary(x: Floats) -> Floats:
        return wh @ x - wh.sum() * (near @ x)

    v = covary(u)
    parts = [-covary(g) @ v for g in pair]
    return float(parts[0] / sum(parts))


def _reading(out: xr.Dataset, source: str | None) -> str:
    who = "the answers'" if source is None else f"{source}'s"
    words = []
    for row in out.quantity.values:
        one = out.sel(quantity=row)
        m, share = one.observations.item(), one.share.item()
        if not one.reliable.item():
            words.append(
                f"it is not certain how many rows bring {who} share of {row}, {share:z.2f}, to "
                f"{out.attrs['target']:g}: {one.reason.item()}"
            )
        elif m == 0:
            words.append(f"{who} share of {row} is {share:z.2f} and needs no more data")
        elif not np.isfinite(m):
            words.append(
                f"no number of rows like the present ones brings {who} share of {row} down"
            )
        else:
            words.append(
                f"{who} share of {row} is {share:z.2f}; {m:z.0f} more real observations (90% "
                f"interval {one.lower.item():z.0f} to {one.upper.item():z.0f}) beside the "
                f"{out.attrs['n_real']} bring it to {out.attrs['target']:g}"
            )
    text = ". ".join(w[0].upper() + w[1:] for w in words)
    return text + "."
