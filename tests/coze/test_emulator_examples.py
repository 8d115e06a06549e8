"""Endpoints that the emulator answers out of Coze's document."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bridge.emulator import DEMO_TOKEN, Emulator, Scenario, Trouble, serve


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield session


async def said(response: aiohttp.ClientResponse) -> tuple[int, Any]:
    return response.status, await response.json()


async def test_an_answer_is_about_what_was_named(http: aiohttp.ClientSession) -> None:
    asked = {"app_type": "normal", "name": "my hook", "connector_id": 7}
    status, answer = await said(await http.post("/v1/api_apps", json=asked))
    assert (status, answer["code"]) == (200, 0)
    assert answer["data"]["name"] == "my hook"
    assert answer["data"]["connector_id"] == "1024"  # a number cannot be one


async def test_a_missing_name_is_told(http: aiohttp.ClientSession) -> None:
    _, answer = await said(await http.get("/v1/apps"))
    assert answer["code"] == 4000
    assert answer["msg"] == "Request parameter error: workspace_id is required"


@pytest.mark.parametrize("body", ["{", "[1]"])
async def test_a_body_that_is_no_object(http: aiohttp.ClientSession, body: str) -> None:
    _, answer = await said(await http.post("/v1/api_apps", data=body))
    assert answer["code"] == 4000


async def test_a_form_needs_its_parts(http: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData({"voice_name": "me"})
    form.add_field("file", b"RIFF", filename="me.wav")
    _, answer = await said(await http.post("/v1/audio/voices/clone", data=form))
    assert answer["msg"] == "Request parameter error: audio_format is required"


async def test_a_run_is_told_in_numbered_events(http: aiohttp.ClientSession) -> None:
    response = await http.post("/v1/workflow/stream_run", json={"workflow_id": "1"})
    assert response.content_type == "text/event-stream"
    frames = (await response.text()).strip().split("\n\n")
    assert [frame.splitlines()[:2] for frame in frames] == [
        ["id: 0", "event: Message"],
        ["id: 1", "event: Done"],
    ]


async def test_nobody_answers_a_stranger(emulator: Emulator) -> None:
    async with aiohttp.ClientSession(emulator.url) as session:
        status, answer = await said(await session.get("/v1/apps?workspace_id=1"))
    assert (status, answer["code"]) == (401, 700012006)


async def test_a_scenario_comes_first(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    emulator.install(Scenario(endpoint="/v1/apps", refuse=Trouble(4009, "busy")))
    _, answer = await said(await http.get("/v1/apps?workspace_id=1"))
    assert answer["code"] == 4009
