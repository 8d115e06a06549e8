"""With a token for each person, every call about a conversation is made as its person."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from joserfc.jwk import RSAKey

from bridge.coze import CozeAgent, CozeClient
from bridge.coze.oauth import OAuth, ServiceKey
from bridge.emulator import DEMO_BOT_ID, Answer, Cut, Emulator, Memory, OAuthApp, Scenario, serve
from tests.stages.world import ANNA, LI, World

KEY = RSAKey.generate_key(2048)
APP = OAuthApp("app-1", "fingerprint", KEY.as_pem(private=False).decode())


def parrot(question: str, _: Memory) -> Answer:
    return Answer(f"You said: {question}")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(agent=parrot, pace=0, oauth_apps=[APP])) as played:
        yield played


@pytest.fixture
async def bridged(world: World, emulator: Emulator) -> AsyncIterator[World]:
    key = ServiceKey.read("app-1", "fingerprint", KEY.as_pem(private=True).decode())
    async with (
        aclosing(OAuth(emulator.url, key, per_user=True)) as service,
        CozeClient(emulator.url, service) as client,
    ):
        world.coze = CozeAgent(client, bot_id=DEMO_BOT_ID)
        yield world.wire()


def owners(emulator: Emulator) -> set[str]:
    return {its.owner.session for its in emulator.archive.conversations.values()}


async def test_each_person_has_an_identity_at_coze(bridged: World, emulator: Emulator) -> None:
    for person in (ANNA, LI, ANNA):
        await bridged.chat("hello", user=person, chat=person.id)
    uids = {
        (await bridged.sessions.resolve(bridged.says("?", user=person, chat=person.id))).uid
        for person in (ANNA, LI)
    }
    assert owners(emulator) == uids
    assert emulator.calls["POST /api/permission/oauth2/token"] == 2


@pytest.mark.parametrize("cut", [Cut.CLEAN, Cut.ABRUPT])
async def test_a_lost_answer_is_found_as_the_person_who_asked(
    bridged: World, emulator: Emulator, cut: Cut
) -> None:
    emulator.install(Scenario(cut=cut, cut_after=1, times=1))
    assert await bridged.chat("hello") == ["You said: hello"]
    assert emulator.calls["GET /v3/chat/retrieve"] >= 1


async def test_a_conversation_is_cleared_as_its_person(bridged: World, emulator: Emulator) -> None:
    await bridged.chat("one")
    shown = await bridged.chat("/clear", "two")
    assert shown[1:] == ["Forgotten. We go on from here.", "You said: two"]
    assert len(emulator.archive.conversations) == 1
