"""Bad input: each error is one sentence that says what, where and what to do."""

import numpy as np
import pytest

from foundation_priors.conjugate import (
    BetaBinomial,
    DirichletMultinomial,
    GammaPoisson,
    NormalMean,
    NormalMeanVariance,
    NormalRegression,
)
from foundation_priors.errors import ImproperPriorError

ROWS = (3, 1.0, 0.5)
X = np.eye(2)


def regression(**kwargs):
    arguments = {"prior_cov": 1.0, "a": 1, "b": 1} | kwargs
    return NormalRegression.from_data(X, [1, 2], X, [1, 2], **arguments)


@pytest.mark.parametrize("seed", range(10))
def test_a_singular_prior_is_improper_on_every_processor(seed):
    """Rounding puts its least eigenvalue on either side of 0; units far apart are no reason."""
    way = np.random.default_rng(seed).normal(size=2)
    with pytest.raises(ImproperPriorError, match="not positive definite"):
        regression(prior_cov=np.outer(way, way))
    units = np.array([1e-9, 1e9])
    regression(prior_cov=[[1, 0.5], [0.5, 1]] * np.outer(units, units))


@pytest.mark.parametrize(
    "build",
    [
        lambda: BetaBinomial(a=0, synthetic=(1, 2)),
        lambda: BetaBinomial(b=np.inf, synthetic=(1, 2)),
        lambda: GammaPoisson(a=1, b=0, synthetic=(1, 2)),
        lambda: DirichletMultinomial(concentration=[1, 0], synthetic=[1, 2]),
        lambda: NormalMean(prior_mean=0, prior_sd=np.inf, sigma=1, synthetic=ROWS),
        lambda: NormalMeanVariance(prior_mean=0, prior_rows=0, a=1, b=1, synthetic=ROWS),
        lambda: NormalMeanVariance(prior_mean=0, prior_rows=1, a=0, b=1, synthetic=ROWS),
        lambda: regression(prior_cov=[[1, 2], [2, 1]]),
        lambda: regression(prior_cov=[1, np.inf]),
        lambda: regression(a=0),
    ],
)
def test_improper_primitive_priors(build):
    with pytest.raises(ImproperPriorError, match="improper"):
        build()


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: BetaBinomial(real=(6, 5), synthetic=(1, 2)), "real data has 6 successes"),
        (lambda: BetaBinomial(synthetic={"a": (np.nan, 2)}), "a has missing"),
        (lambda: BetaBinomial(synthetic={}), "no source"),
        (lambda: BetaBinomial(synthetic=3), "no set of statistics"),
        (lambda: BetaBinomial(synthetic=(1, 2), max_trust=0), "max_trust"),
        (lambda: BetaBinomial.from_data([1], []), "no synthetic rows"),
        (lambda: BetaBinomial.from_data([1], [2]), "more successes than trials in row 0"),
        (lambda: BetaBinomial.from_data([0.5], [1]), "not whole numbers"),
        (lambda: BetaBinomial.from_data([1, np.nan], [1]), "missing"),
        (lambda: BetaBinomial.from_data([1], [1], weight=-1), "weight"),
        (lambda: BetaBinomial.from_data([1], [1, 0], source=["a"]), "source has shape"),
        (lambda: BetaBinomial.from_data([[1]], [1]), "2 dimensions"),
        (lambda: GammaPoisson(a=1, b=1, synthetic=(1, 0)), "without exposure"),
        (lambda: GammaPoisson(a=1, b=1, synthetic=(-1, 2)), "below 0"),
        (lambda: GammaPoisson.from_data([1], [1], a=1, b=1, exposure=0), "exposure of y"),
        (lambda: DirichletMultinomial(concentration=[1], synthetic=[1]), "2 or more"),
        (lambda: DirichletMultinomial(concentration=[1, 1], synthetic={}), "no source"),
        (lambda: DirichletMultinomial(concentration=[1, 1], synthetic=[1]), "one for each of 2"),
        (
            lambda: DirichletMultinomial(concentration=[1, 1], synthetic=[1, 2], categories="x"),
            "1 categories",
        ),
        (
            lambda: DirichletMultinomial.from_data(["x"], ["q"], categories=["x", "y"]),
            r"not among the categories: \['q'\]",
        ),
        (lambda: NormalMean(prior_mean=0, prior_sd=1, sigma=0, synthetic=ROWS), "sigma"),
        (lambda: NormalMean(prior_mean=0, prior_sd=1, sigma=1, synthetic=(1, 0, -1)), "below 0"),
        (lambda: regression(a=None), "no prior"),
        (lambda: regression(sigma=1), "drop a and b"),
        (lambda: regression(names=["x"]), "1 names for 2"),
        (lambda: regression(prior_mean=[1, 2, 3]), "the prior has 3"),
        (lambda: regression(prior_cov=np.eye(3)), "prior_cov has shape"),
        (
            lambda: NormalRegression.from_data(X, [1, 2], X[:, :1], [1, 2], prior_cov=1, sigma=1),
            "same columns",
        ),
        (
            lambda: NormalRegression.from_data(X, [1], X, [1, 2], prior_cov=1, sigma=1),
            "number of rows",
        ),
    ],
)
def test_bad_rows(build, match):
    with pytest.raises(ValueError, match=match):
        build()


