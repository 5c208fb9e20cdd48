import asyncio

import pytest

from foundation_priors.elicit.limit import Limit


def test_no_more_than_the_limit_are_under_way_and_all_get_a_turn():
    async def run():
        limit, peak = Limit(3), 0

        async def one():
            nonlocal peak
            await limit.acquire()
            peak = max(peak, limit.busy)
            await asyncio.sleep(0.001)
            limit.release()

        await asyncio.gather(*(one() for _ in range(20)))
        return peak, limit.busy

    assert asyncio.run(run()) == (3, 0)


def test_it_halves_once_for_requests_sent_before_and_not_below_one():
    limit = Limit(16)
    for _ in range(5):
        limit.slower(0)
    assert limit.now == 8
    for _ in range(9):
        limit.slower(limit.epoch)
    assert limit.now == 1


def test_it_grows_by_one_in_a_round_and_not_above_the_most():
    limit = Limit(8)
    limit.slower(0)
    for _ in range(4):
        limit.faster()
    assert 4.8 < limit.now <= 5
    for _ in range(1000):
        limit.faster()
    assert limit.now == 8


def test_a_lower_limit_holds_those_back_that_come():
    async def run():
        limit = Limit(4)
        for _ in range(4):
            await limit.acquire()
        limit.slower(0)
        waiting = [asyncio.create_task(limit.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        for _ in range(2):
            limit.release()
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        limit.release()
        await asyncio.sleep(0)
        assert [task.done() for task in waiting] == [True, False, False]
        for task in waiting[1:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert limit.busy == 2

    asyncio.run(run())


def test_a_place_given_to_one_who_leaves_goes_to_the_next():
    async def run():
        limit = Limit(1)
        await limit.acquire()
        first, second = (asyncio.create_task(limit.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        limit.release()
        first.cancel()
        await asyncio.wait_for(second, 1)
        assert limit.busy == 1

    asyncio.run(run())


@pytest.mark.parametrize("most", [0, -1, 1.5])
def test_concurrency_is_a_whole_number_above_zero(most):
    with pytest.raises(ValueError, match="concurrency"):
        Limit(most)
