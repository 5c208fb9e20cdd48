"""The few functions that densities are written in, for NumPy arrays and PyTensor variables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["operations"]


def operations(x: Any) -> Any:
    """Return the functions that suit ``x``, an array or a tensor variable."""
    return _NUMPY if isinstance(x, np.ndarray | np.generic | float | int) else _pytensor()


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def _sigmoid(x: Any) -> Any:
    from scipy.special import expit

    return expit(x)


def _logsumexp(x: Any) -> Any:
    from scipy.special import logsumexp

    return logsumexp(x, axis=-1)


_NUMPY = SimpleNamespace(
    arcsinh=np.arcsinh,
    clip=np.clip,
    concatenate=np.concatenate,
    exp=np.exp,
    floor=np.floor,
    integer=lambda x: x.astype(np.int64),
    isinf=np.isinf,
    log=np.log,
    log1p=np.log1p,
    maximum=np.maximum,
    minimum=np.minimum,
    sigmoid=_sigmoid,
    softplus=_softplus,
    sqrt=np.sqrt,
    logsumexp=_logsumexp,
    take=lambda array, index: array[index],
    where=np.where,
)


def _pytensor() -> Any:
    import pytensor.tensor as pt

    return SimpleNamespace(
        arcsinh=pt.arcsinh,
        clip=pt.clip,
        concatenate=pt.concatenate,
        exp=pt.exp,
        floor=pt.floor,
        integer=lambda x: x.astype("int64"),
        isinf=pt.isinf,
        log=pt.log,
        log1p=pt.log1p,
        maximum=pt.maximum,
        minimum=pt.minimum,
        sigmoid=pt.sigmoid,
        softplus=pt.softplus,
        sqrt=pt.sqrt,
        logsumexp=lambda x: pt.logsumexp(x, axis=-1),
        take=lambda array, index: pt.constant(array)[index],
        where=pt.switch,
    )
