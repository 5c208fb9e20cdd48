"""What an estimator is, what it returns, and whether it heeds its weights."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.bootstrap.rows import Rows
from foundation_priors.errors import ColumnError

__all__ = ["Estimator", "Fitted", "Form", "as_callable", "check"]

type Floats = NDArray[np.float64]
type Estimator = Callable[[pd.DataFrame, Floats], Any] | Any

TRIES = 5


@dataclass(frozen=True)
class Fitted:
    """A scikit-learn style model as a callable: its coefficients after a weighted fit."""

    model: Any
    outcome: str
    covariates: tuple[str, ...]

    def __call__(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Any]:
        """Fit a copy at some weights and return its coefficients."""
        # A row of weight 0 has no say, and some models warn of it or divide by it.
        live = weights > 0
        frame = rows.loc[live, list(self.covariates)]
        model = copy.deepcopy(self.model)
        model.fit(frame, rows.loc[live, self.outcome].to_numpy(), sample_weight=weights[live])
        if not hasattr(model, "coef_"):
            raise TypeError(
                f"{type(model).__name__} has no coef_ after fitting: give a function of (rows, "
                "weights) that fits it and returns the numbers you want."
            )
        beta = np.squeeze(np.asarray(model.coef_, dtype=float))
        if beta.shape not in ((), (len(self.covariates),)):
            raise TypeError(
                f"{type(model).__name__} has coefficients of shape {beta.shape}: give a function of"
                " (rows, weights) that returns those you want."
            )
        values = np.reshape(beta, (len(self.covariates),))
        out = {"beta": xr.DataArray(values, {"covariate": list(self.covariates)}, ("covariate",))}
        intercept = np.squeeze(np.asarray(getattr(model, "intercept_", 0.0), dtype=float))
        return {"intercept": float(intercept), **out} if hasattr(model, "intercept_") else out


@dataclass(frozen=True)
class Form:
    """The names and shapes of what an estimator returns; ``sample`` is a first dim of one."""

    template: xr.Dataset

    @classmethod
    def of(cls, result: Any) -> Form:
        """Read it off a first result."""
        return cls(_dataset(result).expand_dims("sample"))

    @property
    def size(self) -> int:
        """Count the numbers."""
        return sum(int(v.size) for v in self.template.data_vars.values())

    def numbers(self, result: Any) -> Floats:
        """Return a result as one vector, in the order of the template's variables."""
        parts = [result]
        if isinstance(result, Mapping):  # a Dataset is one too
            if len(result) != len(self.template.data_vars):
                raise ValueError(
                    f"The estimator returned {', '.join(map(str, result))}, and "
                    f"{', '.join(map(str, self.template.data_vars))} before: return the same "
                    "quantities at all weights."
                )
            parts = list(result.values())
        flat = np.concatenate([np.ravel(np.asarray(p, dtype=float)) for p in parts])
        if len(flat) != self.size:
            raise ValueError(
                f"The estimator returned {len(flat)} numbers, and {self.size} before: return the "
                "same quantities at all weights."
            )
        return flat

    def dataset(self, values: Floats, dims: tuple[str, ...]) -> xr.Dataset:
        """Return vectors, shape (..., number), as a Dataset over ``dims``."""
        out, start = {}, 0
        for name, array in self.template.data_vars.items():
            own, shape = array.dims[1:], array.shape[1:]
            stop = start + int(np.prod(shape))
            out[name] = (*dims, *own), values[..., start:stop].reshape(*values.shape[:-1], *shape)
            start = stop
        return xr.Dataset(out, self.template.coords)


def as_callable(estimator: Estimator, rows: Rows) -> Callable[[pd.DataFrame, Floats], Any]:
    """Return an estimator as a function of rows and weights."""
    if not isinstance(estimator, type) and hasattr(estimator, "fit"):
        return _fitted(estimator, rows)
    if not callable(estimator) or isinstance(estimator, type):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}: give a function of (rows, weights), or a "
            "model with fit(X, y, sample_weight=...) and coef_."
        )
    try:
        inspect.signature(estimator).bind(rows.frame, np.ones(1))
    except TypeError:
        raise TypeError(
            "The estimator must take two arguments, the rows (a DataFrame) and their weights."
        ) from None
    except ValueError:  # a builtin without a signature
        pass
    return estimator


