"""Every notebook runs from top to bottom, with this interpreter and in a folder of its own.

Studies of many repetitions are short here, which no conclusion of a notebook hangs on; with
``FP_WHOLE=1``, as in ``make bench``, every cell runs as the reader sees it.
"""

import os
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from traitlets import default

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 1800
PICTURES = {  # at least
    "01_quickstart": 4,
    "02_the_coin": 4,
    "03_asking_a_model": 1,
    "04_how_much_to_trust": 5,
    "05_circularity": 3,
    "06_one_voice_or_many": 7,
}

SHORT = """
from functools import wraps as _wraps

import foundation_priors as _fp


def _short(function, name, most):
    @_wraps(function)
    def short(*args, **given):
        return function(*args, **given | {name: min(given.get(name, most), most)})

    return short


_fp.trust.placebo = _short(_fp.trust.placebo, "permutations", 1)
_fp.trust.coverage = _short(_fp.trust.coverage, "repeats", 20)
"""


class OwnKernel(AsyncKernelManager):
    """A kernel of the running interpreter, whatever kernels are installed for other ones."""

    @default("kernel_spec_manager")
    def _only_native(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=OwnKernel,
        timeout=SECONDS,
        resources={"metadata": {"path": str(folder)}},
    )
    own = {
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(folder / ".ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client.execute(env={**os.environ, **own})


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return "".join(out["text"] for out in outputs if out["output_type"] == "stream")


def pictures(notebook: nbformat.NotebookNode) -> int:
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return sum("image/png" in out.get("data", {}) for out in outputs)


def test_there_are_notebooks() -> None:
    assert [file.stem for file in NOTEBOOKS] == list(PICTURES)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_is_stored_without_outputs(file: Path) -> None:
    cells = nbformat.read(file, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code and not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs(file: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(file, as_version=4)
    if "FP_WHOLE" not in os.environ and "fp.trust." in file.read_text():
        notebook.cells.insert(0, nbformat.v4.new_code_cell(SHORT))
    execute(notebook, tmp_path)
    assert "Warning" not in printed(notebook)
    assert pictures(notebook) >= PICTURES[file.stem]
