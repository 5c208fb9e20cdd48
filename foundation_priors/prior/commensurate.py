"""How far the answers' copy of a parameter may lie from the original: given, or learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foundation_priors.errors import ImproperPriorError, ModelError
from foundation_priors.prior.model import is_improper, numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Commensurate", "as_commensurate", "link_scale", "read_commensurate"]

LEARNED = "learned"


@dataclass(frozen=True, eq=False)
class Commensurate:
    r"""A link between a parameter and the answers' copy of it.

    Parameters
    ----------
    spread : float, array or distribution, optional
        The standard deviation of the copy around the original: a positive number, an array of the
        parameter's shape (or one that broadcasts to it), or, to learn it, a distribution such as
        ``pm.HalfNormal.dist(0.5)``. ``"learned"``, the default, is ``HalfNormal(1)``.
    precision : float, array or distribution, optional
        Instead of ``spread``: its square's inverse.
    centred : bool
        Sample the copy itself, which suits `tilt` and `sample` at a trust where the answers inform
        it well. By default its distance from the original in spreads is sampled, which suits every
        trust from 0 and is needed for a path.

    Raises
    ------
    ModelError
        For a spread or precision that is not positive.
    ImproperPriorError
        For a distribution with an infinite integral.
    TypeError
        For both, or for something else.

    Notes
    -----
    With :math:`t` the transform of the parameter to unconstrained coordinates (none for a Normal,
    the logarithm for a HalfNormal, the logit for a Beta), in each coordinate

    .. math:: t(\theta^{copy}) \sim \mathrm{Normal}(t(\theta), \mathrm{spread}),

    so a spread of .1 allows a scale to differ by some 10%, and an odds likewise. A large spread
    makes the parameter private with a prior around the original; a spread near 0 shares it [1]_.

    References
    ----------
    .. [1] B. P. Hobbs, B. P. Carlin, S. J. Mandrekar and D. J. Sargent (2011). Hierarchical
       commensurate and power prior models for adaptive incorporation of historical information in
       clinical trials. Biometrics 67. doi:10.1111/j.1541-0420.2011.01564.x

    Examples
    --------
    >>> from foundation_priors.prior.commensurate import Commensurate
    >>> Commensurate(0.5)
    Commensurate(spread 0.5)
    >>> import pymc as pm
    >>> Commensurate(precision=pm.Gamma.dist(2, 1))
    Commensurate(learned precision)
    """

    spread: Any = None
    precision: Any = None
    centred: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not a spread of a link."""
        if self.spread is not None and self.precision is not None:
            raise TypeError("Commensurate takes spread= or precision=, not both: leave out one.")
        if isinstance(self.spread, str) and self.spread != LEARNED:
            raise TypeError(f"spread={self.spread!r} must be a number, or {LEARNED!r}.")
        if self.given is not None:
            _check(self.given, self.kind)

    @property
    def kind(self) -> str:
        """What is stated: ``spread`` or ``precision``."""
        return "spread" if self.precision is None else "precision"

    @property
    def given(self) -> Any:
        """The number, array or distribution; None where the default one is learned."""
        value = self.spread if self.precision is None else self.precision
        return None if isinstance(value, str) else value

    @property
    def learned(self) -> bool:
        """Whether the spread has a distribution."""
        return self.given is None or _is_random(self.given)

    def __repr__(self) -> str:
        """Name the link as a path does."""
        return f"Commensurate({self.describe()})"

    def describe(self) -> str:
        """Return the link in two words, such as ``spread 0.5``."""
        if self.learned:
            return f"learned {self.kind}"
        values = np.unique(np.asarray(self.given, dtype=float))
        text = f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g} to {values[-1]:g}"
        return f"{self.kind} {text}"


def as_commensurate(value: Any, name: str) -> Commensurate:
    """Return a link for what ``commensurate=`` gives for a parameter.

    Raises
    ------
    ModelError
        When it is no link, named after the parameter.
    """
    if isinstance(value, Commensurate):
        return value
    try:
        return Commensurate(value)
    except (ModelError, TypeError) as error:
        kind = type(error) if isinstance(error, ModelError) else TypeError
        raise kind(f"commensurate= of {name!r}: {error}") from error


def _is_random(value: Any) -> bool:
    from pytensor.graph.basic import Variable

    return isinstance(value, Variable)


