"""Options of the sampler: they reach every run, and are checked before anything compiles."""

from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.washout_future import TUNE, Future
from foundation_priors.path.trust_path import climb
from foundation_priors.prior.nuts import nuts_options
from tests.path import models

OPTIONS = {"target_accept": 0.93, "nuts_sampler_kwargs": {"max_treedepth": 7}}


class Stop(Exception):
    """Enough has been seen."""


@pytest.fixture
def runs(monkeypatch):
    """Note what each run of the sampler is given."""
    import nutpie

    seen, run = [], nutpie.sample

    def noted(model, **options):
        seen.append(options)
        return run(model, **options)

    monkeypatch.setattr(nutpie, "sample", noted)
    return seen


@pytest.fixture
def first(monkeypatch):
    """Note what the first run is given, and stop there; nothing is compiled either."""
    import nutpie

    seen = []

    def stop(model, **options):
        seen.append(options)
        raise Stop

    monkeypatch.setattr(nutpie, "sample", stop)
    monkeypatch.setattr(nutpie, "compile_pymc_model", lambda model: MagicMock())
    return seen


def expect(runs):
    assert runs
    for options in runs:
        assert options["target_accept"] == 0.93
        assert options["maxdepth"] == 7


def test_they_reach_every_run_of_a_path_and_of_what_samples_it_again(monkeypatch, runs):
    compiled = models.coin().engine.compiled
    monkeypatch.setattr("foundation_priors.path.engine.reused", lambda model: compiled)
    runs.clear()
    path = fp.trust_path(
        models.coin_model(),
        models.coin_answers(),
        draws=100,
        tune=100,
        random_seed=1,
        progressbar=False,
        **OPTIONS,
    )
    expect(runs)
    exact = float(models.coin_exact().mean(trust=0.5))
    assert path.mean("theta", 0.5).item() == pytest.approx(exact, abs=0.03)
    runs.clear()
    climb(path.recipe, path.engine, path.synthetic, 2, False)  # as a placebo does
    expect(runs)
    runs.clear()
    Future(path, np.array([0.5]), "theta", ["llm"], 1)._refitted(3.0)
    expect(runs)
    assert {options["tune"] for options in runs} == {TUNE}
    runs.clear()
    fp.worth(models.coin_model(), models.coin_answers(), random_seed=1, **OPTIONS)
    expect(runs)


def test_without_options_the_sampler_has_its_own(runs):
    engine = models.coin().engine
    runs.clear()
    engine.sample(
        np.zeros(1), 1.0, lambda seed: np.zeros(1), draws=50, tune=50, chains=1, cores=1, seed=1
    )
    assert not {"target_accept", "maxdepth"} & set(runs[0])


def people():
    said = np.random.default_rng(0).normal(size=24)
    frame = pd.DataFrame({"y": said, "who": [f"p{i}" for i in range(12)] * 2})
    frame["framing"] = ["a"] * 12 + ["b"] * 12
    return fp.SyntheticData.from_dataframe(frame, outcome="y", unit="who", weight=1)


def test_they_reach_the_other_functions_that_sample(first):
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        pm.Normal("y", mu, 1.0, observed=np.linspace(-1, 2, 10))
    who = [f"p{i}" for i in range(10)]
    for call in (
        lambda: fp.trust.anchored(model, people(), pairs=who, random_seed=1, **OPTIONS),
        lambda: fp.diagnose.leakage(model, people(), pairs=who, random_seed=1, **OPTIONS),
        lambda: fp.diagnose.variance_components(people(), method="bayes", **OPTIONS),
    ):
        with pytest.raises(Stop):
            call()
        expect(first)
        first.clear()
    with pytest.raises(Stop):
        fp.diagnose.variance_components(people(), method="bayes")
    assert first[0]["target_accept"] == 0.95


def test_they_reach_both_runs_of_sample(monkeypatch):
    """PyMC changes the options it is given, which a second run would then meet."""
    seen = []

    def run(*, model, target_accept=None, nuts=None, **kwargs):
        assert target_accept is None
        seen.append({**kwargs, **nuts})
        nuts["target_accept"] = "changed"

    monkeypatch.setattr(pm, "sample", run)
    from foundation_priors.prior.sample import _Sampling

    for given in (
        (0.93, "numba", {"max_treedepth": 7}, {"draws": 10}),
        (0.93, "numba", None, {"draws": 10, "nuts": {"max_treedepth": 7}}),
        (None, "numba", {"max_treedepth": 7, "target_accept": 0.93}, {"draws": 10}),
    ):
        how = _Sampling(*given)
        how.run(models.coin_model()), how.run(models.coin_model())
    all_ = {"draws": 10, "backend": "numba", "max_treedepth": 7, "target_accept": 0.93}
    assert seen == [all_] * 6


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target_accept": 1.0}, "target_accept=1.0 must be a number between 0 and 1"),
        ({"target_accept": 0}, "target_accept=0 must"),
        ({"target_accept": np.nan}, "target_accept=nan must"),
        ({"target_accept": "0.9"}, "target_accept='0.9' must"),
        ({"target_accept": True}, "target_accept=True must"),
        ({"target_accept": 0.9, "nuts_sampler_kwargs": {"target_accept": 0.9}}, "given twice"),
        ({"nuts_sampler_kwargs": {"target_accept": 7}}, "target_accept=7 must"),
        ({"nuts_sampler_kwargs": {"draws": 7}}, "names 'draws': give draws= instead"),
        ({"nuts_sampler_kwargs": {"seed": 7}}, "names 'seed': give random_seed= instead"),
        ({"nuts_sampler_kwargs": {"blocking": False}}, "'blocking', which decides"),
        ({"nuts_sampler_kwargs": {"store_unconstrained": True}}, "'store_unconstrained', which"),
        ({"nuts_sampler_kwargs": {"tree": 7}}, "{'tree': 7} is no setting of the sampler"),
        ({"nuts_sampler_kwargs": {"maxdepth": "7"}}, "{'maxdepth': '7'} is no setting"),
        ({"nuts_sampler_kwargs": {"adaptation": "flow"}}, "adaptation='flow', which must be"),
        ({"nuts_sampler_kwargs": {"mass_matrix_gamma": 0.1}}, "not available for diag"),
        ({"backend": "jax"}, "only 'numba' makes: .*pip install jax"),
        ({"backend": "c"}, "only 'numba' makes"),
        ({"backend": "tpu"}, "backend='tpu' must be"),
    ],
)
def test_options_that_cannot_be_meant(options, says):
    with pytest.raises(ValueError, match=says):
        fp.trust_path(models.coin_model(), models.coin_answers(), progressbar=False, **options)


def test_options_of_more_kinds():
    assert nuts_options(None, "numba", {"adaptation": "low_rank", "mass_matrix_gamma": 1e-4})
    with pytest.raises(TypeError, match=r"\[1\] must be a dict of options"):
        nuts_options(None, None, [1])


def test_a_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("foundation_priors.prior.nuts.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install jax"):
        fp.sample(models.coin_model(), models.coin_answers(), 0.5, backend="jax")
    with pytest.raises(ValueError, match="are the same: leave one out"):
        fp.sample(models.coin_model(), models.coin_answers(), nuts={}, nuts_sampler_kwargs={})
