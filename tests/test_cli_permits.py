"""What a study from somebody else may do: send no key and read no file that was not allowed."""

import io
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation_priors.cli import main
from foundation_priors.cli.permits import Permits
from foundation_priors.cli.usage import UsageError
from tests.elicit.loopback import Loopback

KEY = "xy-Quagga-7731-tail"
NEEDS = 'answer = {vote = ["a", "b"]}\n'


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOME_SECRET", KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal: nobody is asked
    running.script()
    return running


def study(folder: Path, url: str = "", top: str = 'prompt = "x"', key: str = "SOME_SECRET") -> Path:
    model = f'[models.m]\nbase_url = "{url}"\n' if url else "[models.m]\n"
    model += f'api_key_env = "{key}"\n' if key else ""
    (folder / "study.toml").write_text(f"{top}\n{NEEDS}{model}")
    return folder / "study.toml"


def run(file: Path, *more: str) -> int:
    return main(["elicit", str(file), "--journal", str(file.with_name("a.jsonl")), *more])


def flag(told: str, name: str) -> list[str]:
    found = re.search(rf"{name} \S+", told)
    assert found is not None and told.count("\n") == 1
    return found[0].split(" ")


def test_a_key_is_sent_when_its_host_is_confirmed(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = study(tmp_path, server.url)
    assert run(file) == 2
    told = capsys.readouterr().err
    assert KEY not in told and not server.counts()["paths"] and not (tmp_path / "a.jsonl").exists()
    assert run(file, "--key", "SOME_SECRET=api.openai.com") == 2
    assert run(file, "--key", "OTHER=127.0.0.1") == 2
    assert not server.counts()["paths"]
    assert run(file, *flag(told, "--key")) == 0
    assert set(server.counts()["keys"]) == {f"Bearer {KEY}"}
    assert run(file, "--key", "SOME_SECRET=127.0.0.1") == 0


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "n\n", "\n", ""])
def test_who_sits_at_a_terminal_is_asked(
    server: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    agreed = answer.lower().startswith("y")
    assert run(study(tmp_path, server.url)) == (0 if agreed else 2)
    told = capsys.readouterr().err
    host = server.address.removeprefix("http://")
    assert f"sends the key in SOME_SECRET to {host}" in told and KEY not in told
    assert bool(server.counts()["paths"]) is agreed


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_CUSTOM_HEADERS"])
def test_the_environments_own_is_confirmed_too(
    server: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    more = ["--key", "OPENAI_API_KEY=127.0.0.1"]
    if name == "OPENAI_CUSTOM_HEADERS":
        monkeypatch.setenv(name, f"X-Other: {KEY}")
    else:
        more = []
    file = study(tmp_path, key="")
    assert run(file, *more) == 2
    told = capsys.readouterr().err
    assert name in told and KEY not in told and not server.counts()["paths"]
    assert run(file, *more, *flag(told, "--key")) == 0


def test_no_key_goes_over_http_to_others(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = study(tmp_path, "http://example.org/v1")
    for more in ([], ["--preview"]):
        assert run(file, "--key", "SOME_SECRET=example.org", *more) == 2
        told = capsys.readouterr().err
        assert "over http to example.org" in told and told.count("\n") == 1


def test_a_preview_shows_what_would_be_sent_and_read(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompt.txt").write_text("Who?")
    file = study(tmp_path, server.url, 'prompt_file = "prompt.txt"')
    assert run(file, "--preview") == 0
    out, host = capsys.readouterr().out, server.address.removeprefix("http://")
    assert f"the prompts to {server.url}" in out and KEY not in out
    assert f"the key in SOME_SECRET (needs --key SOME_SECRET={host})" in out
    assert f"Reads:     {(tmp_path / 'prompt.txt').resolve()}" in out
    assert run(file, "--preview", "--key", "SOME_SECRET=127.0.0.1") == 0
    assert "the key in SOME_SECRET (allowed)" in capsys.readouterr().out
    assert run(study(tmp_path, server.url, key="pasted_a1b2c3"), "--preview") == 0
    assert "pasted_a1b2c3" not in capsys.readouterr().out
    assert run(study(tmp_path, server.url, key=""), "--preview") == 0
    assert "no key" in capsys.readouterr().out
    assert not server.counts()["paths"] and not (tmp_path / "a.jsonl").exists()


SECRET = "what nobody else may read"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a study's folder beside which lies a file, and links of the folder to it."""
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "secret.csv").write_text(f"age\n{SECRET}\n")
    inner = tmp_path / "study"
    inner.mkdir()
    (inner / ".env").write_text(SECRET)
    (inner / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inner / "out").symlink_to(tmp_path)
    return inner


@pytest.mark.parametrize(
    "top",
    [
        'prompt_file = "../secret.txt"',
        'prompt_file = "{absolute}"',
        'prompt_file = "link.txt"',
        'prompt_file = "out/secret.txt"',
        'prompt_file = ".env"',
        'prompt = "x"\nsystem_file = "../secret.txt"',
        'prompt = "{{profiles}}"\nline_file = "../secret.txt"',
        'prompt = "x"\ninstructions_file = "../secret.txt"',
        'prompt = "x {{age}}"\nprofiles = "../secret.csv"',
        'prompt = "x {{age}}"\nprofiles = "out/secret.csv"',
    ],
)
def test_files_outside_of_the_folder_are_allowed_one_by_one(
    server: Loopback, folder: Path, capsys: pytest.CaptureFixture[str], top: str
) -> None:
    top = top.format(absolute=folder.parent / "secret.txt")
    file = study(folder, server.url, top, key="")
    for more in ([], ["--preview"], ["--file", str(folder / "elsewhere")]):
        assert run(file, *more) == 2
        captured = capsys.readouterr()
        assert SECRET not in captured.err + captured.out and not server.counts()["paths"]
    allowed = flag(captured.err, "--file")
    assert run(file, *allowed, "--preview") == 0
    assert SECRET in capsys.readouterr().out
    assert run(file, *allowed) == 0
    assert run(file, "--file", str(folder.parent), "--preview") == 0


def test_all_that_is_not_allowed_is_told_at_once(
    server: Loopback, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = 'prompt_file = "../secret.txt"\nprofiles = "../secret.csv"'
    file = study(folder, "http://example.com/v1", outside)
    for more in ([], ["--preview"]):
        assert run(file, *more) == 2
        told = capsys.readouterr().err
        assert told.count("--file") == 2 and "prompt_file" in told and "profiles" in told
        assert "https" in told and told.count("\n") == 1


def test_links_within_the_folder_are_followed(server: Loopback, folder: Path) -> None:
    (folder / "texts").mkdir()
    (folder / "texts" / "prompt.txt").write_text("Who?")
    (folder / "p.txt").symlink_to("texts/prompt.txt")
    assert run(study(folder, server.url, 'prompt_file = "p.txt"', key=""), "--preview") == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_pipe_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(UsageError, match="no ordinary file"):
        Permits().file(folder, "pipe", "prompt_file")


@pytest.mark.parametrize("typed", ["SOME_SECRET", "SOME_SECRET=", "=host", "a b=host"])
def test_a_key_is_a_name_and_a_host(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["elicit", "none.toml", "--preview", "--key", typed]) == 2
    assert "--key OPENAI_API_KEY=api.openai.com" in capsys.readouterr().err


@pytest.fixture
def evil(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a study whose every name and text, and whose server's, has what a terminal obeys."""
    monkeypatch.chdir(tmp_path)
    body = {
        "choices": [{"message": {"content": f'{{"vote": "{EVIL}"}}'}, "finish_reason": "stop"}],
        "model": f"m{EVIL}",
        "system_fingerprint": f"f{EVIL}",
    }
    server.script(when={"you are p1": "told"}, told={"body": json.dumps(body)})
    bad = json.dumps(EVIL)[1:-1]
    (tmp_path / "study.toml").write_text(
        f'''prompt = "you are {{profile}} {bad} {{fr}}"
answer = {{vote = ["a", "b"]}}
[factors.fr]
"l{bad}" = "{bad}"
[profiles]
profile = ["p1", "p2{bad}"]
[models."m{bad}"]
base_url = "{server.url}"
price = [1, 1]
''',
        encoding="utf-8",
    )
    return tmp_path / "study.toml"


EVIL = "\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\x7f[red]"


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert not [c for c in text if c in EVIL[:-5] and not c.isprintable()], repr(text)
    return text


def test_what_a_terminal_would_obey_is_shown_escaped(
    evil: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["elicit", str(evil), "--preview"]) == 0
    assert r"\x1b[2J" in printed(capsys)
    assert run(evil) == 0
    told = printed(capsys)
    assert r"\x1b[2J" in told and "1 of 2 answers" in told
    assert main(["show", str(evil.with_name("a.jsonl"))]) == 0
    told = printed(capsys)
    assert r"m\x1b[2J" in told and r"served as" in told


@pytest.mark.parametrize(
    "typed",
    [
        ["elicit", f"{EVIL}.toml", "--journal", "a"],
        ["elicit", f"a{EVIL}\nb.toml", "--preview"],
        [f"{EVIL}"],
        ["datasets", EVIL],
        ["show", EVIL],
        ["audit", EVIL],
        ["elicit", "a", "--key", EVIL],
    ],
)
def test_so_are_errors(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) in (1, 2)
    assert printed(capsys).count("\n") == 1


def test_so_are_warnings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def warned(options: object) -> None:
        print(warnings.formatwarning(f"odd {EVIL}", UserWarning, f"file{EVIL}", 1))

    before = warnings.formatwarning
    monkeypatch.setattr("foundation_priors.cli.commands._datasets", warned)
    assert main(["datasets"]) == 0
    assert r"odd \x1b[2J" in printed(capsys) and warnings.formatwarning is before


DAMAGED = [
    '{"kind":"answer","key":"00","final":true}',
    '{"kind":"answer","key":"00","final":true,"model":[],"raw":"","cells":7}',
    '{"kind":"answer","key":"00","final":true,"model":"m","raw":"","cells":[],"tokens":{"a":"b"}}',
    '{"kind":"answer","key":"00","final":false,"rejected":7,"cells":[]}',
    '{"kind":"answer","key":"00","final":true,"model":"m","raw":"","latency":"x","cells":[]}',
    '{"kind":"study","version":"a"}',
    '{"kind":"study","version":"a","models":7,"prompt":[]}',
    '{"kind":"batch","name":"a","status":"x","keys":7}',
]


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_journal_is_one_sentence(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    code = main(["show", str(tmp_path / "a.jsonl")])
    captured = capsys.readouterr()
    assert code == 1 and captured.err.count("\n") == 1 or code == 0 and not captured.err
