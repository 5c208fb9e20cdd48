"""Values of statements, by looking names up in what a caller offers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from foundation_priors.errors import StatementError, UnreliableWarning, brief, warn
from foundation_priors.statements.grammar import COMPARISON, RANK, Call, Chain, Number, Tree, Unary
from foundation_priors.statements.tokens import Name

__all__ = ["FUNCTIONS", "check_numbers", "compute"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "expm1": np.expm1,
    "invlogit": lambda x: 1 / (1 + np.exp(-x)),
    "log": np.log,
    "log1p": np.log1p,
    "logit": lambda x: np.log(x / (1 - x)),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}
APPLY: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "and": np.logical_and,
    "or": np.logical_or,
}


def compute(
    tree: Tree,
    lookup: Callable[[Name], Any],
    functions: Mapping[str, Callable[..., Any]] = FUNCTIONS,
    text: str = "A comparison",
) -> Any:
    """Return the value of a statement or an expression.

    Parameters
    ----------
    tree : Tree
        What `parse` returned.
    lookup : callable
        From a name, perhaps with the labels of an element, to an array.
    functions : mapping, optional
        The functions by name, for arrays other than NumPy's and xarray's.
    text : str, optional
        The statement, for warnings.

    Returns
    -------
    array
        Floats, or booleans; what `lookup` gave where the tree is a name. As in NumPy, a comparison
        with what is not a number is false, or true with ``!=``.

    Raises
    ------
    StatementError
        When a number stands for a truth value, or something that is no number for a number.

    Warns
    -----
    UnreliableWarning
        When something that is not a number is compared.
    """

    def number(part: Tree) -> Any:
        found = value(part)
        kind = np.dtype(getattr(found, "dtype", type(found))).kind
        if kind in "biu":
            return found.astype(float)
        if kind != "f":
            raise StatementError(f"{brief(getattr(part, 'name', 'It'))} does not hold numbers.")
        return found

    def truth(part: Tree, sign: str) -> Any:
        found = value(part)
        if np.dtype(found.dtype) != bool:
            raise StatementError(
                f"{sign!r} joins what is true or false, and one side of it is a number: write "
                "a comparison on each, such as 'beta > 0 and sigma < 1'."
            )
        return found

    def value(part: Tree) -> Any:
        match part:
            case Number(x):
                return np.float64(x)
            case Name():
                return lookup(part)
            case Unary("not", inner):
                return np.logical_not(truth(inner, "not"))
            case Unary(sign, inner):
                return number(inner) if sign == "+" else -number(inner)
            case Call(name, arguments):
                return functions[name](*(number(a) for a in arguments))
            case Chain(signs, operands):
                return chain(signs, operands)

    def chain(signs: tuple[str, ...], operands: tuple[Tree, ...]) -> Any:
        if signs[0] in ("and", "or"):
            sides = [truth(part, signs[0]) for part in operands]
        else:
            sides = [number(part) for part in operands]
        if RANK[signs[0]] == COMPARISON:
            for side in sides:
                check_numbers(side, text, ", where a comparison is false, or true with '!='")
            pairs = zip(signs, pairwise(sides), strict=True)
            sides = [APPLY[sign](*pair) for sign, pair in pairs]
            signs = ("and",) * (len(sides) - 1)
        out = sides[0]
        for sign, side in zip(signs, sides[1:], strict=True):
            out = APPLY[sign](out, side)
        return out

    with np.errstate(all="ignore"):
        return value(tree)


def check_numbers(values: Any, text: str, so: str = "") -> None:
    """Warn where some values of a statement or expression are not numbers, and say what follows."""
    values = getattr(values, "values", values)
    if not isinstance(values, np.ndarray | np.generic) or values.dtype.kind != "f":
        return
    if lost := int(np.isnan(values).sum()):
        warn(
            f"{text} holds what is not a number in {lost:,} of {values.size:,} values{so}: keep "
            "logarithms, roots, powers and divisions to where they are defined.",
            UnreliableWarning,
        )
