"""A crowd at the door is let in first; work waits for it, but not for ever."""

import asyncio
from contextlib import ExitStack

from bridge.flow.rush import Rush
from bridge.testing.clock import Clock


async def test_work_begins_at_once_while_there_is_no_crowd() -> None:
    rush = Rush(most=1, longest=60)
    with rush.entering():
        async with asyncio.timeout(30):
            await rush.over()


async def test_work_waits_until_the_crowd_is_in() -> None:
    rush = Rush(most=1, longest=60)
    with ExitStack() as crowd:
        crowd.enter_context(rush.entering())
        crowd.enter_context(rush.entering())
        work = asyncio.create_task(rush.over())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not work.done()
    async with asyncio.timeout(30):
        await work


async def test_work_goes_on_though_the_crowd_has_no_end() -> None:
    rush = Rush(most=0, longest=0.01)
    with rush.entering():
        async with asyncio.timeout(30):
            await rush.over()


async def begins(rush: Rush) -> bool:
    """Tell whether work is let begin before the loop has nothing else to do."""
    work = asyncio.create_task(rush.over())
    for _ in range(3):
        await asyncio.sleep(0)
    done = work.done()
    work.cancel()
    await asyncio.wait([work])
    return done


async def test_all_work_together_waits_for_no_longer_than_that() -> None:
    clock = Clock()
    rush = Rush(most=0, longest=60, monotonic=clock.monotonic)
    with rush.entering():
        assert not await begins(rush)
        clock.advance(60)
        assert await begins(rush)
        clock.advance(60)
        assert await begins(rush)


async def test_a_crowd_after_a_crowd_does_not_stop_work_for_ever() -> None:
    clock = Clock()
    rush = Rush(most=0, longest=60, monotonic=clock.monotonic)
    with rush.entering():
        clock.advance(60)
    clock.advance(1)
    with rush.entering():
        assert not await begins(rush)
        clock.advance(1)
        assert await begins(rush)
    clock.advance(3600)
    with rush.entering():
        clock.advance(59)
        assert not await begins(rush)
