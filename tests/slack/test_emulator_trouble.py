"""Tiers with a clock to move, faults on demand, outages."""

import asyncio

import aiohttp
import pytest

from tests.platforms.budgets import Clock
from tests.slack.emulator import BAD_GATEWAY, Channel, Drop, Emulator, Fault, Limits, Person, Seat
from tests.slack.emulator.clients import Raw, raw


async def send(api: Raw, channel: str, count: int) -> list[int]:
    """Post so often, and return the statuses."""
    calls = [await api.call("chat.postMessage", channel=channel, text="x") for _ in range(count)]
    return [answer.status for answer in calls]


async def test_channel_takes_a_burst_and_then_one_a_second(
    slack: Emulator, api: Raw, dm: Seat, general: Channel, clock: Clock
) -> None:
    slack.throttle.set(Limits())
    assert await send(api, dm.id, 4) == [200, 200, 200, 429]
    assert await send(api, general.id, 1) == [200], "another channel has its own"
    answer = await api.call("chat.postMessage", channel=dm.id, text="x")
    assert answer.body == {"ok": False, "error": "ratelimited"}
    assert answer.retry_after == "1"
    clock.move(1)
    assert await send(api, dm.id, 2) == [200, 429]


@pytest.mark.parametrize(
    ("method", "calls"),
    [("chat.startStream", 20), ("chat.update", 50), ("users.info", 100)],
)
async def test_tier_counts_calls_a_minute(
    slack: Emulator, api: Raw, method: str, calls: int, clock: Clock
) -> None:
    slack.throttle.set(Limits())
    statuses = [(await api.call(method)).status for _ in range(calls + 1)]
    assert statuses == [200] * calls + [429]
    clock.move(59)
    assert (await api.call(method)).retry_after == "1"
    clock.move(1)
    assert (await api.call(method)).status == 200


async def test_workspaces_and_methods_have_budgets_of_their_own(
    slack: Emulator, api: Raw, dm: Seat
) -> None:
    slack.throttle.set(Limits(tier2=1))
    other = slack.workspace("Other")
    token = slack.installs.grant(slack.install(other)).value
    assert [(await api.call("chat.startStream")).status for _ in range(2)] == [200, 429]
    assert (await api.call("chat.stopStream")).status == 200
    async with raw(slack, token) as theirs:
        assert (await theirs.call("chat.startStream")).status == 200


async def test_every_call_is_counted_and_logged(slack: Emulator, api: Raw, dm: Seat) -> None:
    slack.throttle.set(Limits())
    await send(api, dm.id, 4)
    journal = slack.journal
    assert journal.calls == {"chat.postMessage": 4}
    assert journal.refusals == {("chat.postMessage", dm.id): 1}
    first, *_, last = journal.of("chat.postMessage", chat=dm.id)
    assert (first.message, first.place) == (dm.answers[0].ts, slack.team.id)
    assert (last.refused, last.retry_after, last.description) == (True, 1, "ratelimited")


async def test_fault_meets_the_calls_it_is_meant_for(
    slack: Emulator, api: Raw, dm: Seat, general: Channel
) -> None:
    slack.inject(Fault("chat.postMessage", general.id, times=2, skip=1, error="fatal_error"))
    assert await send(api, dm.id, 1) == [200]
    words = [
        (await api.call("chat.postMessage", channel=general.id, text="x")).body.get("error")
        for _ in range(4)
    ]
    assert words == [None, "fatal_error", "fatal_error", None]
    assert slack.faults.open == ()


async def test_refusals_of_any_kind_change_nothing(slack: Emulator, api: Raw, dm: Seat) -> None:
    slack.inject(Fault(retry_after=149))
    slack.inject(Fault(code=503, error="service_unavailable"))
    assert (await api.call("chat.postMessage", channel=dm.id, text="x")).retry_after == "149"
    assert (await api.call("chat.postMessage", channel=dm.id, text="x")).status == 503
    assert dm.answers == []
    slack.inject(Fault(html=BAD_GATEWAY))
    async with api.http.post("/api/auth.test", data={"token": api.token}) as response:
        assert (response.status, response.content_type) == (502, "text/html")


@pytest.mark.parametrize(("drop", "left"), [(Drop.BEFORE, []), (Drop.AFTER, ["x"])])
async def test_connection_breaks_before_or_after_the_deed(
    slack: Emulator, api: Raw, dm: Seat, drop: Drop, left: list[str]
) -> None:
    slack.inject(Fault("chat.postMessage", drop=drop))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await send(api, dm.id, 1)
    assert [answer.text for answer in dm.answers] == left
    assert slack.journal.of("chat.postMessage")[0].status == 0


async def test_call_waits_at_a_gate_though_its_client_hangs_up(
    slack: Emulator, api: Raw, dm: Seat
) -> None:
    gate = slack.hold("chat.postMessage", dm.id, times=1)
    sending = asyncio.create_task(send(api, dm.id, 1))
    await gate.reached.wait()
    sending.cancel()
    await asyncio.wait([sending])
    assert dm.answers == []
    gate.open()
    await dm.final("x")


async def test_slow_call_is_slow(slack: Emulator, api: Raw) -> None:
    slack.inject(Fault("auth.test", delay=0.05))
    await api.ok("auth.test")
    (call,) = slack.journal.entries
    assert call.answered is not None
    assert call.answered - call.at >= 0.05


async def test_outage_refuses_connections_and_keeps_what_is_to_be_told(
    slack: Emulator, api: Raw, dm: Seat
) -> None:
    async with raw(slack, slack.app_token) as app:
        url = str((await app.ok("apps.connections.open"))["url"])
        async with app.http.ws_connect(url) as socket:
            await socket.receive_json(timeout=30)
            async with slack.outage():
                assert (await socket.receive(timeout=30)).type is not aiohttp.WSMsgType.TEXT
                with pytest.raises(aiohttp.ClientConnectorError):
                    await api.call("auth.test")
                await dm.say("meanwhile")
        url = str((await app.ok("apps.connections.open"))["url"])
        async with app.http.ws_connect(url) as socket:
            assert (await socket.receive_json(timeout=30))["type"] == "hello"
            frame = await socket.receive_json(timeout=30)
            assert frame["payload"]["event"]["text"] == "meanwhile"


async def test_outage_ends_by_itself(slack: Emulator, api: Raw) -> None:
    slack.fail_for(0.05)
    await slack.until(lambda it: not it.is_up)
    await slack.until(lambda it: it.is_up)
    await api.ok("auth.test")


async def test_limits_are_off_when_nobody_asked_for_them(api: Raw, ann: Person) -> None:
    assert await send(api, ann.dm().id, 30) == [200] * 30
