"""Limits with a clock to move, faults on demand, outages."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.platforms.budgets import Clock
from tests.telegram.emulator import BAD_GATEWAY, Drop, Emulator, Fault, Limits, Private, serve
from tests.telegram.emulator.clients import Raw, raw


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(clock=clock, limits=Limits())) as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


@pytest.fixture
def ann(emulator: Emulator) -> Private:
    return emulator.person(1, "Ann").chat()


async def send(api: Raw, chat_id: int, count: int) -> list[int]:
    """Send so often, and return the statuses."""
    answers = [await api.call("sendMessage", chat_id=chat_id, text="x") for _ in range(count)]
    return [answer.status for answer in answers]


async def test_private_chat_takes_a_burst_and_then_one_a_second(
    api: Raw, ann: Private, clock: Clock
) -> None:
    assert await send(api, ann.id, 4) == [200, 200, 200, 429]
    answer = await api.call("sendMessage", chat_id=ann.id, text="x")
    assert answer.body == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    clock.move(1)
    assert await send(api, ann.id, 2) == [200, 429]
    clock.move(3)
    assert await send(api, ann.id, 4) == [200, 200, 200, 429]


async def test_edits_and_sends_share_a_budget(api: Raw, ann: Private) -> None:
    sent = await api.message("sendMessage", chat_id=1, text="0")
    place = {"chat_id": 1, "message_id": sent["message_id"]}
    for number in (1, 2):
        await api.ok("editMessageText", text=str(number), **place)
    assert (await api.call("editMessageText", text="3", **place)).status == 429
    assert (await api.call("sendMessage", chat_id=1, text="x")).status == 429
    await api.ok("sendChatAction", chat_id=1, action="typing")
    await api.ok("deleteMessage", **place)


async def test_group_takes_twenty_a_minute(api: Raw, emulator: Emulator, clock: Clock) -> None:
    group = emulator.group("Friends")
    assert await send(api, group.id, 10) == [200] * 10
    clock.move(30)
    assert await send(api, group.id, 11) == [200] * 10 + [429]
    answer = await api.call("sendMessage", chat_id=group.id, text="x")
    assert answer.parameters == {"retry_after": 30}
    clock.move(30)
    assert await send(api, group.id, 11) == [200] * 10 + [429]


async def test_bot_sends_thirty_a_second_to_everybody_together(
    api: Raw, emulator: Emulator, clock: Clock
) -> None:
    for number in range(31):
        emulator.person(100 + number).chat()
    statuses = [(await send(api, 100 + number, 1))[0] for number in range(31)]
    assert statuses == [200] * 30 + [429]
    clock.move(1)
    assert await send(api, 130, 1) == [200]


async def test_told_retry_after_is_held_for_this_chat_only(
    api: Raw, emulator: Emulator, ann: Private, clock: Clock
) -> None:
    """Whoever comes back too early is refused again, even where the budget would do."""
    emulator.throttle.set(Limits(private_interval=2.5, private_burst=1))
    assert await send(api, ann.id, 2) == [200, 429]
    clock.move(2.7)
    assert await send(api, ann.id, 1) == [429], "it said three seconds"
    bob = emulator.person(2).chat()
    assert await send(api, bob.id, 1) == [200]
    clock.move(1)
    assert await send(api, ann.id, 1) == [200]


async def test_drafts_have_a_budget_of_their_own(api: Raw, ann: Private) -> None:
    assert await send(api, ann.id, 4) == [200, 200, 200, 429]
    draft = {"chat_id": 1, "draft_id": 5, "text": "a"}
    statuses = [(await api.call("sendMessageDraft", **draft)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_limits_are_off_when_nobody_asked_for_them(api: Raw, emulator: Emulator) -> None:
    emulator.throttle.set(None)
    group = emulator.group("Friends")
    assert await send(api, group.id, 50) == [200] * 50


async def test_every_call_is_counted_and_logged(api: Raw, emulator: Emulator, ann: Private) -> None:
    await send(api, ann.id, 5)
    await api.call("getMe")
    journal = emulator.journal
    assert journal.calls == {"sendMessage": 5, "getMe": 1}
    assert journal.refusals == {("sendMessage", 1): 2}
    assert journal.by_chat["sendMessage", 1] == 5
    assert journal.refused_share == pytest.approx(2 / 6)
    first, *_, last = journal.of("sendMessage", chat=1)
    assert (first.status, first.message, first.params["text"]) == (200, 1, "x")
    assert first.answered is not None
    assert first.at <= first.answered <= last.at
    assert (last.refused, last.retry_after) == (True, 1)


# Faults.


async def test_fault_meets_the_calls_it_is_meant_for(
    api: Raw, emulator: Emulator, ann: Private
) -> None:
    emulator.throttle.set(None)
    bob = emulator.person(2).chat()
    emulator.inject(Fault("SendMessage", chat=2, times=2, skip=1, code=500, description="Oops"))
    assert await send(api, bob.id, 1) == [200]
    assert await send(api, ann.id, 1) == [200]
    assert await send(api, bob.id, 3) == [500, 500, 200]
    assert emulator.faults.open == ()


async def test_flood_of_any_length_is_told_and_changes_nothing(
    api: Raw, emulator: Emulator, ann: Private
) -> None:
    emulator.inject(Fault("sendMessage", retry_after=13938))
    answer = await api.call("sendMessage", chat_id=1, text="x")
    assert answer.parameters == {"retry_after": 13938}
    assert ann.answers == []


async def test_proxy_answers_with_html(api: Raw, emulator: Emulator, ann: Private) -> None:
    emulator.inject(Fault(code=502, html=BAD_GATEWAY))
    async with api.http.get(f"/bot{api.token}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "Bad Gateway" in await response.text()


@pytest.mark.parametrize(("drop", "left"), [(Drop.BEFORE, []), (Drop.AFTER, ["x"])])
async def test_connection_breaks_before_or_after_the_deed(
    api: Raw, emulator: Emulator, ann: Private, drop: Drop, left: list[str]
) -> None:
    emulator.inject(Fault("sendMessage", drop=drop))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call("sendMessage", chat_id=1, text="x")
    assert ann.texts(ann.answers) == left
    assert emulator.journal.of("sendMessage")[0].status == 0


async def test_call_waits_at_a_gate(api: Raw, emulator: Emulator, ann: Private) -> None:
    gate = emulator.hold("sendMessage", chat=1)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        sending = group.create_task(send(api, ann.id, 1))
        await gate.reached.wait()
        assert ann.answers == []
        gate.open()
    assert sending.result() == [200]
    assert gate.waiting == 0


async def test_client_that_hangs_up_too_early_does_not_undo_its_call(
    api: Raw, emulator: Emulator, ann: Private
) -> None:
    gate = emulator.hold("sendMessage", times=1)
    sending = asyncio.create_task(send(api, ann.id, 1))
    await gate.reached.wait()
    sending.cancel()
    await asyncio.wait([sending])
    assert ann.answers == []
    gate.open()
    (late,) = await ann.until(lambda messages: messages)
    assert late.from_bot


async def test_slow_call_is_slow(api: Raw, emulator: Emulator, ann: Private) -> None:
    emulator.inject(Fault("sendMessage", delay=0.1))
    await send(api, ann.id, 1)
    (call,) = emulator.journal.of("sendMessage")
    assert call.answered is not None
    assert call.answered - call.at >= 0.1


async def test_cleared_faults_let_everybody_go(api: Raw, emulator: Emulator, ann: Private) -> None:
    gate = emulator.hold("sendMessage")
    emulator.inject(Fault("getMe", times=0, code=500, description="Oops"))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(send(api, ann.id, 1))
        await gate.reached.wait()
        emulator.faults.clear()
    await api.ok("getMe")


async def test_outage_refuses_connections_and_keeps_the_state(
    api: Raw, emulator: Emulator, ann: Private
) -> None:
    polling = asyncio.create_task(api.updates(timeout=50))
    await emulator.until(lambda it: it.inbox.polled)
    url = emulator.url
    async with emulator.outage():
        with pytest.raises(aiohttp.ClientError):
            await polling
        with pytest.raises(aiohttp.ClientConnectorError):
            await api.call("getMe")
        await ann.say("meanwhile")
    assert emulator.url == url
    assert len(await api.updates()) == 1


async def test_outage_ends_by_itself(api: Raw, emulator: Emulator) -> None:
    emulator.fail_for(0.05)
    await emulator.until(lambda it: not it.is_up)
    await emulator.until(lambda it: it.is_up)
    await api.ok("getMe")


async def test_nobody_can_stop_what_is_not_served() -> None:
    with pytest.raises(RuntimeError, match="not served"):
        Emulator().fail_for(1)
