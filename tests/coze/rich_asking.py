"""An agent that asks the emulator, and what it was told: fixtures to be imported."""

from collections.abc import AsyncIterator

import pytest

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Needs,
    Part,
    Question,
    Said,
    Started,
    ToolOutput,
    Trace,
)

SETTINGS = ClientSettings(idle_timeout=2.0, retry_wait=0.001)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def agent(emulator: Emulator) -> AsyncIterator[CozeAgent]:
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), SETTINGS) as client:
        yield CozeAgent(client, bot_id=DEMO_BOT_ID)


async def told(agent: Agent, question: Question) -> list[AnswerEvent]:
    async with agent.ask(question) as events:
        return [event async for event in events]


async def asked(agent: Agent, text: str = "hi", *parts: Part) -> list[AnswerEvent]:
    return await told(agent, Question("u1", await agent.begin(), text, "m-1", parts=parts))


async def submitted(agent: Agent, trace: Trace, *outputs: ToolOutput) -> list[AnswerEvent]:
    async with agent.submit(trace, outputs) as events:
        return [event async for event in events]


def trace_of(events: list[AnswerEvent]) -> Trace:
    started = events[0]
    assert isinstance(started, Started)
    return Trace(started.conversation_id, started.chat_id)


def text_of(events: list[AnswerEvent]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Said))


def needs(events: list[AnswerEvent]) -> Needs:
    last = events[-1]
    assert isinstance(last, Needs)
    return last
