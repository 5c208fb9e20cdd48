"""Reading and copying a user's PyMC model without changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foundation_priors.errors import ImproperPriorError, ModelError
from foundation_priors.prior.columns import plain_labels

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.compile.mode import Mode
    from pytensor.graph.basic import Variable
    from pytensor.graph.fg import FunctionGraph
    from pytensor.tensor.variable import TensorVariable

__all__ = [
    "check_model",
    "copy_model",
    "data_value",
    "full_name",
    "imputed",
    "is_improper",
    "lies_above",
    "numpy_mode",
    "outcome_names",
    "replaced",
    "short",
    "spoken_of",
]

FAR = 1e100, 1e150
"""Where the tails of a prior are looked at; the square of neither overflows."""


def full_name(model: pm.Model, name: str) -> str:
    """Return a name with the model's prefix; what cannot be a name in PyMC stays as it is."""
    return name if "/" in name or name.endswith(":") else model.name_for(name)


def numpy_mode() -> Mode:
    """Evaluate graphs with NumPy: nothing is compiled, so a single evaluation costs little."""
    from pytensor.compile.mode import Mode

    return Mode(linker="py", optimizer="fast_compile")


def check_model(model: pm.Model, evidence: Sequence[str] = ()) -> None:
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
    if not (model.observed_RVs or evidence):
        raise ModelError(
            f"{name} has no observed variable, so there is no evidence to update the tilted prior: "
            "condition it on real data with observed=, or name the Potential that holds them with "
            "evidence=."
        )
    for rv in model.basic_RVs:
        if isinstance(rv.type, XTensorType):
            raise ModelError(
                f"{name} uses pymc.dims for {rv.name!r}, which cannot be tilted yet: write it with "
                "the distributions of pymc itself."
            )
    for rv in model.observed_RVs:
        if np.isnan(data_value(model, rv.name)).any():
            raise ModelError(_missing(rv.name))
    for base, whole in imputed(model).items():
        own = model[f"{base}_observed"]
        if not any(whole in lies_above(rv, model) for rv in model.observed_RVs if rv is not own):
            raise ModelError(_missing(base))
    for rv in model.basic_RVs:
        if words := _of_no_use(rv, model):
            raise ModelError(words)
    for rv in model.free_RVs:
        if rv.dtype.startswith(("int", "uint", "bool")):
            raise ModelError(
                f"The free variable {rv.name!r} is discrete, which gradient-based sampling cannot "
                "serve: marginalise it out of the model."
            )
        if is_improper(rv):
            raise ImproperPriorError(
                f"The prior of {rv.name!r} is flat or otherwise improper and cannot be tilted, "
                "since its normalising constant is infinite: give it a proper prior, such as a "
                "wide Normal."
            )


def imputed(model: pm.Model) -> dict[str, TensorVariable]:
    """Return the variables of which PyMC imputes missing values, by name."""
    bases = [str(rv.name).removesuffix("_unobserved") for rv in model.free_RVs]
    return {
        b: model[b] for b in bases if {b, f"{b}_observed", f"{b}_unobserved"} <= {*model.named_vars}
    }


def observed_of(model: pm.Model, what: str) -> list[TensorVariable]:
    """Return the observed variables, or raise where what is done row by row finds none.

    Raises
    ------
    ModelError
        When all real rows stand in Potentials.
    """
    if not model.observed_RVs:
        raise ModelError(
            "The model observes its real rows in a Potential, which gives them one sum and not a "
            f"density each, so {what}: write them as an observed variable, such as pm.Censored or "
            "pm.CustomDist(..., logp=..., observed=rows)."
        )
    return list(model.observed_RVs)


def _of_no_use(rv: TensorVariable, model: pm.Model) -> str | None:
    """Say why a variable has no density that gradient-based sampling can use."""
    from pymc.data import MinibatchOp
    from pymc.distributions.simulator import SimulatorRV
    from pytensor.graph.traversal import ancestors

    op = rv.owner.op
    if isinstance(op, SimulatorRV):
        return (
            f"{rv.name!r} is a Simulator, whose likelihood is itself simulated, so neither other "
            "rows nor gradients can enter: write it with a density, pm.CustomDist(..., logp=...)."
        )
    if any(kind.__name__ == "BARTRV" for kind in type(op).__mro__):
        return (
            f"{rv.name!r} is a sum of trees (BART), which gradient-based sampling cannot serve and "
            "which belongs to its own rows: write it with splines or pm.gp.HSGP."
        )
    above = ancestors([rv, model.rvs_to_values.get(rv, rv)])
    if any(v.owner is not None and isinstance(v.owner.op, MinibatchOp) for v in above):
        return (
            f"{rv.name!r} is observed in minibatches (pm.Minibatch), other real rows at each "
            "evaluation, which only variational inference takes: observe all real rows."
        )
    return None


def _missing(name: str) -> str:
    return f"The outcome {name!r} has missing values: drop these rows before you build the model."


def is_improper(rv: TensorVariable) -> bool:
    """Say whether a prior has an infinite integral: flat, or with tails no thinner than 1/x."""
    import pymc as pm
    from pymc.distributions.continuous import FlatRV, HalfFlatRV
    from pymc.distributions.custom import CustomDistRV

    if isinstance(rv.owner.op, FlatRV | HalfFlatRV):
        return True
    if not isinstance(rv.owner.op, CustomDistRV) or rv.owner.op.ndim_supp:
        return False
    near, far = FAR
    with np.errstate(all="ignore"):
        for sign in (1.0, -1.0):
            tail = [pm.logp(rv, np.full(rv.shape.eval(mode=numpy_mode()), sign * x)) for x in FAR]
            drop = np.min(pm.draw(tail[0] - tail[1], mode=numpy_mode(), random_seed=0))
            if drop <= np.log(far / near) * (1 + 1e-9):
                return True
    return False