COIN = BetaBinomial(real=(4, 5), synthetic={"a": (5, 10), "b": (1, 2)})
SHARES = DirichletMultinomial(concentration=[1, 1], synthetic=[1, 2], categories=["x", "y"])


@pytest.mark.parametrize(
    ("read", "match"),
    [
        (lambda: COIN.mean(trust=-0.1), "not negative"),
        (lambda: COIN.mean(trust=np.nan), "finite"),
        (lambda: COIN.mean(trust="cautious"), "'cautious' is a rule"),
        (lambda: COIN.mean(trust=[]), "empty"),
        (lambda: COIN.mean(trust=object()), "must be a number"),
        (lambda: COIN.mean(trust={"a": [0, "x"], "b": 1}), "must be a number"),
        (lambda: COIN.quantile("theta", "x"), "q='x' must be a number"),
        (lambda: COIN.mean(trust=1.5), "larger max_trust="),
        (lambda: COIN.mean(trust={"a": 1}), "one weight for each"),
        (lambda: COIN.mean(trust=np.ones((2, 2))), "flat array"),
        (lambda: COIN.mean("thta"), "Did you mean 'theta'"),
        (lambda: COIN.quantile("theta", 2), "between 0 and 1"),
        (lambda: COIN.at([0.1, 0.2]), "one number"),
        (lambda: COIN.sample([0.1]), "one number"),
        (lambda: COIN.probability("theta ** 2 > 0.5"), "no closed form"),
        (lambda: COIN.probability("thta > 0.5"), "Did you mean 'theta'"),
        (lambda: COIN.probability("theta[0] > 0.5"), "scalar"),
        (lambda: SHARES.probability("p[2] > 0.5"), "position below 2"),
        (lambda: SHARES.probability("p['1'] > 0.5"), "position below 2"),
        (lambda: SHARES.probability("p['x', 'y'] > 0.5"), "2 labels for 1 dimension"),
        (lambda: SHARES.tipping("p > 0.5"), "name one element"),
        (lambda: COIN.tipping("theta > 0.5", probability=1), "between 0 and 1"),
    ],
)
def test_bad_questions(read, match):
    with pytest.raises(ValueError, match=match):
        read()


@pytest.mark.parametrize("labels", [[1.0, 0.0, 2.0], ["1.0", "0.0", "2.0"], ["b", "c", 2.5]])
def test_a_number_is_no_position_among_numbers(labels):
    shares = DirichletMultinomial(concentration=[1, 1, 1], synthetic=[1, 2, 3], categories=labels)
    with pytest.raises(ValueError, match="asks for element '1': give one of the labels"):
        shares.probability("p[1] > 0.5")
    by_label = shares.probability(f"p[{labels[1]}] > 0.5")
    np.testing.assert_array_equal(by_label, shares.probability("p > 0.5")[:, 1])


def test_a_label_with_a_comma_is_one_in_quotes():
    shares = DirichletMultinomial(concentration=[1, 1], synthetic=[1, 2], categories=["a, b", "c"])
    whole = shares.probability("p > 0.5")
    np.testing.assert_array_equal(shares.probability("p['a, b'] > 0.5"), whole[:, 0])
    np.testing.assert_array_equal(shares.probability("p[1] > 0.5"), whole[:, 1])
    for text in ("p['a', 'b'] > 0.5", "p[a, b] > 0.5"):
        with pytest.raises(ValueError, match="2 labels for 1 dimension"):
            shares.probability(text)
