"""Where answers and observations disagree: on the centre, the spread or the dependence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, check_probability, did_you_mean
from foundation_priors.synthetic.columns import named_index

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["disagreement"]

type Floats = NDArray[np.float64]

EVERY = "all answers"
CENTRE, SPREAD = "centre", "spread"
FAILS = (
    "Both sides are described by a line in the covariates, so that a bend that they share shows in "
    "neither and one that they do not share may show as spread; few clusters make the intervals of "
    "the answers too short."
)


def disagreement(
    synthetic: SyntheticData,
    real: pd.DataFrame | xr.Dataset,
    outcome: str | None = None,
    *,
    covariates: Sequence[str] | None = None,
    by: str | None = None,
    draws: int = 2000,
    ci_prob: float = 0.9,
    random_seed: int = 0,
) -> pd.DataFrame:
    r"""Compare what the answers and the observations say: centre, spread and dependence.

    Parameters
    ----------
    synthetic : SyntheticData
    real : DataFrame or Dataset
        With the outcome and the covariates under the same names.
    outcome : str, optional
        By default the answers' only outcome. One of two levels counts as 0 and 1.
    covariates : sequence of str, optional
        Numeric; by default the answers' numeric covariates that the real rows have too.
    by : str, optional
        A factor of the answers, such as ``"framing"`` or ``"conversation"``, beside all of them.
    draws : int
        Of the Bayesian bootstrap.
    ci_prob : float
    random_seed : int

    Returns
    -------
    pandas.DataFrame
        Index (answers, on). ``on`` is "centre", the mean at the real rows' average covariates,
        "spread", the residual sd, or a covariate, whose slope it is per sd of the real rows.
        Columns: ``synthetic``, ``real``, ``difference`` (of the spread: the log of the ratio),
        ``lower`` and ``upper`` of that, ``probability`` that it is above 0, ``disagrees``, whether
        the interval leaves 0 out, and ``effect``, the difference in sds of the real outcome's
        residuals.

    Notes
    -----
    Least squares on either side, with answers' weights; uncertainty by the Bayesian bootstrap [1]_
    of real rows, and of the answers' units (or cells of equal covariates), all answers about one
    together.

    References
    ----------
    .. [1] D. B. Rubin (1981). The Bayesian bootstrap. Annals of Statistics 9(1).
       doi:10.1214/aos/1176345338

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.conflict_disagreement import disagreement
    >>> study = fp.datasets.load("wages")
    >>> table = disagreement(study.synthetic, study.real, "lwage", by="framing")
    >>> bool(table.disagrees[("all answers", "spread")])
    True
    """
    outcome = _outcome(synthetic, outcome)
    if isinstance(real, pd.DataFrame):
        people = named_index(real)
    else:
        people = real.to_dataframe().reset_index()
    data = synthetic.dataset
    plain = data.drop_dims([dim for dim in data.dims if dim != "answer"])
    said = plain.to_dataframe().reset_index()
    check_probability(ci_prob, "ci_prob")
    if int(draws) != draws or draws < 100:
        raise ValueError(f"draws={draws} must be a whole number of at least 100.")
    names = _covariates(synthetic, people, covariates)
    for name, frame, whose in (
        (outcome, people, "real rows"),
        *((n, people, "real rows") for n in names),
    ):
        if name not in frame:
            raise ColumnError(f"The {whose} have no column {name!r}.{did_you_mean(name, frame)}")
    groups = _groups(said, by)
    y_said, y_real = _numbers(said, people, outcome, synthetic)
    x_real = people[list(names)].to_numpy(float)
    centre, scale = x_real.mean(axis=0), x_real.std(axis=0)
    scale = np.where(np.ptp(x_real, axis=0) > 0, scale, 1.0)
    x_real = (x_real - centre) / scale
    x_said = (said[list(names)].to_numpy(float) - centre) / scale
    rng = np.random.default_rng(random_seed)
    unit = synthetic.unit
    keys = said[unit] if unit else said[list(names)].apply(tuple, axis=1) if names else said.index
    clusters = pd.factorize(keys)[0]
    theirs = _lines(x_real, y_real, np.ones(len(y_real)), np.arange(len(y_real)), int(draws), rng)
    weights = np.asarray(synthetic.weights(outcome), dtype=float)
    rows = []
    for label, mask in groups.items():
        own = _lines(x_said[mask], y_said[mask], weights[mask], clusters[mask], int(draws), rng)
        rows += _compare(label, names, own, theirs, ci_prob)
    table = pd.DataFrame(rows).set_index(["answers", "on"])
    table.attrs = {"outcome": outcome, "reading": _reading(table, ci_prob), "fails_when": FAILS}
    return table


def _outcome(synthetic: Any, outcome: str | None) -> str:
    known = list(getattr(synthetic, "outcomes", ()))
    if not known:
        raise TypeError(
            f"disagreement() compares answers, SyntheticData, with real rows, and got "
            f"{type(synthetic).__name__}."
        )
    if outcome is None:
        if len(known) > 1:
            raise ColumnError(f"The answers have outcomes {', '.join(known)}: name one.")
        return known[0]
    if outcome not in known:
        raise ColumnError(f"The answers have no outcome {outcome!r}.{did_you_mean(outcome, known)}")
    return outcome


def _covariates(
    synthetic: SyntheticData, people: pd.DataFrame, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    if wanted is None:
        data = synthetic.dataset
        plain = [n for n in synthetic.covariates if data[n].ndim == 1 and n in people]
        return tuple(n for n in plain if data[n].dtype.kind in "iufb")
    for name in wanted:
        if name not in synthetic.dataset:
            raise ColumnError(
                f"The answers have no column {name!r}.{did_you_mean(name, synthetic.covariates)}"
            )
    return tuple(wanted)


def _groups(said: pd.DataFrame, by: str | None) -> dict[str, NDArray[np.bool_]]:
    out = {EVERY: np.ones(len(said), dtype=bool)}
    if by is None:
        return out
    if by not in said:
        raise ColumnError(f"The answers have no column {by!r}.{did_you_mean(by, said)}")
    return out | {str(level): (said[by] == level).to_numpy() for level in pd.unique(said[by])}


def _numbers(
    said: pd.DataFrame, people: pd.DataFrame, outcome: str, synthetic: SyntheticData
) -> tuple[Floats, Floats]:
    """Return both outcomes as numbers."""
    levels = list(synthetic.levels.get(outcome, ()))
    out = []
    for frame in (said, people):
        values = frame[outcome]
        if not pd.api.types.is_numeric_dtype(values):
            if len(levels) != 2 or not values.isin(levels).all():
                raise ColumnError(
                    f"The outcome {outcome!r} is neither numeric nor of two levels on both sides: "
                    "code it as numbers first."
                )
            values = values == levels[1]
        out.append(values.to_numpy(float))
    if not all(np.isfinite(v).all() for v in out):
        raise ColumnError(f"The outcome {outcome!r} has missing values: drop those rows first.")
    return out[0], out[1]


def _lines(
    x: Floats,
    y: Floats,
    weights: Floats,
    clusters: NDArray[Any],
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Return intercept, slopes and residual sd, the estimate first, then bootstrap draws."""
    design = np.column_stack([np.ones(len(x)), x, y])
    number = pd.factorize(clusters)[0]
    count = int(number.max()) + 1
    size = design.shape[1]
    if count <= size:
        raise ValueError(
            f"{count} clusters of rows cannot tell {size - 1} coefficients and a spread: name "
            "fewer covariates=, or leave out by=."
        )
    gram = np.zeros((count, size, size))
    np.add.at(gram, number, weights[:, None, None] * design[:, :, None] * design[:, None])
    mass = np.bincount(number, weights)
    dirichlet = np.vstack([np.ones(count), rng.standard_exponential((draws, count))])
    total = np.tensordot(dirichlet, gram, axes=1)
    plain, across = total[:, :-1, :-1], total[:, :-1, -1]
    ridge = 1e-9 * np.trace(plain, axis1=1, axis2=2)[:, None, None] * np.eye(size - 1)
    b = np.linalg.solve(plain + ridge, across[..., None])[..., 0]
    left = np.maximum(total[:, -1, -1] - (b * across).sum(axis=1), 0.0)
    dof = len(y) / max(len(y) - (size - 1), 1)
    return np.column_stack([b, np.sqrt(left / (dirichlet @ mass) * dof)])


