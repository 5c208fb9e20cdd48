"""Sections that count the same things agree, or say why not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.report.counts import of_journal
from tests.path import models
from tests.report import audits


def test_a_journals_answers_are_those_of_the_path_or_not():
    assert of_journal(12, [12]) == "" == of_journal(12, [4, 8])
    assert "as many as version 2 has" in of_journal(8, [4, 8])
    for versions in ([8, 8], [9], [4, 5]):
        assert "The path holds 8 answers" in of_journal(8, versions)


def about(units: int) -> fp.TrustPath:
    """Return the coin's path with answers about so many people, each asked twice."""
    frame = pd.DataFrame({"person": np.repeat(np.arange(units), 2)})
    frame["heads"] = (np.repeat(np.arange(units), 2) + (np.arange(2 * units) % 13 == 0)) % 2
    said = fp.SyntheticData.from_dataframe(frame, outcome="heads", unit="person", weight=1)
    return replace(models.coin(), synthetic=said)


def test_real_rows_the_models_observations_and_units_are_set_side_by_side():
    path = about(12)
    seen = path.facts.n_real
    real = pd.DataFrame({"person": np.arange(2, seen + 2), "heads": np.arange(seen) % 2})
    reading = audits.one("asked", path, real=real, pairs="person").reading
    assert "real=" not in reading.replace("pairs=", "")
    lacking = len(set(range(12)) - set(real.person))
    assert f"Of 12 units with answers, {lacking} without a real row in pairs=" in reading
    more = pd.concat([real, real.assign(person=real.person + seen)])
    reading = audits.one("asked", path, real=more.to_xarray(), pairs="person").reading
    assert f"real= holds {2 * seen} rows and the model {seen} real observations" in reading
    assert "without a real row" not in audits.one("asked", path, pairs=range(12)).reading


@pytest.mark.parametrize(("weight", "says"), [(1.0, "100 rows, more than"), (1e-3, "fewer than")])
def test_voices_stand_beside_the_rows_that_weights_count(weight, says):
    path = about(50)
    path = replace(path, synthetic=path.synthetic.with_weight(weight))
    reading = audits.one("voices", path).reading
    assert "independent voices" in reading and says in reading
