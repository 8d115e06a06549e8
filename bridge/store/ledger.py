"""The ledger: how far each message has come. After a crash it decides, not memory.

`asking` is written before the question leaves, for a plain one with the run that begins; `asked`
with the chat id before any text is shown, `answered` with every page before the first final one is
sent. Every write of a turn is conditional on its lane's fence, so a run that was overtaken writes
nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Update, bindparam, func, select, true, update

from bridge.events import Page
from bridge.store.codec import PAGE
from bridge.store.reading import open_turns, questions_before, turn_by
from bridge.store.run import Store
from bridge.store.sessions import Session, go_on_in, note_use
from bridge.store.tables import inbox, lanes, outbox, turns, usage
from bridge.store.turns import Settled, Start, Turn, TurnState
from bridge.store.upsert import change, insert, put
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


class Fenced(Exception):
    """Another run has taken over this lane: the one that sees this must not go on."""


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
            fence = _raised(connection, lane)
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
            fenced = replace(turn, fence=_raised(connection, turn.lane))
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
        progress = _PROGRESS if turn.state is TurnState.RECEIVED else {}
        go_on = go_on_in(session.lane, session.agent, conversation_id, self._now())

        def job(connection: Connection) -> None:
            _advance(connection, turn, **_asking_in(conversation_id), **progress)
            if not session.fresh:  # else that was written when it began
                go_on(connection)

        await self._store.write(job)
        return asking

    async def asked(self, turn: Turn, trace: Trace) -> Turn:
        """Coze has accepted the question: from here on it is never asked again."""
        now = self._now()

        def job(connection: Connection) -> None:
            named = {"conversation_id": trace.conversation_id, "chat_id": trace.chat_id or None}
            _advance(connection, turn, **_PROGRESS, state=TurnState.ASKED, asked_at=now, **named)
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

        def job(connection: Connection) -> None:
            answer = {"state": TurnState.ANSWERED, "answer": text, "error": error}
            named = {"answer_id": answer_id or None}
            _advance(connection, turn, **_PROGRESS, **answer, **named)
            connection.execute(_UNWANTING, {"of": turn.id, "since": len(pages)})
            for number, page in enumerate(pages):
                content = {"state": "wanted", "content": PAGE.dump(page), "error": None}
                put(connection, outbox, turn=turn.id, page=number, **content)
            if spent is not None:
                _count(connection, turn, session, spent, self._now())

        await self._store.write(job)
        return replace(turn, state=TurnState.ANSWERED, error=error)

    async def ended(
        self, turn: Turn, state: TurnState, settled: Sequence[Settled] = ()
    ) -> list[Turn]:
        """Close a turn: delivered, failed or dead. Returns what waits in its lane now.

        settled: its pages of which that is not written yet.
        """

        def job(connection: Connection) -> list[Turn]:
            _advance(connection, turn, state=state, ended_at=self._now())
            settle(connection, turn, settled)
            return open_turns(connection, turn.lane, turn.fence)

        return await self._store.write(job)

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
        await self._store.write(lambda connection: _advance(connection, turn, **values))

    async def _uncount(self, turn: Turn, **values: Any) -> None:
        """Take back an attempt, where it is counted: a run that made progress has reset it."""

        def job(connection: Connection) -> None:
            _advance(connection, turn, **values)
            connection.execute(_ONE_LESS, {"of": turn.id})

        await self._store.write(job)


def holds_fence(connection: Connection, turn: Turn) -> None:
    """Raises `Fenced` unless the turn's run still owns its lane, until the transaction ends."""
    if connection.execute(_FENCE, {"lane": turn.lane}).scalar() != turn.fence:
        raise Fenced(f"turn {turn.id}: lane {turn.lane} was taken over")


def _advance(connection: Connection, turn: Turn, **values: Any) -> None:
    """`holds_fence`, and change the turn: one statement, so that PostgreSQL is asked once."""
    held = {"of": turn.id, "in": turn.lane, "by": turn.fence}
    if not values or not connection.execute(_advancing(tuple(values)), {**held, **values}).rowcount:
        holds_fence(connection, turn)


def _count(
    connection: Connection, turn: Turn, session: Session, spent: Usage, now: datetime
) -> None:
    """Remember what an answer cost, and when: a question may have waited for days."""
    put(
        connection,
        usage,
        turn=turn.id,
        agent=session.agent,
        uid=session.uid,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        at=now,
    )


def settle(connection: Connection, turn: Turn, settled: Sequence[Settled]) -> None:
    """Note that these pages show their final content; the fence is held already."""
    for page in settled:
        key = {"turn": turn.id, "page": page.number}
        change(connection, outbox, key, state="settled", message_id=page.message_id)


def _raised(connection: Connection, lane: str) -> int:
    """Raise the fence of a lane."""
    raised = connection.execute(_raising(connection.dialect.name), {"lane": lane})
    return int(raised.scalar_one())


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


_PROGRESS: dict[str, Any] = {"attempts": 1, "failures": 0}

# Built once; see `bridge.store.upsert`.

# FOR SHARE: on PostgreSQL a raise of the fence waits for us, or we see it. SQLite has one writer
# anyway and ignores it.
_FENCE = select(lanes.c.fence).where(lanes.c.lane == bindparam("lane")).with_for_update(read=True)
_HELD = (
    select(lanes.c.lane)
    .where(lanes.c.lane == bindparam("in"), lanes.c.fence == bindparam("by"))
    .with_for_update(read=True)
    .exists()
)
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
_UNWANTING = (
    update(outbox)
    .where(outbox.c.turn == bindparam("of"), outbox.c.page >= bindparam("since"))
    .values(state="wanted", content=None)
)
_AT_WORK = select(turns.c.id).where(
    turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None), turns.c.attempts > 0
)


@lru_cache
def _advancing(names: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(turns).where(turns.c.id == bindparam("of"), _HELD).values(values)


@lru_cache
def _raising(dialect: str) -> Any:
    """Raise a lane's fence, which begins at one, and return it."""
    statement = insert(dialect, lanes).values(lane=bindparam("lane"), fence=1)
    raised = {"fence": lanes.c.fence + 1}
    return statement.on_conflict_do_update(index_elements=["lane"], set_=raised).returning(
        lanes.c.fence
    )
