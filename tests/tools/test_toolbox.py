"""A run of a tool has an output, whatever the tool does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bridge.events import Button
from bridge.tools import Caller, Result, ToolFailure, repeatable
from bridge.tools.outputs import LONGEST
from bridge.tools.tool import Tool, tool
from bridge.tools.toolbox import Done, Toolbox
from bridge.upstream import ToolCall


@dataclass
class Forecast:
    city: str
    days: tuple[str, ...]


async def text(city: str = "Rome") -> str:
    return f"sun in {city}"


async def structure() -> Forecast:
    return Forecast("罗马", ("sun", "rain"))


async def nothing() -> None:
    return None


async def halves() -> str:
    return "\ud83d\0"


async def endless_text() -> str:
    return "x" * (LONGEST + 5)


async def no_json() -> object:
    return object()


async def failing() -> None:
    raise ToolFailure("no such city")


async def buggy() -> None:
    raise KeyError("a password")


async def impatient() -> None:
    raise TimeoutError


async def sleeping() -> None:
    await asyncio.Event().wait()


async def cancelled() -> None:
    raise asyncio.CancelledError


async def run(
    function: Any, caller: Caller, arguments: str = "{}", *, within: float = 30, name: str = "it"
) -> str:
    box = Toolbox({"it": tool("it", function, timeout=within)})
    return (await box.run(ToolCall("1", name, arguments), caller)).output


@pytest.fixture
async def owned() -> AsyncIterator[None]:
    """No run outlives its test."""
    yield
    assert [task for task in asyncio.all_tasks() if task.get_name() == "tool it"] == []


@pytest.mark.parametrize(
    ("function", "output"),
    [
        (text, "sun in Rome"),
        (structure, '{"city":"罗马","days":["sun","rain"]}'),
        (nothing, "null"),
        (halves, "\ufffd"),
    ],
)
async def test_what_it_returns_is_its_output(function: Any, output: str, caller: Caller) -> None:
    assert await run(function, caller) == output


async def test_what_is_too_long_to_read_is_cut(caller: Caller) -> None:
    output = await run(endless_text, caller)
    assert output.startswith("x" * LONGEST)
    assert output.endswith("(5 more characters were left out)")


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (failing, "failed", "no such city"),
        (buggy, "failed", "it failed: KeyError"),
        (impatient, "failed", "it failed: TimeoutError"),
        (no_json, "failed", "it failed: PydanticSerializationError"),
        (cancelled, "failed", "it was cancelled"),
        (sleeping, "timeout", "it was stopped: it took longer than 0.05 s"),
    ],
)
async def test_what_goes_wrong_is_an_output_too(
    function: Any, kind: str, message: str, caller: Caller, owned: None
) -> None:
    within = 0.05 if kind == "timeout" else 30
    output = await run(function, caller, within=within)
    assert json.loads(output) == {"error": {"kind": kind, "message": message}}


async def test_wrong_arguments_are_named_and_it_is_not_called(caller: Caller) -> None:
    output = json.loads(await run(text, caller, '{"town": "Rome"}'))
    assert output["error"]["kind"] == "bad_arguments"
    assert output["error"]["problems"] == ["town: unknown argument"]


async def test_a_tool_that_does_not_hear_of_its_end_holds_nobody_up(caller: Caller) -> None:
    let_go = asyncio.Event()

    async def deaf() -> None:
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()

    async with asyncio.timeout(10):
        output = json.loads(await run(deaf, caller, within=0.05))
    assert output["error"]["kind"] == "timeout"
    [left] = [task for task in asyncio.all_tasks() if task.get_name() == "tool it"]
    let_go.set()
    await left


async def test_who_stops_waiting_ends_the_run(caller: Caller, owned: None) -> None:
    waiting = asyncio.create_task(run(sleeping, caller, within=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_tool_of_another_agent_is_unknown(caller: Caller) -> None:
    theirs = tool("theirs", text, agents=frozenset({"other"}))
    box = Toolbox({"theirs": theirs})
    output = json.loads((await box.run(ToolCall("1", "theirs", ""), caller)).output)
    assert output["error"] == {"kind": "unknown_tool", "message": "there is no tool theirs"}
    assert box.find("theirs", "other") is theirs


def test_a_name_that_coze_made_longer_is_known() -> None:
    weather, get = tool("get_weather", text), tool("weather", text)
    box = Toolbox({"get_weather": weather, "weather": get})
    assert box.find("ts-forecast-get_weather", "default") is weather
    assert box.find("ts-forecast-weather", "default") is get
    assert box.find("forecast-weather", "default") is None
    assert box.find("ts-forecast-get", "default") is None


async def test_the_caller_is_told_and_buttons_are_handed_on(caller: Caller) -> None:
    async def who(me: Caller, city: str) -> Result:
        return Result([me.uid, city], (Button("a\0", "\ud83d"),))

    box = Toolbox({"it": tool("it", who)})
    done = await box.run(ToolCall("1", "it", '{"city": "Rome"}'), caller)
    assert done == Done('["uid","Rome"]', (Button("a", "\ufffd"),))


async def test_what_is_no_button_is_a_failure_of_the_tool(caller: Caller) -> None:
    async def careless() -> Result:
        return Result("x", ("press me",))  # type: ignore[arg-type]

    assert json.loads(await run(careless, caller))["error"]["kind"] == "failed"


async def test_runs_are_counted_by_how_they_ended(caller: Caller) -> None:
    def counted(name: str, outcome: str) -> float:
        labels = {"tool": name, "outcome": outcome}
        return REGISTRY.get_sample_value("coze_bridge_tool_calls_total", labels) or 0.0

    names = [("it", "ok"), ("it", "failed"), ("", "unknown_tool")]
    before = [counted(*name) for name in names]
    await run(text, caller)
    await run(failing, caller)
    await run(text, caller, name="made up by a model")
    assert [counted(*name) for name in names] == [value + 1 for value in before]


def test_a_tool_declares_whether_it_may_run_twice() -> None:
    @repeatable
    async def reads() -> None: ...

    async def writes() -> None: ...

    def declared(function: Any, **changes: Any) -> bool:
        made: Tool = tool("it", function, **changes)
        return made.repeatable

    assert declared(reads)
    assert not declared(writes)
    assert not declared(reads, may_repeat=False)
    assert declared(writes, may_repeat=True)


@pytest.mark.parametrize("function", [len, "text", lambda: None, Forecast])
def test_what_is_no_async_function_is_no_tool(function: object) -> None:
    with pytest.raises(TypeError, match="is not an async function"):
        tool("it", function)


async def test_an_error_is_short_however_much_a_tool_says_of_it(caller: Caller) -> None:
    async def talkative() -> None:
        raise ToolFailure("x" * 1_000_000)

    assert len(await run(talkative, caller)) < 2_000
    assert len(await run(text, caller, name="y" * 1_000_000)) < 2_000


async def test_of_a_thousand_wrong_arguments_the_first_are_named(caller: Caller) -> None:
    async def adds(numbers: list[int]) -> int:
        return sum(numbers)

    output = await run(adds, caller, json.dumps({"numbers": ["one"] * 1000}))
    problems = json.loads(output)["error"]["problems"]
    assert problems[0].startswith("numbers.0: ")
    assert len(problems) == 20
