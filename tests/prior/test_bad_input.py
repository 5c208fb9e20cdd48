"""What must not be tilted, each refused in one sentence; and what must not be refused."""

import threading
import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pymc.dims as pmd
import pytensor.tensor as pt
import pytest
import xarray as xr
from pymc.distributions.distribution import Distribution
from pytensor.tensor.random.op import RandomVariable

import foundation_priors as fp
from foundation_priors.prior.tilt import build
from tests.prior.common import answers

N, M = 25, 10
RNG = np.random.default_rng(3)
X, Y, XS, YS = RNG.normal(size=N), RNG.normal(size=N), RNG.normal(size=M), RNG.normal(size=M)
OTHER = {"x": XS, "y": YS}


def line(x=X, y=Y, **priors) -> pm.Model:
    with pm.Model() as model:
        a = priors.get("a", pm.Normal)("a")
        mu = a + pm.Normal("b") * pm.Data("x", x, dims="obs")
        pm.Normal("y", mu, pm.HalfNormal("sigma"), observed=y, dims="obs")
    return model


def groups(g=None, size=3) -> pm.Model:
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 1, shape=size)
        pm.Normal("y", alpha[pm.Data("g", np.arange(N) % 3 if g is None else g)], 1, observed=Y)
    return model


def refuses(error: type[Exception], words: str, model: pm.Model, llm, **arguments) -> None:
    with pytest.raises(error, match=words) as caught:
        fp.tilt(model, llm, arguments.pop("trust", 0.5), **arguments)
    message = str(caught.value)
    assert message.rstrip().endswith((".", "?")) and "\n" not in message


# Answers as evidence

SAID = answers(**OTHER)


@pytest.mark.parametrize(
    "use",
    [
        lambda: pm.Normal("y", 0, 1, observed=SAID),
        lambda: pm.Data("y", SAID),
        lambda: pm.set_data({"x": SAID}),
        lambda: pm.logp(pm.Normal.dist(), SAID),
        lambda: pm.Potential("y", SAID),
        lambda: np.asarray(SAID),
        lambda: pd.DataFrame({"y": SAID}),
        lambda: pd.Series(SAID),
        lambda: xr.DataArray(SAID),
    ],
)
def test_answers_refuse_to_be_evidence(use):
    with line(), pytest.raises(fp.SyntheticAsEvidenceError, match="never evidence.*tilt"):
        use()


def test_answers_observed_through_the_way_out():
    dataset = SAID.dataset
    model = line(dataset["x"].values, dataset["y"].values)
    refuses(fp.SyntheticAsEvidenceError, "observed rows are the synthetic answers", model, SAID)


def test_real_rows_handed_in_as_answers():
    refuses(fp.SyntheticAsEvidenceError, "observe real data", line(), answers(x=X, y=Y))
    some = {"x": np.concatenate([XS, X[3:24]]), "y": np.concatenate([YS, Y[3:24]])}
    refuses(fp.SyntheticAsEvidenceError, "observe real data", line(), answers(**some))


def test_a_copied_run_of_binary_outcomes():
    y = RNG.integers(0, 2, N)
    with pm.Model() as model:
        pm.Bernoulli("y", logit_p=pm.Normal("b") * pm.Data("x", X), observed=y)
    some = {"x": np.append(XS, X[:25]), "y": np.append(RNG.integers(0, 2, M), y[:25])}
    refuses(fp.SyntheticAsEvidenceError, "observe real data", model, answers(**some))


def respondents(n: int, right: int, seed: int = 5, scale: int = 2):
    """Return a model of n people, and answers about them of which the last few are wrong."""
    rng = np.random.default_rng(seed)
    x, y = np.arange(float(n)), rng.integers(0, scale, n)
    with pm.Model() as model:
        pm.Poisson("y", pm.math.exp(0.01 * pm.Normal("b") * pm.Data("x", x)), observed=y)
    said = np.where(np.arange(n) < right, y, (y + 1) % scale)
    return model, {"x": x, "y": said}


