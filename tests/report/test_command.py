"""``foundation-priors audit``."""

import pytest

from foundation_priors.cli import main
from tests.path import models


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    file = tmp_path_factory.mktemp("audit") / "path.nc"
    models.coin().to_netcdf(file)
    return file


def test_the_summary_is_printed_and_files_are_written(stored, tmp_path, capsys) -> None:
    wanted = {name: tmp_path / f"audit.{name}" for name in ("html", "json", "markdown")}
    files = [word for name, file in wanted.items() for word in (f"--{name}", str(file))]
    assert main(["audit", str(stored), "--statement", "theta > 0.5", "--trust", "0.5", *files]) == 0
    said = capsys.readouterr().out
    assert "read at trust 0.5" in said and "theta > 0.5" in said
    assert "<!DOCTYPE html>" in wanted["html"].read_text()
    assert all(file.stat().st_size for file in wanted.values())


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["nowhere.nc"], "no file 'nowhere.nc'"),
        (["PATH", "--trust", "boldly"], "'boldly'"),
        (["PATH", "--statement", "thata > 0"], "Did you mean 'theta'"),
        (["PATH", "--html", "nowhere/audit.html"], "no folder"),
        (["PATH", "--real", "nowhere.csv"], "no file 'nowhere.csv'"),
        (["PATH", "--journal", "nowhere.jsonl"], "no journal"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(stored, typed, sentence, capsys) -> None:
    assert main(["audit", *(str(stored) if word == "PATH" else word for word in typed)]) == 2
    assert sentence in capsys.readouterr().err
