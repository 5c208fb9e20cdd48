"""The models that judge the engine, their stored references, and what reads them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.benchmarks.hierarchies import COMPARED, HIERARCHIES
from tests.benchmarks.judging import against_reference
from tests.benchmarks.references import TRUSTS, bennett, moments_of
from tests.benchmarks.tables import read

REFERENCES = read("accuracy").get("references", {})
EVIDENCE = [name for name, row in REFERENCES.items() if "log_evidence" in row]


@pytest.mark.parametrize("name", ["hsgp8", "horseshoe", "irt"])
def test_models_can_be_tilted(name):
    case = HIERARCHIES[name]()
    assert "simulated" in case.title
    variables = case.tilted(0.5).named_vars
    assert {"fp_trust", "fp_loglik", *COMPARED.get(name, [])} <= set(variables)


@pytest.mark.parametrize("name", REFERENCES)
def test_references_converged(name):
    row = REFERENCES[name]
    assert row["r_hat"] < 1.01 and row["ess"] > 1000
    table = moments_of(name)
    assert set(table.trust) == set(TRUSTS)
    assert (table.mcse_mean < 0.05 * table.sd).all()


@pytest.mark.parametrize("name", EVIDENCE)
def test_the_evidence_of_references_is_known_well_enough(name):
    assert max(REFERENCES[name]["error"]) < 0.1


def test_bennett_ratio_of_normals():
    rng = np.random.default_rng(0)
    start, step = 0.3, 1.5
    here, there = rng.normal(start, 1, 4000), rng.normal(start + step, 1, 8000)
    # The density proportional to exp(-x^2/2 + Lx) has log normaliser L^2/2.
    truth = ((start + step) ** 2 - start**2) / 2
    assert bennett(step, here, there) == pytest.approx(truth, abs=0.08)


class Exact:
    """A path that is off by ``bias`` sds in one variable, with known errors and flags."""

    def __init__(self, bias, reliable):
        self.bias, self.reliable = bias, reliable

    def mean(self, name, trust):
        return self._value(trust + self.bias)

    def sd(self, name, trust):
        return self._value(1.0)

    def mcse(self, name, trust, kind="mean"):
        return self._value(0.01)

    def log_evidence(self, trust):
        return xr.DataArray(
            trust + self.bias, dims="trust",
            coords={k: ("trust", np.full(len(trust), v))
                    for k, v in {"mcse": 0.02, "reliable": self.reliable}.items()},
        )  # fmt: skip

    def _value(self, value):
        return xr.DataArray(value, coords={"reliable": self.reliable})


@pytest.mark.parametrize(
    "bias, reliable, expected",
    [
        (0.0, True, (5, 0, 0)),
        (0.0, False, (5, 5, 0)),
        (0.3, True, (0, 0, 5)),
        (0.3, False, (0,) * 3),
    ],
)
def test_flags_are_counted(bias, reliable, expected):
    errors = {"sd": 1.0, "mcse_mean": 0.005, "mcse_sd": 0.005}
    moments = pd.DataFrame([{"trust": t, "quantity": "a", "mean": t, **errors} for t in TRUSTS])
    row = {"log_evidence": list(TRUSTS), "error": [0.01] * len(TRUSTS)}
    found = against_reference(Exact(bias, reliable), moments, row)
    assert (found["right"], found["false_flags"], found["missed"]) == expected
    assert found["off_mean"] == pytest.approx(bias)
    assert found["evidence_off"] == pytest.approx(bias)
    wrong = bias > 0
    assert found["evidence_missed"] == 4 * (wrong and reliable)
    assert found["evidence_false_flags"] == 4 * (not wrong and not reliable)