def test_few_answers_about_the_surveyed_people_may_all_be_right():
    model, rows = respondents(8, 8)
    with pytest.warns(UserWarning, match="8 answers in a row.* chance is 0.00"):
        assert build(model, answers(**rows)).coincide == 1
    refuses(fp.SyntheticAsEvidenceError, "observe real data", respondents(40, 40)[0],
            answers(**respondents(40, 40)[1]))  # fmt: skip


def test_a_run_is_judged_by_the_answers_accuracy_elsewhere():
    """Of five levels 25 in a row: possible for one who is right elsewhere, else not."""
    for wrong in (0, 1):
        model, rows = respondents(60, 60, scale=6)
        elsewhere = np.arange(60) >= 30
        rows["y"][elsewhere & (np.arange(60) % 10 >= 9 * (1 - wrong))] += 1
        said = answers(**{k: np.concatenate([v[5:30], v[30:]]) for k, v in rows.items()})
        if wrong:
            refuses(fp.SyntheticAsEvidenceError, "observe real data", model, said)
        else:
            with pytest.warns(UserWarning, match="in a row equal the real rows"):
                build(model, said)


@pytest.mark.parametrize(
    "order",
    [
        np.random.default_rng(1).permutation(100),
        np.arange(100)[::-1],
        np.random.default_rng(2).permutation(100)[:5],
        np.append(np.arange(99, 0, -2), [98, 2]),
    ],
    ids=["permuted", "reversed", "five", "with repeats"],
)
def test_measurements_in_another_order(order):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(2, 100))
    refuses(fp.SyntheticAsEvidenceError, "observe real data", line(x, y),
            answers(x=x[order], y=y[order]))  # fmt: skip
    other = y[order]
    other[0] += 1e-9
    assert build(line(x, y), answers(x=x[order], y=other)).coincide < 1


@pytest.mark.parametrize(
    "outcome",
    [np.round, lambda y: np.round(2 * y) / 2, lambda y: 0 * y + 0.5],
    ids=["whole", "halves", "all alike"],
)
def test_coarse_outcomes_in_another_order_may_agree(outcome):
    rng = np.random.default_rng(8)
    x, y = rng.integers(0, 2, 100), outcome(rng.normal(size=100))
    order = rng.permutation(100)
    assert build(line(x, y), answers(x=x[order], y=y[order])).coincide == 1


def test_a_few_prices_may_be_among_many():
    """Without covariates, numbers of two decimals may well be some of a thousand real ones."""
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=np.tile(np.arange(50, 550) / 100, 2))
    assert build(model, answers(y=[1.25, 2.39, 3.41, 1.87, 0.99])).coincide == 1


def test_four_measurements_may_agree():
    assert build(line(), answers(x=X[3::-1], y=Y[3::-1])).coincide == 1


def test_numbers_that_agree_to_the_last_digit_are_never_chance():
    x, y = X[:6], Y[:6]
    refuses(fp.SyntheticAsEvidenceError, "observe real data", line(x, y), answers(x=x, y=y))


# Columns


def test_missing_column():
    refuses(fp.ColumnError, "'x' needs a column 'x'.*columns=", line(), answers(xx=XS, y=YS))


def test_unknown_names():
    refuses(fp.ColumnError, "columns= names 'z'", line(), SAID, columns={"z": "x"})
    refuses(fp.ColumnError, "'w'.*Did you mean|'w'", line(), SAID, columns={"x": "w"})
    refuses(fp.ModelError, "private= names 'sgima'.*'sigma'", line(), SAID, private=["sgima"])
    refuses(fp.ModelError, "evidence= names 'soft'", line(), SAID, evidence=["soft"])
    refuses(fp.ColumnError, "framing", line(), SAID, by="framing")
    refuses(TypeError, r"\['sigma'\]", line(), SAID, private="sigma")


