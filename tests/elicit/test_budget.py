import asyncio

import pytest

from foundation_priors.elicit.budget import Budget, Cost, OutOfBudget
from tests.elicit.small import asked, finals, study

PRICE = (1000.0, 5000.0)  # of a million tokens: a call of 40 + 20 tokens costs .14


def test_it_waits_for_what_others_may_leave():
    async def run():
        budget = Budget({"tokens": 100})
        await budget.reserve(Cost(1, 80))
        waiting = asyncio.create_task(budget.reserve(Cost(1, 80)))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.settle(Cost(1, 80), Cost(1, 20))
        await asyncio.wait_for(waiting, 1)
        budget.settle(Cost(1, 80), Cost(1, 80))
        with pytest.raises(OutOfBudget):
            await budget.reserve(Cost(1, 1))
        assert budget.spent == Cost(2, 100)

    asyncio.run(run())


def test_sums_of_money_round():
    budget = Budget({"money": 0.3})
    for _ in range(3):
        assert budget.fits(Cost(1, 0, 0.1))
        budget.hold(Cost(1, 0, 0.1))
        budget.settle(Cost(1, 0, 0.1), Cost(1, 0, 0.1))
    assert not budget.fits(Cost(1, 0, 1e-6))


@pytest.mark.parametrize("limits", [{"dollars": 1}, {"calls": -1}, {"calls": "9"}])
def test_limits_are_checked(limits):
    with pytest.raises(ValueError, match="budget"):
        Budget(limits)


@pytest.mark.parametrize("concurrency", [1, 7])
def test_calls_are_counted_as_the_server_counts_them(server, tmp_path, concurrency):
    server.script(share=0.3, faults=["server_error", "wrong_schema"], latency=0.005)
    path = tmp_path / "a.jsonl"
    outcome = asked(
        study(server.url, profiles=60), path, budget={"calls": 40}, concurrency=concurrency
    )
    assert server.counts()["requests"] == outcome.requests == 40
    assert "budget" in outcome.stopped
    assert len(finals(path)) == outcome.done < 60
    assert outcome.missing == 60 - outcome.done


@pytest.mark.parametrize("fault", [None, "no_usage"])
def test_tokens_are_never_exceeded(server, tmp_path, fault):
    server.script(always=fault, latency=0.005)
    path = tmp_path / "a.jsonl"
    outcome = asked(study(server.url, profiles=60), path, budget={"tokens": 3000})
    used = sum(outcome.tokens.values())
    assert used <= 3000
    assert outcome.stopped
    if fault is None:
        # A call's bound: its request has less than 900 bytes, and 256 + 50 tokens come on top.
        assert used >= 3000 - 1210
    else:
        assert outcome.unrecorded == outcome.answered > 0


def test_money_is_never_exceeded_and_counted_at_the_price(server, tmp_path):
    path = tmp_path / "a.jsonl"
    outcome = asked(study(server.url, profiles=60, price=PRICE), path, budget={"money": 5.0})
    tokens = outcome.tokens
    assert outcome.money == pytest.approx((tokens["input"] + 5 * tokens["output"]) / 1000)
    assert 5 - 1.5 <= outcome.money <= 5
    more = asked(study(server.url, profiles=60, price=PRICE), path, budget={"money": 50.0})
    assert more.stopped is None
    assert len(finals(path)) == 60


def test_a_budget_must_be_one_that_can_be_kept(server, tmp_path):
    with pytest.raises(ValueError, match="price of model 'm0'"):
        asked(study(server.url), tmp_path / "a.jsonl", budget={"money": 1})
    with pytest.raises(ValueError, match="max_tokens"):
        asked(study(server.url, settings={}), tmp_path / "a.jsonl", budget={"tokens": 1})
    asked(study(server.url, settings={}), tmp_path / "a.jsonl", budget={"calls": 1})


def test_nothing_is_sent_without_a_budget_for_it(server, tmp_path):
    outcome = asked(study(server.url), tmp_path / "a.jsonl", budget={"calls": 0})
    assert outcome.stopped
    assert server.counts()["requests"] == 0
