"""Compiling leaves nothing behind: no files, no warning filters, no flags."""

import linecache
import re
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import foundation_priors as fp
from foundation_priors.errors import warn
from foundation_priors.prior.compiling import compile_model, compiling, sources_removed
from foundation_priors.report.section import Section, judge
from tests.path import models


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def compiled(number: float):
    """Compile a function as the sampler's are, and call it."""
    x = pt.dvector("x")
    function = pytensor.function([x], x.sum() + number, mode="NUMBA")
    assert function(np.ones(3)) == 3 + number
    return function


def test_files_go_and_their_text_stays_for_tracebacks(folder):
    with sources_removed():
        function = compiled(1.5)
        names = [str(file) for file in folder.iterdir()]
    assert names and not list(folder.iterdir())
    linecache.checkcache()
    assert all("def " in "".join(linecache.getlines(name)) for name in names)
    assert function(np.zeros(2)) == 1.5


def test_files_of_other_threads_and_of_earlier_stay(folder):
    from pytensor.link.utils import write_generated_src

    names = [write_generated_src("x = 0")]

    def other():
        names.append(write_generated_src("x = 1"))
        with sources_removed():
            write_generated_src("x = 2")
        names.append(write_generated_src("x = 3"))

    with sources_removed():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        write_generated_src("x = 4")
        with sources_removed():
            write_generated_src("x = 5")
        write_generated_src("x = 6")
    names.append(write_generated_src("x = 7"))
    assert sorted(map(str, folder.iterdir())) == sorted(names)
    assert [Path(name).read_text() for name in names] == ["x = 0", "x = 1", "x = 3", "x = 7"]


def test_a_users_own_folder_for_sources_is_left_alone(folder, tmp_path_factory):
    mine = tmp_path_factory.mktemp("mine")
    with pytensor.config.change_flags(generated_src_dir=str(mine)), sources_removed():
        compiled(2.5)
    assert list(mine.iterdir()) and not list(folder.iterdir())


def test_it_compiles_in_strict_arithmetic_whatever_the_user_has_set(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "nutpie.compile_pymc_model", lambda _: seen.append(pytensor.config.numba__fastmath)
    )
    for before in (True, False):
        with pytensor.config.change_flags(numba__fastmath=before):
            compile_model(pm.Model())
            assert pytensor.config.numba__fastmath is before
    assert seen == [False, False]


def test_two_threads_that_compile_leave_the_filters_as_they_were(monkeypatch):
    """What nutpie does: it sets a filter and puts the old ones back."""

    def compile_pymc_model(_):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            time.sleep(0.1)

    monkeypatch.setattr("nutpie.compile_pymc_model", compile_pymc_model)
    before, flag = warnings.filters, pytensor.config.numba__fastmath
    threads = [threading.Thread(target=compile_model, args=(pm.Model(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.04)
    for thread in threads:
        thread.join()
    assert warnings.filters is before
    assert pytensor.config.numba__fastmath is flag


def test_sampling_sets_no_filters():
    engine, before, same = models.coin().engine, warnings.filters, []
    sampler = threading.Thread(
        target=engine.sample,
        args=(np.array([0.5]), 1.0, lambda _: np.zeros(1)),
        kwargs={"draws": 2000, "tune": 500, "chains": 2, "cores": 1, "seed": 1},
    )
    sampler.start()
    while sampler.is_alive():
        same.append(warnings.filters is before)
    assert same and all(same)


def test_compiling_within_compiling_does_not_wait_for_itself(folder):
    with compiling(), compiling():
        compiled(3.5)
    assert not list(folder.iterdir())


def in_threads(*functions):
    """Run functions at once and return what each gave."""
    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(f) for f in functions]]


def test_two_paths_at_once_are_those_of_one_after_the_other(folder):
    """And they leave filters and folders as they were."""
    before, kept = warnings.filters, list(warnings.filters)
    make = [partial(models.again, models.coin(), seed) for seed in (1, 2)]
    together, alone = in_threads(*make), [one() for one in make]
    assert warnings.filters is before and warnings.filters == kept
    assert not list(folder.iterdir())
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_array_equal(a.posterior.u, b.posterior.u)
        np.testing.assert_array_equal(a.prior.mixture.ell, b.prior.mixture.ell)


def test_sections_that_are_judged_at_once_keep_their_own_notes():
    """And they run at once: each waits for the other within."""
    both = threading.Barrier(2, timeout=60)

    def section(name: str) -> Section:
        def slow(_):
            both.wait()
            warn(f"{name} is shaky.", fp.UnreliableWarning)
            both.wait()
            return Section("", "", name)

        return judge(name, name, slow, None)

    one, other = in_threads(partial(section, "one"), partial(section, "other"))
    assert one.notes == ("one is shaky.",) and other.notes == ("other is shaky.",)


def test_a_section_changes_nothing_that_other_threads_see():
    """Their warnings reach them, by the filters that they set, while it runs."""
    state = warnings.filters, list(warnings.filters), warnings.showwarning
    same = []

    def of_others():
        same.append((warnings.filters, list(warnings.filters), warnings.showwarning) == state)
        with pytest.warns(fp.UnreliableWarning, match="elsewhere"):
            warn("Shaky elsewhere.", fp.UnreliableWarning)

    def slow(_):
        same.append((warnings.filters, list(warnings.filters), warnings.showwarning) == state)
        in_threads(of_others)
        return Section("", "", "Read.")

    found = judge("a", "A", slow, None)
    assert found.notes == () and same == [True, True]


def test_a_warning_shows_the_line_that_called_the_package():
    with pytest.warns(fp.UnreliableWarning) as caught:
        warn("Shaky.", fp.UnreliableWarning)
    assert caught[0].filename == __file__


def test_nothing_in_the_package_sets_filters():
    """But for the command line, which is a process of its own."""
    root = Path(fp.__file__).parent
    files = [file for file in root.rglob("*.py") if file.parent.name != "cli"]
    setting = re.compile(r"catch_warnings\(|simplefilter\(|filterwarnings\(|showwarning\s*=")
    assert not [file.name for file in files if setting.search(file.read_text(encoding="utf-8"))]
