"""The demonstration's numbers: what each trust does to the estimate, the claims and the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.cli.pilot import COVARIATES, PRIOR_SD, Pilot

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["CLAIMS", "LEVELS", "Difference", "Findings", "find"]

type Floats = NDArray[np.float64]

CLAIMS = (("party", 3.0), ("age", 0.0), ("education", 0.0), ("income", 0.0))
"""The claims that may tip: a covariate's coefficient is above a value."""

LEVELS = (0.5, 0.9)
"""The probabilities at which a claim tips: more likely than not, and well supported."""

INTERVAL = (0.05, 0.95)
CHUNKS = 8


@dataclass(frozen=True)
class Difference:
    """A difference of held-out scores in nats, and its standard error over respondents."""

    nats: float
    error: float


@dataclass(frozen=True)
class Findings:
    """What the demonstration shows.

    Attributes
    ----------
    marks : dict of str to float
        The weights shown, by what they are.
    balance, best : float
        The weight at which the answers count for as much as the pilot, and the one with the best
        held-out score.
    table : pandas.DataFrame
        One row a mark.
    claims : pandas.DataFrame
        One row a claim: its probability at some weights, and where it tips.
    shares : pandas.DataFrame
        `reliance` on the coefficients at ``balance``.
    score : xarray.DataArray
        Over the path's weights, in nats, all held-out respondents together.
    curve : xarray.Dataset
        Over the path's weights: ``score`` and ``expected``, nats per held-out respondent.
    gain, loss : Difference
        From trust 0 to the best, and from trust 1 to the best.
    reference : pandas.DataFrame
        The coefficients and their standard errors from all real respondents in no prompt.
    """

    marks: dict[str, float]
    balance: float
    best: float
    table: pd.DataFrame
    claims: pd.DataFrame
    shares: pd.DataFrame
    score: xr.DataArray
    curve: xr.Dataset
    gain: Difference
    loss: Difference
    reference: pd.DataFrame

    def of_everybody(self, covariate: str) -> tuple[float, float]:
        """Return the coefficient from all real respondents in no prompt, and its error."""
        estimate, error = (self.reference[c].to_dict()[covariate] for c in ("estimate", "error"))
        return float(estimate), float(error)


def find(pilot: Pilot, path: TrustPath) -> Findings:
    """Compute everything that the demonstration shows; nothing is sampled or compiled.

    Parameters
    ----------
    pilot : Pilot
    path : TrustPath
        Of the pilot's model and answers.

    Returns
    -------
    Findings
    """
    from foundation_priors.diagnose import reliance

    score = path.score(pilot.held_out)
    best = float(score["trust"].values[np.argmax(score.values)])
    balance = min(
        1.0, pilot.real.sizes["respondent"] / float(path.effective_observations(trust=1.0))
    )
    marks = _marks(pilot, balance, best)
    weights = np.concatenate([path.trust, list(marks.values())])
    predicted = _predictions(pilot, path, weights)
    grid, marked = predicted[: len(path.trust)], predicted[len(path.trust) :]
    rows = dict(zip(marks.values(), _row_scores(pilot, marked), strict=True))
    reference = _reference(pilot)
    curve = xr.Dataset(
        {
            "score": ("trust", score.values / score.attrs["n_rows"]),
            "expected": ("trust", _expected(grid)),
        },
        {"trust": path.trust},
    )
    return Findings(
        marks=marks,
        balance=balance,
        best=best,
        table=_table(path, marks, _row_scores(pilot, marked).mean(axis=1), _expected(marked)),
        claims=_claims(path, balance, reference),
        shares=reliance(path, balance, "beta"),
        score=score,
        curve=curve,
        gain=_difference(rows[best], rows[0.0]),
        loss=_difference(rows[best], rows[1.0]),
        reference=reference,
    )


def _marks(pilot: Pilot, balance: float, best: float) -> dict[str, float]:
    named = {
        f"worth {pilot.real.sizes['respondent']} real": balance,
        "design effect": pilot.design_weight,
        "best score": best,
        "half": 0.5,
    }
    inside = sorted((weight, name) for name, weight in named.items() if 0 < weight < 1)
    return {"ignored": 0.0, **{name: w for w, name in inside}, "taken for data": 1.0}


