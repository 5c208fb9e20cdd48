"""What a path costs, what is computed once, and which chains go on."""

import warnings
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import foundation_priors as fp
from foundation_priors.errors import UnreliableWarning
from foundation_priors.path import climb, reuse
from foundation_priors.path.climb import Climber, Plan
from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import Fit, Settings
from foundation_priors.path.flags import advise
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.ledger import Ledger
from foundation_priors.path.mixture import Anchor, Mixture
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.precompute import PRECOMPUTED
from foundation_priors.prior.tilt import build
from tests.path import models


def test_the_stages_of_a_path_say_what_was_spent(tmp_path):
    path = models.regression()
    found = path.diagnostics()
    stages = found.stage.values.tolist()
    assert {"compiling", "ends", "references", "statistics"} <= set(stages)
    spent = found.stage_gradients.sel(stage=["ends", "references"]).values
    assert (spent > 0).all() and found.stage_gradients.sum() == found.gradients.sum()
    assert found.stage_fits.sel(stage="ends") == 3 and (found.stage_seconds >= 0).all()
    path.to_netcdf(tmp_path / "path.nc")
    again = fp.TrustPath.from_netcdf(tmp_path / "path.nc").diagnostics()
    np.testing.assert_array_equal(again.stage_gradients, found.stage_gradients)
    before = replace(path, facts=replace(path.facts, cost={}))
    assert "stage" not in before.diagnostics()


def test_time_within_is_entered_once():
    ledger = Ledger()
    with ledger.timing("outer"):
        ledger.count("inner", 10, 1e6)
    assert ledger.stages["inner"] == (1e6, 10, 1)
    assert ledger.stages["outer"][0] == 0.0


def data(engine: Engine) -> dict[str, np.ndarray]:
    """Return what an engine's model holds, by name."""
    held = reuse._shared(reuse._outputs(engine.model))
    return {v.name: v.get_value() for v in held if v.name}


def basis(rows: int, seed: int) -> tuple[pm.Model, fp.SyntheticData]:
    """Return a regression on a basis of a covariate, and answers."""
    rng = np.random.default_rng(seed)
    knots = np.linspace(-1, 1, 4)
    with pm.Model() as model:
        x = pm.Data("x", np.random.default_rng(0).normal(size=rows), dims="row")
        weights = pm.Normal("w", 0, 1, shape=4)
        mu = pt.exp(-((x[:, None] - knots) ** 2)) @ weights
        pm.Normal("y", mu, 1, observed=np.zeros(rows), dims="row")
    said = pd.DataFrame({"x": rng.normal(size=6), "y": rng.normal(size=6)})
    return model, fp.SyntheticData.from_dataframe(said, outcome="y", source="llm", weight=1)


def test_what_data_alone_decide_is_computed_once_and_changes_nothing():
    model, llm = basis(9, 1)
    tilted = build(model, llm, alone=True)
    made = Engine(tilted).model
    held = [name for name in data(Engine(tilted)) if name.startswith(PRECOMPUTED)]
    assert len(held) == 2  # of the real rows and of the answers'
    w = np.random.default_rng(3).normal(size=4)
    ours = made.compile_logp(mode=numpy_mode())({"w": w})
    theirs = tilted.model.compile_logp(mode=numpy_mode())({"w": w})
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_other_rows_bring_what_was_computed_from_them():
    """A placebo puts permuted answers into the compiled model, with their own basis."""
    (model, llm), (_, other) = basis(9, 1), basis(9, 2)
    one, two = (data(Engine(build(model, answers, alone=True))) for answers in (llm, other))
    assert one.keys() == two.keys()
    changed = [k for k in one if k.startswith(PRECOMPUTED) and not np.allclose(one[k], two[k])]
    knots = np.linspace(-1, 1, 4)
    x = np.unique(other.dataset.x.values)
    right = np.exp(-((x[:, None] - knots) ** 2))
    assert len(changed) == 1
    np.testing.assert_allclose(np.sort(two[changed[0]], axis=0), np.sort(right, axis=0))


def test_a_model_of_the_same_form_need_not_be_compiled(monkeypatch):
    """Other answers of as many rows and other real data do; fewer or another model do not."""
    compiled = []

    class Compiled(SimpleNamespace):
        def with_data(self, **data):
            return Compiled(shared_var_keys=self.shared_var_keys, data=data)

    def compile_model(model):
        names = reuse._shared(reuse._outputs(model))
        compiled.append(model)
        return Compiled(shared_var_keys=names, data={})

    monkeypatch.setattr(reuse, "compile_model", compile_model)
    monkeypatch.setattr(reuse, "KEPT", deque(maxlen=4))
    said = models.regression_data()[1]

    def made(said, model=None):
        llm = fp.SyntheticData.from_dataframe(said, outcome="wage", weight=1)
        options = {"private": ["sigma"], "alone": True}
        return reuse.compiled(
            Engine(build(model or models.regression_model(), llm, **options)).model
        )

    made(said)
    again = made(said.assign(wage=said.wage + 1))
    assert len(compiled) == 1 and list(again.data) == ["fp_wage"]
    assert made(said).data == {} and len(compiled) == 1
    made(said.iloc[:15])
    wider = models.regression_model()
    with wider:
        pm.Potential("more", -(wider["a"] ** 2))
    made(said, wider)
    other = models.regression_model()
    other.set_data("X", np.ones((30, 2)))
    assert set(made(said, other).data) == {"X"} and len(compiled) == 3


