"""What is matched, scaled or written in another way than it seems is said or refused."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.prior.checks import check_ranges
from foundation_priors.prior.rows import RowArrays
from foundation_priors.prior.tilt import build


def heights(name: str = "height", real: object = (1.62, 1.71, 1.8, 1.66)) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 1.7, 0.2)
        pm.Normal(name, mu, pm.HalfNormal("sd", 0.2), observed=np.array(real))
    return model


def said(name: str, values: object, **options) -> fp.SyntheticData:
    frame = pd.DataFrame({name: values})
    return fp.SyntheticData.from_dataframe(frame, outcome=name, weight=1, **options)


METRES = [1.6, 1.75, 1.7]


def test_an_outcome_of_another_name_is_matched_with_a_word():
    with pytest.warns(UserWarning, match=r"'stature' is taken for 'height'.*columns={'height'"):
        build(heights(), said("stature", METRES))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(heights(), said("stature", METRES), columns={"height": "stature"})
        build(heights(), said("height", METRES))


def test_outcomes_of_other_units_are_warned_of():
    with pytest.warns(UserWarning, match="'height' runs from 160 to 175 .*if the units"):
        build(heights(), said("height", [160.0, 175.0, 170.0]))
    for real in ([162.0, 171.0, 180.0], [50.0, 120.0, 190.0]):
        with pytest.warns(UserWarning, match="runs from 1.6 to 1.75"):
            build(heights(real=real), said("height", METRES))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(heights(), said("height", [1.75, 1.9, 2.2]))
        build(heights(), said("height", [1.85, 1.9]))


HUNDREDTHS = np.arange(8) / 100


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_other_units_within_the_range_are_warned_of_in_both_directions(factor):
    with pytest.warns(UserWarning, match="if the units"):
        build(heights(real=HUNDREDTHS), said("height", factor * HUNDREDTHS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(heights(real=HUNDREDTHS), said("height", 1.2 * HUNDREDTHS))
        build(heights(real=HUNDREDTHS), said("height", [0.0005, 0.001]))


@pytest.mark.parametrize(("real", "asked", "warned"), [
    ([1.0, 2.0], 2.5, False), ([1.0, 2.0], 3.5, True), ([1.0, 2.0, 1.1, 1.7, 1.4], 2.5, True)
])  # fmt: skip
def test_the_range_of_few_rows_is_not_known(real, asked, warned):
    rows = RowArrays(np.zeros(len(real)), {"x": np.array(real)})
    llm = RowArrays(np.zeros(1), {"x": np.array([asked])})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_ranges(rows, llm, "y")
    assert bool(caught) == warned


@pytest.mark.parametrize("kind", ["plain", "categorical"])
def test_numbers_as_text_are_to_be_made_numbers(kind):
    texts = pd.Series(["72.3", "80", "1e2"])
    column = (
        texts if kind == "plain" else pd.Categorical(texts, ["72.3", "80", "1e2"], ordered=True)
    )
    answers = said("height", column)
    with pytest.raises(fp.ColumnError, match=r"numbers as text, such as '72.3'.*astype\(float\)"):
        build(heights(), answers)


def test_words_are_still_numbered_by_their_levels():
    with pytest.raises(fp.ColumnError, match="give the levels"):
        build(heights(), said("height", ["tall", "72.3"]))
    with pm.Model() as model:
        p = pm.Dirichlet("p", np.ones(3))
        pm.Categorical("vote", p, observed=[0, 1, 2, 1])
    answers = said("vote", ["1", "2", "1"], levels={"vote": ["1", "2", "3"]})
    assert build(model, answers).n_real == 4


@pytest.mark.parametrize(("text", "middle"), [("mu/sd", 9), ("mu/2", 0.9), ("1/sd", 6)])
def test_a_quotient_is_a_quantity(text, middle):
    belief = fp.Belief(text, quantiles={0.1: 0.8 * middle, 0.5: middle, 0.9: 1.3 * middle})
    assert fp.tilt(heights(), belief, 0.5)["fp_trust"].get_value() == 0.5


def test_names_with_signs_of_their_own_are_refused_in_words():
    with pytest.raises(fp.ModelError, match="no quantity 'sq'"):
        fp.tilt(heights(), fp.Belief("sq/2", quantiles={0.1: 5, 0.5: 9, 0.9: 14}), 0.5)
    with pytest.raises(fp.ModelError, match="informs= names 'mu/sd'"):
        fp.tilt(heights(), said("height", METRES), 0.5, informs=["mu/sd"])
    with pytest.raises(fp.ModelError, match="private= names 'mu:'"):
        fp.tilt(heights(), said("height", METRES), 0.5, private=["mu:"])


def test_arguments_of_the_wrong_kind_are_refused_in_words():
    with pytest.raises(TypeError, match="columns='x' must be a dict"):
        fp.tilt(heights(), said("height", METRES), 0.5, columns="x")
    with pytest.raises(TypeError, match="likelihood=3 must be a function"):
        fp.tilt(heights(), said("height", METRES), 0.5, likelihood=3)


def test_columns_of_names_with_signs_are_refused_in_words():
    with pytest.raises(fp.ColumnError, match="columns="):
        fp.tilt(heights(), said("height", METRES), 0.5, columns={"a/b": "height"})
