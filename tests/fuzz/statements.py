"""Statements and labels at random: ``python -m tests.fuzz.statements [10000]``.

Random trees are written down and must give what NumPy gives; random texts and labels must give a
value or a sentence, and nothing may be executed.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from foundation_priors.errors import StatementError, UnreliableWarning
from foundation_priors.path.draws import SAMPLE, elements, evaluate
from foundation_priors.statements import parse, written

type Value = Callable[[dict[str, np.ndarray]], Any]
type Written = tuple[str, int, Value]

CODE = (
    "__import__('os').system('true')",
    "b] + beta.size + beta[a",
    "().__class__.__bases__[0].__subclasses__()",
    "exec('1')",
    "@x.eval",
    "x'] or open('/dev/null') or x['",
    '"', "'", "`", "]", "[", ",", "\n", "\x1b[2J", "\u202e", "$\\frac{", "<b>", "",
)  # fmt: skip
NUMBERS = {"a": np.array([-2.0, -0.5, 0.0, 0.7, 3.0]), "sigma": np.array([0.1, 1.0, 1.0, 2.0, 9.0])}
ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON, NOT, AND, OR = range(9)
"""How tightly what a text says holds together."""


def _in(part: Written, loosest: int) -> str:
    return part[0] if part[1] <= loosest else f"({part[0]})"


def _binary(sign: str, rank: int, apply: Callable[[Any, Any], Any], left: int, right: int) -> Any:
    def build(a: Written, b: Written, space: str) -> Written:
        text = f"{_in(a, left)}{space}{sign}{space}{_in(b, right)}"
        return text, rank, lambda n: apply(a[2](n), b[2](n))

    return build


ARITHMETIC = [
    _binary("+", SUM, np.add, SUM, PRODUCT),
    _binary("-", SUM, np.subtract, SUM, PRODUCT),
    _binary("*", PRODUCT, np.multiply, PRODUCT, SIGN),
    _binary("/", PRODUCT, np.divide, PRODUCT, SIGN),
    _binary("**", POWER, np.power, ATOM, SIGN),
]
COMPARISONS = [
    _binary(sign, COMPARISON, apply, SUM, SUM)
    for sign, apply in (
        ("<", np.less), ("<=", np.less_equal), (">", np.greater), (">=", np.greater_equal),
        ("==", np.equal), ("!=", np.not_equal),
    )
]  # fmt: skip
LOGIC = [
    _binary(sign, rank, apply, rank, rank - 1)
    for sign, rank, apply in (
        (" and ", AND, np.logical_and), (" & ", AND, np.logical_and),
        (" or ", OR, np.logical_or), (" | ", OR, np.logical_or),
    )
]  # fmt: skip


def _called(name: str, apply: Callable[..., Any]) -> Callable[..., Written]:
    def build(*parts: Written) -> Written:
        text = f"{name}({', '.join(p[0] for p in parts)})"
        return text, ATOM, lambda n: apply(*(p[2](n) for p in parts))

    return build


ONE = [_called(n, getattr(np, n)) for n in ("abs", "exp", "log", "sqrt", "tanh")]
TWO = [_called(n, getattr(np, n)) for n in ("minimum", "maximum")]


def _negative(part: Written) -> Written:
    return f"-{_in(part, SIGN)}", SIGN, lambda n: np.negative(part[2](n))


def _negated(sign: str, part: Written) -> Written:
    return f"{sign}{_in(part, NOT)}", NOT, lambda n: np.logical_not(part[2](n))


def _number(value: float) -> Written:
    return repr(value), ATOM, lambda n: np.float64(value)


def _name(name: str) -> Written:
    return name, ATOM, lambda n: n[name]


space = st.sampled_from(["", " ", "  ", "\n"])
leaves = st.one_of(
    st.sampled_from(sorted(NUMBERS)).map(_name),
    st.floats(0, 100).map(_number),
    st.integers(0, 9).map(lambda i: (str(i), ATOM, lambda n: np.float64(i))),
)
numbers = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda f, a, b, s: f(a, b, s), st.sampled_from(ARITHMETIC), inner, inner, space),
        st.builds(lambda f, a: f(a), st.sampled_from(ONE), inner),
        st.builds(lambda f, a, b: f(a, b), st.sampled_from(TWO), inner, inner),
        inner.map(_negative),
    ),
    max_leaves=8,
)
events = st.recursive(
    st.builds(lambda f, a, b, s: f(a, b, s), st.sampled_from(COMPARISONS), numbers, numbers, space),
    lambda inner: st.one_of(
        st.builds(lambda f, a, b: f(a, b, ""), st.sampled_from(LOGIC), inner, inner),
        st.builds(_negated, st.sampled_from(["not ", "~"]), inner),
    ),
    max_leaves=4,
)
words = st.sampled_from(
    [*"abx()[]'\"`,.+-*/<>=!&|~^%@:;{}#\\ \n\t\0", "**", "==", "<=", "and", "or", "not", "beta",
     "beta[", "sigma", "exp", "minimum(", "1e3", "1e999", "0.5", "lambda", "import", "__class__",
     "model::x", "'']", *CODE]
)  # fmt: skip
texts = st.one_of(
    st.text(st.characters(), max_size=40),
    st.lists(words, max_size=30).map("".join),
    st.lists(words, max_size=30).map(" ".join),
    st.builds(lambda w, n: w * n, words, st.integers(1, 1200)),
)
labels = st.one_of(
    # pandas has no index of lone surrogates.
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(CODE),
    st.lists(st.sampled_from(CODE), max_size=4).map("".join),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
)

_watch = {"on": False, "added": False}


def _hook(event: str, arguments: Any) -> None:
    if _watch["on"] and event in ("exec", "compile", "import", "open", "os.system"):
        raise AssertionError(f"{event} while a statement was read: {arguments!r:.200}")


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Raise when code is compiled, executed or imported, or a file opened."""
    if not _watch["added"]:
        sys.addaudithook(_hook)
        _watch["added"] = True
    _watch["on"] = True
    try:
        yield
    finally:
        _watch["on"] = False