def test_strings_without_levels_and_unmatched_levels():
    names = np.array(["lo", "hi"] * (M // 2), object)
    llm = answers(x=names, y=YS)
    refuses(fp.ColumnError, "order is unknown.*fp.codes", line(), llm)
    columns = {"x": fp.codes("x", levels=["lo", "mid"])}
    refuses(fp.ColumnError, "level 'hi'.*not among", line(), llm, columns=columns)
    columns = {"x": fp.codes("x", dim="school")}
    refuses(fp.ColumnError, "dim='school'", line(), llm, columns=columns)
    with pytest.raises(fp.ColumnError, match="levels= and dim="):
        fp.codes("x", levels=["lo"], dim="d")


@pytest.mark.parametrize("spec", [3, {"x": 1}])
def test_specs_of_the_wrong_kind(spec):
    refuses(fp.ColumnError, "columns=", line(), SAID, columns={"x": spec})


def test_functions_that_do_not_give_one_value_a_row():
    for function in (lambda d: 1.0, lambda d: np.zeros(3), lambda d: np.array(["a"] * M)):
        refuses(fp.ColumnError, "must return 10 numbers", line(), SAID, columns={"x": function})


def test_too_many_or_too_few_columns():
    refuses(fp.ColumnError, "takes one value a row", line(), SAID, columns={"x": ["x", "x"]})


def test_fractions_where_whole_numbers_belong():
    refuses(fp.ColumnError, "'g' holds whole numbers", groups(), answers(g=XS, y=YS))
    with pm.Model() as model:
        pm.Poisson("y", pm.Gamma("m", 2, 1), observed=[1, 2, 3])
    refuses(fp.ColumnError, "'y' holds whole numbers", model, answers(y=[0.5, 1.0]))


def test_numbers_that_the_models_type_cannot_hold():
    with pm.Model() as model:
        flag = pm.Data("flag", np.array([True, False, True]))
        pm.Normal("y", pm.Normal("b") * flag, 1, observed=[1.0, 2.0, 3.0])
    refuses(fp.ColumnError, "bool, which cannot hold", model, answers(flag=[0, 2], y=[1.0, 2.0]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["x", "y"])
def test_missing_and_infinite_values(bad, column):
    with pytest.raises(fp.ColumnError, match=r"missing|infinite|finite") as caught:
        rows = {k: v.copy() for k, v in OTHER.items()}
        rows[column][4] = bad
        fp.tilt(line(), answers(**rows), 0.5)
    assert "4" in str(caught.value)


@pytest.mark.parametrize(("code", "why"), [(-1, "pandas"), (3, "must lie in 0..2")])
def test_codes_outside_the_dimension(code, why):
    g = np.arange(M) % 3
    g[6] = code
    refuses(fp.ColumnError, f"row 6 .*{code}.*{why}|{why}.*row 6", groups(), answers(g=g, y=YS))


def test_indices_made_from_codes():
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 1, shape=3)
        g = pm.Data("g", 1 + np.arange(N) % 3)
        pm.Normal("y", alpha[g - 1], 1, observed=Y)
    assert build(model, answers(g=1 + np.arange(M) % 3, y=YS))
    words = "indices made from 'g' must lie in 0..2, but row 0 .* has -1"
    refuses(fp.ColumnError, words, model, answers(g=np.arange(M) % 3, y=YS))


ONE_HOT = {
    "compared": lambda g, alpha: pt.eq(g[:, None], np.arange(3)) @ alpha,
    "cast": lambda g, alpha: (pt.eq(g[:, None], np.arange(3)).astype("float64") * alpha).sum(1),
    "one by one": lambda g, alpha: sum(pt.eq(g, k) * alpha[k] for k in range(3)),
    "set": lambda g, alpha: pt.extra_ops.to_one_hot(g, 3) @ alpha,
    "reference": lambda g, alpha: pt.eq(g[:, None], np.arange(1, 3)) @ alpha[1:],
    "reshaped": lambda g, alpha: pt.eq(g.reshape((-1, 1)), np.arange(3)[None]) @ alpha,
    "shifted": lambda g, alpha: pt.eq((g + 1)[:, None], np.arange(1, 4)[None]) @ alpha,
    "shifted one by one": lambda g, alpha: sum(pt.eq(g + 1, k + 1) * alpha[k] for k in range(3)),
    "shifted reference": lambda g, alpha: pt.eq((g - 1)[:, None], np.arange(2)) @ alpha[1:],
    "repeated": lambda g, alpha: pt.eq(pt.repeat(g[:, None], 3, axis=1), np.arange(3)) @ alpha,
    "close": lambda g, alpha: pt.isclose(g[:, None] * 1.0, np.arange(3.0)) @ alpha,
    "close to": lambda g, alpha: pt.isclose(np.arange(3.0), g[:, None] * 1.0) @ alpha,
    "by columns": lambda g, alpha: alpha @ pt.eq(g.reshape((1, -1)), np.arange(3)[:, None]),
}


@pytest.mark.parametrize("case", ONE_HOT)
@pytest.mark.parametrize("code", [-1, 3])
def test_codes_outside_one_hot_columns(case, code):
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 1, shape=3)
        mu = ONE_HOT[case](pm.Data("g", np.arange(N) % 3), alpha)
        pm.Normal("y", mu, 1, observed=Y)
    g = np.arange(M) % 3
    assert build(model, answers(g=g, y=YS))
    g[6] = code
    refuses(fp.ColumnError, f"row 6 of the synthetic data has {code}", model, answers(g=g, y=YS))


@pytest.mark.parametrize(
    "mean",
    [
        lambda x, a: a[0] * pt.eq(x // 10, 0) + a[1] * pt.eq(x // 10, 1),
        lambda x, a: pt.le(pt.abs(x[:, None] - np.arange(3.0)), 5) @ a,
        lambda x, a: pt.eq(pt.floor(x - x.mean())[:, None], [-99.0, 99.0]) @ a[:2],
    ],
    ids=["bins of which most have no effect", "windows", "centred"],
)
def test_comparisons_that_most_real_rows_do_not_meet_are_no_codes(mean):
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 1, shape=3)
        pm.Normal("y", mean(pm.Data("x", np.linspace(0, 60, N)), alpha), 1, observed=Y)
    assert build(model, answers(x=np.linspace(0, 70, M), y=YS))


def test_an_indicator_of_one_code_takes_any_other():
    with pm.Model() as model:
        mu = pm.Normal("a") * pt.eq(pm.Data("g", np.arange(N) % 3), 2)
        pm.Normal("y", mu, 1, observed=Y)
    assert build(model, answers(g=np.arange(M), y=YS))


def scale() -> pm.Model:
    with pm.Model() as model:
        pm.OrderedLogistic("y", pm.Normal("b"), np.arange(5.0), observed=[0, 1, 5, 3, 2])
    return model


def test_codes_shifted_by_one_against_the_support():
    refuses(fp.ColumnError, r"row\(s\) 2 .*start at 0", scale(), answers(y=[1, 3, 6, 2]))
    llm = fp.SyntheticData.from_dataframe(
        pd.DataFrame({"y": [1, 3, 5, 2]}), outcome="y", weight=1, levels={"y": range(1, 7)}
    )
    refuses(fp.ColumnError, "level 6 of the column 'y'.*shifted.*fp.codes", scale(), llm)
    assert build(scale(), llm, columns={"y": fp.codes("y", levels=range(1, 7))})


def test_outcomes_outside_the_support_name_their_rows():
    with pm.Model() as model:
        pm.Gamma("y", mu=pm.math.exp(pm.Normal("b") * pm.Data("x", X)), sigma=1, observed=Y**2)
    said = YS**2
    said[[3, 7]] = -1.0, -2.0
    refuses(fp.ColumnError, r"outside the support of 'y' in row\(s\) 3, 7", model,
            answers(x=XS, y=said))  # fmt: skip


def test_zero_rows():
    with pytest.raises(fp.ColumnError, match="zero rows|no rows|No answers|empty"):
        answers(x=np.array([]), y=np.array([]))


# Trust


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        (-0.1, "not a weight"),
        (np.nan, "not a weight"),
        (np.inf, "not a weight"),
        (1.5, "exceeds 1.*max_trust"),
        ([0.1, 0.2], "one number"),
        ({"qwen": 0.1}, "qwen"),
    ],
)
def test_trust_that_is_no_weight(trust, words):
    refuses(ValueError, words, line(), SAID, trust=trust)


