"""`/forget`: asked back, then nothing is left, whatever breaks in between."""

import pytest
from sqlalchemy import Connection, func, select

from bridge.config import GroupScope
from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from bridge.errors import Gone, Permanent, Unauthorised, Unreachable
from bridge.events import ChatKind, User
from bridge.forgetting import GIVE_UP, Forgetting
from bridge.lanes import express, lane_of
from bridge.phrases import Phrase, say
from bridge.store.tables import (
    conversations,
    farewells,
    forgettings,
    identities,
    inbox,
    links,
    metadata,
    outbox,
    sessions,
    turns,
    usage,
    variables,
)
from bridge.store.transcripts import StoredTranscript
from bridge.store.turns import TurnState
from bridge.store.variables import told
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import ANNA, LI, Killed, World

FORGOTTEN = say(Phrase.FORGOTTEN, "en")
ELSEWHERE = User("u-anna-elsewhere", name="Anna K.", language="en")
DAY = 86400.0
SECRETS = ("Karenina", "u-anna", "train", "station", "m-7")


@pytest.fixture
async def forgetting(world: World) -> Forgetting:
    return worker(world)


def worker(world: World) -> Forgetting:
    """Another process that goes on with what was begun."""
    agents = {world.agent_name: world.coze or world.agent}
    return Forgetting(world.store, agents=agents, now=world.clock.now, sleep=world.clock.sleep)


async def in_group(world: World, text: str, user: User, kind: ChatKind = ChatKind.GROUP) -> str:
    event = world.says(text, chat="group", kind=kind, user=user)
    await world.inbox(event)
    lane = lane_of(event, world.sessions_settings.group_scope)
    await world.drain(express(lane))
    await world.drain(lane)
    return world.adapter.shown("group")[-1]


async def traces(world: World, *words: str) -> dict[str, str]:
    """Every table and column where one of these words is to be found."""

    def job(connection: Connection) -> dict[str, str]:
        found = {}
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for column, value in row.items():
                    if any(word in str(value) for word in words):
                        found[f"{table.name}.{column}"] = str(value)
        return found

    return await world.store.read(job)


async def settle(world: World, work: Forgetting, seconds: float = 61.0) -> None:
    world.clock.advance(seconds)
    await work.work()


async def number(world: World, table: object) -> int:
    count = select(func.count()).select_from(table)  # type: ignore[arg-type]
    return int(await world.store.read(lambda it: it.execute(count).scalar_one()))


async def test_whoever_asks_is_asked_back_and_nothing_happens(world: World) -> None:
    await world.chat("about the train")
    before = await traces(world, *SECRETS)
    for asked in ("/forget", "/forget maybe", "/forget not"):
        assert (await world.chat(asked))[-1] == say(Phrase.FORGET_ASK, "en")
    assert set(before) <= set(await traces(world, *SECRETS))
    assert await number(world, forgettings) == 0


@pytest.mark.parametrize("no", ["no", "No.", "cancel", "不", "取消"])
async def test_no_is_understood_and_nothing_happens(world: World, no: str) -> None:
    await world.chat("about the train")
    assert (await world.chat(f"/forget {no}"))[-1] == say(Phrase.NOT_FORGOTTEN, "en")
    assert await number(world, forgettings) == 0


async def test_buttons_are_in_the_language_of_the_user(world: World) -> None:
    event = world.says("/forget", user=LI)
    session = await world.sessions.resolve(event)
    reply = await worker(world).obey(event, session, 1, "")
    assert [(b.label, b.says) for b in reply.buttons] == [
        ("是的，忘记我", "/forget yes"),
        ("不", "/forget no"),
    ]
    assert reply.text == say(Phrase.FORGET_ASK, "zh-CN")


@pytest.mark.parametrize("yes", ["yes", "Yes.", "YES!", "是", "确认"])
async def test_yes_is_understood_as_people_say_it(world: World, yes: str) -> None:
    assert (await world.chat(f"/forget {yes}"))[-1] == FORGOTTEN


