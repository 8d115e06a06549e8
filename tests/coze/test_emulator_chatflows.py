"""Chatflows at the emulator: what is documented, and both readings of what is not."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    Emulator,
    serve,
)

CHAT = "/v1/workflows/chat"
CREATE = "/v1/conversation/create"


def asked(**more: object) -> dict[str, object]:
    question = {"role": "user", "content": "hello", "content_type": "text"}
    return {
        "workflow_id": DEMO_WORKFLOW_ID,
        "app_id": DEMO_APP_ID,
        "parameters": {},
        "additional_messages": [question],
        **more,
    }


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield session


async def said(
    http: aiohttp.ClientSession, method: str, path: str, body: object = None, **query: str
) -> Any:
    async with http.request(method, path, json=body, params=query) as response:
        return json.loads(await response.text())


async def streamed(http: aiohttp.ClientSession, **more: object) -> list[dict[str, object]]:
    """Ask, and return the objects of the stream."""
    async with http.post(CHAT, json=asked(**more)) as response:
        lines = (await response.text()).splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line[:6] == "data: "]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"workflow_id": "1"}, 4200),
        ({"app_id": "1"}, 4200),
        ({"bot_id": DEMO_BOT_ID}, 4000),
        ({"additional_messages": [{"role": "user", "content": "x"}] * 51}, 4004),
        ({"additional_messages": None}, 4000),
        ({"conversation_id": "1"}, 4002),
    ],
)
async def test_what_is_documented_as_wrong_is_refused(
    http: aiohttp.ClientSession, wrong: dict[str, object], code: int
) -> None:
    assert (await said(http, "POST", CHAT, asked(**wrong)))["code"] == code


async def test_nothing_of_a_bot_is_in_the_stream(http: aiohttp.ClientSession) -> None:
    objects = await streamed(http)
    assert all("bot_id" not in each for each in objects)
    assert all(each["section_id"] for each in objects[:-1])


async def test_a_question_keeps_its_meta_data(http: aiohttp.ClientSession) -> None:
    marked = {"role": "user", "content": "hi", "content_type": "text", "meta_data": {"a": "1"}}
    first = (await streamed(http, additional_messages=[marked]))[0]
    listed = await said(
        http,
        "POST",
        "/v1/conversation/message/list",
        {},
        conversation_id=str(first["conversation_id"]),
    )
    assert listed["data"][-1]["meta_data"] == {"a": "1"}


async def test_a_conversation_of_an_app_goes_by_its_name(http: aiohttp.ClientSession) -> None:
    named = {"app_id": DEMO_APP_ID, "conversation_name": "x", "get_or_create": True}
    first = (await said(http, "POST", CREATE, named))["data"]["id"]
    assert (await said(http, "POST", CREATE, named))["data"]["id"] == first
    other = (await said(http, "POST", CREATE, {**named, "conversation_name": "y"}))["data"]["id"]
    assert other != first


@pytest.mark.parametrize("bound", [True, False])
async def test_a_conversation_of_nobody_will_do_or_not(
    http: aiohttp.ClientSession, emulator: Emulator, bound: bool
) -> None:
    emulator.chatflows.bound = bound
    conversation = (await said(http, "POST", CREATE, {}))["data"]["id"]
    async with http.post(CHAT, json=asked(conversation_id=conversation)) as response:
        refused = response.content_type == "application/json"
    assert refused is bound


@pytest.mark.parametrize("retrievable", [True, False])
@pytest.mark.parametrize("path", ["/v3/chat/retrieve", "/v3/chat/message/list"])
async def test_a_chat_can_be_looked_up_or_not(
    http: aiohttp.ClientSession, emulator: Emulator, path: str, retrievable: bool
) -> None:
    emulator.chatflows.retrievable = retrievable
    chat = (await streamed(http))[0]
    ids = {"conversation_id": str(chat["conversation_id"]), "chat_id": str(chat["id"])}
    assert (await said(http, "GET", path, **ids))["code"] == (0 if retrievable else 4001)
    cancelled = await said(http, "POST", "/v3/chat/cancel", ids)
    assert cancelled["code"] == (4104 if retrievable else 4001)


async def test_a_workflow_shows_which_app_it_belongs_to(http: aiohttp.ClientSession) -> None:
    found = await said(http, "GET", f"/v1/workflows/{DEMO_WORKFLOW_ID}")
    assert found["data"]["workflow_detail"]["app_id"] == DEMO_APP_ID
    assert (await said(http, "GET", "/v1/workflows/1"))["code"] == 4200
