"""The ledger: how far each message has come. After a crash it decides, not memory.

`asking` is written before the question leaves, for a plain one with the run that begins; `asked`
with the chat id before any text is shown, `answered` with every page before the first final one is
sent. Every write of a turn is conditional on its lane's fence, so a run that was overtaken writes
nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, func, select, true, update

from bridge.events import Page
from bridge.store.answers import Answer, End, keep_answers, keep_ends
from bridge.store.fence import PROGRESS, advance, holds_fence, raise_fence
from bridge.store.reading import open_turns, questions_before, turn_by
from bridge.store.run import Bulk, Store
from bridge.store.sessions import Session, go_on_in, note_use
from bridge.store.tables import inbox, turns
from bridge.store.turns import Settled, Start, Turn, TurnState
from bridge.store.upsert import change
from bridge.upstream import Trace, Usage

Ready: TypeAlias = Callable[[Sequence[Turn]], Sequence[Turn]]
"""The parts of a run, of the open turns; none if there is no run to begin.

Called where the database is, so it decides and does nothing.
"""
Starting: TypeAlias = Callable[[Connection, Turn], Start | None]
"""What is known of a question as soon as it is taken; called in the same transaction."""
Beginning: TypeAlias = Callable[[Connection, Turn], Turn | None]
"""Takes a turn that was accepted in the same transaction, if its lane is free."""


def _unknown(_connection: Connection, _turn: Turn) -> Start | None:
    return None


@dataclass(frozen=True, slots=True)
class Begun:
    """A lane that was taken over. waiting: its open turns as of that moment.

    turn: the run that was begun with it; None if none was ready. parts: what was taken for it.
    """

    fence: int
    waiting: list[Turn]
    turn: Turn | None = None
    parts: Sequence[Turn] = ()

    @classmethod
    def by(cls, turn: Turn) -> "Begun":
        """The lane of a turn that was taken as it was accepted."""
        return cls(turn.fence, [turn], turn, [turn])


class Ledger:
    """Reads and advances turns. Raises `Unreachable` (database), `Fenced`."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def take_over(self, lane: str) -> tuple[int, list[Turn]]:
        """Raise the lane's fence, so that whoever drained it before can write nothing any more.

        Returns the fence, and the open turns as of that moment.
        """
        begun = await self.begin(lane, lambda _: ())
        return begun.fence, begun.waiting

    async def begin(self, lane: str, ready: Ready, starting: Starting = _unknown) -> Begun:
        """`take_over` a lane and `take` what is ready there, in one transaction."""

        def job(connection: Connection) -> Begun:
            fence = raise_fence(connection, lane)
            waiting = open_turns(connection, lane, fence)
            if not (parts := ready(waiting)):
                return Begun(fence, waiting)
            turn = _take(connection, parts[0], parts[1:], self._now(), starting)
            return Begun(fence, waiting, turn, parts)

        return await self._store.write(job)

    def beginning(self, ready: Ready, starting: Starting) -> Beginning:
        """`begin`, in the transaction that accepts a message, if nothing waits before it.

        Whoever drained the lane before has ended all its turns, so there is nobody to overtake.
        """

        def job(connection: Connection, turn: Turn) -> Turn | None:
            if not ready([turn]):
                return None
            if connection.execute(_EARLIER, {"lane": turn.lane, "before": turn.id}).first():
                return None
            fenced = replace(turn, fence=raise_fence(connection, turn.lane))
            return _take(connection, fenced, [], self._now(), starting)

        return job

    async def waiting(self, lane: str, fence: int) -> list[Turn]:
        """The lane's open turns, oldest first, each with what was merged into it."""
        return await self._store.read(lambda connection: open_turns(connection, lane, fence))

    async def current(self, turn: Turn) -> Turn:
        """The turn as it is now: a run passes on changed copies and keeps them to itself."""
        now = await self.find(turn.id)
        assert now is not None  # noqa: S101  the fence is ours, and no open turn is removed
        return replace(now, fence=turn.fence)

    async def is_at_work(self, lane: str) -> bool:
        """Tell whether a message of a lane is being answered, by whichever process."""
        row = await self._store.read(lambda it: it.execute(_AT_WORK, {"lane": lane}).first())
        return row is not None

    async def open_lanes(self, accounts: Collection[str] | None = None) -> list[str]:
        """Every lane (of these accounts) that has work, those that waited longest first."""
        mine = true() if accounts is None else inbox.c.account.in_(accounts)

        def job(connection: Connection) -> list[str]:
            statement = (
                select(turns.c.lane)
                .join(inbox, inbox.c.id == turns.c.id)
                .where(turns.c.ended_at.is_(None), mine)
                .group_by(turns.c.lane)
                .order_by(func.min(turns.c.id))
            )
            return list(connection.execute(statement).scalars())

        return await self._store.read(job)

    async def take(self, turn: Turn, merge: Sequence[Turn], starting: Starting = _unknown) -> Turn:
        """Begin a run: count it BEFORE it can kill us, and fix what belongs to the turn."""

        def job(connection: Connection) -> Turn:
            holds_fence(connection, turn)
            return _take(connection, turn, merge, self._now(), starting)

        return await self._store.write(job)

    async def asking(self, turn: Turn, session: Session) -> Turn:
        """The question is about to leave, in the conversation that then goes on in its lane."""
        assert session.conversation_id is not None  # noqa: S101  `Sessions.open` saw to it
        conversation_id = session.conversation_id
        asking = replace(turn, state=TurnState.ASKING, trace=Trace(conversation_id, ""))
        if turn.start and turn.start.noted and turn.start.session == session:
            return asking
        # Asking once more is no progress, or a question that kills the process would do it forever.
        progress = PROGRESS if turn.state is TurnState.RECEIVED else {}
        go_on = go_on_in(session.lane, session.agent, conversation_id, self._now())

        def job(connection: Connection) -> None:
            advance(connection, turn, **_asking_in(conversation_id), **progress)
            if not session.fresh:  # else that was written when it began
                go_on(connection)

        await self._store.write(job)
        return asking

    async def asked(self, turn: Turn, trace: Trace) -> Turn:
        """Coze has accepted the question: from here on it is never asked again."""
        now = self._now()

        def job(connection: Connection) -> None:
            named = {"conversation_id": trace.conversation_id, "chat_id": trace.chat_id or None}
            advance(connection, turn, **PROGRESS, state=TurnState.ASKED, asked_at=now, **named)
            note_use(connection, trace.conversation_id, now)

        await self._store.write(job)
        return replace(turn, state=TurnState.ASKED, trace=trace, asked_at=now)

    async def answered(  # noqa: PLR0913 - by name, and each is something of the answer
        self,
        turn: Turn,
        session: Session,
        pages: Sequence[Page],
        *,
        text: str,
        spent: Usage | None = None,
        error: str | None = None,
        answer_id: str = "",
    ) -> Turn:
        """Store the final text and every page of it, before any of them is sent.

        A page that streamed, or that an earlier end of the turn wanted, and that is not wanted
        any more keeps its row, without content.
        error: why the answer is none, or not whole; the turn will end as failed.
        answer_id: of the message at Coze, for what its reader thinks of it.
        """
        answer = Answer(turn, session, pages, text, spent, error, answer_id, self._now())
        await self._store.write(Bulk(keep_answers, answer))
        return replace(turn, state=TurnState.ANSWERED, error=error)

    async def ended(
        self, turn: Turn, state: TurnState, settled: Sequence[Settled] = ()
    ) -> list[Turn]:
        """Close a turn: delivered, failed or dead. Returns what waits in its lane now.

        settled: its pages of which that is not written yet.
        """
        return await self._store.write(Bulk(keep_ends, End(turn, state, settled, self._now())))

    async def retry(self, turn: Turn) -> None:
        """The run ended by something that may pass: count it as that, not as an attempt."""
        await self._uncount(turn, retries=turn.retries + 1)

    async def failed_run(self, turn: Turn) -> None:
        """The run ended by a bug of ours."""
        await self._change(turn, failures=turn.failures + 1)

    async def release(self, turn: Turn) -> None:
        """The run was ended in an orderly way: it does not count at all."""
        await self._uncount(turn)

    async def earlier_trace(self, turn: Turn, conversation_id: str) -> Trace | None:
        """The newest chat that an earlier turn started in a conversation."""

        def job(connection: Connection) -> Trace | None:
            row = connection.execute(
                select(turns.c.chat_id)
                .where(turns.c.lane == turn.lane, turns.c.id < turn.id)
                .where(turns.c.conversation_id == conversation_id, turns.c.chat_id.is_not(None))
                .order_by(turns.c.id.desc())
                .limit(1)
            ).first()
            return Trace(conversation_id, row.chat_id) if row else None

        return await self._store.read(job)

    async def find(self, turn: int) -> Turn | None:
        """Read any turn, which is nobody's to change then; None if it is gone."""
        return await self._store.read(lambda connection: turn_by(connection, turn))

    async def earlier_question(self, lane: str, before: int) -> Turn | None:
        """The turn of what somebody last wanted to ask in a lane, whether or not it left."""
        return await self._store.read(
            lambda connection: next(questions_before(connection, lane, before), None)
        )

    async def _change(self, turn: Turn, **values: Any) -> None:
        await self._store.write(lambda connection: advance(connection, turn, **values))

    async def _uncount(self, turn: Turn, **values: Any) -> None:
        """Take back an attempt, where it is counted: a run that made progress has reset it."""

        def job(connection: Connection) -> None:
            advance(connection, turn, **values)
            connection.execute(_ONE_LESS, {"of": turn.id})

        await self._store.write(job)


