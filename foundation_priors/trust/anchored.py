"""Anchored calibration: the error of the answers, learned where the truth is known too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.display import count
from foundation_priors.errors import UnreliableWarning, warn
from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.compiling import compile_model
from foundation_priors.prior.nuts import nuts_options
from foundation_priors.trust.anchored_model import ANSWERS, ErrorKind, join
from foundation_priors.trust.anchored_result import R_HAT, Anchored, least_ess

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

__all__ = ["Anchored", "anchored"]

FEW_PAIRS = 5
DIVERGENT = 0.01


def anchored(
    model: pm.Model,
    synthetic: SyntheticData,
    *,
    pairs: Any,
    columns: Mapping[str, ColumnSpec] | None = None,
    given: Sequence[str] | None = None,
    error: ErrorKind | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float | None = None,
    backend: str | None = None,
    nuts_sampler_kwargs: Mapping[str, Any] | None = None,
    random_seed: int | None = None,
) -> Anchored:
    r"""Learn the answers' error from units with a real outcome, and use it for those without.

    The answers are no evidence about the world here, and no prior either: they are readings of an
    instrument whose bias, scale and noise are learned from pairs. Where the pairs show that the
    answers do not follow the outcome (a slope of 0, equal rows of the confusion matrix), they add
    nothing.

    Parameters
    ----------
    model : pymc.Model
        The model of the real rows, those of the pairs among them. The outcome that the answers are
        about is Normal, or takes whole numbers from 0 to at most 20 (Bernoulli, Categorical,
        OrderedLogistic, Binomial, ...). It is not changed.
    synthetic : SyntheticData
        The answers, with ``unit=`` naming whom each is about. Several answers about a unit become
        one summary, so that copies are never news.
    pairs : array_like or str
        The unit of each real row, shape (row,), None (or any identifier that no answer has) where
        there are no answers; or the name of a dimension of the model with these coordinates, or
        of data of the model with these values.
    columns : dict, optional
        As in `tilt`.
    given : sequence of str, optional
        The covariates of the model on which the error may depend. By default all, since a language
        model answers from the covariates: with ``given=()`` what it knows of them would be taken
        for what it knows of the outcome, and coefficients be biased.
    error : {"linear", "confusion"}, optional
        By default linear for a Normal outcome and a confusion matrix for one in levels; linear
        also serves ordered levels and counts, with few pairs better.
    draws, tune, chains, cores
        As in `pymc.sample`, for each of two runs of one compiled model.
    target_accept, backend, nuts_sampler_kwargs
        As in `trust_path`.
    random_seed : int, optional

    Returns
    -------
    Anchored
        Posteriors with and without the unpaired answers, the error's parameters, and what each
        answer was worth in real observations.

    Raises
    ------
    ColumnError
        When pairs do not match: no unit in common, a unit given twice, another number of
        identifiers than real rows, different covariates; when all units with answers have a real
        outcome; or when answers have no scatter.
    ModelError
        When the outcome's likelihood is of another kind.

    Warns
    -----
    UnreliableWarning
        With fewer than 5 pairs, or when the chains do not agree.

    Notes
    -----
    Linear, with s the mean of a unit's answers, y its outcome and x the covariates ``given``,
    standardised by the real rows:

    .. math:: s = a + b\,(y - \bar y) + x c + e, \qquad e \sim Normal(0, \tau).

    Where y is not known and the model says :math:`y \sim Normal(\mu, \sigma)`, it is integrated
    out: :math:`s \sim Normal(a + b(\mu - \bar y) + x c, \sqrt{b^2 \sigma^2 + \tau^2})`. Priors, in
    terms of the mean :math:`\bar y` and sd :math:`S` of the real outcomes: a ~ Normal(:math:`\bar
    y`, 2.5 S), b ~ Normal(0, 2), c ~ Normal(0, 2.5 S), :math:`\tau` ~ HalfNormal(2.5 S).

    Confusion, with s the level that most of the unit's answers give (a level of its own, "tie",
    where several do): :math:`P(s \mid y = k, x) \propto \exp(A_{ks} + x D_s)` with Normal(0, 2.5)
    priors, or without covariates rows :math:`C_k` ~ Dirichlet(1, ..., 1); unknown outcomes are
    summed over, :math:`p(s) = \sum_k p(y = k \mid x, \theta)\, P(s \mid k, x)`.

    The units with pairs must be like those without: if outcomes were collected where the language
    model is at its best, its error is understated elsewhere. Nothing in the data can show that
    when the others' outcomes are unknown; choose the pairs at random.

    References
    ----------
    .. [1] A. N. Angelopoulos et al. (2023). Prediction-powered inference. Science 382.
       doi:10.1126/science.adi6000
    .. [2] R. J. Carroll et al. (2006). Measurement Error in Nonlinear Models. Chapman & Hall.
       doi:10.1201/9781420010138

    Examples
    --------
    >>> import foundation_priors as fp
    >>> found = fp.trust.anchored(model, llm, pairs=ids, random_seed=1)  # doctest: +SKIP
    >>> found.effective_size("mean")  # doctest: +SKIP
    >>> found.errors  # doctest: +SKIP
    """
    _check_numbers(draws=draws, tune=tune, chains=chains)
    options = nuts_options(target_accept, backend, nuts_sampler_kwargs)
    joined = join(model, synthetic, pairs, columns or {}, given, error)
    if joined.n_pairs < FEW_PAIRS:
        _warn(
            f"With {count(joined.n_pairs, 'pair')} the answers' error rests on its prior: collect "
            f"real outcomes for {FEW_PAIRS} units with answers or more."
        )
    runs = _sample(joined.model, draws, tune, chains, cores, random_seed, options)
    facts = {k: v for k, v in vars(joined).items() if k != "model"}
    return Anchored._of(runs, facts, joined.model)


def _check_numbers(**numbers: int) -> None:
    for name, value in numbers.items():
        least = 2 if name == "chains" else 50
        if int(value) != value or value < least:
            raise ValueError(f"{name}={value} must be a whole number of at least {least}.")


def _sample(
    model: pm.Model,
    draws: int,
    tune: int,
    chains: int,
    cores: int | None,
    seed: int | None,
    options: Mapping[str, Any],
) -> dict[float, xr.Dataset]:
    """Sample without the unpaired answers and with them, by one compiled model."""
    import nutpie

    compiled = compile_model(model)
    seeds = np.random.SeedSequence(seed).generate_state(2)
    runs = {}
    for answers, number in zip((0.0, 1.0), seeds, strict=True):
        trace = nutpie.sample(
            compiled.with_data(**{ANSWERS: answers}),
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            seed=int(number),
            progress_bar=False,
            save_warmup=False,
            **options,
        )
        runs[answers] = _plain(trace["posterior"].to_dataset())
        _check_run(runs[answers], trace["sample_stats"].to_dataset(), answers)
    return runs


def _plain(draws: xr.Dataset) -> xr.Dataset:
    """Return the draws with text as coordinates that a file can hold, and without attributes."""
    text = {k: v.astype(str) for k, v in draws.coords.items() if v.dtype == object}
    return draws.assign_coords(text).drop_attrs()


def _check_run(draws: xr.Dataset, stats: xr.Dataset, answers: float) -> None:
    r_hat, diverged = least_ess(draws)[1], float(stats["diverging"].mean())
    if r_hat > R_HAT or diverged > DIVERGENT:
        _warn(
            f"The chains {'with' if answers else 'without'} the answers are unreliable (r-hat "
            f"{r_hat:.3g}, {diverged:.1%} divergent): leave given= at its default, so that the "
            "error may depend on all covariates, or give more pairs or a larger tune=."
        )


def _warn(text: str) -> None:
    warn(text, UnreliableWarning)
