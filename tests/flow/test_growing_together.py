"""Answers that grow and end together."""

import asyncio

import pytest

from bridge.flow.together import Together

PATIENCE = 30.0  # seconds; a busy machine takes its time


async def test_a_place_is_free_when_it_was_left() -> None:
    together = Together(most=1)
    first, second = together.part(), together.part()
    await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.leave()
    await asyncio.wait_for(waiting, PATIENCE)


async def test_who_keeps_a_place_for_long_loses_it() -> None:
    together = Together(most=1, longest=0.01)
    await together.part().take()
    await asyncio.wait_for(together.part().take(), PATIENCE)


async def test_a_place_is_taken_and_left_once() -> None:
    together = Together(most=2, longest=3600)
    first = together.part()
    await first.take()
    await first.take()
    await together.part().take()  # there is one left
    first.leave()
    first.leave()
    await together.part().take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(together.part().take(), 0.01)


async def test_who_turns_away_while_waiting_takes_no_place() -> None:
    together = Together(most=1, longest=3600)
    first = together.part()
    await first.take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(together.part().take(), 0.01)
    first.leave()
    await asyncio.wait_for(together.part().take(), PATIENCE)


async def test_who_stands_gives_way_to_those_who_wait() -> None:
    together = Together(most=1, longest=3600)
    first, second = together.part(), together.part()
    await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    giving_way = asyncio.create_task(together.give_way())
    await asyncio.sleep(0)
    assert not giving_way.done()
    first.leave()
    await asyncio.wait_for(giving_way, PATIENCE)
    assert waiting.done()


async def test_who_turns_away_keeps_nobody_waiting() -> None:
    together = Together(most=1, longest=3600)
    await together.part().take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(together.part().take(), 0.01)
    await asyncio.wait_for(together.give_way(), PATIENCE)


async def test_who_waits_for_ever_is_not_given_way_for_ever() -> None:
    together = Together(most=1, longest=0.01)
    keeping = together.part()
    await keeping.take()
    others = [asyncio.create_task(together.part().take()) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.wait_for(together.give_way(), PATIENCE)
    assert not all(other.done() for other in others)
    for other in others:
        other.cancel()
    await asyncio.wait(others)


async def test_who_ends_with_a_place_keeps_it_no_longer_than_others_may() -> None:
    together = Together(most=1, longest=0.01)
    entered = asyncio.Event()

    async def taking() -> None:
        await together.part().take()
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(taking())
    await entered.wait()
    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(together.part().take(), PATIENCE)


async def test_a_place_that_comes_as_one_turns_away_goes_to_the_next() -> None:
    together = Together(most=1, longest=3600)
    first = together.part()
    await first.take()
    leaving, next_one = [asyncio.create_task(together.part().take()) for _ in range(2)]
    await asyncio.sleep(0)
    first.leave()
    leaving.cancel()
    await asyncio.wait_for(next_one, PATIENCE)
    assert leaving.cancelled()
    await asyncio.wait_for(together.give_way(), PATIENCE)


async def test_an_end_of_the_process_waits_for_nobody_to_be_given_way() -> None:
    together = Together(most=1, longest=3600)
    await together.part().take()
    waiting = asyncio.create_task(together.part().take())
    await asyncio.sleep(0)
    giving_way = asyncio.create_task(together.give_way())
    await asyncio.sleep(0)
    giving_way.cancel()
    await asyncio.wait([giving_way], timeout=PATIENCE)
    assert giving_way.cancelled()
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