def test_rules_of_trust_belong_to_the_path():
    refuses(TypeError, "is a rule, 'cautious'", line(), SAID, trust="cautious")


def test_trust_above_one_on_request():
    assert fp.tilt(line(), SAID, 1.5, max_trust=2)["fp_trust"].get_value() == 1.5


# Models


def test_what_is_no_model_and_no_answers():
    refuses(TypeError, "pymc.Model", "model", SAID)
    refuses(TypeError, "SyntheticData.from_dataframe", line(), pd.DataFrame(OTHER))


def test_no_observed_variable():
    with pm.Model() as model:
        pm.Normal("a")
    refuses(fp.ModelError, "no observed variable.*observed=", model, SAID)


@pytest.mark.parametrize("missing", [np.ma.masked_invalid([1.0, np.nan, 2.0]), [1.0, np.nan, 2.0]])
def test_missing_outcomes(missing):
    with pytest.warns(pm.exceptions.ImputationWarning), pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=np.ma.masked_invalid(missing))
    refuses(fp.ModelError, "'y' has missing values: drop", model, answers(y=YS))


def test_missing_outcomes_that_pymc_leaves_in():
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=pm.Data("data", [1.0, 0.0, 2.0]))
        pm.set_data({"data": [1.0, np.nan, 2.0]})
    refuses(fp.ModelError, "'y' has missing values: drop", model, answers(y=YS))