def _check(value: Any, kind: str) -> None:
    """Raise unless this is a positive number or array, or the distribution of one."""
    if _is_random(value):
        _check_distribution(value, kind)
        return
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The {kind} {value!r} must be a positive number, an array of them, or a distribution "
            "such as pm.HalfNormal.dist(1)."
        ) from error
    if isinstance(value, bool) or not numbers.size:
        raise TypeError(f"The {kind} {value!r} must be a positive number.")
    if not np.isfinite(numbers).all() or (numbers <= 0).any():
        worst = numbers[~(np.isfinite(numbers) & (numbers > 0))].flat[0]
        raise ModelError(
            f"The {kind} {worst:g} is not positive and finite: share the parameter where the "
            "answers speak of it itself, and use private= where they say nothing about it."
        )


def _check_distribution(value: TensorVariable, kind: str) -> None:
    import pymc as pm

    op = getattr(value.owner, "op", None)
    if not hasattr(op, "ndim_supp"):
        raise TypeError(
            f"The {kind} {value} is not a distribution: give pm.HalfNormal.dist(1), for instance."
        )
    if value.dtype.startswith(("int", "uint", "bool")):
        raise ModelError(
            f"The distribution of the {kind} is discrete, which gradient-based sampling cannot "
            "serve: give a continuous one."
        )
    if is_improper(value):
        raise ImproperPriorError(
            f"The distribution of the {kind} is improper: give a proper one, such as "
            "pm.HalfNormal.dist(1)."
        )
    if (pm.draw(value, 200, mode=numpy_mode(), random_seed=0) < 0).any():
        raise ModelError(
            f"The distribution of the {kind} reaches below 0: give one of positive numbers, such "
            "as pm.HalfNormal.dist(1)."
        )


def link_scale(
    model: pm.Model, link: Commensurate, name: str, shape: tuple[int, ...], original: str
) -> tuple[TensorVariable | np.ndarray, str | None]:
    """Return the spread, and the name of the free variable that is added to learn it.

    Parameters
    ----------
    model : pymc.Model
        Changed in place.
    link : Commensurate
    name : str
        Of the copy; the learned spread is called ``<name>_spread``.
    shape : tuple of int
        Of the parameter in unconstrained coordinates.
    original : str
        The parameter's name, for errors.
    """
    import pymc as pm

    given = link.given
    if given is None:
        given = pm.HalfNormal.dist(1.0)
    if not _is_random(given):
        numbers = np.asarray(given, dtype=float)
        _check_shape(numbers.shape, shape, link, original)
        return (numbers if link.kind == "spread" else numbers**-0.5), None
    free = _registered(model, given, f"{name}_{link.kind}", original)
    _check_shape(tuple(free.shape.eval(mode=numpy_mode())), shape, link, original)
    if link.kind == "spread":
        return free, str(free.name)
    with model:
        return pm.Deterministic(f"{name}_spread", free**-0.5), str(free.name)


def _registered(model: pm.Model, given: TensorVariable, name: str, original: str) -> TensorVariable:
    from pytensor.graph.traversal import ancestors

    from foundation_priors.prior.links import fresh

    if any(getattr(v, "name", None) in model.named_vars for v in ancestors([given]) if v.name):
        raise ModelError(
            f"The distribution of the spread of {original!r} depends on a variable of the model: "
            "give it numbers."
        )
    return cast(Any, model.register_rv(fresh(given, model, {}), name))


def _check_shape(
    own: Sequence[int], shape: tuple[int, ...], link: Commensurate, original: str
) -> None:
    try:
        fits = np.broadcast_shapes(tuple(own), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ModelError(
            f"The {link.kind} of {original!r} has shape {tuple(map(int, own))}, and the parameter "
            f"{shape} in unconstrained coordinates: give one number, or one for each."
        )


def read_commensurate(
    commensurate: Mapping[str, Any] | Sequence[str],
) -> dict[str, Any]:
    """Return what is asked for each parameter; a list of names learns each spread."""
    if isinstance(commensurate, str):
        raise TypeError(
            f"commensurate={commensurate!r} must map names to spreads, "
            f"{{{commensurate!r}: 0.5}}, or list the names whose spread is learned."
        )
    if isinstance(commensurate, Mapping):
        return dict(commensurate)
    return dict.fromkeys(commensurate, LEARNED)
