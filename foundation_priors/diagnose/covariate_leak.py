"""Columns outside the model that give the outcome away, and whether the answers follow them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.covariate_leak_core import (
    accuracy,
    features,
    follow,
    gained,
    predicted,
)
from foundation_priors.diagnose.leakage_words import chance
from foundation_priors.display import count
from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.columns import named_index

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["covariate_leak"]

type Floats = NDArray[np.float64]

FEWEST = 20
MOST_LEVELS = 21
CLEAR = 2.0
"""Standard errors beyond which columns are said to tell more of the outcome."""
FAILS_WHEN = (
    "The probe fails where the columns give the outcome away in a way that neither their values, "
    "added up, nor shared values show, and a column that people truly decide by looks the same as "
    "one that was recorded after the fact."
)


def covariate_leak(
    synthetic: SyntheticData,
    real: pd.DataFrame | xr.Dataset,
    *,
    pairs: str | Sequence[Hashable],
    outside: str | Sequence[str],
    given: Sequence[str] = (),
    outcome: str | None = None,
    by: str | None = None,
    folds: int = 10,
    random_seed: int | None = None,
) -> xr.Dataset:
    r"""Find out whether columns outside the model tell the outcome, and the answers follow them.

    Parameters
    ----------
    synthetic : SyntheticData
        The answers, with ``unit=``.
    real : DataFrame or Dataset
        Real rows: the outcome under the answers' name, and the columns. A variable of a Dataset
        with a second dim counts as one column for each of its coordinates.
    pairs : str or sequence, shape (row,)
        The unit of each real row, or the column that holds it.
    outside : str or list of str
        Columns that the model does not use and the prompt showed, or may have implied.
    given : list of str
        The model's own covariates: what they tell is no leak.
    outcome : str, optional
        Default: the only outcome of the answers.
    by : str, optional
        The factor whose levels are judged apart; as in `leakage`.
    folds : int
        Each fold of the rows is predicted by a fit to the others.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        ``accuracy`` over ``columns`` (nothing, given, outside, both, and each outside column by
        itself): the share of real rows predicted rightly, for numbers the share of the variance
        explained. Over ``group``: ``pairs``; ``follows``, the mean gain in probability that the
        outside columns give to what the answers say (for numbers the mean product, in sds);
        ``expected``, the same with answers permuted among pairs; ``p_value``. Attributes
        ``gain``, by which both are more accurate than given alone, with ``gain_error``, ``reading``
        and ``fails_when``.

    Raises
    ------
    ColumnError
        When a column is missing, there are fewer than 20 real rows, one outcome only, or no pairs.

    Notes
    -----
    The features are each column's values and which rows share a value that more than 4% of them
    have: a default filled in for what was not chosen shows there. Fits are ridge regressions,
    multinomial for levels. With :math:`q_i` and :math:`g_i` the cross-validated predictions with
    and without the outside columns and :math:`a_i` the answers, follows is :math:`n^{-1} \sum_i
    a_i \cdot (q_i - g_i)`, compared with 4,999 permutations of the answers among pairs with the
    same predicted outcome under ``given`` (for numbers: the same fifth). A covariate that gives
    the outcome away is known in machine learning as leakage of the target [1]_.

    References
    ----------
    .. [1] S. Kaufman, S. Rosset, C. Perlich and O. Stitelman (2012). Leakage in data mining.
       ACM TKDD 6. doi:10.1145/2382577.2382579

    Examples
    --------
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.covariate_leak import covariate_leak
    >>> study = fp.datasets.load("modechoice")
    >>> found = covariate_leak(
    ...     study.synthetic, study.real, pairs="traveller", outside="ttme", random_seed=1
    ... )
    >>> bool(found["accuracy"].sel(columns="outside") > found["accuracy"].sel(columns="nothing"))
    True
    """
    rng = np.random.default_rng(random_seed)
    outside = [outside] if isinstance(outside, str) else list(outside)
    if not outside:
        raise ColumnError("outside= names no column: name those that the model does not use.")
    name = _outcome(synthetic, outcome)
    table = _columns(real, [name, *outside, *given])
    y, levels = _coded(synthetic, name, np.asarray(real[name]))
    if len(y) < FEWEST or len(np.unique(y)) < 2:
        raise ColumnError(
            f"real= has {count(len(y), 'row')} with "
            f"{count(len(np.unique(y)), 'different outcome')}, and the probe needs "
            f"{FEWEST} rows and 2 outcomes: give more of the real rows."
        )
    if not 2 <= folds <= len(y):
        raise ValueError(f"folds={folds} must lie between 2 and the number of rows, {len(y)}.")
    split = rng.permutation(np.arange(len(y)) % folds)
    sets = {
        "nothing": {},
        "given": _some(table, given),
        "outside": _some(table, outside),
        "both": _some(table, [*given, *outside]),
        **{n: _some(table, [n]) for n in outside if len(outside) > 1},
    }
    fits = {k: predicted(_matrix(v, len(y)), y, levels, split) for k, v in sets.items()}
    scores = {k: accuracy(v, y) for k, v in fits.items()}
    gain, error = gained(fits["both"], fits["given"], y)
    rows = _followed(synthetic, name, levels, _ids(real, pairs, len(y)), fits, y, by, rng)
    out = xr.Dataset(
        {"accuracy": ("columns", list(scores.values()))}
        | {k: ("group", v) for k, v in rows.items() if k != "group"},
        {"columns": list(scores), "group": rows["group"]},
        {"outcome": name, "outside": ", ".join(outside), "kind": "levels" if levels else "numbers"}
        | {"gain": gain, "gain_error": error},
    )
    out.attrs |= {"reading": _reading(out), "fails_when": FAILS_WHEN}
    return out


def _outcome(synthetic: Any, outcome: str | None) -> str:
    from foundation_priors.synthetic import SyntheticData

    if not isinstance(synthetic, SyntheticData):
        raise TypeError(f"synthetic must be a SyntheticData, not {type(synthetic).__name__}.")
    if synthetic.unit is None:
        raise ColumnError(
            "The answers do not say which unit each speaks about: name the column, "
            "SyntheticData(..., unit='person')."
        )
    if outcome is None and len(synthetic.outcomes) > 1:
        raise ColumnError(
            f"The answers have the outcomes {synthetic.outcomes}: name one, outcome=."
        )
    name = outcome or synthetic.outcomes[0]
    if name not in synthetic.outcomes:
        raise ColumnError(
            f"outcome={name!r} is none of the answers.{did_you_mean(name, synthetic.outcomes)}"
        )
    return name


def _columns(
    real: pd.DataFrame | xr.Dataset, names: Sequence[str]
) -> dict[str, dict[str, np.ndarray]]:
    """Return the columns behind each name: several for a variable with a second dim."""
    if not isinstance(real, pd.DataFrame | xr.Dataset):
        raise TypeError(f"real must be a DataFrame or a Dataset, not {type(real).__name__}.")
    if isinstance(real, pd.DataFrame):
        real = named_index(real)
    there = list(real.columns) if isinstance(real, pd.DataFrame) else list(real.variables)
    found: dict[str, dict[str, np.ndarray]] = {}
    for name in names:
        if name not in there:
            raise ColumnError(f"real= has no column {name!r}.{did_you_mean(name, there)}")
        values = np.asarray(real[name])
        if pd.isna(values).any():
            raise ColumnError(f"The column {name!r} of real= has missing values: leave them out.")
        wide = values.reshape(len(values), -1)
        found[name] = {f"{name}[{i}]": wide[:, i] for i in range(wide.shape[1])}
    return found


def _some(table: dict[str, dict[str, np.ndarray]], names: Sequence[str]) -> dict[str, np.ndarray]:
    return {k: v for name in names for k, v in table[name].items()}


def _matrix(columns: dict[str, np.ndarray], rows: int) -> Floats:
    return features(columns) if columns else np.empty((rows, 0))


def _coded(
    synthetic: SyntheticData, name: str, values: np.ndarray
) -> tuple[np.ndarray, int | None]:
    """Return outcomes as levels from 0 and how many there are, or as numbers and None."""
    known = synthetic.levels.get(name)
    if known is None:
        if values.dtype.kind == "f" or len(np.unique(values)) > MOST_LEVELS:
            return values.astype(float), None
        known = tuple(np.union1d(np.unique(values), np.unique(synthetic.column(name))).tolist())
    if values.dtype.kind in "biu" and not set(values.tolist()) <= set(known):
        known = tuple(range(len(known)))
    place = {level: i for i, level in enumerate(known)}
    unknown = [v for v in values.tolist() if v not in place]
    if unknown:
        raise ColumnError(f"{name!r} is {unknown[0]!r} in real=.{did_you_mean(unknown[0], place)}")
    return np.array([place[v] for v in values.tolist()]), len(place)


def _ids(real: Any, pairs: Any, rows: int) -> list[Hashable]:
    if isinstance(pairs, str):
        _columns(real, [pairs])
        pairs = np.asarray(real[pairs])
    values = np.asarray(pairs)
    if values.shape != (rows,):
        raise ColumnError(
            f"pairs= has shape {values.shape}, and there are {rows} real rows: give the unit of "
            "each, None for those without answers."
        )
    return values.tolist()


def _followed(
    synthetic: SyntheticData,
    name: str,
    levels: int | None,
    ids: list[Hashable],
    fits: dict[str, Floats],
    y: np.ndarray,
    by: str | None,
    rng: np.random.Generator,
) -> dict[str, list[Any]]:
    said = _said(synthetic, name, levels)
    place = {unit: row for row, unit in enumerate(ids) if unit is not None}
    unit = np.array([place.get(u, -1) for u in synthetic.column(str(synthetic.unit)).tolist()])
    if (unit < 0).all():
        raise ColumnError(
            "No unit has both a real outcome and an answer, so there are no pairs: check the "
            "identifiers in pairs=."
        )
    by = by or next((f for f in ("conversation", "framing") if f in synthetic.factors), None)
    groups = {"all": np.arange(len(unit))} if by is None else dict(synthetic.groups(by))
    if len(groups) > 1:
        groups["all"] = np.arange(len(unit))
    out: dict[str, list[Any]] = {
        k: [] for k in ("group", "pairs", "follows", "expected", "p_value")
    }
    for group, members in groups.items():
        kept = np.asarray(members)[unit[members] >= 0]
        if not len(kept):
            continue
        rows, number = np.unique(unit[kept], return_inverse=True)
        mean = np.zeros((len(rows), said.shape[1]))
        np.add.at(mean, number, said[kept])
        mean /= np.bincount(number)[:, None]
        hint, plain = fits["both"][rows] - fits["given"][rows], fits["given"][rows]
        if levels is None:
            mean, hint = mean - mean.mean(), hint / y.std()
            mean = mean / (mean.std() or 1.0)
            strata = np.searchsorted(np.quantile(plain, [0.2, 0.4, 0.6, 0.8]), plain)
        else:
            strata = plain.argmax(axis=1)
        values = (group, len(rows), *follow(mean, hint, strata, rng))
        for key, value in zip(out, values, strict=True):
            out[key].append(value)
    return out


def _said(synthetic: SyntheticData, name: str, levels: int | None) -> Floats:
    values = synthetic.column(name)
    if levels is None:
        return values.astype(float)[:, None]
    known = synthetic.levels.get(name) or tuple(np.unique(values).tolist())
    known = tuple(known) if len(known) == levels else tuple(range(levels))
    place = {level: i for i, level in enumerate(known)}
    return np.eye(levels)[[place[v] for v in values.tolist()]]


def _reading(found: xr.Dataset) -> str:
    score = {
        str(k): float(v) for k, v in zip(found["columns"].values, found["accuracy"], strict=True)
    }
    unit = "of the real outcomes rightly" if found.attrs["kind"] == "levels" else "of the variance"
    first = (
        f"The columns outside the model ({found.attrs['outside']}) predict {score['outside']:z.0%} "
        f"{unit} by themselves, the model's covariates {score['given']:z.0%}, both "
        f"{score['both']:z.0%}, nothing {score['nothing']:z.0%}."
    )
    gain, error = found.attrs["gain"], found.attrs["gain_error"]
    tells = gain > CLEAR * error
    first += f" To the model's covariates they add {gain:z.1%} (error {error:.1%})."
    low = found["p_value"] <= 0.05
    names = [str(g) for g in found["group"].values[low.values]]
    told = ", ".join(f"{g} ({chance(float(found['p_value'].sel(group=g)))})" for g in names)
    if tells and names:
        return (
            f"{first} They give the outcome away, and answers follow them: {told}; put these "
            "columns into the model, or leave them out of the prompts."
        )
    if tells:
        return f"{first} They tell of the outcome, but no group of answers is shown to follow them."
    unclear = f"{first} They are not shown to tell more of the outcome"
    if names:
        return f"{unclear}, though answers follow what they suggest: {told}."
    return f"{unclear}, and no group of answers is shown to follow them."
