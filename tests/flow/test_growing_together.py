"""Answers that end in one instant."""

import asyncio

import pytest

from bridge.flow.ends import Ends

PATIENCE = 30.0  # seconds; a busy machine takes its time


async def test_a_place_is_free_when_it_was_left() -> None:
    ends = Ends(most=1)
    first, second = ends.place(), ends.place()
    await first.take()
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.leave()
    await asyncio.wait_for(waiting, PATIENCE)


async def test_who_keeps_a_place_for_long_loses_it() -> None:
    ends = Ends(most=1, longest=0.01)
    await ends.place().take()
    await asyncio.wait_for(ends.place().take(), PATIENCE)


async def test_a_place_is_taken_and_left_once() -> None:
    ends = Ends(most=2, longest=3600)
    first = ends.place()
    await first.take()
    await first.take()
    await ends.place().take()  # there is one left
    first.leave()
    first.leave()
    await ends.place().take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ends.place().take(), 0.01)


async def test_who_turns_away_while_waiting_takes_no_place() -> None:
    ends = Ends(most=1, longest=3600)
    first = ends.place()
    await first.take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ends.place().take(), 0.01)
    first.leave()
    await asyncio.wait_for(ends.place().take(), PATIENCE)
