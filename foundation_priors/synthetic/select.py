"""Which rows have given values of a factor."""

import numpy as np
import pandas as pd

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.columns import is_missing

__all__ = ["matches"]


def matches(name: str, values: np.ndarray, wanted: object) -> np.ndarray:
    """Say which rows have a value, one of several, or one in a range.

    Parameters
    ----------
    name : str
        The factor's name, for the error.
    values : numpy.ndarray
        Shape (answer,).
    wanted : object
        A value, a list of values, or a slice of values with both ends included.

    Returns
    -------
    numpy.ndarray
        Booleans of shape (answer,); a missing value is in no range.

    Raises
    ------
    ColumnError
        If no row has a value that was asked for.

    Examples
    --------
    >>> matches("round", np.array([0, 1, 2, 3]), slice(1, 2))
    array([False,  True,  True, False])
    """
    if isinstance(wanted, slice):
        return _in_range(name, values, wanted)
    options = list(wanted) if isinstance(wanted, list | tuple | set | np.ndarray) else [wanted]
    found = pd.unique(pd.Series(values)).tolist()
    for option in options:
        if option not in found:
            raise ColumnError(f"No answer has {name}={option!r}.{did_you_mean(option, found)}")
    return pd.Series(values).isin(options).to_numpy()


def _in_range(name: str, values: np.ndarray, wanted: slice) -> np.ndarray:
    if wanted.step is not None:
        raise ColumnError(f"{name}={wanted} has a step: use isel for every so many rows.")
    keep = ~is_missing(values)
    present = values[keep]
    inside = np.ones(len(present), dtype=bool)
    try:
        if wanted.start is not None:
            inside &= (present >= wanted.start).astype(bool)
        if wanted.stop is not None:
            inside &= (present <= wanted.stop).astype(bool)
    except TypeError:
        raise ColumnError(
            f"{name}={wanted} cannot be compared with values such as {present[0]!r}."
        ) from None
    keep[keep] = inside
    return keep
