"""A frame's named index is a column like any other."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.bootstrap.rows import combine
from foundation_priors.diagnose.conflict_disagreement import disagreement
from foundation_priors.errors import ColumnError
from foundation_priors.prior.columns import Table


def people():
    noise = np.tile(np.arange(9) / 50, 10)
    return pd.DataFrame({"person": np.repeat(np.arange(10), 9), "y": np.repeat(np.arange(10.0), 9)
                         + noise, "wave": np.tile(np.arange(9), 10)})  # fmt: skip


def answers(frame, **meaning):
    return fp.SyntheticData.from_dataframe(frame, outcome="y", **meaning)


@pytest.mark.parametrize("unit", [None, "person"])
def test_the_unit_may_be_the_index(unit):
    frame = people().drop(columns="wave")
    indexed = answers(frame.set_index("person"), unit=unit)
    assert indexed.identical(answers(frame, unit=unit))
    assert indexed.weights("y").sum() == pytest.approx(10, abs=0.01)


def test_levels_of_an_index_are_columns_and_one_without_a_name_is_dropped():
    frame = people()
    indexed = answers(frame.set_index(["person", "wave"]), unit="person", cluster="wave")
    assert indexed.unit == "person" and indexed.clusters == ("wave",)
    named = frame.set_index(["person", "wave"]).rename_axis(["person", None])
    assert answers(named).covariates == ("person",)
    assert answers(frame.set_index("person").rename_axis(None)).covariates == ("wave",)
    assert answers(frame.rename_axis("answer")).covariates == ("person", "wave")
    assert answers(frame.rename_axis("row")).covariates == ("row", "person", "wave")
    again = answers(indexed.dataset.to_dataframe(), unit="person", cluster="wave")
    assert again.column("person").tolist() == indexed.column("person").tolist()


def test_categories_in_an_index_keep_their_levels():
    frame = people().assign(person=pd.Categorical(people().person.map(str), ordered=True))
    assert answers(frame.set_index("person")).levels["person"] == tuple(map(str, range(10)))


@pytest.mark.parametrize(
    "frame",
    [
        people().set_index("person", drop=False),
        people().set_index(pd.MultiIndex.from_arrays([range(90)] * 2, names=["a", "a"])),
    ],
)
def test_two_columns_of_a_name(frame):
    for read in (answers, Table.from_real):
        with pytest.raises(ColumnError, match="index has the name '(person|a)', as has another"):
            read(frame)


def test_real_rows_keep_their_named_index():
    real = pd.DataFrame({"person": np.arange(30), "y": np.linspace(0, 3, 30)})
    frame = real.set_index("person")
    assert Table.from_real(frame).column("person", "x").tolist() == list(range(30))
    both = [combine(rows, answers(people())).frame for rows in (real, frame)]
    pd.testing.assert_frame_equal(*both)
    tables = [
        disagreement(answers(people()), rows, "y", covariates=["person"]) for rows in (real, frame)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_experts_may_be_the_index():
    frame = pd.DataFrame({"expert": ["ann", "bob"], "low": [1.0, 2.0], "high": [3.0, 4.0]})
    levels = {"low": 0.1, "high": 0.9}
    pools = [
        fp.Belief.from_dataframe(f, "mu", levels, expert="expert")
        for f in (frame, frame.set_index("expert"))
    ]
    assert pools[0].density.mean == pools[1].density.mean
