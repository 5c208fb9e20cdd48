"""Labels that are code, markup, very long, or equal as text: data wherever they go."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors import plots
from foundation_priors.cli import main
from foundation_priors.path.draws import elements
from foundation_priors.statements import label_of, locate, readable, written
from tests.path import models

CODE = "b] + level.size + __import__('os').system('touch hacked') + level[a"
BREAKING = "b'] + open('hacked', 'w').mode + level['a"
LABELS = [CODE, BREAKING, "x\ny\x1b[2J<b>$\\frac{$", "z" * 100_000, 1, "1", "a, b", "`it's`"]
RAN: list[str] = []


def _hook(event: str, arguments: tuple) -> None:
    if event in ("os.system", "subprocess.Popen") or (
        event == "open" and "hacked" in str(arguments)
    ):
        RAN.append(event)


sys.addaudithook(_hook)


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    RAN.clear()
    yield
    assert not RAN and not Path("hacked").exists()


@pytest.fixture(scope="module")
def path() -> fp.TrustPath:
    """Return the coin's path with a vector of functions of its chance, whose labels are hostile."""
    coordinate = np.empty(len(LABELS), dtype=object)
    coordinate[:] = LABELS

    def put(draws: xr.Dataset) -> xr.Dataset:
        steps = np.linspace(0.2, 1.5, len(LABELS))
        level = draws.theta.values[:, None] * steps - 0.5
        return draws.assign(level=(("sample", "cell"), level)).assign_coords(cell=coordinate)

    path = models.coin()
    return replace(path, draws=put(path.draws), prior_draws=put(path.prior_draws))


@pytest.fixture(scope="module")
def stored(path, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("labels") / "path.nc"
    path.to_netcdf(file)
    return file


@pytest.fixture(scope="module", params=["made", "read"])
def either(request, path, stored) -> fp.TrustPath:
    return path if request.param == "made" else fp.TrustPath.from_netcdf(stored)


def test_each_element_has_a_label_of_its_own_that_can_be_shown(either):
    found = [e.label for e in elements(either.draws, "level")]
    assert len(set(found)) == len(LABELS)
    assert all(label.isprintable() and len(label) < 200 for label in found)


@pytest.mark.parametrize("label", [CODE, BREAKING, "a, b", "`it's`"])
def test_an_element_is_addressed_by_its_label_in_quotes(either, label):
    place = LABELS.index(label)
    quoted = label.replace("'", "''")
    found = either.mean(f"level['{quoted}']", 0.5)
    assert found.item() == pytest.approx(either.mean("level", 0.5)[place].item(), rel=1e-12)
    assert either.mean(label_of("level", [label]), 0.5).item() == found.item()
    with pytest.raises(fp.StatementError):
        either.mean(f"level[{CODE}]", 0.5)


def test_labels_that_are_equal_as_text_are_no_address(either):
    with pytest.raises(fp.StatementError, match="2 elements, at positions 4, 5"):
        either.probability("level[1] > 0", 0.5)


def _told(path: fp.TrustPath) -> dict[str, list[str]]:
    """Return what each diagnostic calls the elements."""
    from foundation_priors import diagnose

    sensitive = diagnose.sensitivity(path, "level", 0.5)
    washed = diagnose.washout(path, "level", share=0.4, trust=0.5)
    return {
        "reliance": list(fp.reliance(path, 0.5, "level").index.get_level_values(0).unique()),
        "sensitivity": list(sensitive["quantity"].values),
        "washout": list(washed["quantity"].values),
        "summary": list(path.summary("level", 0.5).index.get_level_values(0)),
    }


def test_every_diagnostic_names_every_element(either):
    wanted = [e.label for e in elements(either.draws, "level")]
    for name, found in _told(either).items():
        assert [str(x) for x in found] == wanted, name
    table = fp.diagnose.statements(either, "level > 0", trust=0.5)
    names = [label for label, _ in table.index]
    assert len(set(names)) == len(LABELS) and all("level[" in n for n in names)
    costs = fp.diagnose.decision(either, {"a": label_of("level", [BREAKING]), "b": 0.1}, trust=0.5)
    assert np.isfinite(costs.cost).all()


def test_conflict_names_every_element(path):
    found = fp.diagnose.conflict(path, 0.5, quantities="level", draws=20)
    assert sum("level[" in str(v) for v in found["check"].values) == len(LABELS)


def test_pictures_are_drawn(either):
    import matplotlib.pyplot as plt

    from foundation_priors import diagnose

    plots.plot_trust_path(either, "level", trust=[0, 0.5, 1])
    plots.plot_trust_path(either, "level > 0", trust=[0, 0.5, 1])
    plots.plot_shares(either, "level", trust=[0, 0.5, 1])
    plots.plot_sensitivity(diagnose.sensitivity(either, "level", [0, 0.5, 1]))
    plots.plot_statements(diagnose.statements(either, "level > 0", trust=0.5))
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def test_an_audit_of_the_file_runs_nothing_and_shows_text(stored, tmp_path, capsys):
    page = tmp_path / "audit.html"
    typed = ["--statement", "level > 0.1", "--statement", "theta > 0.4", "--trust", "0.5"]
    assert main(["audit", str(stored), *typed, "--html", str(page)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "hacked" in said
    assert "<b>$" not in page.read_text()


def test_an_audit_asks_about_elements_and_arrays(path):
    signs = fp.audit(path, quantities="level", trust=0.5, progressbar=False)
    table = signs["statements"].tables["Statements"]
    assert len(set(table.index)) == len(table) > 2
    named = fp.audit(path, statements=["level['a, b'] > 0"], trust=0.5, progressbar=False)
    assert list(named["statements"].tables["Statements"].index) == ["level['a, b'] > 0"]


@pytest.mark.parametrize(
    ("labels", "asked", "place"),
    [
        ([1, 2], "2", 1),
        ([0.1, 0.25], "0.25", 1),
        ([np.datetime64("2020-01-01"), np.datetime64("2021-01-01")], "2021-01-01", 1),
        ([pd.Interval(0, 1), pd.Interval(1, 2)], "(1, 2]", 1),
        ([("a", 1), ("a", 2)], "('a', 2)", 1),
        ([True, False], "False", 1),
        (["北", "ñ", "🙂"], "🙂", 2),
    ],
)
def test_labels_of_every_kind_are_compared_as_text(labels, asked, place):
    assert locate("x", [asked], [labels]) == (place,)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("age", "age"),
        ("it's", "it's"),
        ("", "''"),
        (" a", "' a'"),
        ("a, b", "'a, b'"),
        ("'a", '"\'a"'),
        ("'a\"]", "'''a\"]'"),
        ("\x1b[2J", "'\\x1b[2J'"),
        ("\u202eabc", "\\u202eabc"),
        ("👩\u200d🔬 ok", "👩\u200d🔬 ok"),
    ],
)
def test_labels_are_written_as_statements_read_them(label, shown):
    assert written(label) == shown


def test_long_texts_are_cut():
    assert len(readable("z" * 100_000)) == 120
