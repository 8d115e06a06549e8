"""`/admin`: for admins only, in private, and the same after a crash."""

import asyncio

import pytest

from bridge.config import AccessSettings, Busy, Edited
from bridge.events import ChatKind, Inbound, User
from bridge.lanes import express
from bridge.pausing import LOOK_EVERY
from bridge.store.broadcasts import sending
from bridge.store.operator_log import deeds
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import ANNA, LI, Killed, World

BOSS = User("u-boss", name="The Boss", language="en")
OFFICE = "office"
LANE = "fake/fake/room/"


@pytest.fixture
def world(world: World) -> World:
    world.access = AccessSettings(admins=("fake:u-boss",))
    return world.wire()


async def settle(world: World) -> None:
    """Let everybody work who has been woken."""
    while world.woken:
        await world.drain(world.woken.pop(0))


async def order(world: World, text: str) -> str:
    """What the bridge answers the boss."""
    await world.inbox(world.says(text, user=BOSS, chat=OFFICE))
    await settle(world)
    return world.adapter.shown(OFFICE)[-1]


async def begin(world: World, text: str) -> asyncio.Task[None]:
    """Somebody says this, and a drain begins to work on it."""
    await world.inbox(world.says(text))
    world.woken.remove(LANE)
    return asyncio.create_task(world.drain(LANE))


async def log(world: World) -> list[tuple[str, str]]:
    return [(deed.what, deed.detail) for _, deed in await world.store.read(deeds(10))]


# Who may


async def test_what_others_say_to_it_is_a_question(world: World, agent: ScriptedAgent) -> None:
    assert await world.chat("/admin status") == ["You said: /admin status"]
    assert agent.asked == ["/admin status"]


async def test_a_word_that_only_begins_like_it_is_a_question(
    world: World, agent: ScriptedAgent
) -> None:
    await order(world, "/administer this")
    assert agent.asked == ["/administer this"]


async def test_nothing_is_said_of_it_where_others_read_along(
    world: World, agent: ScriptedAgent
) -> None:
    await world.inbox(world.says("/admin who", user=BOSS, kind=ChatKind.GROUP))
    await settle(world)
    assert world.adapter.shown()[-1].startswith("Others read along here.")
    assert agent.asked == []


async def test_it_does_not_wait_for_the_answer_that_is_running(world: World) -> None:
    world.agent.play(Play(text="one two", pace=5.0))
    await world.inbox(world.says("hello", user=BOSS, chat=OFFICE))
    answering = asyncio.create_task(world.drain(world.woken.pop()))
    await asyncio.sleep(1)
    assert "All is well." in await order(world, "/admin status")
    assert not answering.done()
    await answering


@pytest.mark.parametrize("text", ["/admin", "/admin help", "/admin  dance", "/ADMIN"])
async def test_anything_else_tells_what_there_is(world: World, text: str) -> None:
    assert "/admin status" in await order(world, text)


async def test_two_words_at_once_are_two(world: World) -> None:
    world.settings(merge_window=0.3)
    for text in ("/admin pause", "/admin resume"):
        await world.inbox(world.says(text, user=BOSS, chat=OFFICE))
    await settle(world)
    assert world.adapter.shown(OFFICE)[-1] == "On we go."


async def test_a_word_that_is_edited_is_not_said_again(world: World) -> None:
    world.settings(edited=Edited.ASK)
    await order(world, "/admin pause")
    await order(world, "/admin resume")
    event = world.says("/admin pause", user=BOSS, chat=OFFICE)
    await world.inbox(Inbound(**{**fields(event), "edits": "e1"}))  # type: ignore[arg-type]
    assert world.woken == []


def fields(event: Inbound) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__slots__}


# Status and who


async def test_status_names_every_trouble(world: World) -> None:
    world.troubles["adapters.telegram"] = "nothing heard for 90 s"
    world.clock.advance(7200)
    said = await order(world, "/admin status")
    assert "running for 2 h" in said
    assert said.splitlines()[2:] == [
        "Something is wrong:",
        "",
        "- adapters.fake: well",
        "- adapters.telegram: nothing heard for 90 s",
        "- coze.default: well",
    ]


async def test_status_counts_what_is_open_without_itself(world: World) -> None:
    assert "Open messages: 0." in await order(world, "/admin status")
    await world.hear("hello")
    world.woken.clear()
    assert "Open messages: 1." in await order(world, "/admin status")