def _together(turn: Turn, merge: Sequence[Turn]) -> Turn:
    """The turn of a run that begins, with what all its parts say."""
    events = turn.events + tuple(event for part in merge for event in part.events)
    return replace(turn, attempts=turn.attempts + 1, events=events)


def _take(
    connection: Connection, turn: Turn, merged: Sequence[Turn], now: datetime, starting: Starting
) -> Turn:
    taken = _together(turn, merged)
    is_new = taken.state is TurnState.RECEIVED
    start = starting(connection, taken) if is_new else None
    noted = start.session.conversation_id if start and start.noted else None
    asking = _asking_in(noted) if noted else {}
    change(connection, turns, {"id": taken.id}, attempts=taken.attempts, **asking)
    if start and noted:
        go_on_in(start.session.lane, start.session.agent, noted, now)(connection)
    ended = {"state": TurnState.MERGED, "merged_into": taken.id, "ended_at": now}
    for part in merged:
        change(connection, turns, {"id": part.id}, **ended)
    return replace(taken, start=start)


def _asking_in(conversation_id: str) -> dict[str, Any]:
    return {"state": TurnState.ASKING, "conversation_id": conversation_id}


# Built once; see `bridge.store.upsert`.

_EARLIER = (
    select(turns.c.id)
    .where(turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None))
    .where(turns.c.id < bindparam("before"))
    .limit(1)
)
_ONE_LESS = (
    update(turns)
    .where(turns.c.id == bindparam("of"), turns.c.attempts > 0)
    .values(attempts=turns.c.attempts - 1)
)
_AT_WORK = select(turns.c.id).where(
    turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None), turns.c.attempts > 0
)
