"""Scenarios, the log and outages: how a test in another process directs the emulator."""

import io
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import ValidationError

from bridge.emulator import (
    DEMO_BOT_ID,
    DEMO_TOKEN,
    FAULTS,
    Drop,
    Emulator,
    Quirk,
    Scenario,
    ToolCall,
    Trouble,
    serve,
)
from bridge.emulator.scenario import describe, parse


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as http:
        yield http


async def ask(http: aiohttp.ClientSession, text: str) -> int:
    """Ask, and return the code."""
    question = {"role": "user", "content": text, "content_type": "text"}
    body = {"bot_id": DEMO_BOT_ID, "user_id": "u1", "additional_messages": [question]}
    async with http.post("/v3/chat", json=body) as response:
        return int((await response.json())["code"])


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_survives_json(name: str) -> None:
    assert parse(json.dumps(dict(describe(FAULTS[name]))).encode()) == FAULTS[name]


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"cutt": "clean"}',
        b'{"cut": "softly"}',
        b'{"match": "("}',
        b'{"times": -1}',
        b'{"quirks": ["no such quirk"]}',
        b'{"tools": [{"name": "x", "arguments": "no JSON"}]}',
        b'{"refuse": {"msg": "no code"}}',
        b"[]",
        b"no JSON",
    ],
)
async def test_wrong_scenario_is_refused_with_a_reason(
    http: aiohttp.ClientSession, emulator: Emulator, wrong: bytes
) -> None:
    async with http.post("/_emulator/scenario", data=wrong) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    assert emulator.playbook.scenarios == ()


async def test_scenario_is_installed_and_removed_over_http(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    told = {"match": "rain", "refuse": {"code": 4014, "msg": "no"}, "times": 1}
    async with http.post("/_emulator/scenario", json=told) as response:
        assert response.status == 201
    assert await ask(http, "sun") == 0
    assert await ask(http, "rain") == 4014
    assert await ask(http, "rain") == 0
    async with http.post("/_emulator/scenario", json={"fault": "quota", "match": "x"}) as response:
        assert (await response.json())["match"] == "x"
    assert await ask(http, "x") == 4011
    async with http.delete("/_emulator/scenario") as response:
        assert response.status == 204
    assert await ask(http, "x") == 0
    async with http.post("/_emulator/scenario", json={"fault": "earthquake"}) as response:
        assert response.status == 400
        assert "earthquake" in (await response.json())["error"]
    log = await (await http.get("/_emulator/log")).json()
    assert [refusal["code"] for refusal in log["refused"]] == [4014, 4011]
    assert [question["text"] for question in log["asked"]] == ["sun", "rain", "x"]


async def test_state_counts_calls_and_names_the_faults(http: aiohttp.ClientSession) -> None:
    await ask(http, "hello")
    state = await (await http.get("/_emulator/state")).json()
    assert state["calls"]["POST /v3/chat"] == 1
    assert (state["chats"], state["conversations"]) == (1, 1)
    assert set(state["faults"]) == set(FAULTS)


async def test_scenarios_are_played_in_the_order_they_were_installed(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    emulator.install(Scenario(times=2, refuse=Trouble(4009)))
    emulator.install(Scenario(times=1, refuse=Trouble(4020)))
    assert [await ask(http, "x") for _ in range(4)] == [4009, 4009, 4020, 0]


async def test_other_endpoints_fail_on_demand(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    trouble = Trouble(5000, "An internal error occurred", 500)
    emulator.install(Scenario(endpoint="/v1/conversation/*", times=1, refuse=trouble))
    async with http.post("/v1/conversation/create", json={}) as response:
        assert (response.status, (await response.json())["code"]) == (500, 5000)
    async with http.post("/v1/conversation/create", json={}) as response:
        assert (await response.json())["code"] == 0

    emulator.install(Scenario(endpoint="*", times=1, drop=Drop.UNASKED))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await http.post("/v1/conversation/create", json={})
    assert len(emulator.archive.conversations) == 1

    emulator.install(Scenario(endpoint="*", times=1, drop=Drop.ASKED))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await http.post("/v1/conversation/create", json={})
    assert len(emulator.archive.conversations) == 2


async def test_until_gives_up_in_time(emulator: Emulator) -> None:
    with pytest.raises(TimeoutError):
        await emulator.until(lambda e: bool(e.asked), within=0.01)


async def test_taken_port_is_an_os_error(emulator: Emulator) -> None:
    port = int(emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        async with serve(Emulator(), port=port):
            pass


async def test_body_that_is_too_large_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/v3/chat", data=io.BytesIO(b" " * (15 * 1024 * 1024 + 1))) as response:
        assert response.status == 413
        assert (await response.json())["code"] == 4000


def test_scenario_is_checked_when_it_is_written() -> None:
    with pytest.raises(ValidationError, match="not a regular expression"):
        Scenario(match="(")
    with pytest.raises(ValidationError, match="not JSON"):
        ToolCall("x", "{")
    with pytest.raises(ValidationError):
        Scenario(quirks=frozenset({"nonsense"}))  # type: ignore[arg-type]
    assert Scenario(quirks=frozenset({Quirk.CRLF})).quirks == {"crlf"}
