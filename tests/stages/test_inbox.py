"""Committed, then acknowledged; and who is woken, interrupted or turned away."""

import asyncio
from dataclasses import replace
from typing import TypeVar

import pytest

from bridge.config import AccessSettings, Busy
from bridge.errors import Unreachable
from bridge.events import Attachment, AttachmentKind, ChatKind, User
from bridge.lanes import express, lane_of
from bridge.store import Job, Store
from bridge.store.turns import TurnKind
from bridge.testing.agent import Play, ScriptedAgent
from tests.stages.world import LI, World

T = TypeVar("T")

LANE = "fake/fake/room/"


class Interrupted(list[str]):
    """The lanes somebody asked to stop."""

    async def ask(self, lane: str) -> bool:
        self.append(lane)
        return True


async def test_a_message_is_committed_before_the_door_returns(world: World) -> None:
    await world.hear("hello")
    [turn] = await world.ledger.waiting(LANE, 0)
    assert turn.text == "hello"
    assert world.woken == [LANE]


async def test_what_could_not_be_committed_is_not_acknowledged_and_wakes_nobody(
    world: World,
) -> None:
    world.store.failing = [Unreachable("database: locked")]
    event = world.says("hello")
    with pytest.raises(Unreachable):
        await world.inbox(event)
    assert world.woken == []
    await world.inbox(event)  # delivered again
    assert len(await world.ledger.waiting(LANE, 0)) == 1


async def test_a_redelivery_is_dropped_and_wakes_nobody(world: World) -> None:
    event = world.says("hello")
    await world.inbox(event)
    await world.inbox(event)
    assert len(await world.ledger.waiting(LANE, 0)) == 1
    assert world.woken == [LANE]