async def test_who_lists_people_and_those_who_wait(world: World) -> None:
    world.rules.replace(
        AccessSettings(admins=("fake:u-boss",), allow=("fake:u-anna",), pairing=True),
        world.rules.agents,
    )
    await world.chat("hello")
    world.clock.advance(300)
    await world.inbox(world.says("你好", user=LI, chat="elsewhere"))
    await settle(world)
    code = world.adapter.shown("elsewhere")[0].split("`")[1]
    said = await order(world, "/admin who")
    assert "- Anna Karenina (`fake:u-anna`), 5 min ago" in said
    assert f"- 李雷 (`fake:u-li`): `{code}`" in said
    assert "(`fake:u-li`), " not in said
    assert await order(world, f"/admin approve {code}") == "李雷 (`fake:u-li`) may talk to me now."
    assert await order(world, f"/admin approve {code}") == "Nobody has this code, or not any more."
    assert await log(world) == [("admit", "fake:u-li")]


# Pause


async def test_while_paused_questions_are_kept_and_then_answered(
    world: World, agent: ScriptedAgent
) -> None:
    await order(world, "/admin pause")
    waiting = await begin(world, "hello")
    await asyncio.sleep(3600)
    assert agent.asked == []
    await order(world, "/admin resume")
    await waiting
    assert agent.asked == ["hello"]
    assert world.adapter.shown()[-1] == "You said: hello"
    assert await log(world) == [("resume", ""), ("pause", "")]


async def test_whoever_asks_meanwhile_is_told_so_once(world: World) -> None:
    await order(world, "/admin pause")
    for text in ("one", "two", "/help"):
        await world.inbox(world.says(text))
    await world.drain(express(LANE))
    told = [text for text in world.adapter.shown() if text.startswith("I am paused")]
    assert len(told) == 1


async def test_a_pause_survives_a_restart_and_costs_no_attempt(
    world: World, agent: ScriptedAgent
) -> None:
    await order(world, "/admin pause")
    await world.inbox(world.says("hello"))
    for _ in range(12):  # more than a message that kills the process may have
        waiting = asyncio.create_task(world.wire().drain(LANE))
        await asyncio.sleep(30)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert "Paused by fake:u-boss" in await order(world, "/admin status")
    await order(world, "/admin resume")
    await world.drain(LANE)
    assert world.adapter.shown()[-1] == "You said: hello"
    assert len(agent.asked) == 1


async def test_commands_are_obeyed_while_paused(world: World) -> None:
    await order(world, "/admin pause")
    assert (await world.chat("/new"))[-1].startswith("A new conversation.")


async def test_a_question_that_waits_can_be_stopped(world: World, agent: ScriptedAgent) -> None:
    await order(world, "/admin pause")
    waiting = await begin(world, "hello")
    await asyncio.sleep(10)
    await world.inbox(world.says("/stop"))
    await world.drain(express(LANE))
    await waiting
    assert "*(stopped)*" in world.adapter.shown()
    assert agent.asked == []


async def test_retry_waits_as_well(world: World, agent: ScriptedAgent) -> None:
    await world.chat("hello")
    await order(world, "/admin pause")
    waiting = await begin(world, "/retry")
    await asyncio.sleep(10)
    assert agent.asked == ["hello"]
    await order(world, "/admin resume")
    await waiting
    assert agent.asked == ["hello", "hello"]


async def test_another_replica_hears_of_a_pause_within_seconds(world: World) -> None:
    other = World(world.store, world.clock)
    assert await other.pausing.since() is None
    await world.pausing.begin("fake:u-boss")
    await asyncio.sleep(LOOK_EVERY)
    await other.drain.look()
    assert await other.pausing.since() is not None


async def test_pausing_twice_is_once_and_so_is_going_on(world: World) -> None:
    await order(world, "/admin pause")
    assert await order(world, "/admin pause") == "It is paused already."
    await order(world, "/admin resume")
    assert await order(world, "/admin resume") == "It is not paused."
    assert len(await log(world)) == 2


async def test_whoever_interrupts_does_not_do_so_with_a_word_of_an_admin(world: World) -> None:
    world.settings(busy=Busy.INTERRUPT)
    world.agent.play(Play(text="one two", pace=5.0))
    await world.inbox(world.says("hello", user=BOSS, chat=OFFICE))
    answering = asyncio.create_task(world.drain(world.woken.pop()))
    await asyncio.sleep(1)
    await order(world, "/admin status")
    await answering
    assert "one two" in world.adapter.shown(OFFICE)


# Broadcast


