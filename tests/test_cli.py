"""The command line: the whole demonstration once, and what is told to who mistypes."""

import contextlib
import dataclasses
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.cli import main
from foundation_priors.cli.findings import Findings
from foundation_priors.cli.pilot import prepare
from foundation_priors.cli.words import lesson

ROOT = Path(__file__).parents[1]
WRITTEN = {
    *("path.nc", "table.csv", "slide.png", "trust_path.png"),
    *("shares.png", "evidence_and_score.png"),
}


@dataclasses.dataclass(frozen=True)
class Run:
    code: int
    out: str
    folder: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("demo") / "made" / "by the demo"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(["demo", "--out", str(folder), "--draws", "250"])
    return Run(code, out.getvalue(), folder)


@pytest.fixture(scope="module")
def table(run: Run) -> pd.DataFrame:
    return pd.read_csv(run.folder / "table.csv", index_col="mark")


def test_the_demo_prints_its_tables(run: Run) -> None:
    assert run.code == 0
    for title in ("What each trust does", "Where claims tip", "Where the information comes from"):
        assert title in run.out
    for mark in ("ignored", "worth 40 real", "design effect", "best score", "taken for data"):
        assert f"\n {mark}" in run.out
    assert "every check holds" in run.out
    assert "\x1b" not in run.out and max(map(len, run.out.splitlines()[:-1])) <= 80
    assert "…" not in run.out


def test_the_demo_writes_files_that_can_be_read(run: Run, table: pd.DataFrame) -> None:
    assert {file.name for file in run.folder.iterdir()} == WRITTEN
    assert str(run.folder) in run.out
    for picture in run.folder.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size < 200_000
    path = fp.TrustPath.from_netcdf(run.folder / "path.nc")
    party = path.mean("beta", trust=table["trust"].to_numpy()).sel(covariate="party")
    assert party.values == pytest.approx(table["party"].to_numpy())


def test_the_weights_that_are_marked(table: pd.DataFrame) -> None:
    trust, worth = table["trust"], table["effective_observations"]
    assert trust.is_monotonic_increasing and trust.iloc[0] == 0 and trust.iloc[-1] == 1
    assert worth["worth 40 real"] == pytest.approx(40)
    assert trust["design effect"] * 540 == pytest.approx(66, abs=1)


def test_the_lesson_holds(run: Run, table: pd.DataFrame) -> None:
    score = table["score"]
    assert 0 < table.loc["best score", "trust"] < 1
    assert score["best score"] > score["ignored"] and score["best score"] > score["taken for data"]
    over = table["expected_score"] - score
    assert over["taken for data"] > 0.1 > over["ignored"]
    assert "Some trust helps" in run.out and "and is overconfident" in " ".join(run.out.split())


def test_the_pilot_is_drawn_from_those_in_no_prompt() -> None:
    one, same, other = prepare(1), prepare(1), prepare(2)
    ids = [set(pilot.real["respondent"].values.tolist()) for pilot in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]
    for pilot in (one, other):
        assert not pilot.real["in_prompt"].any() and not pilot.held_out["in_prompt"].any()
        held = set(pilot.held_out["respondent"].values.tolist())
        assert len(held) == 844 and not held & set(pilot.real["respondent"].values.tolist())
    x = one.standardise(fp.datasets.load("anes96").real)
    assert np.allclose(x.mean(axis=0), 0) and np.allclose(x.std(axis=0, ddof=1), 1)


def pretended(best: float, gain: float, loss: float, over: float) -> Findings:
    from foundation_priors.cli.findings import Difference

    pooled = {"party_low": 2.0, "party_high": 3.0, "score": -0.3, "expected_score": -0.3 + over}
    reference = pd.DataFrame({"estimate": [2.5], "error": [0.1]}, index=["party"])
    empty = pd.DataFrame()
    return Findings(
        marks={},
        balance=0.1,
        best=best,
        table=pd.DataFrame([pooled], index=["taken for data"]),
        claims=empty,
        shares=empty,
        score=None,  # type: ignore[arg-type]
        curve=None,  # type: ignore[arg-type]
        gain=Difference(gain, 1.0),
        loss=Difference(loss, 1.0),
        reference=reference,
    )


def test_the_lesson_follows_the_numbers() -> None:
    pilot = prepare(1)
    first, second = lesson(pilot, pretended(0.0, 0.0, 5.0, -0.01))
    assert first.startswith("No trust helps") and "not overconfident" in second
    assert "holds 2.50" in second
    first, second = lesson(pilot, pretended(0.01, -0.04, 5.0, 0.01))
    assert first.startswith("No trust helps to speak of: at 0.01") and "+0.0 nats" in first
    first, second = lesson(pilot, pretended(1.0, 1.5, 0.0, 0.01))
    assert first.startswith("Some trust may help") and "predicts best" in second


def test_the_studies_are_listed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(fp.datasets.available())
    assert main(["datasets", "wages"]) == 0
    assert capsys.readouterr().out.startswith("wages: ")


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"foundation-priors {fp.__version__}\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["deom"], "There is no command 'deom'. Did you mean 'demo'?"),
        (["demo", "--seed", "-1"], "'-1' is no whole number of at least 0"),
        (["demo", "--seed", "two"], "'two' is no whole number of at least 0"),
        (["demo", "--draws", "10"], "'10' is no whole number of at least 50"),
        (["demo", "--colour", "red"], "--colour"),
        (["demo", "--out"], "expected one argument"),
        (["datasets", "wage"], "There is no built-in study 'wage'. Did you mean 'wages'?"),
    ],
)
def test_a_usage_error_is_one_sentence(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and told in captured.err
    assert captured.err.startswith("foundation-priors: ") and captured.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "folder"):
        assert main(["demo", "--out", str(out)]) == 2
        told = capsys.readouterr().err
        assert str(out) in told and "--out" in told and told.count("\n") == 1


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "foundation_priors", "deom"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2 and "Did you mean 'demo'?" in done.stderr


class Closed(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_nobody_needs_to_read_to_the_end(monkeypatch, capsys) -> None:
    with monkeypatch.context() as here:
        here.setattr("sys.stdout", Closed())
        assert main(["datasets"]) == 141
    assert capsys.readouterr().err == ""
