"""What the studies share: labelled variables, profiles, provenance."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

__all__ = ["DATE", "MODEL", "VERSION", "labelled", "prompts", "provenance", "with_profiles"]

MODEL = "claude"
VERSION = "Anthropic Claude, exact version not recorded"
DATE = "2026-11-22"


def labelled(dataset: xr.Dataset, labels: Mapping[str, tuple[str, ...]]) -> xr.Dataset:
    """Give variables their names in words, their units and their codes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any dims.
    labels : mapping of str to tuple of str
        ``long_name``, ``units`` and ``coded`` of each variable; later ones may be left out.

    Returns
    -------
    xarray.Dataset
        A new Dataset with these attributes.
    """
    keys = ("long_name", "units", "coded")
    out = dataset.copy()
    for name, label in labels.items():
        out[name].attrs = {key: text for key, text in zip(keys, label, strict=False) if text}
    return out


def with_profiles(frame: pd.DataFrame, dim: str) -> xr.Dataset:
    """Turn a real table into a Dataset whose coordinates say which rows a prompt describes.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a column ``profile``, -1 where a row is in no prompt.
    dim : str
        The name of the rows.

    Returns
    -------
    xarray.Dataset
        Coordinates: ``dim`` (0, 1, ...), ``profile`` and ``in_prompt``.
    """
    columns = {name: (dim, frame[name].to_numpy()) for name in frame.columns if name != "profile"}
    profile = frame["profile"].to_numpy()
    coords = {
        dim: np.arange(len(frame)),
        "profile": (dim, profile, {"long_name": "number in the prompts, -1 if in none"}),
        "in_prompt": (dim, profile >= 0, {"long_name": "whether a prompt describes this row"}),
    }
    return xr.Dataset(columns, coords)


def prompts(frame: pd.DataFrame) -> dict[str, str]:
    """Return the texts of a table of prompts by name.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``prompt`` and ``text``.

    Returns
    -------
    dict of str to str
        Whole prompts.
    """
    return dict(zip(frame["prompt"], frame["text"], strict=True))


def provenance(texts: Mapping[str, str], **more: object) -> dict[str, object]:
    """Return what is known about the answers of every study.

    Parameters
    ----------
    texts : mapping of str to str
        The prompts by name.
    **more
        What is known about this study alone.

    Returns
    -------
    dict
        As `SyntheticData` takes it.
    """
    return {
        "model": VERSION,
        "dates": DATE,
        "sampling": "not recorded",
        "conversations": "each answers one whole prompt, and they shared nothing",
        "real answers in the prompts": "none, covariates only",
        **more,
        "prompts": dict(texts),
    }
