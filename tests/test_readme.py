"""The README's examples run as they stand, on small files; its links and picture are there."""

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.elicit.loopback import Loopback

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
BUILT_IN, OWN_FILES, READING, TRUST, AUDIT, ASKING = BLOCKS
PAGES = ["README.md", "docs/index.md", "docs/trust/index.md", "docs/audit/index.md"]


def people(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    age, region = rng.integers(18, 90, rows), rng.choice(["west", "north", "south"], rows)
    yes = rng.random(rows) < 1 / (1 + np.exp(-(age - 50) / 20))
    return pd.DataFrame({"vote": np.where(yes, "yes", "no"), "age": age, "region": region})


@pytest.fixture
def own_files(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Path:
    people(50, rng).to_csv(tmp_path / "real.csv", index=False)
    said = people(20, rng).assign(person=range(20))
    pd.concat([said] * 3).to_csv(tmp_path / "answers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_built_in_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(BUILT_IN, scope)
    fp, path = scope["fp"], scope["path"]
    assert scope["real"].sizes["respondent"] == 40
    assert float(path.synthetic.weights("vote").sum()) == pytest.approx(66, abs=1)
    assert path.mean("b", trust=1) > path.mean("b", trust=0)
    tip = path.tipping("b > 1.2", probability=0.9)
    assert tip["trust"].values == pytest.approx([0.21], abs=4 * tip["mcse"].item() + 0.005)
    share = fp.reliance(path, trust=0.5)["share"]
    assert share["b", "claude"] == pytest.approx(0.4, abs=0.05)
    shown = capsys.readouterr().out
    assert "direction" in shown and "share" in shown
    if "FP_WHOLE" not in os.environ:  # as in `make bench`; nothing here hangs on the permutations
        monkeypatch.setattr(fp.trust, "placebo", partial(fp.trust.placebo, permutations=1))
    exec(TRUST, scope)
    told = capsys.readouterr().out
    exec(AUDIT, scope)
    assert "b > 1.2" in capsys.readouterr().out
    assert (tmp_path / "audit.html").stat().st_size < 3_000_000
    assert (
        "hyperprior:" in told
        and "not knowing the trust" in told
        and "<foundation_priors.trust.Placebo>" in told
    )
    lines = [line for line in BUILT_IN.splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 10


def said_by_hand(draw: xr.Dataset) -> float:
    """Return the answers' log-likelihood at one draw, coded without the package."""
    said = pd.read_csv("answers.csv")
    level = draw["level"].sel(region=said["region"].tolist()).values
    logit = level + float(draw["slope"]) * (said["age"] - 50) / 10
    return float(np.log(1 / (1 + np.exp(np.where(said["vote"] == "yes", -logit, logit)))).sum())


def test_the_example_from_two_files(own_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import matplotlib.pyplot as plt

    scope: dict = {}
    exec(OWN_FILES, scope)
    exec(READING, scope)
    plt.close("all")
    path, weight = scope["own"], scope["llm"].weights()[0]
    assert weight < 1 / 2.9  # each person was asked three times
    for number in (0, 1000):
        said = weight * said_by_hand(path.draws.isel(sample=number))
        assert path.posterior.mixture.ell[number].item() == pytest.approx(said)
    again = scope["fp"].TrustPath.from_netcdf(own_files / "path.nc", model=scope["model"])
    assert again.mean("slope").identical(path.mean("slope"))
    assert len(capsys.readouterr().out.splitlines()) > 10


def test_the_example_of_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    with Loopback() as server:
        exec(ASKING.replace("http://localhost:11434/v1", server.url), scope)
    assert len(scope["llm"]) == 30 and scope["llm"].sources == ("qwen3",)
    assert "30" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", (ROOT / page).read_text())
    missing = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
    assert links and not missing


def test_the_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures and all(file.stat().st_size < 200_000 for file in pictures)