def fit(r_hat: float, divergences: int = 0) -> Fit:
    run = SimpleNamespace(
        u=np.arange(40.0).reshape(4, 10, 1), gradients=100, seconds=1.0, divergences=divergences
    )
    return Fit(np.zeros(1), 1.0, run, 40.0, 30.0, r_hat)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "goes_on", "careful"),
    [(fit(1.01), False, False), (fit(1.1), True, False), (fit(1.0, 8), True, True),
     (fit(2.5), False, False)],
    ids=["agree", "slow", "diverging", "apart"],
)  # fmt: skip
def test_slow_chains_go_on_from_where_they_ended(monkeypatch, first, goes_on, careful):
    """Those far apart are in modes of their own, where going on would not help."""
    asked = []

    def made(self, tasks, doing):
        asked.extend(tasks)
        return [first if len(asked) == 1 else replace(fit(1.0), ess=500.0) for _ in tasks]

    monkeypatch.setattr(Climber, "_sample", made)
    monkeypatch.setattr(climb, "charge", lambda fit, gradients, seconds: fit)
    engine = SimpleNamespace(tilted=SimpleNamespace(sources=("llm",)), dim=1)
    climber = Climber(engine, Plan(10, None, 1.0, Settings(), None), 1)
    found = climber._run([climber._task(climber.zero, 1.0, 10, np.zeros((1, 1)))], "ends")[0]
    assert len(asked) == 1 + goes_on and (found.ess == 500) == goes_on
    if goes_on:
        again = asked[1]
        assert 20 <= again.draws <= 40 and again.careful == careful
        np.testing.assert_array_equal(np.r_[again.near, again.far].ravel(), [9, 19, 29, 39])
        assert climber.ledger.stages["chains that went on"][2] == 1


@pytest.mark.parametrize(
    ("r_hat", "divergences", "linked", "advice"),
    [(1.0, 8, True, "raise target_accept="), (1.2, 0, True, r"tune longer \(tune=\)"),
     (1.0, 0, False, "max_anchors="), (1.0, 0, True, "too few. To mend it, draw more"),
     (1.0, 0, None, "contradict one another")],
)  # fmt: skip
def test_a_path_whose_weights_all_fail_says_what_would_help(r_hat, divergences, linked, advice):
    few = np.full(3, 1.0 if linked else 2000.0)
    checks = SimpleNamespace(weights_fail=np.ones(3, bool), ess=few, imprecise=np.zeros(3))
    linked = linked is not False
    ladder = SimpleNamespace(
        fits=[fit(r_hat, divergences)], check=lambda *_, **__: checks, linked=np.full(3, linked)
    )
    with pytest.warns(UnreliableWarning, match=f"Every weight of the path fails.*{advice}"):
        advise(np.zeros((3, 1)), ladder, ladder)
    checks.weights_fail[0] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advise(np.zeros((3, 1)), ladder, ladder)


def test_a_guess_of_normalisers_changes_nothing():
    rng = np.random.default_rng(4)
    anchors = [
        Anchor(np.array([t]), rng.normal(2 * t, 1, (2, 300, 1)), 600.0, 600.0) for t in (0, 0.5, 1)
    ]
    plain = Mixture(anchors)
    guessed = Mixture(anchors, guess={0: 3.0, 2: float(plain.f[2]) + 3.2})
    np.testing.assert_allclose(guessed.f, plain.f, atol=1e-6)


def test_starts_are_drawn_as_they_are_at_a_weight():
    ladder: Ladder = models.normal().posterior
    starts = ladder.resample(np.array([1.0]), 4000, np.random.default_rng(1))
    path = models.normal()
    mean, sd = float(path.mean("mu", 1.0)), float(path.sd("mu", 1.0))
    assert abs(starts.mean() - mean) < 5 * sd / np.sqrt(4000) + 5 * float(path.mcse("mu", 1.0))


def test_data_without_a_name_of_their_own_are_compiled_anew(monkeypatch):
    monkeypatch.setattr(reuse, "KEPT", deque(maxlen=4))
    made = []

    def compile_model(model):
        made.append(model)
        return SimpleNamespace(shared_var_keys=reuse._shared(reuse._outputs(model)))

    monkeypatch.setattr(reuse, "compile_model", compile_model)
    for shift in (0.0, 1.0):
        with pm.Model() as model:
            a = pm.Normal("a")
            pm.Deterministic("b", a * pytensor.shared(np.ones(3) + shift))
        reuse.compiled(model)
    assert len(made) == 2
