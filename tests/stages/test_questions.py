"""What an agent asks back: options are buttons, free text goes, and the talk goes on.

Over the real Coze client, with Coze played over HTTP; an agent and a chatflow alike.
"""

from collections.abc import AsyncIterator, Callable

import pytest

from bridge.coze import Chatflow, ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    Answer,
    Cut,
    Emulator,
    Memory,
    Scenario,
    ToolCall,
    serve,
)
from bridge.tools.tool import tool
from bridge.upstream import Agent
from tests.stages.world import World

CITIES = ("Rome", "Oslo")
ASKS = Scenario(
    endpoint="*", match="weather", reply="Which city?", needs_reply=True, options=CITIES, times=1
)
LANE = "fake/fake/room/"


def parrot(question: str, memory: Memory) -> Answer:
    if question != "the map":
        return Answer(f"You said: {question}")
    if not memory.results:
        return Answer("", tools=(ToolCall("look", '{"where": "maps"}'),))
    return Answer("Which?", asks=True, options=CITIES)


def bot(client: CozeClient) -> Agent:
    return CozeAgent(client, bot_id=DEMO_BOT_ID)


def chatflow(client: CozeClient) -> Agent:
    return Chatflow(client, workflow_id=DEMO_WORKFLOW_ID, app_id=DEMO_APP_ID)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=parrot)) as played:
        yield played


@pytest.fixture
async def coze(emulator: Emulator) -> AsyncIterator[CozeClient]:
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), ClientSettings()) as client:
        yield client


@pytest.fixture(params=[bot, chatflow])
async def bridged(
    request: pytest.FixtureRequest, world: World, coze: CozeClient, emulator: Emulator
) -> World:
    made: Callable[[CozeClient], Agent] = request.param
    world.coze = made(coze)
    return world.wire()


def conversations(emulator: Emulator) -> set[str]:
    return {asked.conversation_id for asked in emulator.asked}


async def test_options_are_buttons_that_say_themselves(bridged: World, emulator: Emulator) -> None:
    emulator.install(ASKS)
    assert await bridged.chat("the weather") == ["Which city?"]
    buttons = bridged.adapter.pages()[-1].page.buttons
    assert [(button.label, button.says) for button in buttons] == [
        ("Rome", "Rome"),
        ("Oslo", "Oslo"),
    ]


@pytest.mark.parametrize("reply", ["Rome", "somewhere warm"])
async def test_a_reply_goes_on_in_the_same_conversation(
    bridged: World, emulator: Emulator, reply: str
) -> None:
    """By button or in one's own words: both are the next message."""
    emulator.install(ASKS)
    assert await bridged.chat("the weather", reply) == ["Which city?", f"You said: {reply}"]
    assert len(conversations(emulator)) == 1
    assert [asked.text for asked in emulator.asked] == ["the weather", reply]


async def test_a_question_without_options_has_no_buttons(
    bridged: World, emulator: Emulator
) -> None:
    emulator.install(
        Scenario(endpoint="*", match="book", reply="Your name?", needs_reply=True, times=1)
    )
    assert await bridged.chat("book", "Anna") == ["Your name?", "You said: Anna"]
    assert bridged.adapter.pages()[0].page.buttons == ()
    assert len(conversations(emulator)) == 1


async def test_a_question_whose_stream_was_cut_is_looked_up_with_its_options(
    bridged: World, emulator: Emulator
) -> None:
    cut = Scenario(
        endpoint="*",
        match="weather",
        reply="Which city?",
        needs_reply=True,
        options=CITIES,
        times=1,
        cut=Cut.ABRUPT,
        cut_after=0,
    )
    emulator.install(cut)
    assert await bridged.chat("the weather", "Rome") == ["Which city?", "You said: Rome"]
    labels = [button.label for button in bridged.adapter.pages()[0].page.buttons]
    assert labels == list(CITIES)


async def test_a_question_after_our_tools_have_spoken(
    world: World, coze: CozeClient, emulator: Emulator
) -> None:
    async def look(where: str) -> str:
        return f"{where}: two cities"

    world.tools = {"look": tool("look", look)}
    world.coze = bot(coze)
    world.wire()
    assert await world.chat("the map", "Rome") == ["Which?", "You said: Rome"]
    assert [button.says for button in world.adapter.pages()[0].page.buttons] == list(CITIES)
    assert len(conversations(emulator)) == 1
