"""Who is this, and which conversation goes on."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from bridge.config import GroupScope
from bridge.errors import Unreachable
from bridge.events import ChatKind, Inbound
from bridge.lanes import express, lane_of
from bridge.store.tables import identities
from bridge.testing.agent import ScriptedAgent
from tests.stages.world import ANNA, LI, World


async def uid(world: World, event: Inbound) -> str:
    return (await world.sessions.resolve(event)).uid


def in_group(world: World, **changes: object) -> Inbound:
    return world.says("hi", kind=ChatKind.GROUP, **changes)  # type: ignore[arg-type]


async def test_a_person_keeps_their_uid(world: World) -> None:
    first = await uid(world, world.says("hi"))
    assert first == await uid(world.wire(), world.says("again", chat="elsewhere"))
    assert len(first) == 32
    assert int(first, 16)


async def test_a_uid_never_contains_what_it_is_made_of(world: World) -> None:
    named = world.says("hi", user=replace(ANNA, id="abcdef0123"))
    assert "abcdef0123" not in await uid(world, named)


async def test_people_platforms_accounts_and_keys_make_different_uids(world: World) -> None:
    event = world.says("hi")
    chat = event.chat
    world.accounts = ("fake", "other")
    world.wire()
    uids = {
        await uid(world, event),
        await uid(world, replace(event, user=LI)),
        await uid(world, replace(event, chat=replace(chat, platform="other"))),
        await uid(world, replace(event, chat=replace(chat, account="other"))),
    }
    world.key = "another secret"
    uids.add(await uid(world.wire(), event))
    assert len(uids) == 5


async def test_no_two_identities_meet_by_moving_a_letter(world: World) -> None:
    event = world.says("hi")
    one = replace(event, chat=replace(event.chat, platform="ab"), user=replace(ANNA, id="c"))
    two = replace(event, chat=replace(event.chat, platform="a"), user=replace(ANNA, id="bc"))
    assert await uid(world, one) != await uid(world, two)


async def test_in_a_group_each_person_has_a_conversation(world: World) -> None:
    anna = await world.sessions.resolve(in_group(world, user=ANNA))
    li = await world.sessions.resolve(in_group(world, user=LI))
    assert anna.lane != li.lane
    assert anna.uid != li.uid


async def test_a_group_may_share_one_conversation_and_is_a_person_of_its_own(
    world: World,
) -> None:
    world.settings(group_scope=GroupScope.CHAT)
    anna = await world.sessions.resolve(in_group(world, user=ANNA))
    li = await world.sessions.resolve(in_group(world, user=LI))
    assert (anna.lane, anna.uid) == (li.lane, li.uid)
    private = await world.sessions.resolve(world.says("hi"))
    assert private.uid != anna.uid


async def test_threads_are_conversations_of_their_own(world: World) -> None:
    lanes = {lane_of(world.says("hi", thread=t), GroupScope.USER) for t in ("", "1", "2")}
    assert len(lanes) == 3


async def test_no_chat_id_can_forge_the_lane_of_another(world: World) -> None:
    ids = ["a/b", "a%2Fb", "a", "a!", "../x", "房间", "a b"]
    chats = [lane_of(world.says("hi", chat=chat), GroupScope.USER) for chat in ids]
    threads = [lane_of(world.says("hi", chat="a", thread=t), GroupScope.USER) for t in ids]
    lanes = [*chats, *threads]
    assert len({*lanes, *map(express, lanes)}) == 2 * len(lanes)


async def test_a_conversation_is_begun_once_and_then_goes_on(
    world: World, agent: ScriptedAgent
) -> None:
    event = world.says("hi")
    first = await world.sessions.open(await world.sessions.resolve(event), "hi")
    assert (first.conversation_id, first.fresh) == ("c1", True)
    second = await world.sessions.open(await world.wire().sessions.resolve(event), "more")
    assert (second.conversation_id, second.fresh) == ("c1", False)
    assert agent.conversations == ["c1"]


async def test_a_conversation_that_could_not_be_begun_is_begun_next_time(
    world: World, agent: ScriptedAgent
) -> None:
    event = world.says("hi")
    agent.fail("begin", Unreachable("down"))
    with pytest.raises(Unreachable):
        await world.sessions.open(await world.sessions.resolve(event), "hi")
    assert (await world.sessions.resolve(event)).conversation_id is None


@pytest.mark.parametrize(("silence", "conversations"), [(3599, ["c1"]), (3601, ["c1", "c2"])])
async def test_after_a_long_silence_a_new_conversation_begins(
    world: World, agent: ScriptedAgent, silence: float, conversations: list[str]
) -> None:
    world.settings(idle_reset=3600.0)
    await world.chat("one")
    world.clock.advance(silence)
    await world.chat("two")
    assert agent.conversations == conversations


async def test_every_message_puts_the_silence_back_to_its_beginning(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(idle_reset=3600.0)
    for text in ("one", "two", "three", "four"):
        await world.chat(text)
        world.clock.advance(3000)
    assert agent.conversations == ["c1"]


async def test_another_agent_begins_another_conversation_and_keeps_no_history_of_the_first(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("one")
    world.agent_name = "other"
    await world.wire().chat("two", "/history c1")
    assert agent.conversations == ["c1", "c2"]
    assert world.adapter.shown()[-1].startswith("I do not know that conversation")


async def test_a_group_that_is_one_person_leaves_its_members_their_own_uids(world: World) -> None:
    world.settings(group_scope=GroupScope.CHAT)
    alone = await world.sessions.resolve(world.says("hi"))
    together = await world.sessions.resolve(world.says("hi", chat="g", kind=ChatKind.GROUP))
    thread = await world.sessions.resolve(world.says("hi", chat="g", kind=ChatKind.THREAD))
    assert together.uid == thread.uid != alone.uid
    row = await world.store.read(lambda it: it.execute(select(identities.c.uid)).one())
    assert row.uid == alone.uid


async def test_in_a_thread_everybody_is_asked_about_by_themselves(world: World) -> None:
    anna = await world.sessions.resolve(world.says("hi", kind=ChatKind.THREAD))
    li = await world.sessions.resolve(world.says("hi", kind=ChatKind.THREAD, user=LI))
    assert anna.lane == li.lane
    assert anna.uid != li.uid
