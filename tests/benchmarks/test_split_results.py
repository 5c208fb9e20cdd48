"""What splitting one source into several does, as measured by `split_study`."""

import json

import pytest

from tests.benchmarks.split_study import BIASES, OUT, PILOTS, SPLITS

RESULTS = json.loads(OUT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("sources", SPLITS)
def test_labels_do_not_change_coverage(bias, sources):
    covered = RESULTS["coverage"][f"{bias:g}"]
    assert RESULTS["pilots"] == PILOTS == 1000
    assert abs(covered[str(sources)] - covered["1"]) < 0.02


@pytest.mark.parametrize("sources", SPLITS)
def test_labels_do_not_move_the_mean(sources):
    found = RESULTS["difference"][str(sources)]
    assert abs(found["mean"]) < 2 * found["error"]
