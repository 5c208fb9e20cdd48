"""Asking from the command line: real files, real HTTP, and what is told to who mistypes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import foundation_priors as fp
from foundation_priors.cli import main
from foundation_priors.cli.permits import Permits
from foundation_priors.cli.studyfile import read_study
from foundation_priors.cli.usage import UsageError
from tests.elicit.loopback import Loopback

ROOT = Path(__file__).parents[1]
KEY = "sk-typed-0123456789"
STUDY = """
prompt = "You are {{age}} and live in the {{region}}. {{framing}}"
profiles = "profiles.csv"

[answer]
vote = ["Clinton", "Dole"]
place = {{ low = 1, high = 7 }}
wage = {{ number = [0, 5000], unit = "cents" }}
why = "text"

[factors.framing]
roleplay = "Answer as this person."
plain = "Estimate what this person says."

[models.small]
base_url = "{url}"
price = [100, 400]

[models."large.1"]
base_url = "{url}"

[settings]
temperature = 1.0
max_tokens = 200
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    running.script()
    return running


def profiles(folder: Path, size: int = 6) -> None:
    rows = [f"p{i},{20 + i},{'north' if i % 2 else 'south'}" for i in range(size)]
    (folder / "profiles.csv").write_text("\n".join(["profile,age,region", *rows]) + "\n")


@pytest.fixture
def study(server: Loopback, tmp_path: Path) -> Path:
    """Return a study of 24 cells: 6 profiles, 2 framings and 2 models."""
    profiles(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY.format(url=server.url))
    return tmp_path / "study.toml"


def written(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text)
    return folder / "study.toml"


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().split("\n")[:-1]]


