"""Long polling: nothing is acknowledged before it is kept, and nothing stops it for long."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adapters.telegram.addressed import Me
from adapters.telegram.asides import Asides
from adapters.telegram.bots import make_bot
from adapters.telegram.normalise import KINDS
from adapters.telegram.polling import CALM, CONFLICT_WAITS, HANGS, TIMEOUT, Conflicts, Poller
from adapters.telegram.receive import Intake
from bridge.errors import Transient, Unreachable
from bridge.events import Inbound
from bridge.testing.clock import Clock
from bridge.testing.contract import RecordingSink
from tests.platforms.worlds import PATIENCE, eventually
from tests.telegram.emulator import Call, Emulator, Fault
from tests.telegram.world import ACCOUNT, LentHost, World, telegram_settings


@dataclass
class Receiving:
    """A poller on its own, as the supervisor runs it."""

    telegram: Emulator
    poller: Poller
    sink: RecordingSink
    host: LentHost

    @asynccontextmanager
    async def once(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run it in the background for the length of the block."""
        task = asyncio.create_task(self.poller.run(self.sink))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def failed(self) -> Transient:
        """Run it until it gives up."""
        with pytest.raises(Transient) as caught:
            async with asyncio.timeout(PATIENCE):
                await self.poller.run(self.sink)
        return caught.value

    async def heard(self, *texts: str) -> None:
        """Wait until exactly these were received, in this order."""
        async with asyncio.timeout(PATIENCE):
            while len(self.sink.events) < len(texts):
                await asyncio.sleep(0.002)
        assert [event.text for event in self.sink.events] == list(texts)

    async def acknowledged(self) -> None:
        """Wait until the server has nothing left for us."""
        await self.telegram.until(lambda it: not it.inbox.pending, within=PATIENCE)

    def polls(self) -> list[Call]:
        return self.telegram.journal.of("getUpdates")


@pytest.fixture
async def receiving(telegram: Emulator) -> AsyncIterator[Receiving]:
    async with poller_of(telegram) as receiving:
        yield receiving


@asynccontextmanager
async def poller_of(telegram: Emulator, *, hangs: float = HANGS) -> AsyncIterator[Receiving]:
    settings, host = telegram_settings(telegram.url), LentHost()
    bot = make_bot(settings)
    me = Me(telegram.bot.id, telegram.bot.username)
    asides = Asides(bot, ACCOUNT)
    intake = Intake(me, ACCOUNT, asides, host.chat_moved)
    yield Receiving(telegram, Poller(settings, intake, hangs=hangs), RecordingSink(), host)
    await asides.close()
    await bot.release()


def offset(call: Call) -> object:
    return call.params.get("offset")


# The acknowledgement


async def test_first_poll_has_no_offset_and_names_its_kinds(receiving: Receiving) -> None:
    async with receiving.once():
        await receiving.telegram.until(lambda it: len(it.journal.of("getUpdates")) > 1)
    first, second = receiving.polls()[:2]
    assert offset(first) is None
    kinds = second.params["allowed_updates"]
    assert tuple(json.loads(kinds) if isinstance(kinds, str) else kinds) == KINDS  # type: ignore[arg-type]
    assert receiving.telegram.inbox.allowed == frozenset(KINDS)


async def test_offset_moves_only_after_the_commit(receiving: Receiving) -> None:
    receiving.sink.gate.clear()
    await receiving.telegram.person(1).chat().say("hi")
    async with receiving.once():
        await receiving.sink.called.wait()
        calls = len(receiving.polls())
        assert [offset(call) for call in receiving.polls()] == [None]
        assert len(receiving.telegram.inbox.pending) == 1
        receiving.sink.gate.set()
        await receiving.acknowledged()
    assert len(receiving.polls()) == calls + 1
    update = receiving.telegram.inbox.delivered[-1].id
    assert int(str(offset(receiving.polls()[-1]))) == update + 1