@pytest.mark.parametrize("rows", [[], np.empty((0, 2))])
def test_no_real_rows(rows):
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=np.array(rows))
    refuses(fp.ModelError, "'y' has no rows.*at least one", model, answers(y=YS))


@pytest.mark.parametrize("held", [False, True])
def test_infinite_outcomes(held):
    bad = np.where(np.isin(np.arange(N), [2, 5]), -np.inf, Y)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=pm.Data("seen", bad) if held else bad)
    refuses(fp.ModelError, "'y' is infinite in real row.s. 2, 5, which", model, answers(y=YS))


def test_infinite_covariates_and_bounds():
    """An infinite covariate leaves its row without a density; an infinite bound bounds nothing."""
    bad = np.where(np.arange(N) == 4, np.inf, X)
    words = "data 'x' are infinite or missing, and real row.s. 4 of 'y'"
    model = line()
    pm.set_data({"x": bad}, model=model)
    refuses(fp.ModelError, words, model, SAID)
    with pm.Model() as model:
        upper = pm.Data("upper", np.where(Y > 0, np.inf, 3.0))
        pm.Censored("y", pm.Normal.dist(pm.Normal("a"), 1), lower=None, upper=upper, observed=Y)
    assert build(model, answers(y=YS, upper=np.full(M, 3.5)))


def test_imputed_covariates_are_columns_and_their_outcomes_are_not():
    gaps = np.ma.masked_invalid(np.where(np.arange(N) == 3, np.nan, X))
    coords = {"obs": range(N)}
    with pytest.warns(pm.exceptions.ImputationWarning), pm.Model(coords=coords) as model:
        x = pm.Normal("x", 0, 1, observed=gaps, dims="obs")
        pm.Normal("y", pm.Normal("b") * x, 1, observed=Y, dims="obs")
    assert build(model, SAID).n_real == N
    refuses(fp.ColumnError, "'x' needs a column 'x'", model, answers(z=XS, y=YS))
    assert build(model, answers(z=XS, y=YS), columns={"x": "z"})
    assert fp.tilt(model, fp.Belief("b", quantiles={0.1: 0, 0.9: 1}), 0.5)


