"""What other processes see of the emulator."""

import asyncio
import sys

import aiohttp
import pytest

from tests.slack.emulator import Emulator, Person, Seat
from tests.slack.emulator.clients import Raw


async def post(api: Raw, name: str, **body: object) -> tuple[int, dict[str, object]]:
    async with api.http.post(f"/_emulator/{name}", json=body) as response:
        return response.status, await response.json()


async def get(api: Raw, name: str) -> dict[str, object]:
    async with api.http.get(f"/_emulator/{name}") as response:
        found = await response.json()
    assert isinstance(found, dict)
    return found


async def test_state_shows_messages_streams_and_counts(
    slack: Emulator, api: Raw, dm: Seat, ann: Person
) -> None:
    status, said = await post(api, "say", person="Ann", text="hi")
    assert (status, said["channel"]) == (200, dm.id)
    started = await api.ok(
        "chat.startStream", channel=dm.id, thread_ts=said["ts"], markdown_text="<!channel>"
    )
    state = await get(api, "state")
    assert state["open_streams"] == [started["ts"]]
    assert state["pings"] == [{"whom": "!channel", "ts": started["ts"]}]
    assert state["calls"] == {"chat.startStream": 1}
    assert state["undelivered"] == 1
    channels = state["channels"]
    assert isinstance(channels, list)
    texts = [message["history"][-1]["text"] for message in channels[0]["messages"]]
    assert texts == ["hi", "<!channel>"]


async def test_log_shows_calls_from_a_number_on(api: Raw) -> None:
    await api.ok("auth.test")
    await api.ok("auth.test")
    calls = (await get(api, "log?since=1"))["calls"]
    assert isinstance(calls, list)
    assert [(call["number"], call["method"]) for call in calls] == [(2, "auth.test")]
    assert "since" in str((await get(api, "log?since=x"))["error"])


async def test_buttons_are_pressed_from_afar(slack: Emulator, api: Raw, dm: Seat) -> None:
    label = {"type": "plain_text", "text": "Yes"}
    button = {"type": "button", "action_id": "a", "text": label}
    block = {"type": "actions", "elements": [button]}
    posted = await api.ok("chat.postMessage", channel=dm.id, text="?", blocks=[block])
    place = {"person": "Ann", "channel": dm.id, "ts": posted["ts"]}
    status, payload = await post(api, "press", label="Yes", **place)
    assert (status, payload["type"]) == (200, "block_actions")
    assert (await post(api, "press", label="No", **place))[0] == 400


async def test_trouble_is_made_from_afar(slack: Emulator, api: Raw, dm: Seat) -> None:
    await post(api, "faults", method="auth.test", error="fatal_error", times=0)
    assert await api.error("auth.test") == "fatal_error"
    async with api.http.delete("/_emulator/faults") as response:
        assert response.status == 204
    await api.ok("auth.test")
    await post(api, "limits", post_burst=1)
    place = {"channel": dm.id, "text": "x"}
    assert [(await api.call("chat.postMessage", **place)).status for _ in "12"] == [200, 429]
    await post(api, "limits", on=False)
    await api.ok("chat.postMessage", **place)
    assert await post(api, "refresh") == (200, {"asked": 0})
    await post(api, "outage", seconds=60)
    await slack.until(lambda it: not it.is_up)


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("say", {"person": "Ann"}, "text"),
        ("say", {"person": "Ann", "text": "x", "channel": "C9"}, "channel"),
        ("press", {"person": "Ann", "channel": "C9", "ts": "1", "label": "x"}, "channel"),
        ("faults", {"metod": "auth.test"}, "metod"),
        ("faults", {"chat": 5}, "chat"),
        ("limits", {"tier9": 1}, "tier9"),
        ("limits", {"tier2": "1"}, "tier2"),
        ("outage", {}, "seconds"),
    ],
)
async def test_wrong_order_is_refused_with_a_reason(
    api: Raw, name: str, body: dict[str, object], reason: str
) -> None:
    status, answer = await post(api, name, **body)
    assert status == 400
    assert reason in str(answer["error"])


async def test_emulator_runs_in_a_process_of_its_own() -> None:
    command = (sys.executable, "-m", "tests.slack.emulator", "--port", "0", "--limits")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        url, token, app_token = (await process.stdout.readline()).decode().split()
        async with aiohttp.ClientSession(url.removesuffix("/api/")) as http:
            await Raw(http, token).ok("auth.test")
            await Raw(http, app_token).ok("apps.connections.open")
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
