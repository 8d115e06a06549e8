"""What an agent waits for, done: its calls run side by side, each noted before and after.

The ledger decides after a crash: an output that is known is handed in again, and a call that was
interrupted runs again only if its tool may.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from bridge.events import Button
from bridge.logs import get
from bridge.metrics import TOOL_CALLS
from bridge.store import Store
from bridge.store.sessions import Session
from bridge.store.tool_calls import Begun, Wanted, begin, finish, noted
from bridge.store.turns import Turn
from bridge.tools.outputs import Trouble, failure
from bridge.tools.tool import Caller
from bridge.tools.toolbox import Done, Toolbox
from bridge.upstream import ToolCall, ToolOutput

log = get(__name__)

_LONGEST_NAME = 255  # characters of the column
_DONE = TypeAdapter(Done)


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of all calls of one step."""

    outputs: tuple[ToolOutput, ...]
    buttons: tuple[Button, ...]


class Acting:
    """Raises `Unreachable` (database), `Fenced`; whatever tools do is an output."""

    def __init__(self, store: Store, tools: Toolbox, now: Callable[[], datetime]) -> None:
        self._store = store
        self._tools = tools
        self._now = now

    async def act(self, turn: Turn, session: Session, calls: Sequence[ToolCall]) -> Acted:
        """Run what has not been run, and tell what came of every call, in their order."""
        by_key = {key_of(call): call for call in calls}
        wanted = [self._wanted(key, call, session) for key, call in by_key.items()]
        begun = await self._store.write(begin(turn, wanted))
        known = {key: _DONE.validate_json(its) for key, its in begun.outputs.items()}
        done = {key: known[key] for key in by_key if key in known}
        done |= await self._interrupted(turn, by_key, begun)
        caller = self._caller(turn, session)
        runs = {key: by_key[key] for key in by_key if key in begun.runs}
        async with self._running(runs, caller) as tasks:
            for next_one in asyncio.as_completed(tasks):
                key, its = await next_one
                await self._keep(turn, key, its)
                done[key] = its
        return _acted(calls, done)

    async def offers(self, turn: Turn) -> tuple[Button, ...]:
        """What tools have offered the user in a turn, by whichever run of it."""
        notes = await self._store.read(noted(turn))
        known = [_DONE.validate_json(its.output) for its in notes.values() if its.output]
        return tuple(dict.fromkeys(button for its in known for button in its.buttons))

    def _wanted(self, key: str, call: ToolCall, session: Session) -> Wanted:
        tool = self._tools.find(call.name, session.agent)
        repeatable = tool is None or tool.repeatable  # what there is not does nothing
        return Wanted(key, call.name[:_LONGEST_NAME], repeatable)

    async def _interrupted(
        self, turn: Turn, calls: Mapping[str, ToolCall], begun: Begun
    ) -> dict[str, Done]:
        lost = [key for key in calls if key not in begun.runs and key not in begun.outputs]
        done = {}
        for key in lost:
            name = calls[key].name
            log.warning("tool.interrupted", turn=turn.id, tool=name)
            TOOL_CALLS.labels(name, Trouble.INTERRUPTED).inc()
            done[key] = Done(interruption(name))
            await self._keep(turn, key, done[key])
        return done

    @asynccontextmanager
    async def _running(
        self, calls: Mapping[str, ToolCall], caller: Caller
    ) -> AsyncIterator[list[asyncio.Task[tuple[str, Done]]]]:
        """Own the runs: none of them outlives the context."""

        async def run(key: str, call: ToolCall) -> tuple[str, Done]:
            return key, await self._tools.run(call, caller)

        tasks = [asyncio.create_task(run(key, call)) for key, call in calls.items()]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _keep(self, turn: Turn, key: str, done: Done) -> None:
        await self._store.write(finish(turn, key, _DONE.dump_json(done).decode()))

    def _caller(self, turn: Turn, session: Session) -> Caller:
        user = turn.event.user
        return Caller(
            uid=session.uid,
            platform=turn.event.chat.platform,
            agent=session.agent,
            language=user.language,
            timezone=user.timezone,
            now=self._now(),
        )


def interruption(name: str) -> str:
    """What an agent is told of a call that was cut short and is not repeated."""
    message = (
        f"{name} was interrupted and is not run again: it may have done its work, or not. "
        "Tell the user, and do not call it again unless they ask for it."
    )
    return failure(Trouble.INTERRUPTED, message)


def key_of(call: ToolCall) -> str:
    """Name a call so that it is known again, read from a stream or looked up later.

    Its id alone is not enough where an agent numbers the calls of each step anew; and the same
    arguments may be spelt otherwise the next time, for Coze's JSON has no stable order.
    """
    what = f"{call.id}\0{call.name}\0{_canonical(call.arguments)}"
    return hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments.strip()


def _acted(calls: Sequence[ToolCall], done: Mapping[str, Done]) -> Acted:
    results = [(call, done[key_of(call)]) for call in calls]
    buttons = dict.fromkeys(button for _, its in results for button in its.buttons)
    return Acted(tuple(ToolOutput(call.id, its.output) for call, its in results), tuple(buttons))
