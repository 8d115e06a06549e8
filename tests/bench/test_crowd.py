"""How long a crowd is waited for."""

import asyncio

from bench.agent import Question
from bench.crowd import unanswered
from bridge.testing.clock import Clock, ClockLoop


def questions(count: int) -> list[Question]:
    return [Question(number) for number in range(1, count + 1)]


async def test_what_is_answered_is_not_waited_for() -> None:
    asked = questions(3)
    for question in asked:
        question.done.set()
    assert await unanswered(asked, within=0.001) == 0


async def test_what_is_never_answered_is_counted() -> None:
    asked = questions(3)
    asked[1].done.set()
    assert await unanswered(asked, within=0.001) == 2


def test_as_long_as_answers_come_the_others_are_waited_for() -> None:
    asked = questions(5)

    async def answer() -> None:
        for question in reversed(asked):  # so that the first, which is waited for, is the last
            await asyncio.sleep(0.4)
            question.done.set()

    async def wait() -> int:
        async with asyncio.TaskGroup() as group:
            group.create_task(answer())
            return await unanswered(asked, within=0.5)

    with asyncio.Runner(loop_factory=lambda: ClockLoop(Clock())) as runner:
        assert runner.run(wait()) == 0
