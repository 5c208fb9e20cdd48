"""The public names, the direction of imports and the sizes, against docs/architecture.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import foundation_priors as fp

ROOT = Path(fp.__file__).parent
DOCS = ROOT.parent / "docs" / "architecture.md"
FILES = [ROOT / "__init__.py", *sorted(set(ROOT.rglob("*.py")) - {ROOT / "__init__.py"})]
HEAVY = {"arviz", "arviz_plots", "matplotlib", "pymc"}
ONE_SYSTEM = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"} | {
    "msvcrt",
    "winreg",
    "_winapi",
}
LONGEST = 300


def fenced(name: str) -> str:
    """Return the fenced block of the architecture page that follows the marker ``name``."""
    found = re.search(rf"<!-- {name} -->\n```text\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found, f"docs/architecture.md has no block marked {name!r}"
    return found[1]


def ranks() -> dict[str, int]:
    """Read ``a < b, c < d`` as a rank for every room: 0, 1, 1, 2."""
    levels = fenced("rooms").replace("\n", " ").split("<")
    return {room.strip(): rank for rank, level in enumerate(levels) for room in level.split(",")}


def room_of(module: str) -> str:
    return module.removeprefix("foundation_priors").lstrip(".").split(".")[0]


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def run_at_import(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that loading a module executes: none in functions or for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif only_for_types(child):
            for other in child.orelse:
                yield from run_at_import(other)
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from run_at_import(child)


def imported(file: Path) -> list[str]:
    """List the modules that loading ``file`` imports; names of the package itself in full."""
    modules = []
    for node in run_at_import(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif node.module == "foundation_priors":
            modules += [f"foundation_priors.{alias.name}" for alias in node.names]
        else:
            modules.append(node.module or "")
    return modules


def relative(file: Path) -> str:
    return file.relative_to(ROOT.parent).as_posix()


@pytest.mark.parametrize("name", fp.__all__)
def test_every_public_name_loads_and_explains_itself(name: str) -> None:
    assert getattr(fp, name).__doc__
    assert name in dir(fp)


def test_nothing_private_is_listed() -> None:
    assert dir(fp) == sorted(["__version__", *fp.__all__])


def test_the_names_agree_with_the_architecture_page() -> None:
    assert sorted(fenced("names").split()) == sorted(fp.__all__)


def test_every_name_is_told_to_type_checkers() -> None:
    block = next(
        node for node in ast.parse((ROOT / "__init__.py").read_text()).body if only_for_types(node)
    )
    told = [alias.name for node in ast.walk(block) for alias in getattr(node, "names", [])]
    assert sorted(told) == sorted(fp.__all__) == fp.__all__


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tillt'. Did you mean 'tilt'\\?"):
        _ = fp.tillt  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no attribute 'zzzzz'. There are 'Anticipation', "):
        _ = fp.zzzzz  # type: ignore[attr-defined]
    assert not hasattr(fp, "__wrapped__")


def test_importing_the_package_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import foundation_priors; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "print(*(new - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True
    )
    assert done.stdout.split() == ["foundation_priors"]


def test_imports_go_one_way() -> None:
    rank = ranks()
    assert imported(ROOT / "__init__.py") == ["typing"]
    upward = []
    for file in FILES[1:]:
        home = room_of(name_of(file))
        assert home in rank, f"give {home} its place in docs/architecture.md"
        own = [m for m in imported(file) if m.split(".")[0] == "foundation_priors"]
        rooms = {room_of(module) for module in own} - {home}
        upward += [(relative(file), r) for r in rooms if rank.get(r, rank[home]) >= rank[home]]
    assert not upward, "files that import from rooms that are not below their own"


def test_what_is_heavy_is_imported_where_it_is_used() -> None:
    tops = {relative(f): {module.split(".")[0] for module in imported(f)} for f in FILES}
    assert not {name: HEAVY & found for name, found in tops.items() if HEAVY & found}


def test_what_one_system_has_is_imported_where_it_is_used() -> None:
    tops = {relative(f): {module.split(".")[0] for module in imported(f)} for f in FILES}
    assert not {name: ONE_SYSTEM & found for name, found in tops.items() if ONE_SYSTEM & found}


def code_lines(text: str) -> int:
    """Count lines that are neither blank nor documentation."""
    strings = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    words = {n for node in strings for n in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return sum(bool(line) and line[0] != "#" and n not in words for n, line in lines)


def test_code_lines_are_counted_without_words() -> None:
    assert (
        code_lines('"""Two\n\nlines."""\n\nX = 1  # one\n"""What X is."""\n# none\nY = "two"\n')
        == 2
    )


def test_no_file_is_long() -> None:
    sizes = {relative(file): code_lines(file.read_text()) for file in FILES}
    assert not {name: size for name, size in sizes.items() if size > LONGEST}