def test_minibatches():
    x, y = pm.Minibatch(X, Y, batch_size=5)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("b") * x, 1, observed=y, total_size=N)
    refuses(fp.ModelError, "'y' is observed in minibatches.*observe all", model, SAID)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("b") * pm.Minibatch(X, batch_size=N), 1, observed=Y)
    refuses(fp.ModelError, "'y' is observed in minibatches", model, SAID)


def test_simulators():
    with pytest.warns(DeprecationWarning), pm.Model() as model:
        pm.Simulator("y", lambda rng, a, size: a, params=(pm.Normal("a"),), observed=Y)
    refuses(fp.ModelError, "'y' is a Simulator.*CustomDist", model, answers(y=YS))
    belief = fp.Belief("a", quantiles={0.1: 0, 0.9: 1})
    refuses(fp.ModelError, "'y' is a Simulator", model, belief)


def test_sums_of_trees():
    """As PyMC-BART makes them: an operator of a class of its own for each variable."""

    class BARTRV(RandomVariable):
        name, dtype, signature = "BART", "floatX", "(a,b),(c)->(c)"

        def _supp_shape_from_params(self, dist_params, param_shapes=None):
            return dist_params[0].shape[:1]

        @classmethod
        def rng_fn(cls, rng=None, X=None, Y=None, size=None):
            return np.full(len(cls.Y), cls.Y.mean())

    class BART(Distribution):
        def __new__(cls, name, X, Y, **kwargs):
            held = {"X": X, "Y": Y, "all_trees": threading.Lock()}  # which no copy can be made of
            cls.rv_op = type(f"BART_{name}", (BARTRV,), held)()
            Distribution.register(BARTRV)
            return super().__new__(cls, name, X, Y, **kwargs)

        @classmethod
        def dist(cls, *params, **kwargs):
            return super().dist(params, **kwargs)

    with pm.Model() as model:
        mu = BART("mu", np.stack([X, X**2], axis=1), np.asarray(Y, dtype=float))
        pm.Normal("y", mu, pm.HalfNormal("s"), observed=Y)
    words = "'mu' is a sum of trees.*HSGP"
    refuses(fp.ModelError, words, model, answers(y=YS))
    refuses(fp.ModelError, words, model, fp.Belief("s", quantiles={0.1: 0.5, 0.9: 2}))
    refuses(fp.ModelError, words, model, answers(y=YS), likelihood=lambda free, rows: free["s"])


def test_pymc_dims():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pymc.dims calls itself experimental
        with pm.Model(coords={"obs": range(3)}) as model:
            a = pmd.Normal("a")
            pmd.Normal("y", a, 1, observed=xr.DataArray([1.0, 2.0, 3.0], dims="obs"))
    refuses(fp.ModelError, "pymc.dims", model, answers(y=YS))


def test_discrete_free_variables():
    with pm.Model() as model:
        pm.Normal("y", pm.Bernoulli("z", 0.5), 1, observed=Y)
    refuses(fp.ModelError, "'z' is discrete.*marginalise", model, answers(y=YS))


def flat_by_hand(name):
    return pm.CustomDist(name, logp=lambda value: 0.0 * value)


def jeffreys(name):
    return pm.CustomDist(name, logp=lambda value: -pm.math.log(pm.math.abs(value)))


@pytest.mark.parametrize("prior", [pm.Flat, pm.HalfFlat, flat_by_hand, jeffreys])
def test_improper_priors(prior):
    refuses(fp.ImproperPriorError, "prior of 'a' is flat.*proper prior", line(a=prior), SAID)


def wide(name):
    return pm.Normal(name, 0, 1e6)


def cauchy_by_hand(name):
    return pm.CustomDist(name, logp=lambda value: -pm.math.log1p(value**2))


