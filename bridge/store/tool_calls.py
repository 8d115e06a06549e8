"""What tools were called for in a turn: how often each ran, and what came of it.

A run is counted before it begins, so a process that dies in the middle has left a trace of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bridge.store.fence import holds_fence
from bridge.store.run import Job
from bridge.store.tables import tool_calls
from bridge.store.turns import Turn
from bridge.store.upsert import change, put


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that should be run. key: the same for the same call, whoever reads it from Coze."""

    key: str
    name: str
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Noted:
    """A call as it stands. output: None while nobody knows what came of it."""

    runs: int
    output: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What is to be done. outputs: of calls that are known; `runs` are counted already.

    A call in neither has run once, was interrupted, and may not run again.
    """

    outputs: Mapping[str, str]
    runs: frozenset[str]


def noted(turn: Turn) -> Job[dict[str, Noted]]:
    """Every call of a turn, by its key."""
    return lambda connection: _noted(connection, turn)


def begin(turn: Turn, wanted: Sequence[Wanted]) -> Job[Begun]:
    """Decide which calls run now, and count that before it happens. Raises `Fenced`."""

    def job(connection: Connection) -> Begun:
        holds_fence(connection, turn)
        before = _noted(connection, turn)
        runs = {each.key: each for each in wanted if _may_run(each, before.get(each.key))}
        for key, each in runs.items():
            count = before[key].runs + 1 if key in before else 1
            put(connection, tool_calls, turn=turn.id, call=key, name=each.name, runs=count)
        outputs = {key: its.output for key, its in before.items() if its.output is not None}
        return Begun(outputs, frozenset(runs))

    return job


def finish(turn: Turn, key: str, output: str) -> Job[None]:
    """Note what came of a call; from here on it never runs again. Raises `Fenced`."""

    def job(connection: Connection) -> None:
        holds_fence(connection, turn)
        change(connection, tool_calls, {"turn": turn.id, "call": key}, output=output)

    return job


def _may_run(wanted: Wanted, before: Noted | None) -> bool:
    return before is None or (before.output is None and wanted.repeatable)


def _noted(connection: Connection, turn: Turn) -> dict[str, Noted]:
    rows = connection.execute(_OF, {"of": turn.id})
    return {row.call: Noted(row.runs, row.output) for row in rows}


_OF = select(tool_calls).where(tool_calls.c.turn == bindparam("of"))