class FirstReadsLast:
    """A store whose earlier reads take longer than the later ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wait = 1.0

    async def read(self, job: Job[T]) -> T:
        self._wait /= 2
        await asyncio.sleep(self._wait)
        return await self._store.read(job)

    async def write(self, job: Job[T], *, order: str | None = None) -> T:
        return await self._store.write(job, order=order)

    async def close(self) -> None:
        await self._store.close()


@pytest.mark.parametrize(
    "access",
    [
        AccessSettings(),
        AccessSettings(allow=("fake:u-li",), pairing=True),
        AccessSettings(deny=("fake:u-li",)),
    ],
)
async def test_what_comes_together_stays_in_order_whoever_is_asked_about_it(
    world: World, access: AccessSettings
) -> None:
    world.access = access
    world.store = FirstReadsLast(world.store)  # type: ignore[assignment]  # as far as it is used
    world.wire()
    events = [world.says(str(number)) for number in range(5)]
    await asyncio.gather(*(world.inbox(event) for event in events))
    heard = await world.ledger.waiting(LANE, 0)
    assert [turn.text for turn in heard] == [e.text for e in events if heard]


async def test_redeliveries_at_once_are_one_message(world: World) -> None:
    event = world.says("hello")
    await asyncio.gather(*(world.inbox(event) for _ in range(20)))
    assert len(await world.ledger.waiting(LANE, 0)) == 1
    assert world.woken == [LANE]


async def test_a_redelivery_interrupts_nobody(world: World) -> None:
    world.settings(busy=Busy.INTERRUPT)
    interrupted = Interrupted()
    door = world.inbox_with(world.woken.append, interrupted.ask)
    event = world.says("hello")
    await door(event)
    await door(event)
    assert interrupted == [LANE]


@pytest.mark.parametrize(
    ("allow", "deny", "heard"),
    [
        ((), (), True),
        (("fake:u-anna",), (), True),
        (("fake:room",), (), True),
        (("fake:somebody",), (), False),
        (("slack:u-anna",), (), False),
        ((), ("fake:u-anna",), False),
        ((), ("fake:room",), False),
        (("fake:u-anna",), ("fake:room",), False),
    ],
)
async def test_who_may_talk(
    world: World, allow: tuple[str, ...], deny: tuple[str, ...], heard: bool
) -> None:
    world.access = AccessSettings(allow=allow, deny=deny)
    await world.wire().hear("hello")
    assert (LANE in world.woken) is heard
    assert (LANE in await world.ledger.open_lanes()) is heard


@pytest.mark.parametrize("text", ["/stop", "/help", "/start", "/start deep-link", "/history"])
async def test_what_must_not_wait_goes_to_the_express_lane(world: World, text: str) -> None:
    await world.hear(text)
    assert world.woken == [express(LANE)]
    assert await world.ledger.open_lanes() == [express(LANE)]


@pytest.mark.parametrize("text", ["/new", "/clear", "/retry", "/history c1", "hello", "/weather"])
async def test_what_changes_the_conversation_waits_its_turn(world: World, text: str) -> None:
    await world.hear(text)
    assert world.woken == [LANE]


async def test_new_interrupts_the_answer_nobody_wants_any_more(world: World) -> None:
    interrupted = Interrupted()
    await world.inbox_with(world.woken.append, interrupted.ask)(world.says("/new"))
    assert interrupted == [LANE]


@pytest.mark.parametrize("text", ["hello", "/clear", "/stop", "/help"])
async def test_nothing_else_interrupts_in_queue_mode(world: World, text: str) -> None:
    interrupted = Interrupted()
    await world.inbox_with(world.woken.append, interrupted.ask)(world.says(text))
    assert interrupted == []


async def test_in_interrupt_mode_a_new_message_stops_the_answer(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(busy=Busy.INTERRUPT)
    agent.play(Play(text="one two three", pace=2, endless=True))
    await world.hear("first")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(5)
    await world.hear("second")
    await draining
    assert world.adapter.shown() == ["one two\n\n*(stopped)*", "You said: second"]


async def test_in_interrupt_mode_the_parts_of_a_paste_do_not_interrupt_each_other(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(busy=Busy.INTERRUPT, merge_window=0.3)
    await world.hear("one")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(0.1)
    await world.hear("two")
    await draining
    assert world.adapter.shown() == ["You said: one\ntwo"]


async def test_in_reject_mode_whoever_does_not_wait_is_told_so(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(busy=Busy.REJECT)
    agent.play(Play(text="one two", pace=5))
    await world.hear("first")
    draining = asyncio.create_task(world.drain(LANE))
    await asyncio.sleep(7)
    await world.hear("second")
    assert world.woken[-1] == express(LANE)
    await world.drain(express(LANE))
    await draining
    assert world.adapter.shown() == [
        "one two",
        "I am still answering your last message. Please wait for it, or send /stop.",
    ]
    assert agent.asked == ["first"]


async def test_in_reject_mode_a_paste_is_still_one_message(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(busy=Busy.REJECT, merge_window=0.3)
    await world.hear("one")
    world.clock.advance(0.2)
    await world.hear("two")
    await world.drain(LANE)
    assert agent.asked == ["one\ntwo"]


async def test_in_reject_mode_what_comes_after_the_window_is_turned_away(world: World) -> None:
    world.settings(busy=Busy.REJECT, merge_window=0.3)
    await world.hear("one")
    world.clock.advance(1)
    await world.hear("two")
    [notice] = await world.ledger.waiting(express(LANE), 0)
    assert notice.kind is TurnKind.BUSY


async def test_in_reject_mode_a_clock_that_was_set_back_takes_nobody_in(world: World) -> None:
    world.settings(busy=Busy.REJECT, merge_window=0.3)
    await world.hear("one")
    world.clock.set_back(3600)
    await world.hear("two")
    [notice] = await world.ledger.waiting(express(LANE), 0)
    assert notice.kind is TurnKind.BUSY


async def test_in_reject_mode_commands_are_not_turned_away(world: World) -> None:
    world.settings(busy=Busy.REJECT)
    await world.taken("first")
    await world.hear("/new")
    assert world.woken[-1] == LANE


async def test_in_reject_mode_an_idle_lane_takes_the_next_message(
    world: World, agent: ScriptedAgent
) -> None:
    world.settings(busy=Busy.REJECT)
    await world.chat("one", "two")
    assert agent.asked == ["one", "two"]


async def test_in_reject_mode_others_do_not_count(world: World) -> None:
    world.settings(busy=Busy.REJECT)
    await world.taken("first")
    await world.hear("hello", user=LI, chat="elsewhere")
    assert world.woken[-1] == "fake/fake/elsewhere/"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("a\0b", "ab"), ("half \ud83d", "half \ufffd"), ("\ud83d\ude00", "😀"), ("好", "好")],
)
async def test_what_no_database_can_hold_is_no_reason_to_refuse_a_message(
    world: World, sent: str, kept: str
) -> None:
    event = world.says(sent, user=User("u", name=sent, first_name=sent))
    photo = Attachment(AttachmentKind.PHOTO, "r", sent, mime=sent)
    await world.inbox(replace(event, attachments=(photo,)))
    [turn] = await world.ledger.waiting(LANE, 0)
    assert turn.text == kept
    assert turn.event.user == User("u", name=kept, first_name=kept)
    assert turn.event.attachments == (replace(photo, name=kept, mime=kept),)


async def reaction(world: World, about: str, **changes: object) -> str:
    """Somebody's 👍 under a message; returns the lane in which it would be a turn."""
    event = replace(world.says("/feedback like", **changes), pressed=True, about=about)  # type: ignore[arg-type]
    await world.inbox(event)
    return express(lane_of(event, world.sessions_settings.group_scope))


async def test_a_reaction_to_what_is_no_answer_of_ours_is_no_turn(world: World) -> None:
    await world.chat("hello")
    for number in range(3):
        lane = await reaction(world, f"somebody's {number}")
        assert await world.ledger.waiting(lane, 0) == []
    lane = await reaction(world, world.adapter.pages()[-1].id)
    assert [turn.text for turn in await world.ledger.waiting(lane, 0)] == ["/feedback like"]


async def test_a_reaction_to_the_answer_of_another_in_a_group_is_no_turn(world: World) -> None:
    asked = world.says("hello", kind=ChatKind.GROUP)
    await world.inbox(asked)
    await world.drain(lane_of(asked, world.sessions_settings.group_scope))
    answer = world.adapter.pages()[-1].id
    lane = await reaction(world, answer, user=LI, kind=ChatKind.GROUP)
    assert await world.ledger.waiting(lane, 0) == []


async def test_opinions_of_one_answer_stay_in_their_order(world: World) -> None:
    await world.chat("hello")
    answer = world.adapter.pages()[-1].id
    said = [f"/feedback {word}" for word in ("like", "none", "dislike", "none", "like")]
    events = [replace(world.says(each), pressed=True, about=answer) for each in said]
    await asyncio.gather(*map(world.inbox, events))
    waiting = await world.ledger.waiting(express(LANE), 0)
    assert [turn.text for turn in waiting] == said
