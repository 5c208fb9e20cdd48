"""Every variant of a prompt, its estimate and interval, without a refit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.multiverse_answers import of_answers
from foundation_priors.diagnose.multiverse_words import FAILS_WHEN, reading
from foundation_priors.errors import check_probability

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity
    from foundation_priors.synthetic import SyntheticData

__all__ = ["ALL", "ALONE", "NONE", "WITHOUT", "multiverse"]

type Floats = NDArray[np.float64]

NONE, ALONE, ALL, WITHOUT = "no answers", "alone", "all", "without"
DATA = ["with real data", "answers alone"]


@dataclass(frozen=True)
class Variant:
    """A path, and those of its sources that have a weight."""

    label: str
    kind: str
    source: str
    path: TrustPath
    silent: tuple[str, ...]


def multiverse(
    answers: TrustPath | Mapping[str, TrustPath] | SyntheticData,
    quantity: Quantity | None = None,
    trust: Any = "cautious",
    *,
    by: str | Sequence[str] | None = None,
    event: Any = None,
    prob: float = 0.9,
    reference: float = 0.0,
) -> xr.Dataset:
    r"""Return a quantity under every variant of the prompt, of the model, or of any other factor.

    Parameters
    ----------
    answers : TrustPath, mapping of names to TrustPath, or SyntheticData
        A path built with ``by="framing"`` (or model, revision, ...); several paths, such as one
        for each belief; or the answers, of which the mean is taken.
    quantity : str or callable
        Of the model, a scalar, as in `TrustPath.mean`; of answers the outcome, by default the only
        one.
    trust : number, dict or hyperprior
        A weight for each source, or what `TrustPath.trust_posterior` takes, in which case the
        weights of those that speak are learned anew. Not for answers.
    by : str or sequence of str, optional
        Of answers: the factors that are crossed, by default all but draws and conversations.
    event : object, optional
        Of answers that are words: the one whose share is compared, the second of two by default.
    prob : float
        Of the equal-tailed intervals.
    reference : float
        On whose sides the intervals are counted.

    Returns
    -------
    xarray.Dataset
        Over ``variant``: ``mean``, ``sd``, ``lower``, ``upper``, and coordinates ``kind`` ("no
        answers", each source "alone", "all", all "without" one) and ``source``. Of a path also over
        ``data``, "with real data" and "answers alone" (the tilted prior); ``reliable``, where all
        checks hold. Of answers ``n`` and ``noise``. Attributes ``reading`` and ``fails_when``.

    Raises
    ------
    ValueError, ColumnError
        When the quantity is no scalar, there is one variant, or a factor is missing.

    Notes
    -----
    The draws of a path serve every variant: leaving a source out means weight 0 for it, so nothing
    is fitted again. The picture is a multiverse of prompts in the sense of [1]_; the variants are
    no sample, so their spread is no standard error.

    References
    ----------
    .. [1] S. Steegen, F. Tuerlinckx, A. Gelman and W. Vanpaemel (2016). Increasing transparency
       through a multiverse analysis. Perspectives on Psychological Science 11(5).
       doi:10.1177/1745691616658637

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.multiverse import multiverse
    >>> table = multiverse(fp.datasets.load("refine").synthetic, by=["persona", "round"])
    >>> table["mean"].sel(variant="low, 5").item()
    2.875
    """
    from foundation_priors.path import TrustPath
    from foundation_priors.synthetic import SyntheticData

    check_probability(prob, "prob")
    if isinstance(answers, SyntheticData):
        found = of_answers(answers, quantity, by, event, prob)
    else:
        if by is not None or event is not None:
            raise ValueError(
                "by= and event= are of answers; a path gets by= when it is built, and its "
                "quantity can be an event."
            )
        if isinstance(answers, TrustPath):
            answers = {"": answers}
        found = _of_paths(answers, quantity, trust, prob)
    found.attrs |= {"prob": prob, "reference": reference, "fails_when": FAILS_WHEN}
    found.attrs["reading"] = reading(found)
    return found


def _of_paths(
    paths: Mapping[str, TrustPath], quantity: Quantity | None, trust: Any, prob: float
) -> xr.Dataset:
    from foundation_priors.path import TrustPath

    if not isinstance(paths, Mapping) or not all(isinstance(p, TrustPath) for p in paths.values()):
        raise TypeError(
            "multiverse() takes a TrustPath, a mapping of names to them, or SyntheticData, not "
            f"{type(paths).__name__}."
        )
    if quantity is None:
        raise ValueError("Name the quantity whose posterior is compared.")
    variants = list(_variants(paths))
    if len(variants) < 3:
        raise ValueError(
            "The path has one weight for all answers: build it with by= the factor that the "
            "prompts differ in, or give a path for each."
        )
    rows = [_row(variant, quantity, trust, prob) for variant in variants]
    names = ("mean", "sd", "lower", "upper")
    data: dict[str, Any] = {
        name: (("variant", "data"), np.array([row[i] for row in rows]))
        for i, name in enumerate(names)
    }
    data["reliable"] = "variant", np.array([row[4] for row in rows])
    coords: dict[str, Any] = {"variant": [v.label for v in variants], "data": DATA}
    for name in ("kind", "source"):
        coords[name] = "variant", [getattr(v, name) for v in variants]
    label = quantity if isinstance(quantity, str) else getattr(quantity, "__name__", "quantity")
    shown = trust if isinstance(trust, str | int | float) else str(trust)
    return xr.Dataset(data, coords, {"quantity": label, "trust": shown})


def _variants(paths: Mapping[str, TrustPath]) -> Iterator[Variant]:
    """Yield what to compare: one path's sources in every way, several paths once each."""
    first = next(iter(paths.values()))
    yield Variant(NONE, NONE, "", first, tuple(first.sources))
    if len(paths) > 1:
        for name, path in paths.items():
            yield Variant(str(name), ALONE, str(name), path, ())
        return
    sources = tuple(first.sources)
    for name in sources:
        rest = tuple(s for s in sources if s != name)
        yield Variant(name, ALONE, name, first, rest)
    if len(sources) > 1:
        yield Variant(ALL, ALL, "", first, ())
        for name in sources:
            yield Variant(f"{WITHOUT} {name}", WITHOUT, name, first, (name,))


def _row(
    variant: Variant, quantity: Quantity, trust: Any, prob: float
) -> tuple[list[float], list[float], list[float], list[float], bool]:
    """Return mean, sd, lower and upper with real data and without, and whether to rely on it."""
    from foundation_priors.path.draws import evaluate, weighted_quantiles

    path = variant.path
    how = path._weighing(_law(path, trust, variant.silent))
    parts = ((path.draws, how.weights()[0]), (path.prior_draws, how.prior_weights()))
    tails = np.array([(1 - prob) / 2, (1 + prob) / 2])
    out: list[list[float]] = [[], [], [], []]
    for draws, weights in parts:
        value = evaluate(draws, quantity)
        if value.ndim > 1:
            raise ValueError(
                f"{quantity!r} is an array: name one element of it, such as beta[age]."
            )
        h = value.values.astype(float)
        low, high = np.ravel(weighted_quantiles(h, weights[None], tails))
        live = weights > 0
        mean = float(weights[live] @ h[live])
        sd = float(np.sqrt(weights[live] @ (h[live] - mean) ** 2))
        for column, number in zip(out, (mean, sd, float(low), float(high)), strict=True):
            column.append(number)
    return out[0], out[1], out[2], out[3], bool(np.all(how.reliable()))


def _law(path: TrustPath, trust: Any, silent: tuple[str, ...]) -> Any:
    """Return ``trust=`` with some sources held at 0."""
    from foundation_priors.trust.fit import trust_posterior
    from foundation_priors.trust.hyperprior import NAMES

    if len(silent) == len(path.sources):
        return dict.fromkeys(path.sources, 0.0)
    if isinstance(trust, str) and trust not in NAMES:
        raise ValueError(f"trust={trust!r} must be a weight, weights by source, or a hyperprior.")
    weights = isinstance(trust, Mapping) and all(isinstance(v, int | float) for v in trust.values())
    if isinstance(trust, int | float) or weights:
        values = dict(zip(path.sources, path.points(trust).array[0].tolist(), strict=True))
        return values | dict.fromkeys(silent, 0.0)
    return trust_posterior(path, trust, without=silent, quiet=True)
