"""From a person on Telegram to a user variable at Coze, and back: both over real HTTP."""

import time
from contextlib import AsyncExitStack

import pytest

from bridge.config import AgentSettings
from bridge.emulator import DEMO_BOT_ID
from bridge.emulator.shelves import Value
from tests.platforms.worlds import Running, eventually
from tests.telegram.emulator import Emulator, Private
from tests.telegram.world import World

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

SOURCES = {"user_name": "user.name", "language": "user.language", "platform": "platform"}
SLOW = 60.0  # seconds


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna", language="en").chat()


async def knowing(
    world: World, stack: AsyncExitStack, sources: dict[str, str], **agent: object
) -> Running:
    """A bridge whose agent is told these variables."""
    given = {"bot_id": DEMO_BOT_ID, "variables": sources, **agent}
    world.agent = AgentSettings.model_validate(given)
    return await stack.enter_async_context(world.running())


def told(world: World) -> list[dict[str, str]]:
    return [values for _, values in world.coze.variables.puts]


def values(world: World) -> dict[str, Value]:
    """What Coze knows of the one person it was told about."""
    whose = world.coze.variables.puts[0][0]
    known = world.coze.bots.online(DEMO_BOT_ID).config.variables
    return {value.keyword: value for value in world.coze.variables.get(whose, known)}


async def test_the_agent_knows_name_language_and_platform_in_its_first_answer(
    world: World, anna: Private
) -> None:
    async with AsyncExitStack() as stack:
        await knowing(world, stack, SOURCES)
        assert await name_of(anna) == "Anna"
        assert told(world) == [{"user_name": "Anna", "language": "en", "platform": "telegram"}]
        assert await name_of(anna) == "Anna"
    assert len(told(world)) == 1


async def test_a_new_name_is_known_before_the_next_answer(world: World, anna: Private) -> None:
    async with AsyncExitStack() as stack:
        await knowing(world, stack, SOURCES)
        assert await name_of(anna) == "Anna"
        anna.person.name = "Anyuta"
        assert await name_of(anna) == "Anyuta"
    assert told(world)[1:] == [{"user_name": "Anyuta"}]


async def name_of(anna: Private) -> str:
    """What the agent calls its user."""
    before = len(anna.answers)
    await anna.say("What is my name?")
    await eventually(lambda: "book." in "".join(m.text for m in anna.answers[before:]))
    return anna.answers[-1].text.removeprefix("You are ").split(".")[0]


async def first_text(world: World, anna: Private, *, delay: float) -> float:
    """Seconds from a question to its first word, with an endpoint so slow."""
    world.coze.variables.delay = delay
    async with AsyncExitStack() as stack:
        await knowing(world, stack, SOURCES)
        began = time.monotonic()
        await anna.say("Hello")
        await eventually(lambda: anna.answers)
        return time.monotonic() - began


async def test_a_slow_endpoint_does_not_delay_the_first_word(world: World, anna: Private) -> None:
    assert await first_text(world, anna, delay=SLOW) < SLOW / 2


async def test_a_question_waits_for_it_where_the_agent_must_know(
    world: World, anna: Private
) -> None:
    world.coze.variables.delay = 0.3
    async with AsyncExitStack() as stack:
        await knowing(world, stack, SOURCES, variables_wait=30.0)
        assert await name_of(anna) == "Anna"
    assert told(world)


async def test_what_coze_refuses_costs_no_answer_and_is_asked_once(
    world: World, anna: Private
) -> None:
    sources = {**SOURCES, "no_such": "user.id", "sys_uuid": "user.id", "retired": "user.id"}
    async with AsyncExitStack() as stack:
        await knowing(world, stack, sources)
        await anna.say("Hello")
        await eventually(lambda: anna.answers)
        await eventually(lambda: told(world) and values(world)["platform"].value == "telegram")
        refused = {"no_such", "sys_uuid", "retired"}
        await eventually(lambda: {name for call in told(world)[1:] for name in call} >= refused)
        calls = len(told(world))
        assert await name_of(anna) == "Anna"
    assert len(told(world)) == calls
