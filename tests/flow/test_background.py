"""Work that nobody waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bridge.flow.background import Background


class Works:
    """Pieces of work that end when they are let go; counts them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.go = asyncio.Event()

    def piece(self, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def work() -> None:
            self.begun.append(name)
            await self.go.wait()
            self.ended.append(name)

        return work


@pytest.fixture
async def works() -> Works:
    return Works()


@pytest.fixture
def failures() -> list[tuple[str, Exception]]:
    return []


@pytest.fixture
def background(failures: list[tuple[str, Exception]]) -> Background:
    return Background(lambda name, error: failures.append((name, error)), most=2)


async def pause() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_of_a_kind_at_a_time_and_then_the_newest(
    background: Background, works: Works
) -> None:
    first = background.start("tell", "anna", works.piece("one"))
    assert background.start("tell", "anna", works.piece("two")) is first
    assert background.start("tell", "anna", works.piece("three")) is first
    assert background.start("learn", "anna", works.piece("four")) is not first
    await pause()
    assert works.begun == ["one", "four"]
    works.go.set()
    await background.close(1)
    assert sorted(works.ended) == ["four", "one", "three"]


async def test_a_failure_keeps_nothing_from_following(
    background: Background, works: Works, failures: list[tuple[str, Exception]]
) -> None:
    async def fail() -> None:
        raise ValueError("bug")

    works.go.set()
    background.start("tell", "anna", fail)
    background.start("tell", "anna", works.piece("two"))
    await background.close(1)
    assert len(failures) == 1
    assert works.ended == ["two"]


async def test_what_has_just_ended_keeps_nothing_from_beginning(
    background: Background, works: Works
) -> None:
    last_step = asyncio.Event()

    async def work() -> None:
        last_step.set()

    background.start("tell", "anna", work)
    await last_step.wait()
    background.start("tell", "anna", works.piece("two"))
    await pause()
    assert works.begun == ["two"]


async def test_only_so_many_at_once(background: Background, works: Works) -> None:
    for name in ("one", "two", "three"):
        background.start("tell", name, works.piece(name))
    await pause()
    assert works.begun == ["one", "two"]
    works.go.set()
    await background.close(1)
    assert works.ended == ["one", "two", "three"]


async def test_a_failure_is_told(
    background: Background, failures: list[tuple[str, Exception]]
) -> None:
    async def fail() -> None:
        raise ValueError("bug")

    await background.start("tell", "anna", fail)
    assert [(name, str(error)) for name, error in failures] == [("tell", "bug")]


async def test_one_key_ends_and_the_others_go_on(background: Background, works: Works) -> None:
    background.start("tell", "anna", works.piece("one"))
    background.start("tell", "ben", works.piece("two"))
    await pause()
    await background.end("anna", 0)
    assert background.running("tell", "anna") is None
    assert background.running("tell", "ben") is not None
    works.go.set()
    await background.close(1)
    assert works.ended == ["two"]
