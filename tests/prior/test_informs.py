"""Partial tilts: which parameters, or which of their elements, the answers may inform."""

import json

import h5py
import numpy as np
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.path.engine import Engine
from foundation_priors.path.information import worth_of_sources
from foundation_priors.prior.build import build
from tests.prior.common import M, N, answers, framed, line, loglik, observed_logp, points, value

NAMES = ["age", "party", "income"]
COLUMNS = {"X": ["X0", "X1", "X2"]}


def votes(x, y, names=NAMES) -> pm.Model:
    with pm.Model(coords={"covariate": names}) as model:
        x = pm.Data("X", x, dims=("row", "covariate"))
        beta = pm.Normal("beta", 0, 1, dims="covariate")
        pm.Normal("y", pm.Normal("a", 0, 2) + x @ beta, pm.HalfNormal("sigma"), observed=y,
                  dims="row")  # fmt: skip
    return model


@pytest.fixture
def regression(rng):
    def table(size):
        return {"x": rng.normal(size=(size, 3)), "y": rng.normal(size=size)}

    real, said = table(N), table(M)
    llm = answers(X=said["x"], y=said["y"])
    return votes(**real), llm, votes(**said)


def test_all_others_are_private(regression):
    model, llm, _ = regression
    parts = build(model, llm, columns=COLUMNS, informs="beta")
    assert parts.shared == ("beta",) and parts.parts == {}
    assert parts.private == {"a": ("a_synthetic",), "sigma": ("sigma_synthetic",)}
    same = build(model, llm, columns=COLUMNS, private=["sigma", "a"]).model
    for point in points(same):
        np.testing.assert_allclose(loglik(parts.model, point), loglik(same, point))


@pytest.mark.parametrize(
    "elements",
    ["party", ["party"], np.array([False, True, False]), {"covariate": ["party"]}],
)
def test_named_elements_come_from_the_original(regression, elements):
    model, llm, said = regression
    parts = build(model, llm, columns=COLUMNS, informs={"beta": elements})
    assert parts.shared == ("beta",) and parts.parts == {"beta": ((1,), ("party",))}
    assert set(parts.private) == {"beta", "a", "sigma"}
    for point in points(parts.model):
        mixed = point["beta_synthetic"].copy()
        mixed[1] = point["beta"][1]
        own = {"beta": mixed, "a": point["a_synthetic"],
               "sigma_log__": point["sigma_synthetic_log__"]}  # fmt: skip
        np.testing.assert_allclose(loglik(parts.model, point), observed_logp(said, own))


def test_positions_where_there_are_no_coordinates_and_every_element(regression, rng):
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1, shape=(2, 3))
        g = pm.Data("g", rng.integers(0, 2, N))
        pm.Exponential("y", rate[g, 1], observed=rng.exponential(size=N))
    llm = answers(g=[0, 1], y=[1.0, 2.0])
    mask = np.zeros((2, 3), dtype=bool)
    mask[0, 1] = True
    parts = build(model, llm, informs={"rate": mask})
    assert parts.parts == {"rate": ((1,), ("0, 1",))}
    model, llm, _ = regression
    assert build(model, llm, columns=COLUMNS, informs={"beta": NAMES}).parts == {}
    assert build(model, llm, columns=COLUMNS, informs={"beta": None}).parts == {}


def hierarchy(g, y) -> pm.Model:
    with pm.Model(coords={"group": ["u", "v"]}) as model:
        mu, tau = pm.Normal("mu", 0, 2), pm.HalfNormal("tau", 1)
        level = pm.Normal("level", mu, tau, dims="group")
        pm.Normal("y", level[pm.Data("g", g)], pm.HalfNormal("sigma"), observed=y)
    return model


@pytest.mark.parametrize(
    ("informs", "private"),
    [
        ("level", {"sigma"}),
        ("mu", {"tau", "level", "sigma"}),
        (["mu", "tau"], {"level", "sigma"}),
        (["mu", "level"], {"sigma"}),
        ({"level": ["u"]}, {"mu", "tau", "level", "sigma"}),
        ({"level": ["u"], "mu": None}, {"tau", "level", "sigma"}),
        ("sigma", {"mu", "tau", "level"}),
    ],
)
def test_what_lies_behind_a_private_variable_is_private_too(rng, informs, private):
    model = hierarchy(rng.integers(0, 2, N), rng.normal(size=N))
    llm = answers(g=[0, 1, 1], y=[0.2, 0.4, 0.9])
    parts = build(model, llm, informs=informs)
    assert set(parts.private) == private
    (point,) = points(parts.model, count=1)
    if "mu" not in private and "level" in private:
        tau = (
            np.exp(point["tau_synthetic_log__"]) if "tau" in private else np.exp(point["tau_log__"])
        )
        prior = value(parts.model, parts.model.logp(vars=[parts.model["level_synthetic"]]), point)
        z = (point["level_synthetic"] - point["mu"]) / tau
        np.testing.assert_allclose(prior, (-0.5 * z**2 - np.log(tau)).sum() - np.log(2 * np.pi))


