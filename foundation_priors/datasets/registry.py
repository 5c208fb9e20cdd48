"""Find the built-in studies by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from foundation_priors.errors import did_you_mean

if TYPE_CHECKING:
    from foundation_priors.datasets.study import Study

__all__ = ["available", "load"]


def available() -> tuple[str, ...]:
    """Name the built-in studies.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> available()
    ('anes96', 'modechoice', 'refine', 'returns', 'wages')
    """
    return tuple(sorted(_makers()))


def load(name: str) -> Study:
    """Load a built-in study.

    Parameters
    ----------
    name : str
        One of `available`.

    Returns
    -------
    Study
        ``.real`` (xarray.Dataset), ``.synthetic`` (SyntheticData) and ``.describe()``.

    Raises
    ------
    ValueError
        If there is no such study.

    Examples
    --------
    >>> study = load("wages")
    >>> dict(study.real.sizes), study.synthetic.outcomes
    ({'man': 3010}, ('lwage', 'wage'))
    """
    makers = _makers()
    if name not in makers:
        raise ValueError(f"There is no built-in study {name!r}.{did_you_mean(name, makers)}")
    return makers[name]()


def _makers() -> dict[str, Callable[[], Study]]:
    from foundation_priors.datasets import choices, schooling

    return {
        "anes96": choices.anes96,
        "modechoice": choices.modechoice,
        "refine": schooling.refine,
        "returns": schooling.returns,
        "wages": schooling.wages,
    }
