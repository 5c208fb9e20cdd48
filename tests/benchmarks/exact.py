"""Models whose normalisers are known: closed forms and a quadrature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
from scipy.special import logsumexp

import foundation_priors as fp
from tests.benchmarks.cases import Case, anes, men, standardiser
from tests.benchmarks.models import MAN

__all__ = ["EXACT", "Exact", "logits"]

type Array = np.ndarray


@dataclass(frozen=True)
class Exact:
    """A case, and its log normaliser and log evidence less those at trust 0."""

    case: Case
    by: str
    log_normalizer: Callable[[Array], Array]
    log_evidence: Callable[[Array], Array]


def coin() -> Exact:
    """Share of Dole's voters among 40 respondents, and the 540 answers: beta-binomial."""
    frame = anes(40)
    with pm.Model() as model:
        theta = pm.Beta("theta", 1, 1)
        pm.Bernoulli("vote", theta, observed=frame.vote.to_numpy())
    llm = _weighted(fp.datasets.load("anes96").synthetic, "vote")
    said = (llm.dataset.vote.values == "Dole").astype(int)
    known = fp.conjugate.BetaBinomial.from_data(frame.vote.to_numpy(), said)
    return _conjugate("beta-binomial, vote of 40 respondents", model, llm, known)


def centre() -> Exact:
    """Mean log wage of 40 men with known spread, and the 300 answers."""
    frame, sigma = men(40), 0.41
    with pm.Model() as model:
        mu = pm.Normal("mu", 6, 1)
        pm.Normal("lwage", mu, sigma, observed=frame.lwage.to_numpy())
    llm = _weighted(fp.datasets.load("wages").synthetic, "lwage")
    known = fp.conjugate.NormalMean.from_data(
        frame.lwage.to_numpy(), llm.dataset.lwage.values, sigma=sigma, prior_mean=6, prior_sd=1
    )
    return _conjugate("normal mean, known sigma, log wage of 40 men", model, llm, known)


def line() -> Exact:
    """Log wage of 60 men on six coefficients, normal and inverse gamma, and the 300 answers."""
    frame = men(60)
    standardise = standardiser(frame, MAN)

    def design(table: object) -> Array:
        rows = standardise(table)  # type: ignore[arg-type]
        return np.column_stack([np.ones(len(rows)), rows])

    mean = np.array([6.0, 0, 0, 0, 0, 0])
    with pm.Model(coords={"coefficient": ["intercept", *MAN], "man": frame.index}) as model:
        x = pm.Data("x", design(frame), dims=("man", "coefficient"))
        variance = pm.InverseGamma("variance", 2, 0.2)
        scale = pm.math.sqrt(variance)
        beta = pm.Normal("beta", mean, 2 * scale, dims="coefficient")
        pm.Normal("lwage", x @ beta, scale, observed=frame.lwage.to_numpy(), dims="man")
    llm = _weighted(fp.datasets.load("wages").synthetic, "lwage")
    known = fp.conjugate.NormalRegression.from_data(
        design(frame),
        frame.lwage.to_numpy(),
        design(llm.dataset),
        llm.dataset.lwage.values,
        prior_mean=mean,
        prior_cov=4.0,
        a=2,
        b=0.2,
    )
    title = "regression, normal and inverse gamma, log wage of 60 men"
    return _conjugate(title, model, llm, known, {"columns": {"x": design}})


def slope() -> Exact:
    """Vote of 40 respondents on party identification, by quadrature over two parameters."""
    frame = anes(40)
    middle, scale = frame.PID.mean(), frame.PID.std()
    with pm.Model(coords={"respondent": frame.index}) as model:
        x = pm.Data("x", (frame.PID - middle) / scale, dims="respondent")
        a, b = pm.Normal("a", 0, 2.5), pm.Normal("b", 0, 2.5)
        observed = frame.vote.to_numpy()
        pm.Bernoulli("vote", logit_p=a + b * x, observed=observed, dims="respondent")
    llm = _weighted(fp.datasets.load("anes96").synthetic, "vote")
    rows = llm.dataset
    party = (rows.PID.values - middle) / scale
    grid = np.linspace(-14, 14, 1401)
    prior = -(grid[:, None] ** 2 + grid**2) / (2 * 2.5**2)
    ell = _logistic(grid, party, rows.vote.values == "Dole")
    real = _logistic(grid, ((frame.PID - middle) / scale).to_numpy(), frame.vote.to_numpy() == 1)

    def log_z(weights: Array, base: Array) -> Array:
        return np.array([logsumexp(base + w * ell) for w in weights]) - logsumexp(base)

    case = Case(
        "logistic of two parameters, vote of 40 respondents", model, llm, _standard(middle, scale)
    )
    return Exact(
        case,
        "quadrature",
        lambda w: log_z(w, prior),
        lambda w: log_z(w, prior + real) - log_z(w, prior),
    )