def test_beside_private_and_commensurate(rows, said):
    parts = build(line(**rows), answers(**said), informs=["b"], private=["sigma"],
                  commensurate={"a": 0.5})  # fmt: skip
    assert parts.shared == ("a", "b") and set(parts.private) == {"sigma"}
    parts = build(line(**rows), framed(said), by="framing", informs="b",
                  commensurate={"a": {"plain": 0.5}})  # fmt: skip
    assert [tie.shared for tie in parts.ties] == [("a", "b"), ("b",), ("b",)]
    assert parts.private["a"] == ("a_survey", "a_role")


def test_a_likelihood_of_the_users(rows, said):
    def likelihood(free, dataset):
        mu = free["a"] + free["b"] * dataset["x"].values
        return pm.logp(pm.Normal.dist(mu, free["sigma"]), dataset["y"].values)

    called = build(line(**rows), answers(**said), likelihood=likelihood, informs="b")
    assert called.shared == ("b",) and set(called.private) == {"a", "sigma"}


# Bad input


@pytest.mark.parametrize(
    ("words", "informs"),
    [
        ("'bata', which is not a free.*'beta'", "bata"),
        ("informs= names nothing", []),
        ("the element 'pary' of 'beta'.*'party'", {"beta": ["pary"]}),
        ("the element 3 of 'beta'", {"beta": [3]}),
        ("is empty", {"beta": []}),
        (r"has shape \(2,\)", {"beta": np.array([True, False])}),
        ("'beta'.*Did you mean 'covariate'", {"beta": {"covariates": ["party"]}}),
        ("'a', which is one number: name it as a whole", {"a": ["x"]}),
    ],
)
def test_choices_that_are_refused(regression, words, informs):
    model, llm, _ = regression
    with pytest.raises(fp.ModelError, match=words) as caught:
        build(model, llm, columns=COLUMNS, informs=informs)
    assert str(caught.value).endswith((".", "?"))


def test_contradictions(regression, rng):
    model, llm, _ = regression
    for how, words in (
        ({"informs": "beta", "private": ["beta"]}, "informs= and private= both name 'beta'"),
        ({"informs": {"beta": ["age"]}, "commensurate": {"beta": 1}}, "and commensurate= both"),
    ):
        with pytest.raises(fp.ModelError, match=words):
            build(model, llm, columns=COLUMNS, **how)
    with pm.Model() as model:
        pm.Normal("other", pm.Normal("b"), 1, observed=[0.0])
        pm.Normal("y", pm.Normal("a"), 1, observed=rng.normal(size=N))
    with pytest.raises(fp.ModelError, match="'b', which the answers do not reach.*on a"):
        build(model, answers(y=[0.0, 1.0]), informs="b")
    with pm.Model() as model:
        cuts = pm.Normal("cuts", [-1, 1], 1, shape=2, transform=pm.distributions.transforms.ordered)
        pm.OrderedLogistic("y", 0.0, cuts, observed=np.arange(N) % 3)
    with pytest.raises(fp.ModelError, match="'cuts', which has elements that are bound"):
        build(model, answers(y=[0, 1]), informs={"cuts": [0]})
    with pm.Model() as model:
        grid = pm.Normal("grid", 0, 1, shape=(2, 2))
        pm.Normal("y", grid.sum(), 1, observed=rng.normal(size=N))
    with pytest.raises(fp.ModelError, match="of which dimension of 'grid'"):
        build(model, answers(y=[0.0, 1.0]), informs={"grid": [0]})


# A path whose every posterior is Gaussian: trust for one coefficient, the intercept commensurate

SPREAD, SD = 0.5, np.array([2.0, 1.0, 1.0])


def linear(x, y) -> pm.Model:
    with pm.Model(coords={"covariate": ["age", "party"]}) as model:
        x = pm.Data("X", x, dims=("row", "covariate"))
        beta = pm.Normal("beta", 0, SD[1:], dims="covariate")
        pm.Normal("y", pm.Normal("a", 0, SD[0]) + x @ beta, 1, observed=y, dims="row")
    return model


@pytest.fixture(scope="module")
def gaussian():
    rng = np.random.default_rng(5)
    real, said = (
        {"x": rng.normal(size=(rows, 2)), "y": rng.normal(mean, 1, rows)}
        for rows, mean in ((25, 0.5), (15, -1.0))
    )
    path = fp.trust_path(
        linear(**real),
        answers(X=said["x"], y=said["y"]),
        columns={"X": ["X0", "X1"]},
        informs={"beta": ["party"]},
        commensurate={"a": SPREAD},
        random_seed=1,
        progressbar=False,
    )
    return path, real, said


