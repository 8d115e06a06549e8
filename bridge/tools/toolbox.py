"""The tools there are, and one run of one of them, which never fails: it has an output."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.clean import clean
from bridge.events import Button
from bridge.logs import get
from bridge.metrics import TOOL_CALLS
from bridge.tools.arguments import BadArguments
from bridge.tools.outputs import Trouble, failure, written
from bridge.tools.tool import Caller, Result, Tool, ToolFailure
from bridge.upstream import ToolCall

log = get(__name__)

GRACE = 1.0  # seconds that a tool may take to notice that its time is over


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a call. output: for the agent; buttons: for the user."""

    output: str
    buttons: tuple[Button, ...] = ()


class Toolbox:
    """Tools by the names under which agents call them."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self._tools = tools

    def find(self, name: str, agent: str) -> Tool | None:
        """Look for a tool that this agent may call.

        Coze writes "ts-plugin-tool" of its own tools' calls; it may do so of ours as well.
        """
        found = self._tools.get(name)
        if found is None and name.startswith("ts-"):
            ends = [its for its in self._tools.values() if name.endswith(f"-{its.name}")]
            found = max(ends, key=lambda its: len(its.name), default=None)
        return found if found and (not found.agents or agent in found.agents) else None

    async def run(self, call: ToolCall, caller: Caller) -> Done:
        """Run a tool once. Whatever goes wrong becomes an output that the model can read."""
        found = self.find(call.name, caller.agent)
        if found is None:
            log.warning("tool.unknown", tool=call.name, agent=caller.agent)
            TOOL_CALLS.labels("", Trouble.UNKNOWN).inc()
            return Done(failure(Trouble.UNKNOWN, f"there is no tool {call.name}"))
        try:
            done = await _used(found, call.arguments, caller)
        except _Unusable as unusable:
            TOOL_CALLS.labels(found.name, unusable.trouble).inc()
            log.warning("tool.failed", tool=found.name, trouble=unusable.trouble)
            return Done(failure(unusable.trouble, str(unusable), unusable.problems))
        TOOL_CALLS.labels(found.name, "ok").inc()
        return done


class _Unusable(Exception):
    """A run without a result."""

    def __init__(self, trouble: Trouble, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.problems = problems


async def _used(tool: Tool, arguments: str, caller: Caller) -> Done:
    try:
        given = tool.arguments.read(arguments)
    except BadArguments as error:
        message = f"{tool.name} was not called: its arguments are wrong"
        raise _Unusable(Trouble.ARGUMENTS, message, error.problems) from error
    try:
        return _done(await _within(tool, _begun(tool, given, caller)))
    except _Unusable:
        raise
    except ToolFailure as error:
        raise _Unusable(Trouble.FAILED, str(error)) from error
    except Exception as error:
        # Its words may hold what neither a model nor a user should read.
        log.exception("tool.bug", tool=tool.name)
        message = f"{tool.name} failed: {type(error).__name__}"
        raise _Unusable(Trouble.FAILED, message) from error


async def _begun(tool: Tool, given: dict[str, Any], caller: Caller) -> object:
    return await tool.bound(given, caller)


def _done(result: object) -> Done:
    if isinstance(result, Result):
        return Done(written(result.output), tuple(map(_button, result.buttons)))
    return Done(written(result))


def _button(button: Button) -> Button:
    """As it can be stored. Raises `TypeError` for what is none."""
    return replace(button, label=clean(button.label), says=clean(button.says))


async def _within(tool: Tool, work: Coroutine[Any, Any, object]) -> object:
    """Wait for a run, no longer than it may take. Raises `_Unusable`, and what the tool raised.

    Not `asyncio.timeout`, which waits for ever for a tool that does not hear of its end.
    """
    run = asyncio.create_task(work, name=f"tool {tool.name}")
    try:
        await asyncio.wait({run}, timeout=tool.timeout)
        if run.cancelled():
            raise _Unusable(Trouble.FAILED, f"{tool.name} was cancelled")
        if not run.done():
            message = f"{tool.name} was stopped: it took longer than {tool.timeout:g} s"
            raise _Unusable(Trouble.TIMEOUT, message)
        return run.result()
    finally:
        if not run.done():
            await _end(run, tool)


async def _end(run: asyncio.Task[object], tool: Tool) -> None:
    run.cancel()
    await asyncio.wait({run}, timeout=GRACE)
    if not run.done():
        log.error("tool.does_not_end", tool=tool.name)
    elif not run.cancelled():
        run.exception()  # looked at, or asyncio complains that nobody did
