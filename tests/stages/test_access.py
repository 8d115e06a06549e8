"""Who may come in, and what becomes of those whom nobody knows."""

from dataclasses import replace

import pytest

from bridge.config import AccessSettings
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.store.guests import Guest, Standing, blocked, decide, guests_with
from bridge.store.operator_log import deeds
from bridge.store.people import everybody
from bridge.testing.agent import ScriptedAgent
from tests.stages.world import ACCOUNT, ANNA, LI, World

CLOSED = AccessSettings(allow=("fake:u-boss",))
PAIRING = AccessSettings(pairing=True, admins=("fake:u-boss",))
BOSS = User("u-boss", name="The Boss", language="en")


@pytest.fixture
def closed(world: World) -> World:
    world.access = CLOSED
    return world.wire()


@pytest.fixture
def pairing(world: World) -> World:
    world.access = PAIRING
    return world.wire()


async def deliver(world: World, event: Inbound) -> list[str]:
    """Put a message through the door, and let everybody work who has been woken."""
    await world.inbox(event)
    while world.woken:
        await world.drain(world.woken.pop())
    return world.adapter.shown(event.chat.chat)


async def test_a_stranger_is_answered_politely_and_once(
    closed: World, agent: ScriptedAgent
) -> None:
    await deliver(closed, closed.says("hello"))
    shown = await deliver(closed, closed.says("hello?"))
    assert [text[:38] for text in shown] == ["I answer only people I was told about,"]
    assert agent.asked == []


async def test_a_stranger_is_answered_in_their_language(closed: World) -> None:
    shown = await deliver(closed, closed.says("你好", user=LI))
    assert shown == ["我只回答名单上的人，你还不在名单上。请联系这个机器人的管理员。"]


async def test_nothing_of_what_a_stranger_said_is_stored(closed: World) -> None:
    event = closed.says("my secret")
    await closed.inbox(event)
    turn = await closed.take("fake/fake/room/!")
    assert "my secret" not in repr(turn.events)
    assert not turn.is_question


async def test_a_stranger_is_none_of_the_people_that_are_remembered(closed: World) -> None:
    await deliver(closed, closed.says("hello"))
    assert await closed.store.read(everybody([ACCOUNT])) == []


async def test_the_same_message_twice_is_answered_once(closed: World) -> None:
    event = closed.says("hello")
    await deliver(closed, event)
    assert len(await deliver(closed, event)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"overheard": True},
        {"pressed": True},
        {"about": "m1"},
        {"edits": "e0"},
        {"chat": ChatRef("fake", ACCOUNT, "room", "t", ChatKind.THREAD)},
    ],
)
async def test_who_may_not_have_spoken_to_the_bot_gets_no_answer(
    closed: World, changed: dict[str, object]
) -> None:
    event = replace(closed.says("hello"), **changed)  # type: ignore[arg-type]
    assert await deliver(closed, event) == []


async def test_whoever_is_denied_gets_no_answer(world: World) -> None:
    world.access = AccessSettings(allow=("fake:u-anna",), deny=("fake:u-anna",))
    assert await deliver(world.wire(), world.says("hello")) == []


async def test_a_crowd_of_strangers_does_not_make_the_bot_spam(closed: World) -> None:
    for number in range(50):
        chat = f"room{number}"
        await deliver(closed, closed.says("hi", chat=chat, user=User(f"u{number}")))
    assert len(closed.adapter.did("send")) == 20
    closed.clock.advance(61)
    assert len(await deliver(closed, closed.says("hi", chat="r", user=User("u49")))) == 1


async def test_a_code_lets_in_whom_an_admin_approves(pairing: World, agent: ScriptedAgent) -> None:
    [shown] = await deliver(pairing, pairing.says("hello"))
    code = shown.split("`")[1]
    guest = await pairing.guests.approve(code.lower(), "fake:u-boss")
    assert guest is not None
    assert guest.address == "fake:u-anna"
    assert (await deliver(pairing, pairing.says("hello")))[1:] == ["You said: hello"]
    [(_, deed)] = await pairing.store.read(deeds(5))
    assert (deed.who, deed.what, deed.detail) == ("fake:u-boss", "admit", "fake:u-anna")