def _fitted(model: Any, rows: Rows) -> Fitted:
    known = inspect.signature(model.fit).parameters
    if "sample_weight" not in known and not any(p.kind == p.VAR_KEYWORD for p in known.values()):
        raise TypeError(
            f"{type(model).__name__}.fit takes no sample_weight=: give a function of (rows, "
            "weights) that passes the weights on."
        )
    if len(rows.outcomes) != 1:
        raise ColumnError(
            f"A model with fit(X, y) has one outcome, and there are {', '.join(rows.outcomes)}: "
            "name the outcome and the covariates in columns=."
        )
    if not rows.covariates:
        raise ColumnError(
            "The answers and the real rows have no covariate in common: a model with fit(X, y) "
            "needs at least one."
        )
    return Fitted(model, rows.outcomes[0], rows.covariates)


def check(estimator: Callable[[pd.DataFrame, Floats], Any], rows: Rows) -> Form:
    """Read an estimator's form; raise if it ignores its weights or does not repeat itself."""
    total = len(rows.frame)
    rng = np.random.default_rng(0)
    first = rng.standard_exponential(total)
    try:
        form = Form.of(estimator(rows.frame, first.copy()))
    except Exception as error:
        error.add_note(
            f"The estimator failed at ordinary weights of all {total} rows, with the columns "
            f"{', '.join(map(str, rows.frame))}: try estimator(rows, np.ones(len(rows))), where "
            "rows is a frame of real rows and answers."
        )
        raise
    start = form.numbers(estimator(rows.frame, first.copy()))
    if not np.array_equal(start, form.numbers(estimator(rows.frame, first.copy())), equal_nan=True):
        raise ValueError(
            "The estimator gives different numbers for the same weights: fix its random seed."
        )
    if not np.isfinite(start).all():
        raise ValueError(
            "The estimator returns numbers that are not finite at ordinary weights: check it with "
            "estimator(rows, np.ones(len(rows)))."
        )
    for weights in (rng.standard_exponential(total) for _ in range(TRIES)):
        if not np.array_equal(form.numbers(estimator(rows.frame, weights)), start):
            return form
    if not _moves(estimator, rows, form, start):
        raise ValueError(
            "The estimator returns the same numbers whatever the weights are, so it ignores them: "
            "use its second argument, for example as sample_weight= of a fit."
        )
    return form


def _moves(
    estimator: Callable[[pd.DataFrame, Floats], Any], rows: Rows, form: Form, start: Floats
) -> bool:
    """Say whether it moves when low or high values of a column get nearly all the weight.

    A median of few values can stay where it is under ordinary weights.
    """
    for name in rows.frame:
        codes = pd.factorize(rows.frame[name], sort=True)[0]
        for side in (1, -1):
            place = np.argsort(np.argsort(side * codes, kind="stable"))
            try:
                found = form.numbers(estimator(rows.frame, np.exp(-2.0 * np.minimum(place, 300))))
            except Exception:  # It fails at weights that are extreme, so it has looked at them.
                return True
            if not np.array_equal(found, start):
                return True
    return False


def _dataset(result: Any) -> xr.Dataset:
    if isinstance(result, xr.Dataset):
        return result
    if isinstance(result, Mapping):
        if not result:
            raise TypeError("The estimator returned an empty dictionary: return some numbers.")
        return xr.Dataset({str(k): _array(v, str(k)) for k, v in result.items()})
    array = _array(result, "estimate")
    return xr.Dataset({str(array.name or "estimate"): array})


def _array(value: Any, name: str) -> xr.DataArray:
    if isinstance(value, xr.DataArray):
        return value.astype(float)
    if isinstance(value, pd.Series):
        labels = list(map(str, value.index))
        return xr.DataArray(value.to_numpy(dtype=float), {"coefficient": labels}, ("coefficient",))
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The estimator returned a {type(value).__name__}: return a number, an array, a Series,"
            " a DataArray or a dictionary of them."
        ) from error
    return xr.DataArray(numbers, dims=[f"{name}_dim_{i}" for i in range(numbers.ndim)])
