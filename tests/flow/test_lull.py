"""How long an answer grows unread. The loop's clock is real, so the shortest times that tell."""

import asyncio
from collections.abc import Awaitable
from contextlib import ExitStack

import pytest

from bridge.flow.lull import LONGEST, SHORTEST, SOON, Lull
from bridge.flow.together import LOOKS, Together

LONG = 3600.0
PATIENCE = 30.0  # seconds; a busy machine takes its time


async def lasted(lull: Lull, end: Awaitable[object] | None = None) -> float:
    """Seconds of the loop's clock."""
    now = asyncio.get_running_loop().time
    began = now()
    await lull(end or asyncio.Event().wait())
    return now() - began


async def test_it_ends_when_the_answer_may_be_shown_again() -> None:
    lull = Lull(0.1)
    lull.shown()
    assert 0.09 <= await lasted(lull) < LONG
    assert await lasted(lull) >= 0.1 * SOON - 0.01


async def test_an_answer_that_may_be_shown_and_is_not_is_looked_at_soon() -> None:
    lull = Lull(0.2)
    assert 0.2 * SOON - 0.01 <= await lasted(lull) < 0.2
    assert 0.2 * SOON - 0.01 <= await lasted(lull) < 0.2


async def test_of_many_that_may_be_shown_and_are_not_each_is_looked_at_later() -> None:
    together = Together()
    with ExitStack() as stack:
        for _ in range(LOOKS // 5):
            stack.enter_context(together.overdue())
        assert await lasted(Lull(0.02, together)) >= 0.2 - 0.01
    assert await lasted(Lull(0.02, together)) < 0.2


async def test_however_many_they_are_none_is_forgotten() -> None:
    together = Together()
    with ExitStack() as stack:
        for _ in range(LOOKS * 10):
            stack.enter_context(together.overdue())
        assert 0.09 <= await lasted(Lull(0.02, together, longest=0.1)) < 10


async def test_what_is_shown_meanwhile_makes_it_last_until_it_may_be_again() -> None:
    lull = Lull(0.2)
    lasting = asyncio.create_task(lasted(lull))
    await asyncio.sleep(0)
    lull.shown()
    assert await lasting >= 0.19


async def test_it_ends_with_the_answer() -> None:
    lull = Lull(LONG)
    lull.shown()
    assert await lasted(lull, asyncio.sleep(0)) < LONGEST


async def test_of_many_that_end_together_few_are_read_at_a_time_in_their_order() -> None:
    together, read = Together(most=2), []
    lulls = [Lull(LONG, together) for _ in range(5)]

    async def reading(number: int) -> None:
        lulls[number].shown()
        await lulls[number](asyncio.sleep(0))
        read.append(number)

    everybody = [asyncio.create_task(reading(number)) for number in range(5)]
    await asyncio.wait(everybody[:2])
    assert read == [0, 1]
    lulls[1].ended()  # it was stored
    await everybody[2]
    assert read == [0, 1, 2]
    for lull in lulls[::2]:
        lull.ended()
    await asyncio.gather(*everybody)
    assert read == [0, 1, 2, 3, 4]


async def test_who_is_not_at_its_end_waits_for_no_place() -> None:
    together = Together(most=1, longest=LONG)
    await together.part().take()
    await asyncio.wait_for(Lull(SHORTEST, together)(asyncio.Event().wait()), PATIENCE)


async def test_what_went_wrong_with_the_answer_is_told() -> None:
    async def cut() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await Lull(LONG)(cut())


@pytest.mark.parametrize("interval", [0.0, 0.001])
async def test_it_lasts_long_enough_to_gather_anything(interval: float) -> None:
    lull = Lull(interval)
    lull.shown()
    assert await lasted(lull) >= SHORTEST


async def test_being_shown_at_its_very_end_is_no_trouble() -> None:
    lull = Lull(0.1)

    async def ending() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            lull.shown()  # the lull is over, and its task is not yet told so

    assert await lasted(lull, ending()) < LONG
    assert await lasted(lull) >= 0.09


async def test_an_answer_that_is_never_changed_is_looked_at_too() -> None:
    assert await lasted(Lull(float("inf")), asyncio.sleep(0.01)) < LONGEST