async def test_nothing_is_left_of_somebody_a_day_later(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("when does the train leave the station?", "/retry", "/help", "/new", "again")
    uid = agent.chats[0].question.uid
    await world.store.write(told(uid, "default", {"user_name": "Anna Karenina"}))
    assert (await world.chat("/forget yes"))[-1] == FORGOTTEN
    await settle(world, forgetting)
    await settle(world, forgetting, DAY)
    assert await traces(world, *SECRETS, uid) == {}
    assert await number(world, forgettings) == 0
    assert await number(world, usage) == 3


async def test_what_is_stored_is_gone_at_once_but_for_the_last_minute(
    world: World, agent: ScriptedAgent
) -> None:
    await world.chat("about the train")
    world.clock.advance(61)
    await world.chat("/forget yes")
    assert await traces(world, "Karenina", "train") == {
        "inbox.payload": str(await _last_payload(world))
    }
    assert await number(world, identities) == 0
    assert await number(world, sessions) == 0
    assert await number(world, conversations) == 0
    assert agent.conversations == []


async def _last_payload(world: World) -> str:
    statement = select(inbox.c.payload).order_by(inbox.c.id.desc()).limit(1)
    return str(await world.store.read(lambda it: it.execute(statement).scalar_one()))


async def test_others_keep_everything(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("about the train")
    await world.chat("about the weather", user=LI, chat="li")
    other = agent.chats[1].question.uid
    await world.store.write(told(other, "default", {"user_name": "雷"}))
    before = await traces(world, "u-li", "weather", other)
    await world.chat("/forget yes")
    await settle(world, forgetting)
    await settle(world, forgetting, DAY)
    assert await traces(world, "u-li", "weather", other) == before
    assert agent.conversations == ["c2"]


async def test_a_message_that_is_delivered_again_is_still_known(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    event = world.says("about the train", event="again")
    await world.inbox(event)
    await world.drain(lane_of(event, GroupScope.USER))
    await world.chat("/forget yes")
    await settle(world, forgetting)
    await world.inbox(event)
    await world.drain(lane_of(event, GroupScope.USER))
    assert len(agent.attempts) == 1


async def test_who_comes_back_begins_anew_and_keeps_it(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("about the train")
    await world.chat("/forget yes")
    world.clock.advance(61)
    await world.chat("hello again")
    await forgetting.work()
    world.clock.advance(DAY)
    await forgetting.work()
    await world.chat("and again")
    assert [chat.trace.conversation_id for chat in agent.chats] == ["c2", "c2"]
    assert agent.conversations == ["c2"]
    assert await number(world, identities) == 1


# In groups


async def test_in_a_group_nobody_is_forgotten_by_a_button_of_anothers(world: World) -> None:
    await in_group(world, "hello", LI)
    assert await in_group(world, "/forget yes", LI) == say(Phrase.FORGET_IN_PRIVATE, "zh-CN")
    assert await number(world, forgettings) == 0


async def test_of_a_group_only_their_own_words_go(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await in_group(world, "about the train", ANNA)
    await in_group(world, "about the weather", LI)
    await world.chat("/forget yes")
    await settle(world, forgetting)
    assert await traces(world, "train") == {}
    assert "turns.answer" in await traces(world, "weather")
    assert agent.conversations == ["c2"]


@pytest.mark.parametrize("kind", [ChatKind.THREAD, ChatKind.GROUP])
async def test_a_conversation_that_others_share_stays_theirs(
    world: World, agent: ScriptedAgent, kind: ChatKind
) -> None:
    world.settings(group_scope=GroupScope.CHAT)
    await in_group(world, "about the train", ANNA, kind)
    await in_group(world, "about the weather", LI, kind)
    await world.chat("/forget yes")
    await settle(world, worker(world))
    assert "train" not in str(await traces(world, "train", "weather"))
    assert agent.conversations == ["c1"]
    await in_group(world, "and the wind", LI, kind)
    assert agent.chats[-1].trace.conversation_id == "c1"


async def test_a_thread_that_one_began_and_others_write_in_stays(
    world: World, agent: ScriptedAgent
) -> None:
    await in_group(world, "about the train", ANNA, ChatKind.THREAD)
    await in_group(world, "about the weather", LI, ChatKind.THREAD)
    await world.chat("/forget yes")
    await settle(world, worker(world))
    assert agent.conversations == ["c1"]


# Everything of theirs


async def test_whoever_is_joined_goes_with_them(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("there is the station", user=ELSEWHERE, chat="other room")
    code = (await world.chat("/link"))[-1].split("/link ")[1][:9]
    await world.chat(f"/link {code}", user=ELSEWHERE, chat="other room")
    await world.chat("and here the train", user=ELSEWHERE, chat="other room")
    await world.chat("/forget yes")
    await settle(world, forgetting)
    await settle(world, forgetting, DAY)
    assert await traces(world, *SECRETS) == {}
    assert await number(world, links) == 0
    assert agent.conversations == []


async def test_the_page_forgets_what_was_said(world: World, forgetting: Forgetting) -> None:
    page = StoredTranscript(world.store, "fake", world.clock.now)
    await page.open_chat("room")
    await page.append("room", "user", "about the train", key="1")
    await page.append("another", "user", "about the weather", key="1")
    await world.chat("about the train")
    await world.chat("/forget yes")
    await page.append("room", "bot", FORGOTTEN, key="2")
    await settle(world, forgetting)
    assert [entry.text for entry in await page.tail("room", limit=9)] == [FORGOTTEN]
    assert [entry.text for entry in await page.tail("another", limit=9)] == ["about the weather"]
    assert await page.knows("room")


async def test_variables_are_unset_at_coze(world: World, agent: ScriptedAgent) -> None:
    await world.chat("hello")
    uid = agent.chats[0].question.uid
    await agent.set_variables(uid, {"user_name": "Anna", "plan": "free"})
    await world.store.write(told(uid, "default", {"user_name": "Anna"}))
    await world.chat("/forget yes")
    assert {v.keyword: v.value for v in await agent.variables(uid)} == {
        "user_name": "",
        "plan": "free",
    }
    assert await number(world, variables) == 0


async def test_variable_that_was_set_anew_is_left_alone(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("hello")
    uid = agent.chats[0].question.uid
    await world.store.write(told(uid, "default", {"user_name": "Anna"}))
    agent.fail("set_variables", Unreachable("away"))
    await world.chat("/forget yes")
    await agent.set_variables(uid, {"user_name": "Anna again"})
    await world.store.write(told(uid, "default", {"user_name": "Anna again"}))
    await settle(world, forgetting)
    assert [v.value for v in await agent.variables(uid)] == ["Anna again"]
    assert await number(world, farewells) == 0


# What breaks in between


async def test_while_coze_is_away_it_is_tried_until_it_is_back(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("hello")
    agent.fail("delete", *[Unreachable("away")] * 3)
    assert (await world.chat("/forget yes"))[-1] == FORGOTTEN
    assert await number(world, conversations) == 0
    waits = 0
    while await number(world, farewells) and waits < 20:
        waits += 1
        await settle(world, forgetting)
    assert waits == 7  # after 1, 2 and 4 minutes
    assert agent.deleted == ["c1"]


async def test_a_key_that_is_refused_is_no_reason_to_forget_it(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("hello")
    agent.fail("delete", Unauthorised("no permission", code=4101))
    await world.chat("/forget yes")
    assert await number(world, farewells) == 1
    await settle(world, forgetting)
    assert agent.deleted == ["c1"]


async def test_what_coze_refuses_is_not_tried_for_ever(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    await world.chat("one", "/new", "two")
    agent.fail("delete", Permanent("not yours", code=4000), Unreachable("away"))
    await world.chat("/forget yes")
    assert await number(world, farewells) == 1
    agent.fail("delete", Unreachable("away"))
    await settle(world, forgetting, GIVE_UP.total_seconds() + 1)
    assert await number(world, farewells) == 0


@pytest.mark.parametrize("life", range(20))
async def test_a_crash_at_any_moment_only_delays_it(
    world: World, agent: ScriptedAgent, life: int
) -> None:
    await world.chat("when does the train leave the station?", "/new", "again")
    world.clock.advance(61)
    event = await world.hear("/forget yes")
    lane = lane_of(event, GroupScope.USER)
    world.store.life = life
    try:
        await world.drain(lane)
        await worker(world).work()
    except Killed:
        pass
    world.store.life = world.store.broken = None
    world.wire()
    await world.drain(lane)
    await settle(world, worker(world), 121)
    await settle(world, worker(world), DAY)
    assert await traces(world, *SECRETS) == {}
    assert agent.conversations == []
    assert world.adapter.shown("room").count(FORGOTTEN) == 1


async def test_a_message_that_is_being_answered_goes_after_its_answer(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    other = world.says("about the train", chat="second")
    await world.inbox(other)
    await world.chat("hello")
    await world.chat("/forget yes")
    await settle(world, forgetting)
    assert "inbox.payload" in await traces(world, "train")
    await world.drain(lane_of(other, GroupScope.USER))
    assert agent.asked[-1] == "about the train"
    await forgetting.work()
    assert "inbox.payload" in await traces(world, "train")
    await settle(world, forgetting)
    assert await traces(world, "train") == {}
    assert len(agent.conversations) == 0


async def test_what_could_be_taken_up_again_cannot_any_more(
    world: World, agent: ScriptedAgent, forgetting: Forgetting
) -> None:
    agent.play(Play(refuse=Permanent("no", code=4000)))
    await world.chat("about the train")
    await world.chat("/forget yes")
    await settle(world, forgetting)
    states = await world.store.read(lambda it: it.execute(select(turns.c.state)).scalars().all())
    assert states == [TurnState.DROPPED, TurnState.DELIVERED]
    pages = await world.store.read(lambda it: it.execute(select(outbox.c.content)).scalars().all())
    assert set(pages) == {None}


async def test_a_long_history_is_swept_in_pieces(world: World, forgetting: Forgetting) -> None:
    for number_ in range(450):
        user = ANNA if number_ % 3 else LI
        await world.inbox(world.says(f"train {number_}", chat=f"room-{user.id}", user=user))
    await world.drain(lane_of(world.says("", chat="room-u-anna"), GroupScope.USER))
    await world.drain(lane_of(world.says("", chat="room-u-li", user=LI), GroupScope.USER))
    world.clock.advance(61)
    await world.chat("/forget yes", chat="room-u-anna")
    left = await world.store.read(lambda it: it.execute(select(inbox.c.payload)).scalars().all())
    assert sum("train" in payload for payload in left) == 150


# At Coze, over HTTP


async def test_conversations_are_gone_at_coze(world: World) -> None:
    async with (
        serve(Emulator(pace=0)) as emulator,
        CozeClient(emulator.url, Pat(DEMO_TOKEN), ClientSettings()) as client,
    ):
        world.coze = CozeAgent(client, bot_id=DEMO_BOT_ID)
        world.wire()
        await world.chat("hello")
        found = (await world.sessions.resolve(world.says("?"))).conversation_id
        assert found is not None
        assert (await client.conversation(found)).id == found
        await world.chat("/forget yes")
        with pytest.raises(Gone):
            await client.conversation(found)
        assert await number(world, farewells) == 0
