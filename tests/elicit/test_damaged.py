"""Journals of others, damaged at random: what is in them is read, or refused in one sentence."""

import copy
import json
import random
import warnings

import pytest

import foundation_priors as fp
from foundation_priors.cli import main
from foundation_priors.elicit.journal import Journal
from tests.elicit.surveys import QUICK, lines, survey

CASES = 120
WILD = [
    *(None, True, -1, 0, 1e308, 2**70, 10**12, float("nan"), "", "x" * 300, "\x1b[2J", "\ud800"),
    *([], {}, [[]], [None], {"a": []}, ["a", 1], {"input": "x", "output": None}, "1979", 1.5),
]


def places(value, path=()):
    """Yield the path to everything within a value."""
    inner = value.items() if isinstance(value, dict) else ()
    for name, part in enumerate(value) if isinstance(value, list) else inner:
        yield (*path, name)
        yield from places(part, (*path, name))


def damage(held, chance):
    line = chance.choice(held)
    *way, last = chance.choice(list(places(line)))
    for name in way:
        line = line[name]
    if chance.random() < 0.2:
        del line[last]
    else:
        line[last] = chance.choice(WILD)


@pytest.fixture(scope="module")
def sound(running, tmp_path_factory):
    running.script(when={"Person 1:": "refusal"})
    path = tmp_path_factory.mktemp("sound") / "a.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        survey(running.url, 3).run(path, patience=QUICK, progress=False)
    return lines(path)


def test_a_damaged_journal_is_read_or_refused(sound, tmp_path, capsys):
    chance, path = random.Random(11), tmp_path / "a.jsonl"
    refused = 0
    for _ in range(CASES):
        held = copy.deepcopy(sound)
        damage(held, chance)
        path.write_text("".join(json.dumps(line) + "\n" for line in held))
        before = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fp.elicit.replay(path)
                Journal(path).close()
            except fp.FoundationPriorsError as error:
                refused += 1
                assert "\n" not in str(error)
        code = main(["show", str(path)])
        captured = capsys.readouterr()
        assert code in (0, 1) and captured.err.count("\n") == code
        assert "\x1b" not in captured.out + captured.err and path.read_bytes() == before
    assert 0 < refused < CASES
