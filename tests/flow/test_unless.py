"""Work that a request to stop cuts short."""

import asyncio

import pytest

from bridge.flow.stop import Stop


async def wait(ends: list[str]) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        ends.append("ended")
    return "never"


async def test_work_that_nobody_stops_has_its_result() -> None:
    async def work() -> int:
        return 7

    assert await Stop().unless(work()) == 7


async def test_a_stop_cancels_it_and_waits_for_its_end() -> None:
    stop, ends = Stop(), []
    working = asyncio.create_task(stop.unless(wait(ends)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stop.ask()
    assert await working is None
    assert ends == ["ended"]


async def test_a_stop_that_came_before_begins_nothing() -> None:
    stop, ends = Stop(), []
    stop.ask()
    assert await stop.unless(wait(ends)) is None
    assert ends == []


async def test_what_it_raises_comes_out() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Stop().unless(work())


async def test_who_is_cancelled_cancels_it() -> None:
    ends: list[str] = []
    working = asyncio.create_task(Stop().unless(wait(ends)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ends == ["ended"]