def finals(journal: Path) -> list[str]:
    return [line["key"] for line in lines(journal) if line["kind"] == "answer" and line["final"]]


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_study_is_asked_and_shown(
    study: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, output = study.with_name("answers.jsonl"), study.with_name("answers.nc")
    command = ["elicit", str(study), "--journal", str(journal), "--draws", "2"]
    assert main([*command, "--output", str(output)]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and f"Written to {output}: 48 rows." in captured.out
    assert "48 of 48 calls done: 48 answers, 0 rejected, 0 still to ask" in captured.out
    assert len(set(finals(journal))) == len(finals(journal)) == 48 == server.counts()["requests"]
    llm = fp.SyntheticData.from_netcdf(output)
    assert llm.identical(fp.elicit.replay(journal))
    assert sorted(set(llm.column("profile"))) == [f"p{i}" for i in range(6)]
    assert sorted(llm.sources) == ["large.1", "small"]
    assert main(command) == 0
    assert server.counts()["requests"] == 48  # nothing is asked twice
    capsys.readouterr()
    assert main(["show", str(journal)]) == 0
    assert "100%" in capsys.readouterr().out


def test_what_is_rejected_is_counted(
    study: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(when={"You are 21": "refusal"})
    journal = study.with_name("answers.jsonl")
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("foundation-priors: note: 4 of 24 answers are not there")
    told = words(captured.out)
    assert "24 of 24 calls done: 20 answers, 4 rejected, 0 still to ask" in told
    assert "refusal 4 16.7% 0" in told  # by reason
    assert "small, plain 6 1 16.7% 1 refusal" in told  # by cell
    assert "p1 4 4 100.0% 4 refusal" in told  # by profile
    assert "framing: roleplay 12 10 2 16.7%" in told
    spent = [
        line["tokens"] for line in lines(journal) if line.get("tokens") and line["model"] == "small"
    ]
    into, out = (sum(tokens[side] for tokens in spent) for side in ("input", "output"))
    cost = (100 * into + 400 * out) / 1e6
    assert f"small 12 10 2 {into:,} {out:,} {cost:,.4g}" in told
    assert "served as small-loopback" in told and "answers by json_schema" in told
    assert "\x1b" not in captured.out and max(map(len, captured.out.splitlines()[:-1])) <= 100


def test_a_changed_prompt_is_another_version(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = study.with_name("answers.jsonl")
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    study.write_text(study.read_text().replace("You are", "This person is"))
    capsys.readouterr()
    budget = ["--budget-calls", "5"]
    assert main(["elicit", str(study), "--journal", str(journal), *budget]) == 0
    captured = capsys.readouterr()
    assert "The budget does not cover the next request" in captured.err
    told = words(captured.out)
    assert "5 of 24 calls done: 5 answers, 0 rejected, 19 still to ask" in told
    assert told.index("24 You are {age}") < told.index("5 This person is {age}")


def test_calls_that_versions_have_in_common_are_done(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, whole = study.with_name("answers.jsonl"), study.read_text()
    start, end = whole.index('[models."large.1"]'), whole.index("[settings]")
    study.write_text(whole[:start] + whole[end:])
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    study.write_text(whole)
    capsys.readouterr()
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    assert "24 of 24 calls done" in capsys.readouterr().out
    assert len(finals(journal)) == 24


def test_a_batch(study: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    journal = study.with_name("answers.jsonl")
    assert main(["elicit", str(study), "--journal", str(journal), "--batch"]) == 0
    assert "24 of 24 calls done" in capsys.readouterr().out
    paths = server.counts()["paths"]
    assert paths["POST /v1/batches"] == 2 == paths["POST /v1/chat/completions"]


def test_a_preview_asks_nobody_and_needs_no_key(
    study: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    study.write_text(study.read_text().replace("price =", 'api_key_env = "NOT_SET"\nprice ='))
    assert main(["elicit", str(study), "--preview", "--draws", "3", "--budget-calls", "36"]) == 0
    out = capsys.readouterr().out
    assert "72 for 72 answers" in out and "suffices for about 50% of the calls" in out
    assert "You are 20 and live in the south. Answer as this person." in out
    assert server.counts()["requests"] == 0


def test_a_key_comes_from_the_environment(
    study: Path,
    server: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.script(key=KEY)
    study.write_text(study.read_text().replace("base_url", 'api_key_env = "THE_KEY"\nbase_url'))
    journal = study.with_name("answers.jsonl")
    host = server.address.removeprefix("http://")
    command = ["elicit", str(study), "--journal", str(journal), "--key", f"THE_KEY={host}"]
    assert main(command) == 2
    assert (
        "variable THE_KEY, which [models.small] names as its api_key_env, is not set"
        in capsys.readouterr().err
    )
    monkeypatch.setenv("THE_KEY", "sk-another-987654321")
    assert main(command) == 1
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1 and "key" in refused and "sk-another" not in refused
    monkeypatch.setenv("THE_KEY", KEY)
    assert main(command) == 0
    shown = capsys.readouterr()
    kept = "".join(file.read_text() for file in study.parent.iterdir() if file.is_file())
    assert KEY not in shown.out + shown.err + kept


@pytest.mark.parametrize(
    "place",
    [
        'api_key = "{key}"\nprompt = "x"',
        'prompt = "x"\n[models.m]\napi_key = "{key}"',
        'prompt = "x"\n[models]\napi_key = "{key}"',
        'prompt = "x"\n[settings]\nextra_headers = {{ Authorization = "{key}" }}',
        'prompt = "x"\n[models.m]\nsettings = {{ api-key = "{key}" }}',
        'prompt = "x"\n[answer]\nvote = ["a", "b"]\n[models.m]\napi_key_env = "{key}"',
    ],
)
def test_a_study_holds_no_key(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = written(tmp_path, place.format(key=KEY))
    assert main(["elicit", str(study), "--journal", str(tmp_path / "a.jsonl")]) == 2
    told = capsys.readouterr().err
    assert "environment variable" in told and "api_key_env" in told
    assert KEY not in told and told.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["study.toml"]


def test_answers_models_and_texts_can_be_said_in_every_way(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("{framing}: {age} {city}\n", encoding="utf-8-sig")
    study = written(
        tmp_path,
        """
        prompt_file = "prompt.txt"
        system = "Be brief."
        per_call = 2
        shuffle_options = true
        random_seed = 7
        [answer]
        party = { options = ["left", "right"], ordered = true, description = "Which side?" }
        score = [1, 3, 5]
        income = { number = [0, inf] }
        guess = "number"
        moved = "boolean"
        why = { text = 80 }
        [factors]
        framing = ["plain", "warm"]
        [profiles]
        profile = ["a", "b"]
        age = [23, 41]
        city = ["Köln", "Bonn"]
        [models."gpt-4.1-mini"]
        base_url = "http://localhost:9/v1"
        timeout = 30
        settings = { max_completion_tokens = 50 }
        """,
    )
    found = read_study(study)
    shown = str(found.survey.preview())
    assert "plain: 23 Köln" in shown and "Be brief." in shown
    assert "a number of at least 0" in shown and "text of at most 80 characters" in shown
    assert found.endpoints["gpt-4.1-mini"].max_output(found.settings) == 50
    assert found.survey.preview().calls == 2


def test_rows_can_stand_in_the_study(tmp_path: Path) -> None:
    study = written(
        tmp_path,
        """
        prompt = "{age}"
        probabilities = true
        answer = { vote = ["a", "b"] }
        models = { m = { base_url = "http://localhost:9/v1" } }
        [[profiles]]
        age = 23
        [[profiles]]
        age = 41
        """,
    )
    assert read_study(study).survey.preview().calls == 2


def test_tables_are_read_as_they_are_meant(tmp_path: Path) -> None:
    (tmp_path / "profiles.tsv").write_text("zip\tfaith\tage\n01234\tNone\t23\n50667\tNA\t41\n")
    study = written(
        tmp_path,
        """
        prompt = "{zip} {faith} {age}"
        profiles = "profiles.tsv"
        answer = { vote = ["a", "b"] }
        models = { m = { base_url = "http://localhost:9/v1" } }
        """,
    )
    shown = str(read_study(study).survey.preview())
    assert "01234 None 23" in shown and "50667 NA 41" in shown


FINE = 'prompt = "x"\nanswer = {vote = ["a", "b"]}\nmodels = {m = {base_url = "http://h/v1"}}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prompt = ", "is no TOML: Invalid value"),
        ('promt = "x"', "There is no 'promt' in a study. Did you mean 'prompt'?"),
        ("per_call = 2", "There is no prompt: add"),
        ('prompt = "x"', "There is no table [models.NAME]: add one"),
        ('prompt = "x"\n[models.m]\nbase_url = "http://h/v1"', "There is no table [answer]"),
        ('prompt = "x"\nprompt_file = "y"', "keep one of them"),
        ('prompt_file = "none.txt"', "prompt_file = 'none.txt' cannot be read: No such file"),
        (f"draws = 5\n{FINE}", "'draws' is no part of a study: type --draws."),
        (f"{FINE}settings = {{max_tokens = []}}", "'max_tokens', which must be a whole number"),
        (f"{FINE}x = {'[' * 50_000}", "is nested too deeply"),
        (f"{FINE}settings = {{per_call = 2}}", "move it above the first [table]"),
        (f"{FINE}profiles = 'none.csv'", "'none.csv' cannot be read: No such file"),
        (f"{FINE}profiles = 'ragged.csv'", "'ragged.csv' are no table"),
        (f"{FINE}profiles = 'long.csv'", "'long.csv' are no table"),
        (f"{FINE}profiles = 'empty.csv'", "'empty.csv' are no table"),
        (f"{FINE}profiles = 'gaps.csv'", "'age' of 'gaps.csv' holds 'NA' among numbers"),
        (f"{FINE}profiles = 'twice.csv'", "names each profile, and names 'a' twice"),
        (f"{FINE}profiles = {{age = [1, 2], sex = ['f']}}", "differ in length"),
        (f"{FINE}profiles = 3", "profiles must be the name of a file"),
        (f"{FINE}factors = {{framing = 'plain'}}", "The factor 'framing' is 'plain'"),
        (FINE.replace("base_url", "base_ulr"), "Did you mean 'base_url'?"),
        (FINE.replace("http://h/v1", "h:80"), "[models.m]: base_url='h:80' is no address"),
        (FINE.replace('"http://h/v1"', "80"), "'base_url' of [models.m] must be a text"),
        ('prompt = "x"\n[models.gpt-4.1]\ntimeout = 1', '[models."gpt-4.1"]'),
        ('prompt = "x"\n[models.m]\ntimeout = "1"', "must be a number of seconds"),
        (FINE.replace('["a", "b"]', '"txt"'), "Did you mean 'text'?"),
        (FINE.replace('["a", "b"]', "{low = 1}"), "low and high must both be there"),
        (FINE.replace('["a", "b"]', "{low = 1, high = 2.5}"), "be whole numbers"),
        (FINE.replace('["a", "b"]', "{low = 1, hihg = 2}"), "Did you mean 'high'?"),
        (FINE.replace('["a", "b"]', "{number = 5}"), "as [0, 5000]"),
        (FINE.replace('["a", "b"]', "{options = ['a', 'A']}"), "different by more than case"),
        (FINE.replace('["a", "b"]', "{unit = 'cents'}"), "says none of options"),
        (FINE.replace('["a", "b"]', "'text'"), "holds no number and no choice"),
        (f"{FINE}probabilities = 'votes'", "is no field. Did you mean 'vote'?"),
    ],
)
def test_a_mistake_in_a_study_is_told_in_one_sentence(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "long.csv").write_text("a,b\n1,2,3\n1,2,3\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "gaps.csv").write_text("age\n23\nNA\n")
    (tmp_path / "twice.csv").write_text("profile,age\na,23\na,41\n")
    study = written(tmp_path, text)
    assert main(["elicit", str(study), "--journal", str(tmp_path / "a.jsonl")]) == 2
    captured = capsys.readouterr()
    assert told in captured.err and captured.out == ""
    assert captured.err.startswith("foundation-priors: ") and captured.err.count("\n") == 1
    assert "study.toml" in captured.err and not (tmp_path / "a.jsonl").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["elicit"], "The following arguments are required: study"),
        (["elicit", "none.toml", "--journal", "a"], "'none.toml' cannot be read: No such file"),
        (["elicit", "none.toml"], "'none.toml' cannot be read: No such file"),
        (["elicit", "a", "--budget-money", "-1"], "'-1' is no number of at least 0"),
        (["elicit", "a", "--budget-tokens", "nan"], "'nan' is no number of at least 0"),
        (["elicit", "a", "--draws", "0"], "'0' is no whole number of at least 1"),
        (["elicti", "a"], "Did you mean 'elicit'?"),
        (["show", "none.jsonl"], "There is no journal 'none.jsonl'."),
    ],
)
def test_a_usage_error_is_one_sentence(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    captured = capsys.readouterr()
    assert told in captured.err and captured.out == "" and captured.err.count("\n") == 1


def test_a_budget_says_what_it_needs(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = study.with_name("answers.jsonl")
    command = ["elicit", str(study), "--journal", str(journal)]
    assert main([*command, "--budget-money", "1"]) == 2
    assert 'to [models."large.1"]' in capsys.readouterr().err
    study.write_text(study.read_text().replace("max_tokens = 200", ""))
    assert main([*command, "--budget-tokens", "1e4"]) == 2
    assert "max_tokens = 200 under [settings]" in capsys.readouterr().err
    assert not journal.exists()


def test_what_cannot_be_written_or_used(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = study.with_name("answers.jsonl")
    command = ["elicit", str(study), "--journal", str(journal)]
    assert main([*command, "--output", str(study.parent / "no" / "a.nc")]) == 2
    assert "give --output a file in a folder that is there" in capsys.readouterr().err
    assert not journal.exists()
    with fp.elicit.Journal(journal):
        assert main(command) == 1
    assert "is in use by process" in capsys.readouterr().err
    assert main(["show", str(study)]) == 1
    assert "is no journal of answers" in capsys.readouterr().err


def test_a_journal_in_use_can_be_shown(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = study.with_name("answers.jsonl")
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    capsys.readouterr()
    with journal.open("a") as file:
        file.write('{"kind":"answer","key":"torn')  # what another process is just writing
    with fp.elicit.Journal(study.with_name("other.jsonl")):
        assert main(["show", str(journal)]) == 0
        assert "24 of 24 calls done" in capsys.readouterr().out
        assert main(["show", str(study.with_name("other.jsonl"))]) == 0
    assert "does not say what was asked" in capsys.readouterr().out


def test_what_a_server_says_is_text_and_nothing_else(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = study.with_name("answers.jsonl")
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    evil = json.dumps("\x1b[31m[red]evil[/red]")[1:-1]
    journal.write_text(journal.read_text().replace("small-loopback", evil))
    capsys.readouterr()
    assert main(["show", str(journal)]) == 0
    out = capsys.readouterr().out
    assert "[red]evil[/red]" in out and "\x1b" not in out


def test_ctrl_c_leaves_a_journal_to_go_on_with(study: Path, server: Loopback) -> None:
    profiles(study.parent, size=40)
    server.script(latency=0.2)
    journal = study.with_name("answers.jsonl")
    command = ["elicit", study.name, "--journal", journal.name, "--concurrency", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "foundation_priors", *command],
        cwd=study.parent,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_text().count("\n") < 8:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and told.count("\n") == 1
    assert told.startswith("foundation-priors: stopped: every answer that came is in")
    assert told.endswith(f"foundation-priors {' '.join(command)}\n")
    before = finals(journal)
    assert 0 < len(before) < 160
    server.script()
    assert main(["elicit", str(study), "--journal", str(journal)]) == 0
    assert len(set(finals(journal))) == len(finals(journal)) == 160
    assert server.counts()["requests"] == 160 - len(before)


def test_the_example_of_the_documentation_is_a_study(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "asking" / "command-line.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    table = page.partition("```text\nprofile,")[2].partition("```")[0]
    study = written(tmp_path, example)
    (tmp_path / "profiles.csv").write_text(f"profile,{table}")
    with pytest.raises(UsageError, match="api_key_env, is not set"):
        read_study(study)
    preview = read_study(study, Permits(sends=False)).survey.preview(draws=5)
    assert not preview.notes and preview.calls > 0


def test_what_was_not_recorded_is_not_shown_as_nothing(tmp_path, capsys):
    place = fp.datasets.journal("anes96", tmp_path / "anes96.jsonl")
    assert main(["show", str(place)]) == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if line.strip().startswith("claude ")][:1]
    assert row.split() == ["claude", "540", "540", "0", "-", "-", "-"]
    assert "answers by" not in shown and "not recorded" in shown
