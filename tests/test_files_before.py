"""Files written by earlier versions are read, with the numbers that they had then."""

import copy
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import foundation_priors as fp
from foundation_priors.path.mixture import LOWEST
from foundation_priors.trust.fit import caps
from tests.data.before import make

NUMBERS = json.loads((make.HERE / "numbers.json").read_text())
TODAY = ("votes", "chances")
"""Answers whose weights by today's rule are not those of then."""


def check(found: Any, wanted: Any, where: str) -> None:
    """Compare what is nested; what was not there then may be there now."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            check(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list) and any(isinstance(w, list | dict | str) for w in wanted):
        assert len(found) == len(wanted), where
        for number, value in enumerate(wanted):
            check(found[number], value, f"{where}[{number}]")
    elif isinstance(wanted, list | float):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9, err_msg=where)
    else:
        assert found == wanted, where


@pytest.mark.parametrize("name", make.MAKERS)
def test_readers_give_the_numbers_of_then(name: str, tmp_path: Path) -> None:
    found = make.numbers(make.read(name, tmp_path))
    wanted = NUMBERS[name]
    if name in TODAY:
        wanted = {k: v for k, v in wanted.items() if k not in ("weights", "clustering")}
    check(json.loads(json.dumps(found)), wanted, name)


@pytest.mark.parametrize("name", TODAY)
def test_answers_get_todays_weights_and_say_what_they_were(name: str, tmp_path: Path) -> None:
    said, rows = make.read(name, tmp_path), make.MAKERS[name]().effective_size().effective_rows
    then = sum(NUMBERS[name]["weights"])
    assert said.effective_size().effective_rows["total"] == rows["total"]
    line = f"when its file was written they gave {then:.4g} effective rows"
    assert line in repr(said) and line in said._repr_html_()
    said.to_netcdf(tmp_path / "again.nc")
    again = fp.SyntheticData.from_netcdf(tmp_path / "again.nc")
    assert "its file" not in repr(again) and again.identical(said)


def test_a_path_keeps_the_weights_of_its_answers(tmp_path: Path) -> None:
    path = make.read("coin", tmp_path)
    line = "weights as in its file, 2 effective rows, where those of today are 10"
    for where in (repr(path), path._repr_html_(), repr(path.synthetic)):
        assert line in where
    np.testing.assert_allclose(path.synthetic.weights(), 0.2)
    np.testing.assert_allclose(copy.copy(path.synthetic).weights("heads"), 0.2)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(path.synthetic)).weights(), 0.2)
    assert path.synthetic.with_weight().effective_size().effective_rows["total"] == 10
    path.to_netcdf(tmp_path / "again.nc")
    again = fp.TrustPath.from_netcdf(tmp_path / "again.nc")
    assert line in repr(again) and repr(again) == repr(path)
    path.synthetic.to_netcdf(tmp_path / "answers.nc")
    assert "its file" not in repr(make.read("linked", tmp_path))


def test_a_path_keeps_its_law_of_trust(tmp_path: Path, rng: np.random.Generator) -> None:
    """The law of then was uniform where the weights over their caps add to 1 at most."""
    path = make.read("framings", tmp_path)
    assert path.facts.laws == 1 and "'cautious' as it was then" in repr(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = path.trust_posterior("cautious").hyperprior_nodes
    cap = caps(path)
    total = before.probability @ (before.points / cap).sum(axis=1)
    drawn = (rng.random((100_000, 2)) * np.minimum(cap, 1) / cap).sum(axis=1)
    drawn = drawn[drawn <= 1]
    error = drawn.std() * (1 / len(drawn) + 1 / before.size) ** 0.5
    assert total == pytest.approx(drawn.mean(), abs=4 * error)
    path.to_netcdf(tmp_path / "again.nc")
    again = fp.TrustPath.from_netcdf(tmp_path / "again.nc")
    assert again.facts == path.facts
    assert make.read("coin", tmp_path).facts.laws == 1
    assert "as it was then" not in repr(make.read("coin", tmp_path))


def test_log_likelihoods_that_were_no_numbers_are_read_as_the_mixture_took_them(tmp_path) -> None:
    file = make.unpacked("coin", tmp_path)
    with h5py.File(file, "r+") as opened:
        ell = opened["prior/anchors/ell"]
        ell[0] = np.nan
    path = fp.TrustPath.from_netcdf(file)
    assert path.prior.fits[0].run.ell.ravel()[0] == LOWEST
    assert np.isfinite(path.prior.mixture.ell).all()
