"""The stages over the real Coze client, with Coze played over HTTP by the emulator."""

from collections.abc import AsyncIterator

import pytest

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Answer, Cut, Emulator, Memory, Scenario, serve
from tests.stages.world import World


def parrot(question: str, _: Memory) -> Answer:
    return Answer(f"You said: {question}", follow_ups=("And?",))


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=parrot)) as played:
        yield played


@pytest.fixture
async def coze(emulator: Emulator) -> AsyncIterator[CozeClient]:
    client = CozeClient(emulator.url, Pat(DEMO_TOKEN), ClientSettings())
    async with client:
        yield client


@pytest.fixture
async def bridged(world: World, coze: CozeClient) -> World:
    world.coze = CozeAgent(coze, bot_id=DEMO_BOT_ID)
    return world.wire()


async def conversation(world: World) -> str:
    found = (await world.sessions.resolve(world.says("?"))).conversation_id
    assert found is not None
    return found


async def test_a_question_is_answered_with_what_may_be_asked_next(bridged: World) -> None:
    assert await bridged.chat("hello") == ["You said: hello"]
    assert [button.says for button in bridged.adapter.pages()[0].page.buttons] == ["And?"]


async def test_a_conversation_deleted_at_coze_is_replaced(bridged: World, coze: CozeClient) -> None:
    await bridged.chat("one")
    lost = await conversation(bridged)
    await coze.delete(lost)
    assert (await bridged.chat("two"))[-1] == "You said: two"
    assert await conversation(bridged) != lost


async def test_clearing_a_conversation_deleted_at_coze_is_done(
    bridged: World, coze: CozeClient
) -> None:
    await bridged.chat("one")
    await coze.delete(await conversation(bridged))
    shown = await bridged.chat("/clear", "two")
    assert shown[1:] == ["Forgotten. We go on from here.", "You said: two"]


@pytest.mark.parametrize("cut", list(Cut))
async def test_a_cut_stream_is_made_whole_and_asked_once(
    bridged: World, emulator: Emulator, cut: Cut
) -> None:
    emulator.install(Scenario(cut=cut, cut_after=1, times=1))
    assert await bridged.chat("hello") == ["You said: hello"]
    assert await bridged.chat("more") == ["You said: hello", "You said: more"]
