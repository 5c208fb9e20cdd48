"""Pictures of voices, variety, axes and verdicts draw what the results hold."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.axes import axes
from foundation_priors.diagnose.similarity import similarity
from foundation_priors.diagnose.similarity_errors import error_correlation
from foundation_priors.diagnose.vendi import vendi
from foundation_priors.diagnose.voices import variance_components
from foundation_priors.diagnose.voices_effective import effective_voices
from foundation_priors.plots.diversity import plot_error_correlation, plot_similarity, plot_vendi
from foundation_priors.plots.verdicts import plot_axes, plot_verdicts
from foundation_priors.plots.voices import plot_effective_voices, plot_variance_components


@pytest.fixture(scope="module")
def wages() -> fp.SyntheticData:
    return fp.datasets.load("wages").synthetic


def labels(ax) -> list[str]:
    ax.figure.canvas.draw()
    return [text.get_text() for text in ax.get_yticklabels()]


def test_components_and_designs(wages) -> None:
    found = variance_components(wages, "lwage")
    assert labels(plot_variance_components(found)) == found["component"].values.tolist()
    voices = effective_voices(found)
    ax = plot_effective_voices(voices)
    assert labels(ax) == voices["design"].values.tolist()
    assert f"{float(voices['effective'][0]):.1f}" in [text.get_text() for text in ax.texts]


def test_variety_and_likeness(wages, rng) -> None:
    found = vendi(wages, "lwage", by="framing", size=40)
    assert labels(plot_vendi(found)) == found["group"].values.tolist()
    alike = similarity(wages, by="framing", shuffles=10)
    assert len(plot_similarity(alike).texts) == 9
    errors = error_correlation(rng.normal(size=(50, 60)))  # too many to write the numbers
    assert not plot_error_correlation(errors).texts


def test_three_axes_and_what_is_not_judged(wages) -> None:
    table = axes(wages, by="framing")
    panels = plot_axes(table)
    assert [bool(ax.texts) for ax in panels] == [True, False, False, True]


def test_axes_of_ones_own(wages) -> None:
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert plot_vendi(vendi(["a", "b"]), ax=ax) is ax


@pytest.mark.parametrize(
    "plot",
    [
        plot_variance_components,
        plot_effective_voices,
        plot_vendi,
        plot_similarity,
        plot_error_correlation,
        plot_axes,
        plot_verdicts,
    ],
)
def test_other_results_are_refused(plot) -> None:
    with pytest.raises(ValueError, match="fp.diagnose"):
        plot(pd.DataFrame({"x": np.zeros(3)}))
