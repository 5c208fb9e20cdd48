"""The refusal to become evidence."""

import functools
from collections.abc import Iterator
from typing import Any, NoReturn

from foundation_priors.errors import SyntheticAsEvidenceError

__all__ = ["Guarded", "arm", "refuse"]

MESSAGE = (
    "SyntheticData holds answers of a language model, which are a prior and never evidence: pass it"
    " to foundation_priors.trust_path(model, synthetic), or for one trust to foundation_priors."
    "tilt(model, synthetic, trust=...), or take .dataset if you know what you are doing."
)


def refuse(*_: object, **__: object) -> NoReturn:
    """Raise `SyntheticAsEvidenceError`, whatever was asked.

    Raises
    ------
    SyntheticAsEvidenceError
        Always.
    """
    raise SyntheticAsEvidenceError(MESSAGE)


class Guarded:
    """A frozen object that NumPy, pandas, xarray and PyTensor cannot read as an array.

    Notes
    -----
    pandas wraps an object of known length that it cannot iterate over as one value in silence, so
    `__iter__` must be there in order to refuse.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        """Refuse to be evidence."""
        refuse()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Refuse to be evidence."""
        refuse()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse to change."""
        if name == "name":  # PyMC is naming it, as a Potential or Deterministic of a model.
            refuse()
        raise AttributeError(
            f"{type(self).__name__} is frozen, so {name!r} cannot be set: make a new one."
        )

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse to change."""
        raise AttributeError(f"{type(self).__name__} is frozen, so {name!r} cannot be deleted.")


@functools.cache
def arm() -> None:
    """Make PyTensor refuse a guarded object, which it would else try as a tensor."""
    from pytensor.tensor import _as_tensor_variable

    _as_tensor_variable.register(Guarded, refuse)
