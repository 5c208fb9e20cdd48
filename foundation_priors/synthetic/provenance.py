"""Provenance: a nested dictionary that survives being written as JSON."""

import datetime
import os
from collections.abc import Mapping

import numpy as np

__all__ = ["KEYS", "fill", "plain"]

KEYS = ("model", "prompts", "sampling", "dates")
NOT_RECORDED = "not recorded"


def fill(provenance: Mapping | None) -> dict:
    """Return a plain copy in which unknown essentials read "not recorded".

    Parameters
    ----------
    provenance : mapping or None
        Nested; ``model``, ``prompts``, ``sampling`` and ``dates`` are the essentials.

    Returns
    -------
    dict
        Strings, numbers, booleans, None, lists and dictionaries only.

    Examples
    --------
    >>> fill({"model": "qwen3"})["dates"]
    'not recorded'
    """
    if provenance is not None and not isinstance(provenance, Mapping):
        raise TypeError(f"provenance is {provenance!r}, and must be a dictionary or None.")
    copy = {str(key): plain(entry) for key, entry in (provenance or {}).items()}
    unknown = {key: NOT_RECORDED for key in KEYS if copy.get(key) is None}
    return {**copy, **unknown}


def plain(value: object) -> object:
    """Return a deep copy made of what JSON knows; dates become ISO strings.

    Parameters
    ----------
    value : object
        Nested mappings, sequences, sets, NumPy values, dates, paths and scalars.

    Returns
    -------
    object
        Equal to itself after a round trip through JSON.

    Raises
    ------
    TypeError
        If something in it has no counterpart in JSON.

    Examples
    --------
    >>> plain({"seeds": (1, 2), "on": datetime.date(2020, 1, 31)})
    {'seeds': [1, 2], 'on': '2020-01-31'}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(entry) for entry in value), key=str)
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist()) if value.dtype.kind not in "mM" else plain(value.astype(str))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(
        f"Provenance holds {value!r}, which cannot be written down: give text, numbers, lists or"
        " dictionaries."
    )
