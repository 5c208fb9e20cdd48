"""The grammar of statements: from a text to a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from foundation_priors.errors import StatementError, brief
from foundation_priors.statements.labels import label_of
from foundation_priors.statements.tokens import Name, Refused, tokens

__all__ = ["Call", "Chain", "Number", "Tree", "Unary", "is_event", "parse", "put_labels", "walk"]

LONGEST = 1000
"""Most characters of a statement."""
DEEPEST = 50
"""Most operations within one another."""
REFUSAL = "cannot be read: combine names by arithmetic and comparisons, such as 'beta > 0'"
RANK = {"or": 1, "|": 1, "and": 2, "&": 2}
RANK |= dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4)
RANK |= {"+": 5, "-": 5, "*": 6, "/": 6, "**": 8}
NOT, COMPARISON, SIGN = 3, 4, 7
"""Ranks of ``not``, which stands above a comparison, of these, and of a sign."""
SAME = {"|": "or", "&": "and", "~": "not"}
ARGUMENTS = dict.fromkeys(("abs", "exp", "expm1", "invlogit", "log", "log1p", "logit"), 1)
ARGUMENTS |= {"maximum": 2, "minimum": 2, "sqrt": 1, "tanh": 1}
"""The functions, and how many arguments each takes."""


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Unary:
    """A sign, or ``not``."""

    operator: str
    operand: Tree


@dataclass(frozen=True)
class Chain:
    """Operations of one rank from left to right, as in a sum or a comparison."""

    operators: tuple[str, ...]
    operands: tuple[Tree, ...]


@dataclass(frozen=True)
class Call:
    """A function of the list."""

    function: str
    arguments: tuple[Tree, ...]


type Tree = Number | Name | Unary | Chain | Call


def parse(text: str, refusal: str = REFUSAL) -> Tree:
    """Read a statement or an expression.

    Parameters
    ----------
    text : str
    refusal : str
        What to say of a text that cannot be read, after the text and before the reason.

    Raises
    ------
    StatementError
        When it is none, too long, or nested too deep.

    Examples
    --------
    >>> parse("beta[age] > 0.5")
    Chain(operators=('>',), operands=(Name(name='beta', place=('age',), end=4), Number(value=0.5)))
    """
    if len(text) > LONGEST:
        raise StatementError(
            f"{brief(text)} has {len(text):,} characters, and a statement at most {LONGEST:,}: "
            "give a function of the draws instead."
        )
    try:
        return _Parser(text).whole()
    except Refused as refused:
        if refused.unfinished:
            refusal = "is not an expression of the model's variables, such as 'beta > 0'"
        raise StatementError(f"{brief(text)} {refusal}: {refused}.") from None


class _Parser:
    """A parser by rising precedence; its recursion is limited by the depth of what it reads."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.at = text, 0, 0
        self.tokens = list(tokens(text))

    def whole(self) -> Tree:
        tree = self.expression(0)
        kind, what, at = self.tokens[self.at]
        if kind != "end":
            raise Refused(f"{_shown(kind, what)} cannot stand at character {at + 1}")
        return tree

    def expression(self, lowest: int) -> Tree:
        """Read operations that bind at least as tightly as this rank."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Refused(f"it is nested more than {DEEPEST} deep")
        left = self.prefixed(lowest)
        while (rank := self.rank()) >= max(lowest, 1):
            operators: list[str] = []
            operands = [left]
            while self.rank() == rank:
                sign = self.take()
                operators.append(SAME.get(sign, sign))
                # The right side of a power is signed, and read from right to left.
                operands.append(self.expression(SIGN if rank == RANK["**"] else rank + 1))
            left = Chain(tuple(operators), tuple(operands))
        self.depth -= 1
        return left

    def rank(self) -> int:
        kind, what, _ = self.tokens[self.at]
        return RANK.get(what, 0) if kind == "operator" else 0

    def take(self) -> Any:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def prefixed(self, lowest: int) -> Tree:
        kind, what, at = self.tokens[self.at]
        if kind == "number":
            return Number(self.take())
        if kind == "name":
            return self.named(self.take())
        if kind == "operator" and what in ("-", "+"):
            self.take()
            return Unary(what, self.expression(RANK["**"]))
        if kind == "operator" and what in ("not", "~"):
            if lowest > NOT:
                raise Refused(f"{what!r} at character {at + 1} needs parentheses about it")
            self.take()
            return Unary("not", self.expression(NOT))
        if kind == "operator" and what == "(":
            self.take()
            inner = self.expression(0)
            self.expect(")")
            return inner
        if kind == "end":
            raise Refused("something is missing at its end", unfinished=True)
        raise Refused(f"{_shown(kind, what)} cannot stand at character {at + 1}")

    def named(self, name: Name) -> Tree:
        if self.tokens[self.at][:2] != ("operator", "("):
            return name
        if name.name not in ARGUMENTS or name.place is not None:
            raise Refused(
                f"there is no function {brief(name.name)}, only {', '.join(ARGUMENTS)}",
            )
        self.take()
        arguments = [self.expression(0)]
        while self.tokens[self.at][:2] == ("operator", ","):
            self.take()
            arguments.append(self.expression(0))
        self.expect(")")
        if len(arguments) != (wanted := ARGUMENTS[name.name]):
            raise Refused(f"{name.name}() takes {wanted} argument{'s' * (wanted > 1)}")
        return Call(name.name, tuple(arguments))

    def expect(self, sign: str) -> None:
        kind, what, at = self.tokens[self.at]
        if (kind, what) != ("operator", sign):
            found = "it ends" if kind == "end" else f"{_shown(kind, what)} stands"
            raise Refused(f"{found} where {sign!r} is missing, at character {at + 1}")
        self.take()


def _shown(kind: str, what: Any) -> str:
    return brief(what.name if kind == "name" else f"{what:g}" if kind == "number" else what)


def walk(tree: Tree) -> Iterator[Tree]:
    """Return a tree's parts, itself first."""
    yield tree
    match tree:
        case Unary(_, inner):
            yield from walk(inner)
        case Chain(_, parts) | Call(_, parts):
            for part in parts:
                yield from walk(part)


def is_event(tree: Tree) -> bool:
    """Say whether a statement is true or false, rather than a number."""
    match tree:
        case Unary("not", _):
            return True
        case Chain(signs, _):
            return RANK[signs[0]] <= COMPARISON
    return False


def put_labels(text: str, tree: Tree) -> Callable[[Callable[[Name], Sequence[object]]], str]:
    """Return a function that makes of a statement about arrays one about an element of each.

    Examples
    --------
    >>> put_labels("beta > 0", parse("beta > 0"))(lambda name: ["age"])
    'beta[age] > 0'
    """
    bare = [part for part in walk(tree) if isinstance(part, Name) and part.place is None]
    cuts = [0, *sorted(name.end for name in bare), len(text)]
    names = sorted(bare, key=lambda name: name.end)
    pieces = [text[a:b] for a, b in pairwise(cuts)]

    def put(place: Callable[[Name], Sequence[object]]) -> str:
        labels = [*(label_of("", place(name)) for name in names), ""]
        return "".join(piece + label for piece, label in zip(pieces, labels, strict=True))

    return put