def exact(trust, real, said):
    """Return mean and covariance of a, age, party, the intercept's offset and the answers' age."""
    ones = np.ones((len(real["y"]), 1))
    r = np.hstack([ones, real["x"], 0 * ones, 0 * ones])
    ones = np.ones((len(said["y"]), 1))
    s = np.hstack([ones, 0 * ones, said["x"][:, [1]], SPREAD * ones, said["x"][:, [0]]])
    prior = np.diag([*SD**-2.0, 1.0, SD[1] ** -2])
    covariance = np.linalg.inv(prior + r.T @ r + trust * s.T @ s)
    return covariance @ (r.T @ real["y"] + trust * s.T @ said["y"]), covariance, r, s


def test_a_path_of_trust_for_one_coefficient_is_exact(gaussian):
    path, real, said = gaussian
    for trust in (0.0, 0.3, 1.0):
        mean, covariance, *_ = exact(trust, real, said)
        found = [path.mean("a", trust), *path.mean("beta", trust).values,
                 path.mean("a_synthetic_offset", trust),
                 path.mean("beta_synthetic", trust).sel(covariate="age")]  # fmt: skip
        sd = np.sqrt(np.diag(covariance))
        np.testing.assert_array_less(np.abs(np.array(found, float) - mean), 5 * sd / np.sqrt(1000))
        np.testing.assert_allclose(path.sd("beta", trust).values, sd[1:3], rtol=0.1)


def test_information_passes_through_the_link_and_by_element(gaussian):
    """A Schur complement with the offset's prior; of beta only the informed element counts."""
    path, real, said = gaussian
    *_, r, s = exact(0, real, said)
    both = [0, 2]
    info = s.T @ s
    across = info[both, 3]
    passed = info[np.ix_(both, both)] - np.outer(across, across) / (1 + info[3, 3])
    real_info = (r.T @ r)[np.ix_(both, both)]
    expected = len(real["y"]) * np.sqrt(np.linalg.det(passed) / np.linalg.det(real_info))
    np.testing.assert_allclose(path.facts.worth, expected, rtol=1e-4)


def test_a_common_mean_is_informed_through_groups_of_the_answers_own():
    """Groups of n rows inform the mean by (1 / n + 1)^-1 each, with unit variances."""
    real, said = np.repeat([0, 1, 2], [5, 2, 9]), np.repeat([0, 2], [4, 1])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        level = pm.Normal("level", mu, 1, shape=3)
        pm.Normal("y", level[pm.Data("g", real)], 1, observed=np.sin(np.arange(16)))
    llm = answers(g=said, y=np.cos(np.arange(5)))
    parts = build(model, llm, informs="mu")
    assert parts.shared == ("mu",) and parts.ties[0].hanging == ("level_synthetic",)
    assert parts.ties[0].beside == ("level",)
    engine = Engine(parts)
    u = np.random.default_rng(1).normal(size=(50, engine.dim))
    found = worth_of_sources(engine, u, np.full(50, 1 / 50))
    each = [sum(1 / (1 / n + 1) for n in np.bincount(g) if n) for g in (said, real)]
    np.testing.assert_allclose(found, 16 * each[0] / each[1], rtol=1e-4)


def test_reports_say_what_the_answers_inform(gaussian):
    path, *_ = gaussian
    assert path.facts.informed == ("beta[party]", "a")
    text = repr(path)
    assert "informed:     beta[party], a" in text and "commensurate: a (spread 0.5)" in text
    table = path.summary(trust=1.0)["answers"].droplevel("trust")
    assert table["beta[party]"] == "shared" and table["beta[age]"] == "private"
    assert table["a"] == "commensurate" and table["a_synthetic_offset"] == "own"


def test_files_keep_the_links(gaussian, tmp_path):
    path, real, _ = gaussian
    path.to_netcdf(tmp_path / "path.nc")
    back = fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=linear(**real))
    for name in ("commensurate", "links", "parts", "private", "informed"):
        assert getattr(back.facts, name) == getattr(path.facts, name)


def test_files_written_before_there_were_links_are_read(gaussian, tmp_path):
    path, *_ = gaussian
    path.to_netcdf(tmp_path / "path.nc")
    with h5py.File(tmp_path / "path.nc", "r+") as file:
        facts = json.loads(file.attrs["facts"])
        for name in ("commensurate", "links", "parts"):
            del facts[name]
        file.attrs["facts"] = json.dumps(facts)
    facts = fp.TrustPath.from_netcdf(tmp_path / "path.nc").facts
    assert facts.commensurate == facts.links == facts.parts == {}
    assert facts.informed == ("beta", "a")


@pytest.mark.parametrize("names", [["age", "age", "income"], ["1", 1, "income"]])
def test_labels_that_are_equal_as_text_are_no_choice(rng, names):
    model = votes(rng.normal(size=(N, 3)), rng.normal(size=N), names)
    llm = answers(X=rng.normal(size=(M, 3)), y=rng.normal(size=M))
    with pytest.raises(fp.ModelError, match="2 elements whose labels are equal"):
        build(model, llm, columns=COLUMNS, informs={"beta": [names[0]]})
