"""A crowd at the door is let in first; work waits for it, but not for ever."""

import asyncio
from contextlib import ExitStack

from bridge.flow.rush import Rush


async def test_work_begins_at_once_while_there_is_no_crowd() -> None:
    rush = Rush(most=1, longest=60)
    with rush.entering():
        async with asyncio.timeout(1):
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
    async with asyncio.timeout(1):
        await work


async def test_work_goes_on_though_the_crowd_has_no_end() -> None:
    rush = Rush(most=0, longest=0.01)
    with rush.entering():
        async with asyncio.timeout(1):
            await rush.over()
