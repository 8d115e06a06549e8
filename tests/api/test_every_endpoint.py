"""Every endpoint of the OpenAPI document can be called, and answers as its schema says."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.api import Wishes, Words, call
from bridge.api.index import Endpoint, bare, endpoints
from bridge.config import CozeSettings
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    DEMO_WORKSPACE_ID,
    Emulator,
    Scenario,
    ToolCall,
    serve,
)
from bridge.errors import Permanent

ANSWERS: dict[str, Any] = json.loads(
    files("bridge.emulator").joinpath("answers.json").read_text("utf-8")
)
"""What the document says of its 80 endpoints: names that are needed, an example."""

BESIDE = {  # those of other pages of Coze's documentation
    "PUT /v1/variables",
    "DELETE /v1/conversations/{conversation_id}",
    "POST /v1/conversations/{conversation_id}/messages/{message_id}/feedback",
}
AGENTS = {"GET /v1/bots/{bot_id}", "GET /v1/bot/get_online_info"}
"""They show more than their schema has: whatever bot/update can set."""

UNKNOWN = "not in the schema"
MESSAGE = {"role": "user", "content": "12*7", "content_type": "text"}


@dataclass
class Coze:
    """The emulator, called as the command line does; `known` are values for parameters."""

    emulator: Emulator
    folder: Path
    known: dict[str, Any] = field(default_factory=dict)

    async def call(self, words: Words, wishes: Wishes) -> list[Any]:
        """Return the lines written, decoded."""
        settings = CozeSettings(base_url=self.emulator.url, token=SecretStr(DEMO_TOKEN))
        lines: list[str] = []
        try:
            await call(settings, words, wishes, lines.append)
        except Permanent:
            if not lines:
                raise
        return [json.loads(line) for line in lines]

    def query(self, *names: str) -> list[str]:
        """Return known values as parameters."""
        return [f"{name}={self.known[name]}" for name in names]

    async def post(self, path: str, body: Mapping[str, object], *query: str) -> Any:
        """Call something and return its data."""
        words = Words("POST", path, query=query, data=json.dumps(body), unchecked=True)
        (answer,) = await self.call(words, Wishes(for_script=True))
        assert answer["code"] == 0, answer
        return answer["data"]


@pytest.fixture
async def coze(tmp_path: Path) -> AsyncIterator[Coze]:
    """One with a conversation, an answered question, a file, and a chat that wants a tool."""
    recording = tmp_path / "recording.wav"
    recording.write_bytes(b"RIFF0000WAVE")
    async with serve(Emulator(pace=0)) as emulator:
        coze = Coze(emulator, tmp_path)
        coze.known = {
            "bot_id": DEMO_BOT_ID,
            "app_id": DEMO_APP_ID,
            "workflow_id": DEMO_WORKFLOW_ID,
            "workspace_id": DEMO_WORKSPACE_ID,
            "space_id": DEMO_WORKSPACE_ID,
            "connector_id": "1024",
            "connector_uid": "user-1",
            "user_id": "user-1",
            "name": "A name",
            "file": recording,
            "page_num": "1",
            "content": "hello",
            "content_type": "text",
            "role": "user",
            "meta_data": {"key": "value"},
            "connector_ids": ["1024"],
            "data": [{"keyword": "plan", "value": "gold"}],
            "feedback_type": "like",
            "parameters": {},
            "additional_messages": [MESSAGE],
            "tool_outputs": [],
        }
        await prepare(coze)
        yield coze


async def prepare(coze: Coze) -> None:
    conversation = (await coze.post("/v1/conversation/create", {"bot_id": DEMO_BOT_ID}))["id"]
    coze.known["conversation_id"] = conversation
    asking = {"bot_id": DEMO_BOT_ID, "user_id": "user-1", "additional_messages": [MESSAGE]}
    chat = await coze.post("/v3/chat", asking, f"conversation_id={conversation}")
    await coze.emulator.until(lambda its: its.asked[0].finished_at is not None)
    coze.known["chat_id"] = chat["id"]
    messages = await coze.post(
        "/v1/conversation/message/list", {}, f"conversation_id={conversation}"
    )
    coze.known["message_id"] = next(m["id"] for m in messages if m["type"] == "answer")


async def running_chat(coze: Coze, scenario: Scenario, status: str) -> None:
    """Begin a chat that does not end by itself."""
    coze.emulator.install(scenario)
    asking = {"bot_id": DEMO_BOT_ID, "user_id": "user-1", "additional_messages": [MESSAGE]}
    chat = await coze.post("/v3/chat", asking)
    await coze.emulator.until(lambda its: its.asked[-1].status == status)
    coze.known |= {"chat_id": chat["id"], "conversation_id": chat["conversation_id"]}


async def stage(coze: Coze, name: str) -> None:
    """Prepare what only this endpoint needs."""
    if name == "POST /v3/chat/cancel":
        await running_chat(coze, Scenario(times=1, hang_after=2), "in_progress")
    if name == "POST /v3/chat/submit_tool_outputs":
        tools = Scenario(times=1, tools=(ToolCall("weather"),))
        await running_chat(coze, tools, "requires_action")
        chat = await coze.post("/v3/chat/retrieve", {}, *coze.query("conversation_id", "chat_id"))
        calls = chat["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": each["id"], "output": "rain"} for each in calls]
        coze.known["tool_outputs"] = outputs
    if name == "GET /v1/files/retrieve":
        upload = Words("POST", "/v1/files/upload", form=[f"file=@{coze.known['file']}"])
        (answer,) = await coze.call(upload, Wishes(for_script=True))
        coze.known["file_id"] = answer["data"]["id"]
    if name == "POST /v3/chat":
        coze.known["needed"] = ["additional_messages"]
    if name == "POST /v1/conversation/message/modify":
        coze.known["needed"] = ["content"]


def words_for(endpoint: Endpoint, coze: Coze) -> Words:
    """Give every required name a value."""

    def value(name: str) -> Any:
        return coze.known.get(name, "7000000000000000009")

    def needed(names: Any) -> list[str]:
        extra = coze.known.get("needed", [])
        return [bare([n])[0] for n in names if "*" in n or n in extra]

    path = endpoint.path
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, str(value(part[1:-1])))
    query = [f"{name}={value(name)}" for name in needed(endpoint.query)]
    query += [f"bot_id={DEMO_BOT_ID}"] if endpoint.path == "/v1/variables" else []
    form = [
        f"{name}=@{value(name)}" if isinstance(value(name), Path) else f"{name}={value(name)}"
        for name in needed(endpoint.form)
    ]
    body = {name: value(name) for name in needed(endpoint.body)}
    if endpoint.method == "PUT" and endpoint.path == "/v1/variables":
        query, body = [], {**body, "bot_id": DEMO_BOT_ID}
    data = None if form or not body else json.dumps(body)
    return Words(endpoint.method, path, query, data, form)


def unlike(answer: Any, example: Any, where: str = "") -> list[str]:
    """Name where an answer has another type than its schema, or a field the schema lacks."""
    if isinstance(example, dict) and isinstance(answer, dict):
        if not example:
            return []
        strange = [f"{where}.{name}: {UNKNOWN}" for name in answer if name not in example]
        return strange + [
            line
            for name, inner in answer.items()
            if name in example
            for line in unlike(inner, example[name], f"{where}.{name}")
        ]
    if isinstance(example, list) and isinstance(answer, list):
        shown = example[:1] * len(answer)
        pairs = zip(answer, shown, strict=False)
        return [line for a, e in pairs for line in unlike(a, e, f"{where}[]")]
    if type(answer) is type(example) or answer is None:
        return []
    return [f"{where}: {type(answer).__name__}, but {type(example).__name__} in the schema"]


def name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_the_index_has_every_endpoint_of_the_document() -> None:
    assert len(ANSWERS) == 80
    assert {name_of(each) for each in endpoints()} == set(ANSWERS) | BESIDE


@pytest.mark.parametrize("endpoint", endpoints(), ids=name_of)
async def test_endpoint(endpoint: Endpoint, coze: Coze) -> None:
    name = name_of(endpoint)
    await stage(coze, name)
    output = coze.folder / "output"
    answers = await coze.call(words_for(endpoint, coze), Wishes(for_script=True, output=output))
    if endpoint.binary:
        assert output.read_bytes().startswith(b"\xff\xfb")
    elif "event" in answers[0]:
        assert [each["event"] for each in answers][-1].lower() == "done"
        assert all(isinstance(each["data"], dict) for each in answers[:-1])
    else:
        (answer,) = answers
        assert answer["code"] == 0, answer
        assert answer.pop("detail")["logid"]
        example = ANSWERS[name]["example"] if name in ANSWERS else answer
        strange = unlike(answer, example)
        assert [line for line in strange if name not in AGENTS or UNKNOWN not in line] == []


@pytest.mark.parametrize("name", sorted(name for name in ANSWERS if ANSWERS[name]["needs"]))
async def test_endpoint_without_what_it_needs(name: str, coze: Coze) -> None:
    endpoint = next(each for each in endpoints() if name_of(each) == name)
    whole = words_for(endpoint, coze)
    without = Words(whole.method, whole.path, unchecked=True)
    wishes = Wishes(for_script=True, output=coze.folder / "output")
    (answer,) = await coze.call(without, wishes)
    assert answer["code"] in (4000, 4002, 4006, 4300)
    assert answer["msg"]