@pytest.mark.parametrize("prior", [wide, pm.Cauchy, cauchy_by_hand])
def test_wide_priors_are_proper(prior):
    def make(name):
        return prior(name, 0, 1) if prior is pm.Cauchy else prior(name)

    assert build(line(a=make), SAID)


def test_a_model_tilted_already():
    refuses(fp.ModelError, "tilted already.*by=", fp.tilt(line(), SAID, 0.1), SAID)


def test_covariates_that_are_constants():
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("b") * X, 1, observed=Y)
    refuses(fp.ModelError, "plain array of length 25.*pm.Data.*likelihood=", model, answers(y=YS))
    refuses(fp.ModelError, "plain array of length 25", model, answers(y=RNG.normal(size=N)))


@pytest.mark.parametrize("size", [M, N])
def test_data_that_do_not_say_they_run_along_the_rows(size):
    with pm.Model(coords={"obs": range(N)}) as model:
        pm.Normal("y", pm.Normal("b") * pm.Data("x", X, dims="who"), 1, observed=Y, dims="obs")
    llm = answers(x=RNG.normal(size=size), y=RNG.normal(size=size))
    refuses(fp.ModelError, "data 'x' run along the rows.*dimension 'obs'", model, llm)


def test_latent_variable_per_row():
    with pm.Model() as model:
        mu = pm.Normal("mu", pm.Normal("b") * pm.Data("x", X), 1)
        pm.Normal("y", mu, 1, observed=Y)
    refuses(fp.ModelError, "free variable 'mu' belongs to the rows.*likelihood=", model, SAID)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu", shape=N), 1, observed=Y)
    refuses(fp.ModelError, "free variable 'mu' belongs to the rows", model, answers(y=YS))


def test_private_variables_that_the_answers_do_not_reach():
    with pm.Model() as model:
        a = pm.Normal("a", 0, pm.HalfNormal("tau"))
        pm.Normal("y", a, 1, observed=Y)
    refuses(fp.ModelError, "'tau'.*do not reach", model, answers(y=YS), private=["tau"])
    assert build(model, answers(y=YS), private=["tau", "a"])


def test_private_names_that_are_taken():
    model = line()
    with model:
        pm.Normal("sigma_synthetic")
    refuses(fp.ModelError, "'sigma_synthetic'.*rename", model, SAID, private=["sigma"])


def test_likelihoods_that_do_not_give_one_value_a_row():
    for likelihood in (lambda free, d: free["a"], lambda free, d: free["a"] + np.zeros(3)):
        refuses(fp.ModelError, "one (log-likelihood )?a row", line(), SAID, likelihood=likelihood)


# No residual spread


def test_equal_answers_with_a_private_scale():
    for x in (XS, np.zeros(M)):
        llm = answers(x=x, y=2 + 3 * x)
        words = "no residual spread.*'sigma'.*answers that differ"
        refuses(fp.ImproperPriorError, words, line(), llm, private=["sigma"])
        assert build(line(), llm)


