"""Stops that come early or late; peers that are started again."""

import asyncio

import pytest

from bridge.errors import Permanent, Transient, Unreachable
from bridge.flow.interrupts import Interrupts
from bridge.flow.retry import backoff
from bridge.flow.stop import Stop
from bridge.flow.supervise import supervise


def test_a_stop_reaches_what_runs() -> None:
    stop, obeyed = Stop(), []
    with stop.stops(lambda: obeyed.append("now")):
        stop.ask()
    assert obeyed == ["now"]


def test_a_stop_that_came_early_is_obeyed_when_the_work_begins() -> None:
    stop, obeyed = Stop(), []
    stop.ask()
    with stop.stops(lambda: obeyed.append("now")):
        assert obeyed == ["now"]


def test_a_stop_that_comes_late_stops_nothing() -> None:
    stop, obeyed = Stop(), []
    with stop.stops(lambda: obeyed.append("now")):
        pass
    stop.ask()
    assert obeyed == []


async def test_a_stop_wakes_a_sleeper() -> None:
    stop = Stop()
    sleeper = asyncio.create_task(stop.sleep(3600))
    await asyncio.sleep(0)
    stop.ask()
    await sleeper


async def test_a_stop_that_came_early_ends_one_sleep_and_no_more() -> None:
    stop = Stop()
    stop.ask()
    await asyncio.wait_for(stop.sleep(3600), 30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stop.sleep(3600), 0.01)


async def test_a_hurry_ends_every_sleep() -> None:
    stop = Stop()
    stop.hurry()
    for _ in range(3):
        await asyncio.wait_for(stop.sleep(3600), 30)


async def test_what_begins_after_a_hurry_is_hurried_too() -> None:
    interrupts = Interrupts()
    interrupts.hurry()
    await asyncio.wait_for(interrupts.begin("lane", 1).sleep(3600), 30)


def test_backoff_doubles_up_to_its_most_and_is_never_zero() -> None:
    assert 0.75 <= backoff(1) <= 1.0
    assert 3.0 <= backoff(3) <= 4.0
    assert 22.5 <= backoff(1000) <= 30.0


async def test_a_peer_that_failed_for_now_is_started_again() -> None:
    runs, told, slept = [], [], []

    async def peer() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise Unreachable("down")

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await supervise(peer, passing=Transient, failed=lambda e, s: told.append(str(e)), sleep=sleep)
    assert len(runs) == 3
    assert told == ["down", "down"]
    assert slept[1] > slept[0]


async def test_a_peer_is_left_alone_for_as_long_as_the_far_side_said() -> None:
    slept: list[float] = []

    async def peer() -> None:
        if not slept:
            raise Transient(retry_after=42)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await supervise(peer, passing=Transient, failed=lambda *_: None, sleep=sleep)
    assert slept == [42]


async def test_an_error_that_will_not_pass_ends_the_supervision() -> None:
    async def peer() -> None:
        raise Permanent("never")

    with pytest.raises(Permanent):
        await supervise(peer, passing=Transient, failed=lambda *_: None)


async def test_a_peer_that_makes_another_error_of_its_cancellation_is_not_started_again() -> None:
    runs = []

    async def peer() -> None:
        runs.append(1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise Unreachable("the connection was lost") from None

    supervised = asyncio.create_task(supervise(peer, passing=Transient, failed=lambda *_: None))
    await asyncio.sleep(0)
    supervised.cancel()
    await asyncio.wait([supervised], timeout=5)
    assert supervised.cancelled()
    assert len(runs) == 1