@dataclass(frozen=True)
class Logits:
    """Independent logits of items, each with real rows and answers.

    ``terms`` has for each item the real and the synthetic log-likelihood over ``grid``, and
    ``prior`` the log prior there; ``columns`` are those of the answers.
    """

    model: pm.Model
    columns: dict[str, Array]
    grid: Array
    prior: Array
    terms: list[tuple[Array, Array]]


def logits(count: int, real: int, said: int, spread: float = 1.5) -> Logits:
    """Simulate ``real`` rows and ``said`` answers about each of ``count`` items."""
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 1, count)
    yes = rng.binomial(real, 1 / (1 + np.exp(-logit)))
    guess = rng.binomial(said, 1 / (1 + np.exp(-0.5 * logit - 0.5)))

    def rows(number: int, ones: Array) -> dict[str, Array]:
        y = (np.arange(number) < ones[:, None]).astype(int)
        return {"y": y.ravel(), "of": np.repeat(np.arange(count), number)}

    observed = rows(real, yes)
    with pm.Model(coords={"item": range(count)}) as model:
        theta = pm.Normal("theta", 0, spread, dims="item")
        of = pm.Data("of", observed["of"], dims="row")
        pm.Bernoulli("y", logit_p=theta[of], observed=observed["y"], dims="row")
    grid = np.linspace(-8 * spread, 8 * spread, 4001)

    def loglik(ones: int, number: int) -> Array:
        return ones * grid - number * np.logaddexp(0, grid)

    terms = [(loglik(a, real), loglik(b, said)) for a, b in zip(yes, guess, strict=True)]
    return Logits(model, rows(said, guess), grid, -(grid**2) / (2 * spread**2), terms)


def items() -> Exact:
    """Independent logits of 100 simulated items: a sum of quadratures over one parameter each."""
    given = logits(100, 8, 20)
    frame = pd.DataFrame(given.columns)
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", source="simulated", weight=1)

    def log_z(weights: Array, part: float) -> Array:
        each = [
            logsumexp(given.prior + part * real + w * said) - logsumexp(given.prior + part * real)
            for w in weights
            for real, said in given.terms
        ]
        return np.reshape(each, (len(weights), -1)).sum(axis=1)

    return Exact(
        Case("100 independent logits, simulated", given.model, llm),
        "quadrature",
        lambda w: log_z(w, 0.0),
        lambda w: log_z(w, 1.0) - log_z(w, 0.0),
    )


def _standard(middle: float, scale: float) -> dict[str, object]:
    return {"columns": {"x": lambda t: (t["PID"].to_numpy() - middle) / scale}}


def _logistic(grid: Array, x: Array, y: Array) -> Array:
    """Return the log-likelihood over a grid of intercept and slope, by groups of equal rows."""
    out = np.zeros((len(grid), len(grid)))
    for value in np.unique(x):
        yes, no = np.sum(y[x == value]), np.sum(~y[x == value])
        eta = grid[:, None] + grid * value
        out += -yes * np.logaddexp(0, -eta) - no * np.logaddexp(0, eta)
    return out


def _weighted(llm: fp.SyntheticData, outcome: str) -> fp.SyntheticData:
    return fp.SyntheticData(llm.dataset, outcome=outcome, weight=1, levels=dict(llm.levels))


def _conjugate(
    title: str,
    model: pm.Model,
    llm: fp.SyntheticData,
    known: fp.conjugate.base.ConjugatePath,
    options: dict[str, object] | None = None,
) -> Exact:
    return Exact(
        Case(title, model, llm, options or {}),
        "closed form",
        lambda w: np.asarray(known.log_normalizer(w)),
        lambda w: np.asarray(known.log_evidence(w)),
    )


EXACT: dict[str, Callable[[], Exact]] = {
    "coin": coin,
    "centre": centre,
    "line": line,
    "slope": slope,
    "items": items,
}
