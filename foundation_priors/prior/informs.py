"""Which parameters, or which of their elements, the answers may inform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean
from foundation_priors.prior.model import full_name, lies_above, numpy_mode
from foundation_priors.prior.quantity import places

if TYPE_CHECKING:
    import pymc as pm
    from numpy.typing import NDArray
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Informs", "element_labels", "left_private", "read_informs"]

type Elements = Any
type Informs = str | Sequence[str] | Mapping[str, Elements]


def read_informs(model: pm.Model, informs: Informs) -> dict[str, NDArray[np.bool_] | None]:
    """Return for each informed variable a mask of its informed elements, or None for all.

    Raises
    ------
    ModelError
        For a name that is not a free variable, or elements that it does not have.
    """
    if isinstance(informs, str):
        informs = [informs]
    wanted = dict(informs) if isinstance(informs, Mapping) else dict.fromkeys(informs)
    if not wanted:
        raise ModelError(
            "informs= names nothing, so the answers would change nothing: name the parameters that "
            "they may inform."
        )
    names = [rv.name for rv in model.free_RVs]
    out = {}
    for given, elements in wanted.items():
        name = full_name(model, given)
        if name not in names:
            raise ModelError(
                f"informs= names {given!r}, which is not a free variable of the model."
                f"{did_you_mean(str(given), names)}"
            )
        mask = None if elements is None else _mask(model, model[name], elements)
        out[name] = None if mask is None or mask.all() else mask
    return out


def _mask(model: pm.Model, rv: TensorVariable, elements: Elements) -> NDArray[np.bool_]:
    shape = tuple(map(int, rv.shape.eval(mode=numpy_mode())))
    transform = model.rvs_to_transforms[rv]
    if not shape or (transform is not None and transform.ndim_supp != 0):
        why = "is one number" if not shape else "has elements that are bound to each other"
        raise ModelError(
            f"informs= names elements of {rv.name!r}, which {why}: name it as a whole, "
            f"informs=[{rv.name!r}]."
        )
    given = np.asarray(elements) if not isinstance(elements, Mapping) else None
    if given is not None and given.dtype == bool:
        return _checked(given, shape, rv)
    dims = model.named_vars_to_dims.get(str(rv.name)) or (None,) * len(shape)
    if not isinstance(elements, Mapping):
        if len(shape) > 1:
            raise ModelError(
                f"informs= must say of which dimension of {rv.name!r} its elements are, "
                f"{{{rv.name!r}: {{dimension: [labels]}}}}, or give a mask of shape {shape}."
            )
        elements = {dims[0]: elements}
    mask = np.ones(shape, dtype=bool)
    for dim, labels in elements.items():
        if dim not in dims:
            raise ModelError(
                f"informs= names the dimension {dim!r} of {rv.name!r}."
                f"{did_you_mean(str(dim), [str(d) for d in dims])}"
            )
        axis = dims.index(dim)
        keep = np.zeros(shape[axis], dtype=bool)
        keep[_places(model, rv, dim, shape[axis], labels)] = True
        mask &= keep.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return _checked(mask, shape, rv)


def _checked(
    mask: NDArray[np.bool_], shape: tuple[int, ...], rv: TensorVariable
) -> NDArray[np.bool_]:
    if mask.shape != shape or not mask.any():
        wrong = f"has shape {mask.shape}" if mask.shape != shape else "is empty"
        raise ModelError(
            f"The choice of elements of {rv.name!r} in informs= {wrong}, and the parameter has "
            f"shape {shape}: name at least one of its elements."
        )
    return mask


def _places(model: pm.Model, rv: TensorVariable, dim: Any, size: int, labels: Any) -> list[int]:
    """Return positions of labels along a dimension; without coordinates labels are positions."""
    one = isinstance(labels, str) or not isinstance(labels, Sequence | np.ndarray)
    known = list(model.coords.get(dim) or range(size))
    texts = [str(k) for k in known]
    places = []
    for label in [labels] if one else labels:
        if str(label) not in texts:
            raise ModelError(
                f"informs= names the element {label!r} of {rv.name!r}."
                f"{did_you_mean(str(label), texts)}"
            )
        if texts.count(str(label)) > 1:
            raise ModelError(
                f"informs= names the element {label!r} of {rv.name!r}, which is "
                f"{texts.count(str(label))} elements whose labels are equal as text: give the "
                "coordinates labels of their own, or a mask of the elements."
            )
        places.append(texts.index(str(label)))
    return places


def element_labels(model: pm.Model, name: str, mask: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the labels of a mask's elements, coordinates joined by commas."""
    every = zip(places(model, name, mask.shape), mask.ravel(), strict=True)
    return tuple(", ".join(map(str, place)) for place, keep in every if keep)


def left_private(
    model: pm.Model,
    targets: Sequence[TensorVariable],
    informed: Mapping[str, NDArray[np.bool_] | None],
    linked: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the variables that must be private for the answers to inform the others only.

    Parameters
    ----------
    model : pymc.Model
    targets : sequence of TensorVariable
        What the answers speak about.
    informed : dict
        Masks of informed elements, None for whole variables.
    linked : iterable of str
        Commensurate variables, which are informed through their link.

    Returns
    -------
    tuple of str
        Free variables that reach the answers other than through a wholly informed one: what lies
        behind that is informed through it.

    Raises
    ------
    ModelError
        For an informed variable that the answers do not reach.
    """
    everything = _behind(model, targets, set())
    for name in informed:
        if name not in everything:
            raise ModelError(
                f"informs= names {name!r}, which the answers do not reach: they depend on "
                f"{', '.join(sorted(everything))}."
            )
    whole = {name for name, mask in informed.items() if mask is None} | set(linked)
    reached = _behind(model, targets, whole) - whole
    return tuple(str(rv.name) for rv in model.free_RVs if rv.name in reached)


def _behind(model: pm.Model, targets: Sequence[TensorVariable], stop: set[str]) -> set[str]:
    """Return names of free variables behind some variables, those in ``stop`` not entered."""
    found: set[str] = set()
    todo = list(targets)
    while todo:
        above = lies_above(todo.pop(), model)
        new = [rv for rv in model.free_RVs if rv in above and rv.name not in found]
        found |= {str(rv.name) for rv in new}
        todo += [rv for rv in new if rv.name not in stop]
    return found