async def people(world: World, number: int) -> list[str]:
    """So many who have talked to the bot, each in a chat of their own."""
    chats = [f"home{n}" for n in range(number)]
    for n, chat in enumerate(chats):
        await world.chat("hello", user=User(f"u{n}", language="en"), chat=chat)
    return chats


async def deliver(world: World) -> None:
    await world.broadcasting.work()
    await settle(world)


async def asked_back(world: World, text: str) -> str:
    """Ask for a broadcast; what its button says."""
    await order(world, f"/admin broadcast {text}")
    [button] = world.adapter.pages(OFFICE)[-1].page.buttons
    return button.says


async def test_nothing_is_sent_before_the_admin_says_yes(world: World) -> None:
    [chat] = await people(world, 1)
    await asked_back(world, "We *move*.")
    await deliver(world)
    assert world.adapter.shown(chat) == ["You said: hello"]
    assert "up to 2 people" in world.adapter.shown(OFFICE)[-1]


async def test_everybody_hears_it_once(world: World) -> None:
    chats = await people(world, 45)
    await world.chat("hello again", user=User("u0"), chat="home0")
    says = await asked_back(world, "We *move*.\nTomorrow.")
    await order(world, says)
    working = asyncio.create_task(world.broadcasting.work())
    while not working.done():
        await settle(world)
        await asyncio.sleep(0.1)
    await order(world, says)  # pressed again
    await deliver(world)
    for chat in chats:
        assert world.adapter.shown(chat).count("We *move*.\nTomorrow.") == 1
    assert await world.store.read(sending()) is None


async def test_a_crash_in_the_middle_makes_nobody_hear_it_twice_or_never(world: World) -> None:
    chats = await people(world, 25)
    await order(world, await asked_back(world, "news"))
    world.store.life = 1
    with pytest.raises(Killed):
        await world.broadcasting.work()
    world.store.life, world.store.broken = None, None
    world.wire()
    for lane in await world.ledger.open_lanes():
        await world.drain(lane)
    await deliver(world)
    for chat in chats:
        assert world.adapter.shown(chat).count("news") == 1


async def test_it_waits_while_many_are_on_their_way(world: World) -> None:
    await people(world, 70)
    await order(world, await asked_back(world, "news"))
    working = asyncio.create_task(world.broadcasting.work())
    await asyncio.sleep(60)
    assert len(world.woken) in range(40, 60)
    assert not working.done()
    await settle(world)
    await asyncio.sleep(60)
    await settle(world)
    await working


async def test_groups_strangers_and_the_blocked_hear_nothing(world: World) -> None:
    await world.inbox(world.says("hello", chat="group", kind=ChatKind.GROUP))
    await settle(world)
    await world.chat("hello", user=LI, chat="elsewhere")
    says = await asked_back(world, "news")
    closed = AccessSettings(admins=("fake:u-boss",), deny=("fake:u-li",))
    world.rules.replace(closed, world.rules.agents)
    await order(world, says)
    await deliver(world)
    assert "news" not in world.adapter.shown("group")
    assert "news" not in world.adapter.shown("elsewhere")
    assert "news" in world.adapter.shown(OFFICE)


async def test_whoever_was_not_here_lately_hears_nothing(world: World) -> None:
    [chat] = await people(world, 1)
    world.clock.advance(31 * 24 * 3600)
    await order(world, await asked_back(world, "news"))
    await deliver(world)
    assert "news" not in world.adapter.shown(chat)


async def test_news_do_not_make_anybody_be_seen(world: World) -> None:
    await people(world, 1)
    world.clock.advance(7200)
    await order(world, await asked_back(world, "news"))
    await deliver(world)
    assert "- `fake:u0`, 2 h ago" in await order(world, "/admin who")


@pytest.mark.parametrize("text", ["/admin send 1", "/admin send", "/admin send 9" + "9" * 30])
async def test_what_is_not_there_is_not_sent(world: World, text: str) -> None:
    assert await order(world, text) == "There is nothing of yours to send."


async def test_another_admins_draft_is_not_sent(world: World) -> None:
    world.access = AccessSettings(admins=("fake:u-boss", "fake:u-anna"))
    world.wire()
    says = await asked_back(world, "news")
    await world.inbox(world.says(says, user=ANNA, chat="hers"))
    await settle(world)
    assert world.adapter.shown("hers") == ["There is nothing of yours to send."]


async def test_an_empty_broadcast_is_none(world: World) -> None:
    assert (await order(world, "/admin broadcast")).startswith("Send `/admin broadcast`")
