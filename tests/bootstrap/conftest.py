"""A small world: real rows, answers that differ from them, and one path of a regression."""

import numpy as np
import pandas as pd
import pytest

from foundation_priors.bootstrap import BootstrapPath, bootstrap_path, linear_regression
from foundation_priors.synthetic import SyntheticData

REGRESSION = linear_regression("y", ["x", "z"])


def rows(rng: np.random.Generator, count: int, slope: float) -> pd.DataFrame:
    x, z = rng.normal(size=(2, count))
    return pd.DataFrame({"x": x, "z": z, "y": 1 + slope * x + rng.normal(size=count)})


@pytest.fixture(scope="session")
def real() -> pd.DataFrame:
    return rows(np.random.default_rng(1), 60, 0.1)


@pytest.fixture(scope="session")
def answers() -> pd.DataFrame:
    return rows(np.random.default_rng(2), 40, 0.8)


@pytest.fixture(scope="session")
def llm(answers: pd.DataFrame) -> SyntheticData:
    return SyntheticData.from_dataframe(answers, outcome="y", weight=1)


@pytest.fixture(scope="session")
def path(real: pd.DataFrame, llm: SyntheticData) -> BootstrapPath:
    return bootstrap_path(REGRESSION, real, llm, random_seed=3, progressbar=False)
