"""Chores that wake together."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from bridge.flow.ticks import next_tick
from bridge.testing.clock import Clock, ClockLoop

T = TypeVar("T")


def run(work: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: ClockLoop(Clock())) as runner:
        return runner.run(work)


def test_chores_that_began_apart_wake_together() -> None:
    async def chore(began: float) -> float:
        await asyncio.sleep(began)
        await next_tick(3.0)
        return await next_tick(3.0)

    async def all_of_them() -> list[float]:
        first = await next_tick(3.0)
        return [woke - first for woke in await asyncio.gather(*map(chore, (0.1, 1.7, 2.9)))]

    assert run(all_of_them()) == pytest.approx([6.0] * 3, abs=1e-3)


def test_a_chore_is_called_once_a_tick_and_told_when_that_was_due() -> None:
    async def ticks() -> list[float]:
        first = await next_tick(0.1)
        return [await next_tick(0.1) - first for _ in range(100)]

    assert run(ticks()) == pytest.approx([0.1 * number for number in range(1, 101)], abs=1e-3)


def test_what_took_longer_than_a_tick_is_not_caught_up_with() -> None:
    async def slow() -> float:
        first = await next_tick(1.0)
        await asyncio.sleep(2.5)
        return await next_tick(1.0) - first

    assert run(slow()) == pytest.approx(3.0, abs=1e-3)
