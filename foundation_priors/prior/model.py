"""Reading and copying a user's PyMC model without changing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foundation_priors.errors import ImproperPriorError, ModelError

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.compile.mode import Mode
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_model", "copy_model", "lies_above", "numpy_mode", "spoken_of"]

IMPROPER = ("flat", "halfflat", "improper")


def numpy_mode() -> Mode:
    """Evaluate graphs with NumPy: nothing is compiled, so a single evaluation costs little."""
    from pytensor.compile.mode import Mode

    return Mode(linker="py", optimizer="fast_compile")


def check_model(model: pm.Model) -> None:
    """Refuse models that cannot be tilted, in one sentence each.

    Raises
    ------
    ModelError
        Without observed variables, with missing outcomes, with discrete free variables, or with
        `pymc.dims` variables.
    ImproperPriorError
        With a flat prior.
    """
    from pytensor.xtensor.type import XTensorType

    name = f"The model {model.name!r}" if model.name else "The model"
    if not model.observed_RVs:
        raise ModelError(
            f"{name} has no observed variable, so there is no evidence to update the tilted prior: "
            "condition it on real data with observed=."
        )
    for rv in model.basic_RVs:
        if isinstance(rv.type, XTensorType):
            raise ModelError(
                f"{name} uses pymc.dims for {rv.name!r}, which cannot be tilted yet: write it with "
                "the distributions of pymc itself."
            )
    for rv in model.free_RVs:
        if rv.name.endswith("_unobserved"):
            raise ModelError(
                f"The outcome {rv.name.removesuffix('_unobserved')!r} has missing values: drop "
                "these rows before you build the model."
            )
        if rv.dtype.startswith(("int", "uint", "bool")):
            raise ModelError(
                f"The free variable {rv.name!r} is discrete, which gradient-based sampling cannot "
                "serve: marginalise it out of the model."
            )
        if any(word in str(rv.owner.op).lower() for word in IMPROPER):
            raise ImproperPriorError(
                f"The prior of {rv.name!r} is flat and cannot be tilted, since its normalising "
                "constant may be infinite: give it a proper prior, such as a wide Normal."
            )


@contextmanager
def _without_initial_values(model: pm.Model) -> Iterator[dict[str, object]]:
    kept = dict(model.rvs_to_initial_values)
    model.rvs_to_initial_values.update({rv: None for rv in kept})
    try:
        yield {rv.name: value for rv, value in kept.items() if value is not None}
    finally:
        model.rvs_to_initial_values.update(kept)


def copy_model(model: pm.Model) -> pm.Model:
    """Copy a model with its data and its initial values, which `Model.copy` refuses."""
    from pymc.model.fgraph import clone_model

    with _without_initial_values(model) as initial:
        copy = clone_model(model)
    for name, value in initial.items():
        copy.set_initval(copy[name], value)
    return copy


def lies_above(variable: Variable, model: pm.Model) -> set[Variable]:
    """Return everything that ``variable`` is computed from, up to the free variables.

    Observed variables are crossed, free ones are included but not entered.
    """
    from pytensor.graph.traversal import ancestors

    return set(ancestors([variable], blockers=model.free_RVs))


def spoken_of(
    model: pm.Model, outcomes: Sequence[str], columns: Mapping[str, object]
) -> list[TensorVariable]:
    """Return the observed variables that the answers speak about.

    They are those named in ``columns``, else those named like an outcome, else the only one.

    Raises
    ------
    ModelError
        When there are several and nothing says which are meant.
    """
    observed = model.observed_RVs
    for names in (columns, outcomes):
        if chosen := [rv for rv in observed if rv.name in names]:
            return chosen
    if len(observed) == 1:
        return list(observed)
    raise ModelError(
        f"The model observes {', '.join(rv.name for rv in observed)}, and nothing says about which "
        "the answers speak: say so with columns={'observed variable': 'column of the answers'}."
    )