def _predictions(pilot: Pilot, path: TrustPath, weights: Floats) -> Floats:
    """Return the probability of a vote for Dole, shape (weight, held-out respondent)."""
    x = xr.DataArray(pilot.standardise(pilot.held_out), dims=("respondent", "covariate"))

    def chosen(rows: NDArray[np.int_]) -> Floats:
        def probability(draws: xr.Dataset) -> xr.DataArray:
            slopes = draws["beta"].drop_vars("covariate")
            logit = draws["intercept"] + xr.dot(slopes, x[rows], dim="covariate")
            return 1 / (1 + np.exp(-logit))

        return np.asarray(path.mean(probability, trust=weights).values)

    # In parts, so that draws times respondents need not fit into memory at once.
    parts = np.array_split(np.arange(x.sizes["respondent"]), CHUNKS)
    return np.concatenate([chosen(rows) for rows in parts], axis=1)


def _row_scores(pilot: Pilot, predicted: Floats) -> Floats:
    dole = pilot.held_out["vote"].values == 1
    return np.asarray(np.log(np.where(dole, predicted, 1 - predicted)))


def _expected(predicted: Floats) -> Floats:
    """Return the score that each weight's own predictions expect, per respondent."""
    other = 1 - predicted
    return np.asarray((predicted * np.log(predicted) + other * np.log(other)).mean(axis=1))


def _difference(a: Floats, b: Floats) -> Difference:
    each = a - b
    return Difference(float(each.sum()), float(each.std(ddof=1) * np.sqrt(len(each))))


def _table(
    path: TrustPath, marks: dict[str, float], score: Floats, expected: Floats
) -> pd.DataFrame:
    weights = np.array(list(marks.values()))

    def party(draws: xr.Dataset) -> xr.DataArray:
        return draws["beta"].sel(covariate="party", drop=True)

    low, high = path.quantile(party, INTERVAL, trust=weights).values.T
    evidence = path.log_evidence(trust=weights)
    columns = {
        "trust": weights,
        "effective_observations": path.effective_observations(trust=weights).values,
        "party": path.mean(party, trust=weights).values,
        "party_low": low,
        "party_high": high,
        "log_evidence": evidence.values,
        "mcse_log_evidence": evidence["mcse"].values,
        "score": score,
        "expected_score": expected,
    }
    return pd.DataFrame(columns, index=pd.Index(marks, name="mark"))


def _claims(path: TrustPath, balance: float, reference: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import norm

    rows = []
    for covariate, cut in CLAIMS:

        def event(draws: xr.Dataset, covariate: str = covariate, cut: float = cut) -> xr.DataArray:
            return draws["beta"].sel(covariate=covariate, drop=True) > cut

        chance = path.probability(event, trust=[0.0, balance, 1.0]).values
        row: dict[str, object] = {"claim": f"{covariate} > {cut:g}"}
        row |= dict(zip(("at 0", "at balance", "at 1"), chance, strict=True))
        row["all real"] = norm.sf(cut, *reference.loc[covariate])
        for level in LEVELS:
            roots = path.tipping(event, probability=level)
            row[f"tips at {level:.0%}"] = roots["trust"].values
            row[f"mcse at {level:.0%}"] = roots["mcse"].values
        rows.append(row)
    return pd.DataFrame(rows).set_index("claim")


def _reference(pilot: Pilot) -> pd.DataFrame:
    """Return the coefficients of all respondents in no prompt, by Laplace's approximation."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    everybody = xr.concat([pilot.real, pilot.held_out], "respondent")
    x = np.column_stack([np.ones(everybody.sizes["respondent"]), pilot.standardise(everybody)])
    sign = 2 * everybody["vote"].values - 1

    def loss(b: Floats) -> float:
        return float(b @ b / (2 * PRIOR_SD**2) - log_expit(sign * (x @ b)).sum())

    def slope(b: Floats) -> Floats:
        return np.asarray(b / PRIOR_SD**2 - x.T @ (sign * expit(-sign * (x @ b))))

    b = minimize(loss, np.zeros(x.shape[1]), jac=slope, method="BFGS").x
    p = expit(x @ b)
    precision = (x.T * (p * (1 - p))) @ x + np.eye(len(b)) / PRIOR_SD**2
    error = np.sqrt(np.diag(np.linalg.inv(precision)))
    names = pd.Index(["intercept", *COVARIATES], name="coefficient")
    return pd.DataFrame({"estimate": b, "error": error}, index=names)
