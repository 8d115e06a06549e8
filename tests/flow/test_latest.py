"""A fast stream and a slow screen."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from bridge.flow.latest import latest


async def counted(n: int) -> AsyncGenerator[int, None]:
    for i in range(n):
        yield i


class Tap:
    """A stream that says what the test tells it to, and knows whether it was closed."""

    def __init__(self) -> None:
        self.values: asyncio.Queue[int] = asyncio.Queue()
        self.closed = False

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            while True:
                yield await self.values.get()
        finally:
            self.closed = True


def saying(*answers: float) -> Callable[[], Awaitable[float]]:
    """A claim that is answered so, one after the other, and the last for ever."""
    left = list(answers)

    async def claim() -> float:
        return left.pop(0) if len(left) > 1 else left[0]

    return claim


async def test_slow_reader_sees_only_newest_and_always_the_last() -> None:
    seen = []
    async with latest(counted(1000)) as values:
        async for value in values:
            seen.append(value)
    assert seen == [999]


async def test_each_value_is_taken_once() -> None:
    tap = Tap()
    async with latest(tap.stream()) as values:
        tap.values.put_nowait(1)
        assert await anext(values) == 1
        tap.values.put_nowait(2)
        assert await anext(values) == 2


async def test_what_comes_before_there_is_something_to_show_is_passed_over_without_a_claim() -> (
    None
):
    tap, asked = Tap(), list[int]()

    async def claim() -> float:
        asked.append(1)
        return 0.0

    async with latest(tap.stream(), begins=lambda value: value >= 3, claim=claim) as values:
        taking = asyncio.create_task(anext(values))
        for value in (1, 2):
            tap.values.put_nowait(value)
        while not tap.values.empty():
            await asyncio.sleep(0)
        assert not asked
        tap.values.put_nowait(3)
        assert await taking == 3
        tap.values.put_nowait(0)  # what has begun goes on
        assert await anext(values) == 0
        assert asked == [1, 1]


async def test_a_stream_that_ends_before_it_has_begun_yields_its_last_value() -> None:
    async with latest(counted(3), begins=lambda _: False) as values:
        assert [value async for value in values] == [2]


async def test_a_claim_that_says_wait_holds_a_value_back_until_it_is_granted() -> None:
    tap, answers = Tap(), [0.01, 0.01, 0.0]

    async def claim() -> float:
        return answers.pop(0)

    async with latest(tap.stream(), claim=claim) as values:
        tap.values.put_nowait(1)
        assert await anext(values) == 1
    assert answers == []


async def test_an_end_that_comes_while_a_claim_is_asked_for_waits_for_no_other() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def claim() -> float:
        asked.set()
        await answer.wait()
        return 3600.0

    tap = Tap()
    async with latest(tap.stream(), claim=claim) as values:
        tap.values.put_nowait(1)
        taking = asyncio.create_task(anext(values))
        await asked.wait()
        values.close()
        answer.set()
        assert await taking == 1


async def test_while_the_reader_waits_for_its_turn_newer_values_replace_the_older() -> None:
    tap, waits = Tap(), asyncio.Event()

    async def claim() -> float:
        if not waits.is_set():
            waits.set()
            tap.values.put_nowait(2)
            return 0.01
        return 0.0

    async with latest(tap.stream(), claim=claim) as values:
        tap.values.put_nowait(1)
        assert await anext(values) == 2


async def test_an_urgent_value_does_not_wait_for_the_screen() -> None:
    tap = Tap()
    async with latest(tap.stream(), claim=saying(3600.0), urgent=lambda v: v == 7) as values:
        tap.values.put_nowait(1)
        taking = asyncio.create_task(anext(values))
        tap.values.put_nowait(7)
        assert await taking == 7


async def test_the_end_of_the_stream_does_not_wait_for_the_screen() -> None:
    async with latest(counted(3), claim=saying(3600.0)) as values:
        assert [v async for v in values] == [2]


async def test_an_error_comes_after_the_last_value() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("cut")

    seen = []
    with pytest.raises(ValueError, match="cut"):
        async with latest(broken()) as values:
            async for value in values:
                seen.append(value)
    assert seen == [1]


async def test_leaving_early_closes_the_stream() -> None:
    tap = Tap()
    async with latest(tap.stream()) as values:
        tap.values.put_nowait(1)
        await anext(values)
    assert tap.closed


async def test_closing_ends_the_iteration_and_later_values_are_not_seen() -> None:
    tap, seen = Tap(), []
    async with latest(tap.stream()) as values:
        tap.values.put_nowait(1)
        async for value in values:
            seen.append(value)
            values.close()
            tap.values.put_nowait(2)
    assert seen == [1]


async def test_a_stream_that_takes_too_long_is_a_timeout() -> None:
    tap = Tap()
    with pytest.raises(TimeoutError):
        async with latest(tap.stream(), within=0.01) as values:
            await anext(values)
    assert tap.closed


async def test_cancelling_the_reader_closes_the_stream() -> None:
    tap = Tap()

    async def read() -> None:
        async with latest(tap.stream()) as values:
            async for _ in values:
                pass

    reading = asyncio.create_task(read())
    tap.values.put_nowait(1)
    while not tap.values.empty():
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert tap.closed


async def test_what_follows_an_urgent_value_keeps_its_pace_again() -> None:
    tap, asked = Tap(), list[int]()

    async def claim() -> float:
        asked.append(1)
        return 0.0

    async with latest(tap.stream(), claim=claim, urgent=lambda value: value == 1) as values:
        tap.values.put_nowait(1)
        assert await anext(values) == 1
        assert asked == []
        tap.values.put_nowait(2)
        assert await anext(values) == 2
        assert asked == [1]
