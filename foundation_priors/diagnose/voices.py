"""Where the spread of answers comes from: one voice or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.voices_columns import Asked, asked, require_answers
from foundation_priors.diagnose.voices_core import Anova, anova, nested, pivots, repeats
from foundation_priors.errors import ModelError, UnreliableWarning, check_probability, warn
from foundation_priors.prior.nuts import nuts_options

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["one_level", "variance_components"]

type Floats = NDArray[np.float64]

FAILS_WHEN = (
    "A factor with few levels has a component that is hardly known (its interval says so), one with"
    " a single level has none at all, and answers that are not numbers on a common scale have no"
    " variance to decompose."
)
R_HAT = 1.05
SIZE = 4000


def variance_components(
    llm: SyntheticData,
    outcome: str | None = None,
    factors: Sequence[str] | None = None,
    profile: str | bool | None = None,
    method: Literal["anova", "bayes"] = "anova",
    *,
    interactions: bool = True,
    prob: float = 0.9,
    scale: float | None = None,
    draws: int = 1000,
    chains: int = 2,
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    random_seed: int | None = 0,
) -> xr.Dataset:
    r"""Decompose the variance of answers by who gave them.

    Differences between those who were asked about are told apart first: they are what the questions
    differ in, not who answers.

    Parameters
    ----------
    llm : SyntheticData
    outcome : str, optional
        Default: the first. Two levels count as 0 and 1 (variances on the scale of probabilities),
        ordered levels as 0, 1, 2, ...
    factors : sequence of str, optional
        Default: all factors of the design but ``draw``.
    profile : str or bool, optional
        The column that says who was asked about. Default: the unit, or else equal covariates.
        False: nothing is removed.
    method : {"anova", "bayes"}
        Moments (unbiased, so an estimate can be negative) or a random-effects model in PyMC
        (estimates are posterior medians).
    interactions : bool
        Whether what a level says of one profile in particular is a component, ``factor:profile``.
    prob : float
        Of the intervals.
    scale : float, optional
        ``bayes``: scale of the half-normal prior of each standard deviation, in the outcome's unit.
        Default: the standard deviation of the answers, for all but the profile of those once
        profiles are removed.
    draws, chains : int
        ``bayes``: draws of each chain, and chains.
    target_accept, backend, nuts_sampler_kwargs
        ``bayes``: as in `trust_path`, with a ``target_accept`` of .95 by default.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        Over ``component`` (the profile first, "within" last): ``variance``, ``lower``, ``upper``;
        ``share`` of the sum without the profile's, negative estimates counted as 0; ``df``;
        ``levels``; and ``count``, the number of equally frequent levels that the design is worth.
        ``draws`` over (draw, component) holds the uncertainty, ``nested`` which component lies
        within which. Attributes: ``answers``, ``profile`` and ``profiles``, ``not_judged``,
        ``reading``, ``fails_when``.

    Raises
    ------
    ColumnError
        If there is no such column, or the outcome has no numbers.
    ModelError
        If the answers do not differ, or nothing can be told apart.

    Notes
    -----
    For factor k the sum of squares :math:`SS_k` is what its levels explain beyond all other terms
    but those nested in it. :math:`E[SS_k] = \sum_j \sigma_j^2 tr(A_k Z_j Z_j')` is solved for the
    components: unbiased in any design, the analysis of variance in a balanced one (Henderson's
    third method). Its intervals are generalised confidence intervals: each mean square is its
    expectation times :math:`\chi^2_{df}/df`, exact in balanced designs with normal effects.

    The model has normal effects of all levels, half-normal standard deviations, and a flat mean.
    All but the standard deviations are integrated out, exactly.

    References
    ----------
    Henderson, C. R. (1953), doi:10.2307/3001853. Weerahandi, S. (1993),
    doi:10.1080/01621459.1993.10476355.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> llm = fp.datasets.load("wages").synthetic
    >>> found = variance_components(llm, "lwage")
    >>> found["component"].values.tolist()
    ['profile', 'framing', 'conversation', 'framing:profile', 'within']
    >>> round(float(found["share"].sel(component="within")), 2)
    0.72
    """
    require_answers(llm, "variance_components")
    _check(method, prob)
    options = nuts_options(target_accept, backend, nuts_sampler_kwargs)
    read = asked(llm, outcome, factors, profile, interactions)
    table = anova(read.y, read.factors)
    for name in table.aliased:
        read.why[name] = "it cannot be told apart from the other terms of this design"
        del read.factors[name]
    _require_spread(read, table)
    if method == "anova":
        estimate = table.components
        drawn = pivots(table, np.random.default_rng(random_seed), SIZE)
    else:
        drawn = _bayes(read, scale, draws, chains, random_seed, options)
        estimate = np.median(drawn, axis=0)
    result = _dataset(read, table.names, estimate, drawn, table.df, prob)
    result.attrs |= {"method": method, "prob": prob}
    result.attrs |= {"reading": _reading(result), "fails_when": FAILS_WHEN}
    return result


def _check(method: str, prob: float) -> None:
    if method not in ("anova", "bayes"):
        raise ValueError(f"method={method!r} must be 'anova' or 'bayes'.")
    check_probability(prob, "prob")


def _require_spread(read: Asked, table: Anova) -> None:
    if not read.factors:
        names = ", ".join(f"{k!r} ({why})" for k, why in read.why.items())
        raise ModelError(f"No factor of these answers can be judged: {names or 'none was varied'}.")
    if table.df[-1] < 1:
        raise ModelError(
            "The answers have as many terms as rows, so no spread within is left: name fewer"
            " factors=, give interactions=False or profile=False, or ask each question twice."
        )
    squares = dict(zip(table.names, table.squares, strict=True))
    squares.pop(str(read.profile_name), None)
    if not any(squares.values()):
        raise ModelError(
            f"All answers about {read.outcome!r} to one question are equal: there is no spread to"
            " decompose, and they are one voice."
        )


def _bayes(
    read: Asked,
    scale: float | None,
    draws: int,
    chains: int,
    seed: int | None,
    options: Mapping[str, Any],
) -> Floats:
    from foundation_priors.diagnose.voices_model import compiled, contrasts, sampled

    unit = float(read.y.std())
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale={scale} must be positive.")
    for name, value, least in (("draws", draws, 50), ("chains", chains, 1)):
        if int(value) != value or value < least:
            raise ValueError(f"{name}={value} must be a whole number of at least {least}.")
    # In units of the spread, so that the sampler meets numbers near 1 whatever the outcome.
    reduced = contrasts(read.y / unit, read.factors)
    seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    model = compiled(reduced, _scales(read, scale) / unit)
    drawn, worst = sampled(model, draws, chains, seed, options)
    if worst > R_HAT:
        warn(
            f"The chains disagree (r-hat {worst:.3g}): give a larger draws=.",
            UnreliableWarning,
        )
    return drawn * unit**2


def _scales(read: Asked, scale: float | None) -> Floats:
    """Return the prior scale of each standard deviation."""
    names = [*read.factors, "within"]
    if scale is not None:
        return np.full(len(names), float(scale))
    whole = rest = float(read.y.std())
    if read.profile is not None:
        sums = np.bincount(read.profile, read.y)
        rest = float((read.y - (sums / np.bincount(read.profile))[read.profile]).std())
    return np.array([whole if name == read.profile_name else rest for name in names])


def _dataset(
    read: Asked, names: list[str], estimate: Floats, drawn: Floats, df: Floats, prob: float
) -> xr.Dataset:
    n = len(read.y)
    codes = [read.factors.get(name) for name in names]
    voices = np.array([name != read.profile_name for name in names])
    share = np.where(voices, np.maximum(estimate, 0.0), np.nan)
    share = share / np.nansum(share)
    edges = np.quantile(drawn, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    inside = [[b is None or (a is not None and nested(a, b)) for b in codes] for a in codes]
    inner = np.array(inside)
    inner[-1], inner[:-1, -1] = True, False  # every answer lies within some level of everything
    over = ("component", "component_")
    return xr.Dataset(
        {
            "variance": ("component", estimate),
            "lower": ("component", edges[0]),
            "upper": ("component", edges[1]),
            "share": ("component", share),
            "df": ("component", df),
            "levels": ("component", [n if c is None else int(c.max()) + 1 for c in codes]),
            "count": ("component", [repeats(c, n) for c in codes]),
            "nested": (over, inner),
            "draws": (("draw", "component"), drawn),
        },
        {"component": names, "component_": names},
        {
            "outcome": read.outcome,
            "answers": n,
            "profile": read.profile_name or "",
            "profiles": 0 if read.profile is None else int(read.profile.max()) + 1,
            "not_judged": dict(read.why),
        },
    )


def _reading(result: xr.Dataset) -> str:
    attrs = result.attrs
    shares = result["share"].to_series().dropna().sort_values(ascending=False)
    parts = ", ".join(f"{name} {share:z.0%}" for name, share in shares.items())
    who = attrs["profile"]
    text = f"Of the variance of the {attrs['answers']} answers about {attrs['outcome']!r}"
    if who:
        variance = result["variance"].to_series().clip(lower=0.0)
        part = variance[who] / variance.sum()
        text += (
            f", {part:z.0%} is who was asked about ({attrs['profiles']} of {who!r}); of the rest"
        )
    text += f", these are the parts: {parts}."
    single = one_level(attrs["not_judged"])
    if single:
        text += f" There is one {single} only: what others would add is unknown."
    return text


def one_level(why: Mapping[str, str]) -> str:
    """Name the factors that were not varied."""
    return " and one ".join(k for k, reason in why.items() if reason.startswith("it has one level"))
