"""Tools through `coze-bridge run`: a third party's package, and kill -9 in each phase of a call.

The judges are the platform, Coze, and the book in which the tools write that they ran.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from daemon_process import Daemon, World, eventually

from bridge.emulator import Scenario, ToolCall, Trouble

SUBMIT = "/v3/chat/submit_tool_outputs"
ORDER = ToolCall("order", '{"what": "tea"}')
PEEK = ToolCall("peek", '{"what": "tea"}')
INTERRUPTED = "order was interrupted and is not run again"


def book(world: World) -> list[str]:
    """The runs of all tools, in order."""
    path = world.folder / "errands.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def shut(world: World) -> Path:
    """Keep every tool from coming to an end until this file is removed."""
    path = world.folder / "shop-is-shut"
    path.touch()
    return path


def handed_in(world: World) -> int:
    return world.coze.calls[f"POST {SUBMIT}"]


def is_noted(world: World) -> bool:
    """The message that says which tool is used has its id stored: it is never posted twice."""
    with closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as database:
        posted = "SELECT count(*) FROM outbox WHERE message_id IS NOT NULL"
        return bool(database.execute(posted).fetchone()[0])


def results(world: World) -> list[str]:
    """What was handed in to the one chat there is, in order."""
    (chat,) = world.coze.archive.chats.values()
    return [result.output for result in chat.results]


def said(world: World) -> str:
    (text,) = world.platform.shown("anna")
    return text


async def is_answered(world: World) -> None:
    await eventually(lambda: world.platform.settled("anna"))


def daemon_of(world: World, *tools: ToolCall, **more: object) -> Daemon:
    """A daemon whose agent calls these tools, and then tells what they said."""
    world.coze.install(Scenario(tools=tools, **more))  # type: ignore[arg-type]
    daemon = world.daemon()
    daemon.start()
    return daemon


async def test_two_calls_one_failing_one_slow_and_a_second_step(world: World) -> None:
    gate = shut(world)
    unicorns = ToolCall("order", '{"what": "unicorns"}')
    daemon_of(world, PEEK, unicorns, ToolCall("fly"), next_tools=((ORDER,),))
    world.platform.say("anna", "tea")
    await eventually(lambda: sorted(book(world)) == ["order unicorns", "peek tea"])
    await eventually(lambda: "using" in world.platform.in_chat("anna")[0].now.text)
    gate.unlink()
    await is_answered(world)
    assert said(world) == "Thank you, the tool says: order tea: done"
    assert book(world)[-1] == "order tea"
    outputs = results(world)
    assert outputs[0] == "peek tea: done"
    errors = [json.loads(output)["error"] for output in outputs[1:3]]
    assert [its["kind"] for its in errors] == ["failed", "unknown_tool"]
    assert errors[0]["message"] == "there are no unicorns"


async def test_an_operators_own_function_in_a_file(world: World) -> None:
    source = "async def double(number: int) -> int:\n    return number * 2\n"
    (world.folder / "mine.py").write_text(source, encoding="utf-8")
    world.coze.install(Scenario(tools=(ToolCall("twice", '{"number": 21}'),)))
    world.daemon(tools__twice__use="mine.py:double").start()
    world.platform.say("anna", "what is it?")
    await is_answered(world)
    assert said(world) == "Thank you, the tool says: 42"


async def test_killed_while_tools_run(world: World) -> None:
    """The one that may run twice does; the other one never."""
    gate = shut(world)
    daemon = daemon_of(world, ORDER, PEEK)
    world.platform.say("anna", "tea")
    await eventually(lambda: len(book(world)) == 2 and is_noted(world))
    await world.kill(daemon)
    gate.unlink()
    daemon.start()
    await is_answered(world)
    assert sorted(book(world)) == ["order tea", "peek tea", "peek tea"]
    assert INTERRUPTED in said(world)
    assert "peek tea: done" in said(world)


async def test_killed_again_and_again(world: World) -> None:
    gate = shut(world)
    daemon = daemon_of(world, ORDER)
    world.platform.say("anna", "tea")
    await eventually(lambda: book(world) and is_noted(world))
    for _ in range(2):
        await world.kill(daemon)
        gate.unlink(missing_ok=True)
        daemon.start()
    await is_answered(world)
    assert book(world) == ["order tea"]
    assert INTERRUPTED in said(world)


async def test_killed_when_the_outputs_are_kept_and_not_handed_in(world: World) -> None:
    world.coze.install(Scenario(endpoint=SUBMIT, refuse=Trouble(4009, "busy")))
    daemon = daemon_of(world, ORDER)
    world.platform.say("anna", "tea")
    await eventually(lambda: handed_in(world) and is_noted(world))
    await world.kill(daemon)
    world.coze.playbook.clear()
    daemon.start()
    await is_answered(world)
    assert said(world) == "Thank you, the tool says: order tea: done"
    assert book(world) == ["order tea"]


@pytest.mark.parametrize("heard", [False, True])
async def test_killed_when_they_were_handed_in(world: World, heard: bool) -> None:
    """Before anything of how it goes on was heard, and in the middle of it."""
    if not heard:
        world.coze.install(Scenario(endpoint=SUBMIT, slow_headers=600))
    daemon = daemon_of(world, ORDER, pace=0.2)
    world.platform.say("anna", "tea")
    if heard:
        await eventually(lambda: any("Thank" in m.now.text for m in world.platform.in_chat("anna")))
    await eventually(lambda: handed_in(world) and results(world) and is_noted(world))
    await world.kill(daemon)
    daemon.start()
    await is_answered(world)
    assert said(world) == "Thank you, the tool says: order tea: done"
    assert book(world) == ["order tea"]


async def test_stop_ends_the_tool_and_the_next_question_is_answered(world: World) -> None:
    shut(world)
    world.coze.install(Scenario(match="^tea$", tools=(ORDER,)))
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "tea")
    await eventually(lambda: book(world))
    world.platform.say("anna", "/stop")
    await is_answered(world)
    assert said(world).endswith("*(stopped)*")
    world.platform.say("anna", "water")
    await eventually(lambda: len(world.platform.shown("anna")) == 2)
    await is_answered(world)
    assert world.platform.shown("anna")[1].startswith("About water")
    assert handed_in(world) == 0
