"""What people see in Slack, from their question to its answer, through a whole bridge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.emulator import Emulator as Coze
from bridge.emulator import serve as serve_coze
from tests.slack.emulator import Emulator, Message, Seat, serve
from tests.slack.world import World


@asynccontextmanager
async def world_of(mode: str, folder: Path) -> AsyncIterator[World]:
    async with (
        serve(Emulator(mode=mode)) as slack,  # type: ignore[arg-type]  # one of the two
        serve_coze(Coze(pace=0.001)) as coze,
    ):
        slack.hooks.use_real_time()
        slack.deliveries.pauses = (0.1,) * 100
        yield World(slack, coze, folder)


@pytest.fixture(params=["socket", "http"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world_of(request.param, tmp_path) as world:
        yield world


@pytest.fixture
def dm(world: World) -> Seat:
    return world.slack.person("Ann").dm()


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


async def test_question_is_answered_in_its_thread(world: World, dm: Seat) -> None:
    world.script("sky", reply="It is blue.")
    async with world.running() as bridge:
        asked = await dm.say("What colour is the sky?")
        answer = await dm.in_thread(asked).final("It is blue.")
        assert await bridge.problems() == {}
    assert answer.thread == asked.ts
    assert texts(dm.answers) == ["It is blue."]
    assert world.slack.open_streams == []


async def test_mention_is_answered_once_and_its_thread_goes_on(world: World) -> None:
    ann, bob = world.slack.person("Ann"), world.slack.person("Bob")
    general = world.slack.channel("general", ann, bob)
    world.script("^one", reply="First.")
    world.script("^two", reply="Second.")
    async with world.running():
        root = await general.say(ann, f"{world.slack.bot.mention} one?")
        await general.final("First.", thread=root.ts)
        await general.say(bob, "two?", thread=root.ts)
        await general.final("Second.", thread=root.ts)
        await world.slack.until(lambda it: not it.deliveries.open)
    assert texts(general.answers) == ["First.", "Second."]
    assert world.questions() == ["one?", "two?"]
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1


async def test_thread_goes_on_after_a_restart(world: World) -> None:
    ann = world.slack.person("Ann")
    general = world.slack.channel("general", ann)
    world.script("^one", reply="First.")
    world.script("^two", reply="Second.")
    async with world.running():
        root = await general.say(ann, f"{world.slack.bot.mention} one?")
        await general.final("First.", thread=root.ts)
    await general.say(ann, "two?", thread=root.ts)
    async with world.running():
        await general.final("Second.", thread=root.ts)
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1


async def test_replayed_event_is_answered_once(world: World, dm: Seat) -> None:
    world.script("", reply="Once.")
    async with world.running():
        asked = await dm.say("hi")
        await dm.in_thread(asked).final("Once.")
        world.slack.deliveries.repeat()
        await world.slack.until(lambda it: not it.deliveries.open)
        again = await dm.say("ho")
        await dm.in_thread(again).final("Once.")
    assert world.questions() == ["hi", "ho"]


async def test_five_questions_in_one_breath_are_answered_in_order(world: World, dm: Seat) -> None:
    for number in range(5):
        world.script(f"^q{number}$", reply=f"answer {number}")
    async with world.running():
        root = await dm.say("q0")
        thread = dm.in_thread(root)
        for number in range(1, 5):
            await thread.say(f"q{number}")
        await thread.final("answer 4")
    assert texts(thread.answers) == [f"answer {number}" for number in range(5)]


async def test_native_stop_ends_the_answer(world: World, dm: Seat) -> None:
    world.script("story", chunks=("Once ", "upon ", "a time ") * 50, pace=0.1)
    async with world.running():
        asked = await dm.say("A story, please")
        thread = dm.in_thread(asked)
        await thread.until(lambda seat: any(m.streaming for m in seat.answers))
        await thread.stop()
        await world.slack.until(lambda it: any(each.cancelled for each in world.coze.asked))
    assert world.slack.open_streams == []


async def test_slash_command_is_answered(world: World, dm: Seat) -> None:
    world.script("sky", reply="It is blue.")
    async with world.running():
        await dm.command("/coze", "what colour is the sky?")
        answer = await dm.final("It is blue.")
        await dm.command("/coze")
        await dm.until(lambda seat: any("!new" in m.text for m in seat.answers))
    assert answer.text == "> what colour is the sky?\n\nIt is blue."


async def test_help_names_commands_as_slack_lets_people_write_them(world: World, dm: Seat) -> None:
    async with world.running():
        await dm.say("!help")
        await dm.until(lambda seat: any("!new" in m.text for m in seat.answers))
    assert "/new" not in dm.answers[0].text