async def test_updates_whose_commit_failed_come_again_in_order(receiving: Receiving) -> None:
    anna = receiving.telegram.person(1).chat()
    await anna.say("one")
    await anna.say("two")
    receiving.sink.failing = True
    error = await receiving.failed()
    assert "commit failed" in str(receiving.poller.trouble())
    assert "commit failed" in str(error)
    receiving.sink.failing = False
    async with receiving.once():
        await receiving.heard("one", "two")
        await receiving.acknowledged()
    assert receiving.poller.trouble() is None


async def test_what_was_received_by_a_poller_that_died_is_received_again(
    receiving: Receiving,
) -> None:
    """Killed between getUpdates and the commit."""
    receiving.sink.gate.clear()
    await receiving.telegram.person(1).chat().say("hi")
    async with receiving.once():
        await receiving.sink.called.wait()
    receiving.sink.gate.set()
    async with receiving.once():
        await receiving.heard("hi")


async def test_many_updates_are_committed_in_order(receiving: Receiving) -> None:
    anna = receiving.telegram.person(1).chat()
    texts = [f"number {number}" for number in range(250)]
    for text in texts:
        await anna.say(text)
    async with receiving.once():
        await receiving.heard(*texts)


async def test_group_that_moved_is_told_before_anything_later_is_heard(
    receiving: Receiving,
) -> None:
    anna = receiving.telegram.person(1)
    group = receiving.telegram.group("G", anna)
    new = await group.migrate(anna)
    await new.say(anna, "/ask")
    receiving.host.failing = True
    await receiving.failed()
    assert receiving.sink.events == []
    receiving.host.failing = False
    async with receiving.once():
        await receiving.heard("/ask")
    assert receiving.host.moved[0] == (str(group.id), str(new.id))


async def test_what_was_said_before_the_move_is_kept_before_it(receiving: Receiving) -> None:
    """So that it is among what follows the chat to its new id."""
    log: list[str] = []

    async def sink(event: Inbound) -> None:
        log.append(event.text)

    async def moved(old: str, new: str) -> None:
        log.append(f"{old} is {new}")

    def said(text: str, chat: int, **event: object) -> dict[str, object]:
        author = {"id": 1, "is_bot": False, "first_name": "Anna"}
        place = {"id": chat, "type": "group"}
        marks = [{"type": "bot_command", "offset": 0, "length": len(text)}]
        whole = {"message_id": len(text), "chat": place, "from": author, "text": text}
        return {"message": whole | {"entities": marks} | event}

    bot = make_bot(telegram_settings(receiving.telegram.url))
    intake = Intake(Me(1, "x"), ACCOUNT, Asides(bot, ACCOUNT), moved)
    migration = said("", -4, migrate_to_chat_id=-1004)
    await intake.take([said("/before", -4), migration, said("/after", -1004)], sink)
    await bot.release()
    assert log == ["/before", "-4 is -1004", "/after"]


# Odd updates


async def test_malformed_update_is_skipped(receiving: Receiving) -> None:
    anna = receiving.telegram.person(1).chat()
    await anna.say("before")
    receiving.telegram.inbox.spoil()
    await anna.say("after")
    async with receiving.once():
        await receiving.heard("before", "after")
        await receiving.acknowledged()


async def test_update_ids_may_jump(receiving: Receiving) -> None:
    anna = receiving.telegram.person(1).chat()
    async with receiving.once():
        await anna.say("one")
        await receiving.heard("one")
        await receiving.acknowledged()
        receiving.telegram.inbox.jump(2_000_000_000)
        await anna.say("two")
        await receiving.heard("one", "two")
        await receiving.acknowledged()


async def test_ids_drawn_lower_are_seen_after_a_restart(receiving: Receiving) -> None:
    """Which is why no offset is stored."""
    anna = receiving.telegram.person(1).chat()
    async with receiving.once():
        await anna.say("one")
        await receiving.heard("one")
        await receiving.acknowledged()
    receiving.telegram.inbox.jump(17)
    await anna.say("two")
    async with receiving.once():
        await receiving.heard("one", "two")


async def test_updates_without_ids_are_no_reason_to_spin(receiving: Receiving) -> None:
    receiving.telegram.inbox.put_raw({"message": {}}, 100_000_001, "-")
    assert "without ids" in str(await receiving.failed())