def _compare(
    label: str, names: Sequence[str], own: Floats, theirs: Floats, ci_prob: float
) -> list[dict[str, Any]]:
    rows = []
    scale = theirs[0, -1]
    for column, on in enumerate([CENTRE, *names, SPREAD]):
        a, b = own[:, column], theirs[:, column]
        with np.errstate(divide="ignore"):
            away = np.log(a / b) if on == SPREAD else a - b
        low, high = np.quantile(away[1:], [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
        rows.append(
            {
                "answers": label,
                "on": on,
                "synthetic": a[0],
                "real": b[0],
                "difference": away[0],
                "lower": low,
                "upper": high,
                "probability": float((away[1:] > 0).mean()),
                "disagrees": bool(low > 0 or high < 0),
                "effect": (a[0] - b[0]) / scale,
            }
        )
    return [rows[0], rows[-1], *rows[1:-1]]


def _reading(table: pd.DataFrame, ci_prob: float) -> str:
    rows = table.loc[EVERY]
    centre, spread = rows.loc[CENTRE], rows.loc[SPREAD]
    slopes = rows.drop([CENTRE, SPREAD])
    differ = list(slopes.index[slopes.disagrees])
    word = "less" if spread.difference < 0 else "more"
    word = f"they scatter {word}" if spread.disagrees else "they do not clearly scatter otherwise"
    words = (
        f"The answers' centre is {centre.synthetic:.3g} against {centre.real:.3g} "
        f"({100 * ci_prob:.0f}% interval of the difference {centre.lower:.2g} to "
        f"{centre.upper:.2g}), and {word}: residual sd {spread.synthetic:.2g} against "
        f"{spread.real:.2g}."
    )
    if len(slopes):
        words += (
            f" On the dependence they disagree about {', '.join(differ)}."
            if differ
            else " On the dependence no clear disagreement shows."
        )
    names = [n for n in table.index.get_level_values(0).unique() if n != EVERY]
    if names:
        sd = table.xs(SPREAD, level="on").loc[names, "synthetic"]
        words += f" By group the residual sd is {sd.min():.2g} to {sd.max():.2g}."
    return words