async def test_a_code_is_good_once(pairing: World) -> None:
    [shown] = await deliver(pairing, pairing.says("hello"))
    code = shown.split("`")[1]
    assert await pairing.guests.approve(code, "fake:u-boss")
    assert await pairing.guests.approve(code, "fake:u-boss") is None


async def test_a_code_expires_and_then_there_is_another(pairing: World) -> None:
    [shown] = await deliver(pairing, pairing.says("hello"))
    pairing.clock.advance(24 * 3600 + 1)
    assert await pairing.guests.approve(shown.split("`")[1], "fake:u-boss") is None
    _, again = await deliver(pairing, pairing.says("hello"))
    assert again != shown
    assert await pairing.guests.approve(again.split("`")[1], "fake:u-boss")


async def test_a_code_is_not_shown_where_others_read_along(pairing: World) -> None:
    [shown] = await deliver(pairing, pairing.says("hello", kind=ChatKind.GROUP))
    assert "private chat" in shown
    [shown] = await deliver(pairing, pairing.says("hello", chat="alone"))
    assert "code" in shown


async def test_a_code_that_nobody_has_lets_nobody_in(pairing: World) -> None:
    assert await pairing.guests.approve("BCDF-GHJK", "fake:u-boss") is None
    assert await pairing.guests.approve("", "fake:u-boss") is None


async def test_admins_need_no_code(pairing: World) -> None:
    shown = await deliver(pairing, pairing.says("hello", user=BOSS))
    assert shown == ["You said: hello"]


def guest(world: World) -> Guest:
    return Guest("fake", ANNA.id, ANNA.name, Standing.UNKNOWN, world.clock.now())


async def test_whoever_is_blocked_is_not_heard_however_open_the_door_is(
    world: World, agent: ScriptedAgent
) -> None:
    now = world.clock.now()
    await world.store.write(decide(guest(world), Standing.BLOCKED, "admin page", now))
    assert await deliver(world, world.says("hello")) == []
    assert agent.asked == []


async def test_a_block_is_heard_of_within_seconds_and_so_is_its_end(world: World) -> None:
    assert await world.guests.may_talk(world.says("hello"))
    await world.store.write(decide(guest(world), Standing.BLOCKED, "page", world.clock.now()))
    world.clock.advance(5)
    assert not await world.guests.may_talk(world.says("hello"))
    await world.store.write(decide(guest(world), Standing.UNKNOWN, "page", world.clock.now()))
    world.clock.advance(5)
    assert await world.guests.may_talk(world.says("hello"))
    assert await world.store.read(blocked()) == frozenset()


async def test_a_setting_that_denies_wins_over_an_approval(world: World) -> None:
    world.access = AccessSettings(pairing=True, deny=("fake:u-anna",))
    world.wire()
    await world.store.write(decide(guest(world), Standing.ADMITTED, "x", world.clock.now()))
    assert not await world.guests.may_talk(world.says("hello"))


async def test_rules_may_change_while_the_bridge_runs(world: World) -> None:
    assert await world.guests.may_talk(world.says("hello"))
    world.rules.replace(CLOSED, world.rules.agents)
    assert not await world.guests.may_talk(world.says("hello"))


async def test_who_forgets_us_stays_admitted_without_a_name(pairing: World) -> None:
    await pairing.store.write(decide(guest(pairing), Standing.ADMITTED, "x", pairing.clock.now()))
    await deliver(pairing, pairing.says("/forget yes"))
    [found] = await pairing.store.read(guests_with(Standing.ADMITTED))
    assert (found.user, found.name) == ("u-anna", "")
