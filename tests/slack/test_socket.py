"""Socket Mode: whatever becomes of the connections, nothing is lost and it goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.slack.adapter import SlackAdapter
from adapters.slack.envelopes import UNDERWAY
from adapters.slack.socket import CONNECTIONS
from bridge.errors import BridgeError, Transient, Unauthorised
from bridge.testing.contract import RecordingSink
from bridge.testing.transcript import FakeHost
from tests.platforms.worlds import PATIENCE, eventually, eventually_well
from tests.slack.emulator import Emulator, Fault, Seat, serve
from tests.slack.world import (
    ACCOUNT,
    HASTY,
    SLACK_GIVES_UP,
    Listening,
    Supervised,
    listening,
    slack_settings,
)


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        emulator.deliveries.pauses = (0.0,) * 1_000
        yield emulator


@pytest.fixture
async def ear(slack: Emulator) -> AsyncIterator[Listening]:
    async with listening(slack) as ear:
        await all_connected(slack)
        yield ear


async def all_connected(slack: Emulator) -> None:
    await slack.until(lambda it: len(it.sockets.usable) == CONNECTIONS, within=PATIENCE)


async def say_all(dm: Seat, count: int) -> list[str]:
    """Say numbers, each in its own breath."""
    for number in range(count):
        await dm.say(str(number))
        await asyncio.sleep(0)
    return [str(number) for number in range(count)]


async def failed(slack: Emulator, **table: object) -> BridgeError:
    """What an adapter gives up with, when nobody starts it again."""
    adapter = Supervised(ACCOUNT, slack_settings(slack, **table), FakeHost())
    await adapter.open()
    with pytest.raises(BridgeError) as caught:
        async with asyncio.timeout(PATIENCE):
            await SlackAdapter.run(adapter, RecordingSink())
    assert adapter.trouble() == str(caught.value)
    await adapter.close()
    return caught.value


# Connections


async def test_there_are_two(ear: Listening, dm: Seat) -> None:
    wanted = await say_all(dm, 20)
    await ear.heard(*wanted)
    assert min(connection.carried for connection in ear.slack.sockets.connections) > 0


async def test_refresh_leaves_no_gap(ear: Listening, dm: Seat) -> None:
    opened = ear.slack.sockets.opened
    for number in range(5):
        await dm.say(str(number))
        await ear.slack.sockets.refresh()
        assert ear.adapter.trouble() is None
    await ear.heard(*"01234")
    await all_connected(ear.slack)
    assert ear.slack.sockets.opened > opened
    assert [delivery.attempts for delivery in ear.slack.deliveries.all] == [1] * 5


async def test_refreshed_connection_acknowledges_what_it_brought(ear: Listening, dm: Seat) -> None:
    ear.sink.gate.clear()
    await dm.say("hi")
    await ear.sink.called.wait()
    await ear.slack.sockets.refresh()
    ear.sink.gate.set()
    await ear.heard("hi")
    assert ear.slack.deliveries.all[0].attempts == 1


async def test_warning_is_not_yet_the_end(ear: Listening, dm: Seat) -> None:
    opened = ear.slack.sockets.opened
    for connection in ear.slack.sockets.connections:
        await connection.disconnect("warning")
    await dm.say("still here")
    await ear.heard("still here")
    assert ear.slack.sockets.opened == opened


async def test_broken_connections_are_replaced(ear: Listening, dm: Seat) -> None:
    wanted = []
    for number in range(5):
        ear.slack.sockets.drop()
        wanted.append(str(number))
        await dm.say(str(number))
    await ear.heard(*wanted)
    await eventually_well(ear.adapter)


async def test_one_broken_connection_is_no_trouble(ear: Listening, dm: Seat) -> None:
    ear.slack.inject(Fault("apps.connections.open", code=503, times=0))
    ear.slack.sockets.connections[0].drop()
    await ear.slack.until(lambda it: len(it.sockets.connections) == 1)
    await dm.say("hi")
    await ear.heard("hi")
    assert ear.adapter.trouble() is None


async def test_connection_that_says_nothing_any_more_is_replaced(slack: Emulator, dm: Seat) -> None:
    class Impatient(Supervised):
        timing = replace(HASTY, heartbeat=0.1)

    adapter, sink = Impatient(ACCOUNT, slack_settings(slack), FakeHost()), RecordingSink()
    await adapter.open()
    task = asyncio.create_task(adapter.run(sink))
    await all_connected(slack)
    for connection in slack.sockets.connections:
        assert connection.request.transport is not None
        connection.request.transport.pause_reading()  # and so answers no ping
        connection.retiring = True
    await slack.until(lambda it: it.sockets.opened >= 2 * CONNECTIONS, within=PATIENCE)
    await dm.say("hi")
    await eventually(lambda: sink.events)
    task.cancel()
    await asyncio.wait([task])
    await adapter.close()


# Outages


async def test_outage_is_told_and_survived(ear: Listening, dm: Seat) -> None:
    ear.slack.inject(Fault("apps.connections.open", code=503, times=0))
    ear.slack.sockets.drop()
    await eventually(ear.adapter.trouble)
    await ear.slack.until(lambda it: len(it.journal.of("apps.connections.open")) > 10)
    assert "not connected" in str(ear.adapter.trouble())
    await dm.say("hi")
    ear.slack.faults.clear()
    await ear.heard("hi")
    await eventually_well(ear.adapter)


async def test_rate_limit_of_connecting_is_obeyed(slack: Emulator) -> None:
    slack.inject(Fault("apps.connections.open", retry_after=1, times=CONNECTIONS))
    async with asyncio.timeout(PATIENCE), listening(slack) as ear:
        assert ear.adapter.trouble() is None
    calls = slack.journal.of("apps.connections.open")
    assert calls[CONNECTIONS].at - calls[0].at >= 1


async def test_too_many_connections_are_told(slack: Emulator) -> None:
    slack.sockets.connections += [object()] * 10  # type: ignore[list-item]
    adapter = Supervised(ACCOUNT, slack_settings(slack), FakeHost())
    await adapter.open()
    task = asyncio.create_task(adapter.run(RecordingSink()))
    await eventually(lambda: "too_many_websockets" in str(adapter.trouble()))
    slack.sockets.connections.clear()
    await eventually_well(adapter)
    task.cancel()
    await asyncio.wait([task])
    await adapter.close()


async def test_connections_that_do_not_last_are_tried_ever_more_rarely(slack: Emulator) -> None:
    """Slack greets one too many, and tells it to go."""

    class Fickle(Supervised):
        timing = replace(HASTY, short_life=PATIENCE, waits=(0.0, 0.0, 3600.0))

    adapter = Fickle(ACCOUNT, slack_settings(slack), FakeHost())
    await adapter.open()
    task = asyncio.create_task(adapter.run(RecordingSink()))
    for _ in range(3):
        await slack.until(lambda it: len(it.sockets.usable) == CONNECTIONS, within=PATIENCE)
        for connection in slack.sockets.usable:
            await connection.disconnect("too_many_websockets")
    with pytest.raises(TimeoutError):
        await slack.until(lambda it: it.sockets.opened > 3 * CONNECTIONS, within=0.3)
    assert "did not last" in str(adapter.trouble())
    task.cancel()
    await asyncio.wait([task])
    await adapter.close()


async def test_refused_tokens_are_the_operators_business(slack: Emulator) -> None:
    for table in ({"app_token": "xapp-wrong"}, {"bot_token": "xoxb-wrong"}):
        assert isinstance(await failed(slack, **table), Unauthorised)


async def test_token_that_is_revoked_later_is_told(slack: Emulator) -> None:
    adapter = Supervised(ACCOUNT, slack_settings(slack), FakeHost())
    await adapter.open()
    task = asyncio.create_task(SlackAdapter.run(adapter, RecordingSink()))
    await eventually_well(adapter)
    slack.inject(Fault("apps.connections.open", error="invalid_auth", times=0))
    slack.sockets.drop()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([task])
    assert isinstance(task.exception(), Unauthorised)
    assert adapter.trouble() is not None
    await adapter.close()


async def test_slack_that_cannot_be_reached_may_be_later(slack: Emulator) -> None:
    error = await failed(slack, api_base_url="http://127.0.0.1:9/api/")
    assert isinstance(error, Transient)


# Keeping


async def test_what_is_not_kept_comes_again(ear: Listening, dm: Seat) -> None:
    ear.slack.deliveries.patience = 0.1
    ear.sink.failing = True
    await dm.say("hi")
    await ear.slack.until(lambda it: it.deliveries.all[0].attempts > 2)
    assert ear.sink.events == []
    ear.sink.failing = False
    await ear.heard("hi")


async def test_what_nobody_can_read_is_acknowledged_and_dropped(ear: Listening, dm: Seat) -> None:
    odd: list[object] = [
        {},
        {"type": "event_callback", "event": None},
        {"type": "event_callback", "event": {"type": "message", "ts": [], "channel": {}}},
        {"type": "event_callback", "authorizations": 7, "event": {"type": "message"}},
        {"type": "block_actions", "actions": "?", "user": 1, "team": [], "channel": None},
        {"command": ["/coze"]},
        [],
        "text",
    ]
    for payload in odd:
        ear.slack.deliveries.add("events_api", payload)  # type: ignore[arg-type]
    await dm.say("hi")
    await ear.heard("hi")
    assert {delivery.attempts for delivery in ear.slack.deliveries.all} == {1}


async def test_frames_that_are_no_envelopes_do_no_harm(ear: Listening, dm: Seat) -> None:
    for connection in ear.slack.sockets.connections:
        for frame in ("", "no JSON", "[]", "7", '{"type": "unheard_of"}'):
            await connection.socket.send_str(frame)
        await connection.socket.send_bytes(b"\0")
    await dm.say("hi")
    await ear.heard("hi")


async def test_no_more_is_read_than_can_be_kept(ear: Listening) -> None:
    """Else a database that hangs would fill the memory."""
    ear.sink.gate.clear()
    people = [ear.slack.person(f"P{number}").dm() for number in range(20)]
    for number in range(2 * UNDERWAY + 200):
        await people[number % 20].say(str(number))
    await ear.slack.until(lambda it: sum(c.carried for c in it.sockets.connections) > 1_000)
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "envelope"]
    assert len(tasks) <= 2 * UNDERWAY
    ear.sink.gate.set()
    await ear.settled()
    assert len(ear.sink.events) == 2 * UNDERWAY + 200


async def test_two_hundred_events_in_a_second_are_acknowledged_before_slack_gives_up(
    ear: Listening,
) -> None:
    people = [ear.slack.person(f"P{number}").dm() for number in range(50)]
    for number in range(200):
        await people[number % 50].say(str(number))
        await asyncio.sleep(0.005)
    await ear.settled()
    latencies = sorted(ear.slack.deliveries.latencies)
    assert len(latencies) == 200
    assert latencies[-1] < SLACK_GIVES_UP  # how soon it usually is: bench/README.md
