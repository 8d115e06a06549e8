"""How a stream is read: at once while nothing was said, and together with what follows then."""

import gzip
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.coze import CozeAgent, CozeClient, Pat
from bridge.errors import Unreachable
from bridge.flow.lull import Lull
from bridge.testing.wire_server import Gate, WireServer, response, stream
from bridge.upstream import Delta, Finished, Question
from tests.coze.test_agent import COMPLETED, CREATED, DONE, SAID, WALK, WHOLE, frame


async def until_the_end(end: Awaitable[object]) -> None:
    await end


QUESTION = Question("u1", "c1", "hello", "turn-1", lull=Lull(0.04))
PATIENT = replace(QUESTION, lull=until_the_end)
KIND = "text/event-stream"


@asynccontextmanager
async def asking(server: WireServer) -> AsyncIterator[CozeAgent]:
    async with CozeClient(server.url, Pat("pat_x")) as client:
        yield CozeAgent(client, bot_id="b1")


def delta(text: str, message_id: str = "m1") -> bytes:
    return frame("conversation.message.delta", id=message_id, type="answer", content=text)


async def increments(agent: CozeAgent, gate: Gate) -> list[str]:
    """Ask, and return the increments; the gate is opened when the first of them has come."""
    told = []
    async with agent.ask(PATIENT) as events:
        async for event in events:
            if isinstance(event, Delta):
                told.append(event.text)
                gate.open()
    return told


async def test_what_somebody_compressed_is_read(server: WireServer) -> None:
    server.plays(response(gzip.compress(WHOLE), kind=KIND, Content_Encoding="gzip"))
    async with asking(server) as agent, agent.ask(QUESTION) as events:
        assert [event async for event in events] == WALK


async def test_questions_go_through_the_proxy_that_the_environment_names(
    server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.plays(stream(WHOLE))
    client = CozeClient("http://coze.invalid", Pat("pat_x"))
    async with client, CozeAgent(client, bot_id="b1").ask(QUESTION) as events:
        assert [event async for event in events] == WALK
    assert server.asked[0].path == "/v3/chat"


async def test_no_password_of_a_file_takes_the_tokens_place(
    server: WireServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.plays(stream(WHOLE))
    async with asking(server) as agent, agent.ask(QUESTION) as events:
        assert [event async for event in events] == WALK
    assert server.asked[0].headers["authorization"] == "Bearer pat_x"


async def test_increments_that_come_after_the_first_are_told_together(server: WireServer) -> None:
    gate, rest = Gate(), [delta(f" {n}") for n in range(20)]
    server.plays(stream(CREATED + delta("Hi"), gate, *rest, SAID + COMPLETED + DONE))
    async with asking(server) as agent:
        told = await increments(agent, gate)
    assert told == ["Hi", "".join(f" {n}" for n in range(20))]


async def test_who_names_no_lull_is_told_each_as_it_comes(server: WireServer) -> None:
    gates = [Gate(), Gate()]
    server.plays(stream(CREATED + delta("a"), gates[0], delta("b"), gates[1], delta("c") + WHOLE))
    told = []
    async with asking(server) as agent, agent.ask(replace(QUESTION, lull=None)) as events:
        async for event in events:
            if isinstance(event, Delta):
                told.append(event.text)
                for gate in gates[: len(told)]:
                    gate.open()
    assert told[:3] == ["a", "b", "c"]


async def test_the_end_is_not_waited_for(server: WireServer) -> None:
    server.plays(stream(CREATED + delta("Hi"), delta(" you"), SAID + COMPLETED + DONE))
    async with asking(server) as agent, agent.ask(PATIENT) as events:
        assert isinstance([event async for event in events][-1], Finished)


async def test_a_stream_that_is_cut_in_a_lull_is_cut_at_once(server: WireServer) -> None:
    gate = Gate()
    server.plays(stream(CREATED + delta("Hi"), gate, hang_up=True, end=False))
    async with asking(server) as agent:
        with pytest.raises(Unreachable) as caught:
            await increments(agent, gate)
    assert caught.value.happened


async def test_an_answer_that_grows_slowly_is_told_as_it_grows(server: WireServer) -> None:
    gate = Gate()
    server.plays(stream(CREATED + delta("Hi"), delta(" you"), gate, SAID + COMPLETED + DONE))
    async with asking(server) as agent, agent.ask(QUESTION) as events:
        told = ""
        async for event in events:
            told += event.text if isinstance(event, Delta) else ""
            if told == "Hi you":
                gate.open()
    assert told == "Hi you"
