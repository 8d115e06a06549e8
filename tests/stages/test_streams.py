"""Platforms whose messages grow by appending: budgets by call, an end, and a memory of posts."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from bridge.errors import Unreachable
from bridge.events import ChatRef, MessageRef, Page
from bridge.flow.pacing import Pacer, Priority
from bridge.limits import Limit, Pace, Quota
from bridge.line import Line
from bridge.store.outbox import MARGIN
from bridge.store.turns import TurnState
from bridge.testing.adapter import ROOMY, Call, FakeAdapter
from bridge.testing.agent import Play, ScriptedAgent
from bridge.verbs import verbs
from tests.stages.screens import LANE, SESSION, answered, growing, screen_of, show, whole
from tests.stages.world import Killed, World

LIFE = 100.0  # seconds a message grows
ENDS = 2  # messages that may be ended in a minute


class StreamingAdapter(FakeAdapter):
    """Growing costs little, ending much; messages are known by the key they were sent under."""

    def __init__(self, world: World) -> None:
        super().__init__(replace(ROOMY, appends=True), world.clock.monotonic)
        self._now = world.clock.monotonic
        self.begun: dict[str, float] = {}
        self.keys: dict[str, str] = {}
        self.asked_for: list[tuple[str, frozenset[str]]] = []

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        pace = Pace((chat.account, chat.chat), 1.0)
        if final and message_id:
            return pace, Quota((chat.account, "end"), ENDS, 60.0)
        return pace, Quota((chat.account, "grow"), 1000, 60.0)

    def is_spent(self, message: MessageRef) -> bool:
        return self._now() - self.begun[message.id] > LIFE

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        before = set(self.messages)
        try:
            return await super().send(chat, page, key=key)
        finally:
            for new in set(self.messages) - before:
                self.begun[new] = self._now()
                self.keys[key] = new

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        self.asked_for.append((key, frozenset(known)))
        await self._happen(Call("recall", self._now(), chat, key=key), lambda: None)
        found = self.keys.get(key)
        return MessageRef(chat, found) if found and found not in known else None


@pytest.fixture
def streaming(world: World) -> StreamingAdapter:
    adapter = StreamingAdapter(world)
    world.adapter = adapter
    world.wire()
    return adapter


# Budgets


async def test_an_end_that_has_to_wait_is_shown_before(
    world: World, streaming: StreamingAdapter
) -> None:
    for _ in range(ENDS):
        turn, screen = await screen_of(world)
        await show(screen, growing("a"))
        await answered(world, turn, whole("a b"))
        await screen.settle()
        await world.ledger.ended(turn, TurnState.DELIVERED)
    turn, screen = await screen_of(world)
    await show(screen, growing("a"))
    await answered(world, turn, whole("a b"))
    began = world.clock.monotonic()
    await screen.settle()
    preview, end = streaming.did("edit")[-2:]
    assert preview.page == Page("a b")
    assert end.page == Page("a b", final=True)
    assert preview.at - began < 2
    assert end.at - began > 50


async def test_intermediate_edits_leave_the_budget_of_ends_alone(
    world: World, streaming: StreamingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(*[Play(text="a b c d e f g h", pace=2.0)] * ENDS)
    began = world.clock.monotonic()
    await world.chat(*["hello"] * ENDS)
    assert world.clock.monotonic() - began < 60
    assert len(streaming.did("edit")) > 4 * ENDS


async def test_an_edit_is_counted_as_one_though_its_budget_changes_meanwhile(
    world: World,
) -> None:
    class Crowded(StreamingAdapter):
        share = 0.29  # of ten calls

        def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
            return Pace((chat.account, chat.chat), 1.0), Quota("all", 10, 60.0, self.share)

    adapter = Crowded(world)
    chat = ChatRef("fake", "acc", "1")
    line = Line(verbs(adapter), chat, Pacer(world.clock.monotonic))
    message = await line.send(Page("a"), "key")
    edits = 0
    for _ in range(6):
        if await line.claim(Priority.EDIT, message) <= 0:
            adapter.share -= 0.01
            assert await line.claim(Priority.FIRST, message) <= 0
            await line.edit(message, Page(f"a {edits}"))
            edits += 1
        world.clock.advance(2)
    assert edits == 2


# A message's end


async def test_an_answer_goes_on_in_a_new_message_when_the_old_one_may_grow_no_more(
    world: World, streaming: StreamingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="word " * 100, pace=3.0))
    messages = await world.chat("hello")
    assert len(messages) == 3
    assert " ".join(messages).split() == ["word"] * 100
    assert all(page.page.final for page in streaming.pages())
    assert streaming.did("retract") == []


async def test_an_answer_taken_up_after_a_crash_stands_whole_in_fewer_messages(
    world: World, streaming: StreamingAdapter
) -> None:
    turn, screen = await screen_of(world)
    await show(screen, growing("one."))
    await show(screen, growing("one.", "two"))
    await answered(world, turn, whole("one. two"))
    again = await world.wire().take(LANE)
    await (await world.outbox.screen(again)).settle()
    assert streaming.shown() == ["one. two"]


# A post of which nobody heard


async def test_a_post_that_a_crash_hid_is_found_again(
    world: World, streaming: StreamingAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    world.store.failing = [None, Killed()]  # the announcement is stored, the message's id is not
    with pytest.raises(Killed):
        await screen.settle()
    again = await world.wire().take(LANE)
    await (await world.outbox.screen(again)).settle()
    assert streaming.shown() == ["a"]
    assert len(streaming.did("send")) == 1


async def test_a_post_whose_answer_was_lost_is_found_again(
    world: World, streaming: StreamingAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    streaming.fail(Unreachable("the connection broke", happened=True), verb="send", happens=True)
    await screen.settle()
    assert streaming.shown() == ["a"]
    assert len(streaming.did("send")) == 1


async def test_a_platform_that_cannot_be_asked_just_now_is_asked_again(
    world: World, streaming: StreamingAdapter
) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    streaming.fail(Unreachable("the connection broke", happened=True), verb="send", happens=True)
    streaming.fail(Unreachable("down"), verb="recall")
    await screen.settle()
    assert streaming.shown() == ["a"]


async def test_what_did_not_happen_is_posted(world: World, streaming: StreamingAdapter) -> None:
    turn, screen = await screen_of(world)
    await answered(world, turn, whole("a"))
    streaming.fail(Unreachable("the connection broke", happened=True), verb="send")
    await screen.settle()
    assert streaming.shown() == ["a"]
    assert len(streaming.did("send")) == 2


async def test_messages_of_other_answers_are_named_as_known(
    world: World, streaming: StreamingAdapter, agent: ScriptedAgent
) -> None:
    agent.play(Play(text="early"), Play(text="late"))
    await world.chat("hello")
    await asyncio.sleep(2 * MARGIN.total_seconds())
    turn = await world.taken("again")
    await world.chat("hi", chat="elsewhere")
    await world.ledger.answered(turn, SESSION, whole("b"), text="b")
    await world.pages.posted(turn, 3, "known")
    again = await world.wire().take(LANE)
    await (await world.outbox.screen(again)).settle()
    assert streaming.asked_for[0] == ("turn-2/0", frozenset({"known"}))


async def test_a_first_run_asks_the_platform_nothing(
    world: World, streaming: StreamingAdapter
) -> None:
    await world.chat("hello")
    assert streaming.asked_for == []