def dataset(names: list[Any] | None = None) -> xr.Dataset:
    """Return draws of two scalars, and of a vector with some labels."""
    data: dict[str, Any] = {k: (SAMPLE, v) for k, v in NUMBERS.items()}
    if names is None:
        return xr.Dataset(data)
    coordinate = np.empty(len(names), dtype=object)
    coordinate[:] = names
    values = np.arange(5.0 * len(names)).reshape(5, -1)
    return xr.Dataset({**data, "beta": ((SAMPLE, "k"), values)}, {"k": ("k", coordinate)})


DRAWS, VECTOR = dataset(), dataset(["a", "b", *CODE])


def check_tree(tree: Written) -> None:
    """Compare a statement's value with NumPy's."""
    text, _, value = tree
    try:
        parse(text)
    except StatementError as error:
        assert len(text) > 1000 or "deep" in str(error), (text, error)
        return
    found = evaluate(DRAWS.assign(fp_zero=(SAMPLE, np.zeros(5))), f"({text}) + fp_zero")
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(np.asarray(value(NUMBERS), dtype=float), 5)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def check_text(text: str) -> None:
    """Read a text, which gives a value or a sentence."""
    try:
        with nothing_runs():
            evaluate(VECTOR, text)
    except (StatementError, ValueError) as error:
        assert type(error) is StatementError or "each draw" in str(error)
        assert str(error).isprintable() and len(str(error)) < 800


def check_labels(names: list[Any]) -> None:
    """Address the elements of a vector whose labels are anything."""
    draws = dataset(names)
    texts = [str(n) for n in names]
    with nothing_runs():
        found = elements(draws, "beta - a > 0")
        assert len({e.label for e in found}) == len(names)
        for i, text in enumerate(texts):
            quoted = text.replace("'", "''")
            for place in (f"'{quoted}'", written(text)):
                if text not in place.replace("''", "'"):
                    continue  # Its characters are escaped, or it is cut.
                try:
                    value = evaluate(draws, f"beta[{place}]")
                except StatementError as error:
                    assert texts.count(text) > 1, (text, error)
                    continue
                np.testing.assert_array_equal(value, draws["beta"][:, i])


CHECKS: dict[str, tuple[Any, Callable[[Any], None]]] = {
    "numbers": (numbers, check_tree),
    "events": (events, check_tree),
    "texts": (texts, check_text),
    "labels": (st.lists(labels, min_size=1, max_size=5), check_labels),
}


def run(name: str, examples: int, number: int = 20251201) -> None:
    """Run one check on so many random inputs."""
    strategy, check = CHECKS[name]
    evaluate(VECTOR, "beta > 0")  # What is loaded on first use is loaded.
    wanted = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWarning)  # Of what is not a number.
        wanted(seed(number)(given(strategy)(check)))()


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for kind in CHECKS:
        started = time.perf_counter()
        run(kind, total // len(CHECKS))
        took = time.perf_counter() - started
        print(f"{kind}: {total // len(CHECKS):,} in {took:.1f} s, none failed")
