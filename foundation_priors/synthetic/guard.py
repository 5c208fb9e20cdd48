"""The refusal to become evidence."""

import functools
from typing import NoReturn

from foundation_priors.errors import SyntheticAsEvidenceError

__all__ = ["guard", "refuse"]

MESSAGE = (
    "SyntheticData holds answers of a language model, which are a prior and never evidence: pass it"
    " to foundation_priors.tilt(model, synthetic, trust=...) instead, or take .dataset if you know"
    " what you are doing."
)


def refuse(*_: object, **__: object) -> NoReturn:
    """Raise `SyntheticAsEvidenceError`, whatever was asked.

    Raises
    ------
    SyntheticAsEvidenceError
        Always.
    """
    raise SyntheticAsEvidenceError(MESSAGE)


@functools.cache
def guard(kind: type) -> None:
    """Make PyTensor refuse instances of a class as tensors.

    Parameters
    ----------
    kind : type
        The class; registered once.
    """
    from pytensor.tensor import _as_tensor_variable

    _as_tensor_variable.register(kind, refuse)