@contextmanager
def _without_initial_values(model: pm.Model) -> Iterator[dict[str, object]]:
    kept = dict(model.rvs_to_initial_values)
    model.rvs_to_initial_values.update({rv: None for rv in kept})
    try:
        yield {rv.name: value for rv, value in kept.items() if value is not None}
    finally:
        model.rvs_to_initial_values.update(kept)


def copy_model(model: pm.Model, rewrite: Callable[[FunctionGraph], None] | None = None) -> pm.Model:
    """Copy a model with its initial values, which `Model.copy` refuses, in its order.

    Nothing is shared: whatever happens to the model's data, or to the arrays that it was made from,
    the copy stays what it is. Labels of its dimensions that samplers and files cannot hold become
    text. ``rewrite`` may change the graph of the copy.
    """
    from pymc.model.fgraph import fgraph_from_model, model_from_fgraph

    with _without_initial_values(model) as initial:
        graph, made = fgraph_from_model(model)
    owned = [(v, new) for old, v in made.items() if (new := _owned(old, v)) is not None]
    graph.replace_all(owned, import_missing=True)
    if rewrite is not None:
        rewrite(graph)
    copy = model_from_fgraph(graph, mutate_fgraph=True)
    for dim, labels in copy.coords.items():
        if labels is not None:
            copy.coords[dim] = plain_labels(labels, apart=False)
    for name, value in initial.items():
        copy.set_initval(copy[name], value)
    for kind in ("free_RVs", "observed_RVs", "deterministics", "potentials"):
        order = {variable.name: number for number, variable in enumerate(getattr(model, kind))}
        getattr(copy, kind).sort(key=lambda variable, order=order: order[variable.name])
    return copy


def _owned(old: Any, made: Any) -> Any:
    """Return an array or a shared variable with memory of its own, where PyMC's copy has none."""
    from pymc.model.fgraph import deepcopy_shared_variable
    from pytensor.compile import SharedVariable
    from pytensor.graph.basic import Constant

    if isinstance(old, Constant) and isinstance(old.data, np.ndarray):
        return type(old)(old.type, old.data.copy(), old.name)
    same = isinstance(old, SharedVariable) and getattr(made, "container", None) is old.container
    return deepcopy_shared_variable(made) if same else None


def short(name: str) -> str:
    """Return a variable's name without the name of its model."""
    return name.rsplit("::", 1)[-1]


def data_value(model: pm.Model, name: str) -> np.ndarray:
    """Return what a data container holds, or an observed variable is conditioned on.

    What PyMC imputes is missing, NaN.
    """
    variable = model[name]
    value = model.rvs_to_values.get(variable, variable)
    if name in imputed(model):
        gaps = model[f"{name}_unobserved"]
        known = model[f"{name}_observed"]
        nothing = np.full(tuple(gaps.shape.eval(mode=numpy_mode())), np.nan)
        value = replaced(variable, {known: model.rvs_to_values[known], gaps: nothing})
    if hasattr(value, "get_value"):
        return np.asarray(value.get_value(borrow=True))
    if hasattr(value, "data"):
        return np.asarray(value.data)
    return np.asarray(value.eval(mode=numpy_mode()))


def lies_above(variable: Variable, model: pm.Model) -> set[Variable]:
    """Return everything that ``variable`` is computed from.

    Free variables, other observed ones and imputed ones are included but not entered.
    """
    from pytensor.graph.traversal import ancestors

    blockers = [rv for rv in [*model.basic_RVs, *imputed(model).values()] if rv is not variable]
    return set(ancestors([variable], blockers=blockers))


def replaced(graph: TensorVariable, changes: Mapping[Any, Any]) -> TensorVariable:
    """Return the graph with these variables replaced, those that do not occur ignored."""
    from pytensor.graph.replace import graph_replace

    return cast(Any, graph_replace(graph, dict(changes), strict=False)) if changes else graph


def outcome_names(model: pm.Model, observed: TensorVariable) -> list[str]:
    """Return what an outcome goes by: the observed variable, then the data that hold it."""
    from pytensor.graph.traversal import ancestors

    above = set(ancestors([model.rvs_to_values[observed]]))
    held = [str(v.name) for v in model.data_vars if v in above]
    return [str(observed.name), *(held if len(held) == 1 else [])]


def spoken_of(
    model: pm.Model, outcomes: Sequence[str], columns: Mapping[str, object]
) -> list[TensorVariable]:
    """Return the observed variables that the answers speak about.

    They are those named in ``columns`` or like an outcome, else the only one.

    Raises
    ------
    ModelError
        When there are several and nothing says which are meant, or none.
    """
    observed = model.observed_RVs
    if not observed:
        raise ModelError(
            "The model observes its real rows in a Potential, which other rows cannot enter: pass "
            "a likelihood= callable that gives the answers' log-likelihood."
        )
    known = {rv: outcome_names(model, rv) for rv in observed}
    chosen = [
        rv
        for rv, names in known.items()
        if any(name in columns or short(name) in outcomes for name in names)
    ]
    if chosen:
        return chosen
    if len(observed) == 1:
        return list(observed)
    raise ModelError(
        f"The model observes {', '.join(rv.name for rv in observed)}, and nothing says about which "
        "the answers speak: say so with columns={'observed variable': 'column of the answers'}."
    )