async def test_an_answer_that_is_no_list_of_updates_is_trouble_and_not_a_crash(
    receiving: Receiving,
) -> None:
    receiving.telegram.inbox.put_raw(["not an update"], 100_000_001, "-")  # type: ignore[arg-type]
    assert "no list of updates" in str(await receiving.failed())


# Other programs


def test_conflicts_wait_longer_each_time_and_start_anew_after_a_calm() -> None:
    conflicts = Conflicts()
    assert not conflicts.are_recent(0.0)
    now, waits = 0.0, []
    for _ in range(7):
        waits.append(conflicts.one_more(now))
        assert conflicts.are_recent(now + CALM / 2)
        now += waits[-1] + 1  # a poll of ours succeeds, until theirs ends the next
    assert waits == [5, 10, 20, 40, 60, 60, 60]
    assert not conflicts.are_recent(now + CALM)
    assert conflicts.one_more(now + CALM + CONFLICT_WAITS[-1] + 1) == CONFLICT_WAITS[0]


async def test_second_poller_is_left_alone_for_a_while(receiving: Receiving) -> None:
    async with receiving.once() as task:
        await receiving.telegram.until(lambda it: it.inbox.polled)
        other = make_bot(telegram_settings(receiving.telegram.url))
        await other.raw_updates({"timeout": 0}, read_timeout=PATIENCE)
        await asyncio.wait([task], timeout=PATIENCE)
        error = task.exception()
    await other.release()
    assert isinstance(error, Unreachable)
    assert (error.code, error.retry_after) == (409, 5)
    assert "409" in str(receiving.poller.trouble())


async def test_trouble_with_another_poller_outlasts_a_poll_that_succeeds(
    receiving: Receiving,
) -> None:
    receiving.telegram.inject(Fault("getUpdates", code=409, description="Conflict: terminated"))
    await receiving.failed()
    async with receiving.once():
        await receiving.telegram.until(lambda it: it.inbox.polled)
        assert "409" in str(receiving.poller.trouble())


async def test_another_poller_is_told_of_by_readyz(world: World) -> None:
    async with world.running() as running:
        await world.telegram.until(lambda it: it.inbox.polled)
        assert f"adapters.{ACCOUNT}" not in await running.problems()
        other = make_bot(telegram_settings(world.telegram.url))
        await other.raw_updates({"timeout": 0}, read_timeout=PATIENCE)
        await other.release()
        await running.until_problem("409")


async def test_webhook_of_an_earlier_life_is_deleted_and_loses_nothing(
    receiving: Receiving,
) -> None:
    bot = make_bot(telegram_settings(receiving.telegram.url))
    await bot.set_webhook("http://127.0.0.1:9/telegram/telegram")
    await bot.release()
    await receiving.telegram.person(1).chat().say("meanwhile")
    async with receiving.once():
        await receiving.heard("meanwhile")
    assert not receiving.telegram.webhook.is_set


# Silence


async def test_poll_that_hangs_is_given_up(telegram: Emulator) -> None:
    gate = telegram.hold("getUpdates")
    async with poller_of(telegram, hangs=0.1) as receiving:
        error = await receiving.failed()
        assert "hung" in str(error)
        assert "hung" in str(receiving.poller.trouble())
        gate.open()
        telegram.faults.clear()
        await telegram.person(1).chat().say("hi")
        async with receiving.once():
            await receiving.heard("hi")
            await eventually(lambda: receiving.poller.trouble() is None)


async def test_silence_is_trouble_by_the_clock(telegram: Emulator) -> None:
    clock, host = Clock(), LentHost()
    settings = telegram_settings(telegram.url)
    bot = make_bot(settings)
    intake = Intake(Me(1, "x"), ACCOUNT, Asides(bot, ACCOUNT), host.chat_moved)
    poller = Poller(settings, intake, clock=clock.monotonic)
    task = asyncio.create_task(poller.run(RecordingSink()))
    await telegram.until(lambda it: it.inbox.polled)
    assert poller.trouble() is None
    clock.advance(TIMEOUT + HANGS + 1)
    assert "no poll has returned for 66 s" in str(poller.trouble())
    task.cancel()
    await asyncio.wait([task])
    await bot.release()
