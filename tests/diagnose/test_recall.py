"""Memory of public rows, asked over a server on the loopback and judged against the truth."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.recall import recall, recall_probe
from foundation_priors.errors import ColumnError
from foundation_priors.plots.leakage import plot_recall
from tests.elicit.loopback import Loopback


def frame(n=60):
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"age": rng.integers(18, 90, n), "place": rng.choice(["a", "b"], n)})
    rows["vote"] = rng.choice(["Clinton", "Dole", "Perot"], n)
    rows["wage"] = rng.integers(200, 900, n) + 0.5
    return rows


def replies(rows, name, values, **more):
    table = pd.DataFrame({name: values, "row": rows.index, **more})
    return fp.SyntheticData.from_dataframe(table, outcome=name, unit="row", source="m")


def test_a_model_without_memory_is_asked_and_not_accused(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rows = frame()
    with Loopback() as server:
        server.script(keep=True)
        probe = recall_probe(
            rows,
            "vote",
            dataset="Votes {1996}",
            models={"m": fp.Endpoint(base_url=server.url)},
            shown=["age", "place"],
            number=40,
        )
        answers = probe.run(tmp_path / "probe.jsonl", progress=False)
        asked = [r["messages"][-1]["content"] for r in server.requests()]
    assert len(answers) == 40 and "Votes (1996)" in asked[0] and "age: " in asked[0]
    assert not any("wage" in text for text in asked)
    found = recall(answers, rows, shown=["age", "place"])
    assert found["rows"].item() == 40 and found["p_value"].item() > 0.01
    assert found.attrs["reading"].startswith("No recall") and found.attrs["fails_when"]


def test_memory_is_seen_beside_what_needs_none():
    rows = frame()
    found = recall(replies(rows, "vote", rows["vote"]), rows)
    assert found["right"].item() == 1 and found["nearest"].item() < 0.7
    assert found["p_value"].item() < 1e-4
    assert found.attrs["reading"].startswith("Rows are recalled")
    assert len(plot_recall(found).get_yticks()) == 1


def test_the_sign_test_by_hand():
    """Rows in twins: the nearest row always knows, so that right replies show nothing."""
    rows = pd.DataFrame({"x": np.repeat(np.arange(10), 2), "y": np.repeat(["a", "b"] * 5, 2)})
    found = recall(replies(rows, "y", rows["y"]), rows)
    assert found["nearest"].item() == 1 and found["p_value"].item() == 1
    apart = pd.DataFrame({"x": np.zeros(20), "y": ["a"] * 12 + ["b"] * 8})
    found = recall(replies(apart, "y", apart["y"]), apart)
    # The replies are right on the 8 rows where the commonest value is wrong.
    assert found["most_common"].item() == 0.6
    assert found["p_value"].item() == pytest.approx(0.5**8)


def test_numbers_count_as_right_within_a_distance():
    rows = frame()
    near = replies(rows, "wage", rows["wage"] + 3)
    assert recall(near, rows)["right"].item() == 0
    assert recall(near, rows, within=5)["right"].item() == 1


def test_a_row_asked_twice_counts_once():
    rows = frame()
    twice = pd.concat([rows, rows])
    found = recall(replies(twice, "vote", twice["vote"]), rows)
    assert found["rows"].item() == len(rows)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"hidden": "w"}, "no column 'w'"),
        ({"shown": ["vote"]}, "leave it hidden"),
        ({"shown": []}, "leave it hidden"),
        ({"rows": frame().assign(vote="Dole")}, "one value only"),
        ({"dataset": " "}, "empty"),
        ({"number": 0}, "whole number"),
    ],
)
def test_probes_that_cannot_be(how, message):
    given = {"rows": frame(), "hidden": "vote", "dataset": "x", "models": {}} | how
    with pytest.raises(ValueError, match=message):
        recall_probe(given.pop("rows"), given.pop("hidden"), **given)


def test_replies_that_cannot_be_judged():
    rows = frame()
    said = replies(rows, "vote", rows["vote"])
    with pytest.raises(ColumnError, match="about 0 rows"):
        recall(said, rows.set_index(np.arange(100, 160)))
    with pytest.raises(ColumnError, match="twice"):
        recall(said, pd.concat([rows, rows]))
    with pytest.raises(ColumnError, match="not asked for"):
        recall(said, rows, "wage")
    with pytest.raises(ColumnError, match="no factor"):
        recall(said, rows, by="persona")
    with pytest.raises(ValueError, match="within"):
        recall(said, rows, within=-1)
    with pytest.raises(TypeError, match="SyntheticData"):
        recall(rows, rows)
    with pytest.raises(TypeError, match="DataFrame"):
        recall(said, rows.to_numpy())
    plain = fp.SyntheticData.from_dataframe(rows[["vote"]], outcome="vote")
    with pytest.raises(ColumnError, match="which row"):
        recall(plain, rows)