def test_one_of_two_sources_without_spread():
    frame = pd.DataFrame(OTHER).assign(framing=["plain", "role"] * (M // 2))
    frame.loc[frame["framing"] == "role", "y"] = 1.0
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    refuses(fp.ImproperPriorError, "no residual spread", line(), llm, private=["sigma"],
            by="framing", trust={"plain": 0.1, "role": 0.1})  # fmt: skip
    assert build(line(), llm, private=["sigma"])


def test_a_perfect_fit_of_few_answers_is_finite():
    """With r coefficients and weight W the tilt goes like sigma^(r - W) at zero."""
    two = answers(x=XS[:2], y=YS[:2])
    assert build(line(), two, private=["sigma"])
    assert build(line(), answers(x=XS, y=2 + 3 * XS, weight=0.1), private=["sigma"])


def test_a_perfect_fit_with_a_scale_that_cannot_vanish_is_finite():
    with pm.Model() as model:
        sigma = pm.InverseGamma("sigma", 3, 1)
        pm.Normal("y", pm.Normal("a"), sigma, observed=Y)
    assert build(model, answers(y=np.ones(M)), private=["sigma"])


def test_a_perfect_fit_with_a_private_shape_is_finite():
    with pm.Model() as model:
        pm.StudentT("y", nu=pm.Gamma("nu", 2, 0.1), mu=pm.Normal("a"), sigma=1, observed=Y)
    assert build(model, answers(y=np.ones(M)), private=["nu"])


# What is no error


def test_two_equal_coins():
    with pm.Model() as coin:
        pm.Bernoulli("y", pm.Beta("p", 1, 1), observed=[1, 0] * 15)
    assert build(coin, answers(y=[1, 0] * 15)).coincide == 1.0


def test_answers_about_the_surveyed_people_may_be_right():
    """The same people in the same order, and a language model that is right for 58 of 60."""
    x, y = np.arange(60.0), RNG.integers(0, 2, 60)
    with pm.Model() as model:
        pm.Bernoulli("y", logit_p=pm.Normal("b") * pm.Data("x", x), observed=y)
    said = y.copy()
    said[[15, 40]] = 1 - said[[15, 40]]
    assert build(model, answers(x=x, y=said)).coincide == pytest.approx(58 / 60)


def test_as_many_answers_as_real_rows():
    assert build(line(), answers(x=RNG.normal(size=N), y=RNG.normal(size=N)))


def test_as_many_coefficients_as_rows():
    x = RNG.normal(size=(4, 4))
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=4)
        pm.Normal("y", pm.Data("X", x) @ b, 1, observed=RNG.normal(size=4))
    llm = answers(X=RNG.normal(size=(M, 4)), y=YS)
    assert build(model, llm, columns={"X": ["X0", "X1", "X2", "X3"]})


def test_diffuse_priors():
    """Under Normal(0, 100) a Poisson mean overflows or vanishes at almost every draw."""
    x = RNG.normal(50, 10, size=N)
    with pm.Model() as model:
        eta = pm.Normal("a", 0, 100) + pm.Normal("b", 0, 100) * pm.Data("x", x)
        pm.Poisson("y", pm.math.exp(eta), observed=RNG.poisson(3, N))
    assert build(model, answers(x=RNG.normal(50, 10, M), y=RNG.poisson(3, M)))


def test_bounds_that_are_parameters():
    with pm.Model() as model:
        pm.Uniform("y", 0, pm.Pareto("top", 1, 1), observed=[0.1, 5.0])
    assert build(model, answers(y=[40.0, 0.5]))


def test_flat_is_only_a_name():
    with pm.Model() as model:
        a = pm.CustomDist("flat_rate", logp=lambda value: -(value**2) / 2)
        pm.Normal("y", a, 1, observed=Y)
    assert build(model, answers(y=YS))


def test_a_hundred_thousand_rows_are_quick():
    from time import process_time

    with pm.Model() as model:
        eta = pm.Data("X", RNG.normal(size=(200, 5))) @ pm.Normal("b", 0, 1, shape=5)
        pm.Bernoulli("y", logit_p=eta, observed=RNG.integers(0, 2, 200))
    llm = answers(X=RNG.normal(size=(100_000, 5)), y=RNG.integers(0, 2, 100_000))
    began = process_time()
    build(model, llm, columns={"X": [f"X{i}" for i in range(5)]})
    assert process_time() - began < 10  # about 1 second


# What is odd, but may be meant


def test_covariates_that_nobody_standardised_are_noticed():
    raw = answers(x=40 + 10 * np.abs(XS), y=YS)
    with pytest.warns(UserWarning, match=r"'x' runs from 4.* through columns="):
        fp.tilt(line(), raw, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fp.tilt(line(), raw, 0.5, columns={"x": lambda t: (t["x"].to_numpy() - 48) / 10})
