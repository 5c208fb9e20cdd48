"""Real rows and answers in one frame, and the base measure of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, SyntheticAsEvidenceError, did_you_mean
from foundation_priors.synthetic import SyntheticData
from foundation_priors.synthetic.columns import named_index, number_as_text

__all__ = ["Rows", "combine"]

type Floats = NDArray[np.float64]

REPEATED = 20
"""So many rows in a row that equal the answers are the answers."""


@dataclass(frozen=True)
class Rows:
    """Real rows, then answers.

    Attributes
    ----------
    frame : pandas.DataFrame
        Shape (real + answer, column).
    n_real : int
    base : numpy.ndarray, shape (answer,)
        The base measure: the answers' weights, which add to 1.
    mass : float
        The sum of the answers' weights: their effective rows.
    outcomes, covariates : tuple of str
        What the columns are.
    """

    frame: pd.DataFrame
    n_real: int
    base: Floats
    mass: float
    outcomes: tuple[str, ...]
    covariates: tuple[str, ...]

    @property
    def n_synthetic(self) -> int:
        """Count the answers."""
        return len(self.base)


def combine(
    real: pd.DataFrame | xr.Dataset,
    synthetic: SyntheticData,
    columns: Sequence[str] | None = None,
) -> Rows:
    """Put real rows and answers into one frame, over the columns that both have.

    Parameters
    ----------
    real : DataFrame or Dataset
        One row per observation.
    synthetic : SyntheticData
        The answers; strings with levels become numbers where the real column holds numbers.
    columns : sequence of str, optional
        The columns to keep; by default all outcomes and covariates that both have.

    Returns
    -------
    Rows
    """
    if not isinstance(synthetic, SyntheticData):
        raise TypeError(
            f"synthetic is a {type(synthetic).__name__}, and must be a SyntheticData, so that "
            "answers are not taken for evidence: make one with "
            "fp.SyntheticData.from_dataframe(frame, outcome=...)."
        )
    if isinstance(real, pd.DataFrame):
        real = named_index(real)
    names = _names(real, synthetic, columns)
    observed = _real_frame(real, names)
    answers = pd.DataFrame({n: _answers(synthetic, n, observed[n]) for n in names})
    _refuse_answers(observed, answers)
    outcomes = tuple(n for n in names if n in synthetic.outcomes)
    weights = synthetic.weights(outcomes)
    return Rows(
        pd.concat([observed, answers], ignore_index=True),
        len(observed),
        weights / weights.sum(),
        float(weights.sum()),
        outcomes,
        tuple(n for n in names if n not in outcomes),
    )


def _names(
    real: pd.DataFrame | xr.Dataset, synthetic: SyntheticData, columns: Sequence[str] | None
) -> list[str]:
    if isinstance(real, SyntheticData):
        raise SyntheticAsEvidenceError(
            "real= holds answers of a language model, which are never evidence: give the real rows "
            "there and the answers as synthetic=."
        )
    if not isinstance(real, pd.DataFrame | xr.Dataset):
        raise TypeError(f"real is a {type(real).__name__}: give a DataFrame or a Dataset.")
    theirs = [*synthetic.outcomes, *synthetic.covariates]
    ours = [str(n) for n in (real.variables if isinstance(real, xr.Dataset) else real.columns)]
    wanted = [columns] if isinstance(columns, str) else columns
    names = [n for n in theirs if n in ours] if wanted is None else list(wanted)
    for name in names:
        for known, whose in ((ours, "real rows"), (theirs, "answers")):
            if name not in known:
                raise ColumnError(
                    f"The {whose} have no column {name!r}.{did_you_mean(name, known)}"
                )
    if not any(n in synthetic.outcomes for n in names):
        raise ColumnError(
            f"No outcome of the answers ({', '.join(synthetic.outcomes)}) is a column of the real "
            "rows: rename one of them."
        )
    return names


def _real_frame(real: pd.DataFrame | xr.Dataset, names: Sequence[str]) -> pd.DataFrame:
    if isinstance(real, xr.Dataset):
        dims = {real[n].dims for n in names}
        if len(dims) > 1 or any(len(d) != 1 for d in dims):
            raise ColumnError(
                f"The real columns {', '.join(names)} have the dims {sorted(map(str, dims))}, and "
                "must have one value per row, all on the same dim: name those to use in columns=."
            )
        frame = pd.DataFrame({n: real[n].values for n in names})
    else:
        frame = real[list(names)].reset_index(drop=True)
    if frame.empty:
        raise ColumnError("There are no real rows: give at least one.")
    for name in names:
        _require_complete(frame[name], name)
    return frame


def _require_complete(values: pd.Series, name: str) -> None:
    bad = values.isna()
    if values.dtype.kind == "f":
        bad |= ~np.isfinite(values)
    if bad.any():
        raise ColumnError(
            f"The real column {name!r} is missing or not finite in {int(bad.sum())} rows: drop or "
            "fill them, or leave it out of columns=."
        )


def _answers(synthetic: SyntheticData, name: str, real: pd.Series) -> pd.Series:
    values = synthetic.column(name)
    if values.ndim > 1:
        raise ColumnError(f"{name!r} has two dims: name the columns to use in columns=.")
    numbers = pd.api.types.is_numeric_dtype(real)
    if values.dtype != object:
        if not numbers:
            raise ColumnError(
                f"{name!r} holds numbers in the answers and {real.dtype} in the real rows: code "
                "both alike."
            )
        return pd.Series(values)
    if pd.isna(values).any():
        raise ColumnError(f"The answers are missing in column {name!r}: leave those rows out.")
    levels = list(synthetic.levels.get(name, ()))
    number = number_as_text(values) if numbers else None
    whole = real.isin(range(len(levels))).all()
    if number is not None and not (levels and whole):
        raise ColumnError(
            f"{name!r} holds numbers in the real rows and numbers as text in the answers, such as "
            f"{number!r}: make it numeric, frame[{name!r}] = frame[{name!r}].astype(float)."
        )
    if not numbers:
        return _strings(values, levels, real, name)
    if not levels:
        raise ColumnError(
            f"{name!r} holds numbers in the real rows and strings in the answers: say which number "
            f"each string is with SyntheticData(..., levels={{{name!r}: [...]}})."
        )
    if not whole:
        raise ColumnError(
            f"The real column {name!r} must hold 0 to {len(levels) - 1}, the codes of {levels}."
        )
    return pd.Series(values).map({level: i for i, level in enumerate(levels)})


def _strings(values: np.ndarray, levels: Sequence[object], real: pd.Series, name: str) -> pd.Series:
    if not isinstance(real.dtype, pd.CategoricalDtype):
        strange = set(levels or values) and set(real.unique()).difference(levels or real.unique())
        if strange:
            raise ColumnError(
                f"The real column {name!r} holds {sorted(map(str, strange))[0]!r}, and the "
                f"answers have the levels {list(levels)}."
            )
        return pd.Series(values, dtype=real.dtype)
    unknown = set(values) - set(real.cat.categories)
    if unknown:
        raise ColumnError(
            f"The answers hold {sorted(map(str, unknown))[0]!r} in {name!r}."
            f"{did_you_mean(sorted(map(str, unknown))[0], real.cat.categories)}"
        )
    return pd.Series(pd.Categorical(values, dtype=real.dtype))


def _refuse_answers(observed: pd.DataFrame, answers: pd.DataFrame) -> None:
    """Raise where the real rows are the answers, or start or end with them."""
    m = len(answers)
    if m > len(observed) or (m < REPEATED and (m != len(observed) or m < 2)):
        return
    theirs = answers.astype(object).to_numpy()
    for part in (observed.iloc[:m], observed.iloc[-m:]):
        if (part.astype(object).to_numpy() == theirs).all():
            raise SyntheticAsEvidenceError(
                f"{m} of the real rows are the answers, in their order: give the observations "
                "alone as real=."
            )
