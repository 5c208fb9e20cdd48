"""What cannot be meant is refused, and the message says what to do."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from foundation_priors.bootstrap import bootstrap_path, linear_regression
from foundation_priors.errors import ColumnError, SyntheticAsEvidenceError
from foundation_priors.synthetic import SyntheticData
from tests.bootstrap.conftest import REGRESSION


def run(estimator: Any, real: Any, synthetic: Any, **given: Any) -> Any:
    return bootstrap_path(
        estimator, real, synthetic, **{"draws": 50, "progressbar": False, **given}
    )


def mean(rows: pd.DataFrame, weights: np.ndarray) -> float:
    return float(np.average(rows["y"], weights=weights))


def median(rows: pd.DataFrame, weights: np.ndarray) -> float:
    """Return the weighted median of a coarse outcome, which ordinary weights hardly move."""
    values = np.sign(rows["y"].to_numpy() + 1).astype(int)
    order = np.argsort(values, kind="stable")
    heavy = np.cumsum(weights[order]) >= weights.sum() / 2
    return float(values[order][heavy][0])


def test_an_estimator_that_ignores_its_weights_is_detected(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    with pytest.raises(ValueError, match="so it ignores them: use its second argument"):
        run(lambda rows, weights: rows["y"].mean(), real, llm)
    with pytest.raises(ValueError, match="so it ignores them"):
        run(lambda rows, weights: {"a": rows["y"].mean(), "b": rows["x"].sum()}, real, llm)


def test_a_median_that_hardly_moves_is_no_such_estimator(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    path = run(median, real, llm, concentrations=[0, 10])
    assert (path.draws.estimate == 1).all()


def test_an_estimator_that_draws_at_random_is_detected(
    real: pd.DataFrame, llm: SyntheticData, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match="different numbers for the same weights"):
        run(lambda rows, weights: rng.normal(), real, llm)


class NoWeights:
    def fit(self, X: Any, y: Any) -> None: ...


class NoCoefficients:
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None: ...


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (3, TypeError, "estimator is a int"),
        (lambda rows: 0.0, TypeError, "must take two arguments"),
        (NoWeights(), TypeError, "takes no sample_weight"),
        (NoCoefficients(), TypeError, "has no coef_"),
        (NoCoefficients, TypeError, "estimator is a type"),
        (lambda rows, w: "text", TypeError, "returned a str"),
        (lambda rows, w: None, TypeError, "returned a NoneType|not finite"),
        (lambda rows, w: {}, TypeError, "empty dictionary"),
        (lambda rows, w: np.nan, ValueError, "not finite"),
        (lambda rows, w: np.zeros(int(w[0] > 1) + 1), ValueError, "numbers, and"),
        (lambda rows, w: np.log(w[-1:]), ValueError, "At concentration 0 .* not finite"),
    ],
)
def test_estimators_that_are_none(
    estimator: Any, error: type, message: str, real: pd.DataFrame, llm: SyntheticData
) -> None:
    with np.errstate(divide="ignore"), pytest.raises((error, ValueError), match=message):
        run(estimator, real, llm)


def test_an_error_of_the_estimator_says_at_which_concentration(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    def fails(rows: pd.DataFrame, weights: np.ndarray) -> float:
        if not weights.all():
            raise ZeroDivisionError("a weight is zero")
        return mean(rows, weights)

    with pytest.raises(ZeroDivisionError) as caught:
        run(fails, real, llm)
    assert "failed at concentration 0" in caught.value.__notes__[0]


def test_an_error_of_the_estimator_at_once_says_what_it_was_given(
    real: pd.DataFrame, llm: SyntheticData
) -> None:
    with pytest.raises(KeyError) as caught:
        run(lambda rows, weights: rows["wages"] @ weights, real, llm)
    assert "failed at ordinary weights of all" in caught.value.__notes__[0]
    assert "with the columns" in caught.value.__notes__[0]


def test_a_frame_is_no_synthetic_data(real: pd.DataFrame, answers: pd.DataFrame) -> None:
    with pytest.raises(TypeError, match="fp.SyntheticData.from_dataframe\\(frame, outcome="):
        run(mean, real, answers)


def test_answers_are_no_real_rows(answers: pd.DataFrame, llm: SyntheticData) -> None:
    stacked = pd.concat([answers + 1, answers], ignore_index=True)
    for rows in (llm, answers, stacked):
        with pytest.raises(SyntheticAsEvidenceError):
            run(mean, rows, llm)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.rename(columns={"y": "Y"}), "No outcome of the answers \\(y\\)"),
        (lambda r: r.iloc[:0], "no real rows"),
        (lambda r: r.assign(x=np.nan), "'x' is missing or not finite in 60 rows"),
        (lambda r: r.assign(z=np.inf), "'z' is missing or not finite"),
        (lambda r: r.assign(x="a"), "'x' holds numbers in the answers"),
        (lambda r: r.drop(columns="x"), "do not both have a column 'x'"),
        (lambda r: xr.Dataset({"y": ("a", [1.0]), "x": ("b", [1.0])}), "one value per row"),
    ],
)
def test_columns_that_do_not_fit(
    change: Any, message: str, real: pd.DataFrame, llm: SyntheticData
) -> None:
    with pytest.raises(ColumnError, match=message):
        run(REGRESSION, change(real), llm)


def test_strings_need_levels_that_fit() -> None:
    frame = pd.DataFrame({"vote": ["Dole", "Clinton"]})
    plain = SyntheticData.from_dataframe(frame, outcome="vote", weight=1)
    levels = {"vote": ["Clinton", "Dole"]}
    known = SyntheticData.from_dataframe(frame, outcome="vote", weight=1, levels=levels)
    numbers = pd.DataFrame({"vote": [0, 1, 2]})
    with pytest.raises(ColumnError, match="say which number each string is"):
        run(mean, numbers, plain)
    with pytest.raises(ColumnError, match="must hold 0 to 1, the codes of"):
        run(mean, numbers, known)
    with pytest.raises(ColumnError, match="holds 'Perot'"):
        run(mean, pd.DataFrame({"vote": ["Dole", "Perot"]}), known)
    some = pd.DataFrame({"vote": pd.Categorical(["Dole", "Perot"])})
    with pytest.raises(ColumnError, match="The answers hold 'Clinton' in 'vote'"):
        run(mean, some, known)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"concentrations": [-1.0]}, "from 0 upwards"),
        ({"concentrations": []}, "from 0 upwards"),
        ({"concentrations": [np.inf]}, "from 0 upwards"),
        ({"max_concentration": 0}, "must be a positive number"),
        ({"max_concentration": np.nan}, "must be a positive number"),
        ({"max_concentration": 5, "concentrations": [1]}, "not both"),
        ({"draws": 10}, "at least 50"),
        ({"draws": 60.5}, "at least 50"),
        ({"columns": ["y", "w"]}, "have no column 'w'"),
        ({"columns": ["x"]}, "No outcome of the answers"),
    ],
)
def test_settings_that_cannot_be(
    given: dict, message: str, real: pd.DataFrame, llm: SyntheticData
) -> None:
    with pytest.raises(ValueError, match=message):
        run(mean, real, llm, **given)


def test_regressions_that_have_no_answer(real: pd.DataFrame, answers: pd.DataFrame) -> None:
    def made(frame: pd.DataFrame) -> SyntheticData:
        return SyntheticData.from_dataframe(frame, outcome="y", weight=1)

    twice = linear_regression("y", ["x", "z", "xx"])
    with pytest.raises(ColumnError, match="'xx' is a linear combination"):
        run(twice, real.assign(xx=2 * real.x + 1), made(answers.assign(xx=2 * answers.x + 1)))
    with pytest.raises(ColumnError, match="'z' is zero in every row"):
        run(REGRESSION, real.assign(z=0.0), made(answers.assign(z=0.0)))
    alone = real.assign(z=1.0)
    with pytest.raises(ValueError, match="real rows alone must determine"):
        run(REGRESSION, alone, made(answers))
    assert run(REGRESSION, alone, made(answers), concentrations=[20.0]).draws.beta.notnull().all()
    with pytest.raises(ColumnError, match="names a column twice"):
        linear_regression("y", ["x", "x"])
    with pytest.raises(ColumnError, match="at least one covariate"):
        linear_regression("y", intercept=False)


@pytest.mark.parametrize("levels", [None, {"wage": ["72.3", "80", "1e2"]}])
def test_numbers_as_text_are_to_be_made_numbers(levels: dict[str, list[str]] | None) -> None:
    real = pd.DataFrame({"wage": [70.0, 81.5, 90.0]})
    said = pd.DataFrame({"wage": ["72.3", "80", "1e2"]})
    llm = SyntheticData.from_dataframe(said, outcome="wage", weight=1, levels=levels)
    with pytest.raises(ColumnError, match=r"numbers as text in the answers, such as '72.3'"):
        run(lambda rows, weights: float(np.average(rows.wage, weights=weights)), real, llm)
