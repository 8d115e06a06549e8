"""The ledger: how far each message has come. After a crash it decides, not memory.

`asking` is written before the question leaves, `asked` with the chat id before any text is
shown, `answered` with every page before the first final one is sent. Every write of a turn is
conditional on its lane's fence, so a run that was overtaken writes nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, true, update

from bridge.events import Page
from bridge.store.codec import INBOUND, PAGE
from bridge.store.run import Store
from bridge.store.sessions import Session
from bridge.store.tables import inbox, lanes, outbox, turns, usage
from bridge.store.turns import Turn, TurnKind, TurnState
from bridge.store.upsert import change, insert, put
from bridge.upstream import Trace, Usage

MOST_WAITING = 100  # messages looked at together; the rest of a longer queue come next
MOST_COMMANDS = 50  # looked through for the question before them


class Fenced(Exception):
    """Another run has taken over this lane: the one that sees this must not go on."""


class Ledger:
    """Reads and advances turns. Raises `Unreachable` (database), `Fenced`."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def take_over(self, lane: str) -> tuple[int, list[Turn]]:
        """Raise the lane's fence, so that whoever drained it before can write nothing any more.

        Returns the fence, and the open turns as of that moment.
        """

        def job(connection: Connection) -> tuple[int, list[Turn]]:
            raised = connection.execute(_raising(connection.dialect.name), {"lane": lane})
            fence = int(raised.scalar_one())
            return fence, _waiting(connection, lane, fence)

        return await self._store.write(job)

    async def waiting(self, lane: str, fence: int) -> list[Turn]:
        """The lane's open turns, oldest first, each with what was merged into it."""
        return await self._store.read(lambda connection: _waiting(connection, lane, fence))

    async def current(self, turn: Turn) -> Turn:
        """The turn as it is now: a run passes on changed copies and keeps them to itself."""

        def job(connection: Connection) -> Turn:
            row = connection.execute(_ONE, {"id": turn.id}).one()
            return _turn(row, turn.fence, _merged(connection, turn.id))

        return await self._store.read(job)

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

    async def take(self, turn: Turn, merge: Sequence[Turn]) -> Turn:
        """Begin a run: count it BEFORE it can kill us, and fix what belongs to the turn."""
        taken = replace(
            turn,
            attempts=turn.attempts + 1,
            events=turn.events + tuple(e for part in merge for e in part.events),
        )

        def job(connection: Connection) -> None:
            _advance(connection, turn, attempts=taken.attempts)
            ended = {"state": TurnState.MERGED, "merged_into": turn.id, "ended_at": self._now()}
            for part in merge:
                change(connection, turns, {"id": part.id}, **ended)

        await self._store.write(job)
        return taken

    async def asking(self, turn: Turn, conversation_id: str) -> Turn:
        """The question is about to leave."""
        trace = Trace(conversation_id, "")
        # Asking once more is no progress, or a question that kills the process would do it forever.
        advance = self._progress if turn.state is TurnState.RECEIVED else self._change
        await advance(turn, state=TurnState.ASKING, conversation_id=conversation_id)
        return replace(turn, state=TurnState.ASKING, trace=trace)

    async def asked(self, turn: Turn, trace: Trace) -> Turn:
        """Coze has accepted the question: from here on it is never asked again."""
        now = self._now()
        await self._progress(
            turn,
            state=TurnState.ASKED,
            conversation_id=trace.conversation_id,
            chat_id=trace.chat_id or None,
            asked_at=now,
        )
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
            _advance(connection, turn, attempts=1, failures=0, **answer, **named)
            connection.execute(_UNWANTING, {"of": turn.id, "since": len(pages)})
            for number, page in enumerate(pages):
                content = {"state": "wanted", "content": PAGE.dump(page), "error": None}
                put(connection, outbox, turn=turn.id, page=number, **content)
            if spent is not None:
                _count(connection, turn, session, spent, self._now())

        await self._store.write(job)
        return replace(turn, state=TurnState.ANSWERED, error=error)

    async def ended(self, turn: Turn, state: TurnState) -> None:
        """Close a turn: delivered, failed or dead."""

        def job(connection: Connection) -> None:
            _advance(connection, turn, state=state, ended_at=self._now())

        await self._store.write(job)

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

        def job(connection: Connection) -> Turn | None:
            row = connection.execute(_ONE, {"id": turn}).first()
            return _turn(row, 0, _merged(connection, row.id)) if row else None

        return await self._store.read(job)

    async def earlier_question(self, lane: str, before: int) -> Turn | None:
        """The turn of what somebody last wanted to ask in a lane, whether or not it left."""

        def job(connection: Connection) -> Turn | None:
            rows = connection.execute(
                _WITH_EVENTS.where(turns.c.lane == lane, turns.c.id < before)
                .where(turns.c.state != TurnState.MERGED)
                .order_by(turns.c.id.desc())
                .limit(MOST_COMMANDS)
            )
            earlier = (_turn(row, 0, _merged(connection, row.id)) for row in rows.all())
            return next((turn for turn in earlier if turn.is_question), None)

        return await self._store.read(job)

    async def _progress(self, turn: Turn, **values: Any) -> None:
        await self._change(turn, attempts=1, failures=0, **values)

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
    holds_fence(connection, turn)
    if values:
        change(connection, turns, {"id": turn.id}, **values)


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


def _waiting(connection: Connection, lane: str, fence: int) -> list[Turn]:
    heads = connection.execute(_OPEN, {"lane": lane}).all()
    return [_turn(row, fence, _merged(connection, row.id)) for row in heads]


def _merged(connection: Connection, head: int) -> list[str]:
    return list(connection.execute(_MERGED, {"head": head}).scalars())


def _turn(row: Row[Any], fence: int, merged: Sequence[str]) -> Turn:
    return Turn(
        id=row.id,
        lane=row.lane,
        fence=fence,
        kind=TurnKind(row.kind),
        state=TurnState(row.state),
        events=tuple(INBOUND.load(payload) for payload in (row.payload, *merged)),
        question=row.question,
        trace=Trace(row.conversation_id, row.chat_id or "") if row.conversation_id else None,
        attempts=row.attempts,
        failures=row.failures,
        retries=row.retries,
        created_at=row.created_at,
        asked_at=row.asked_at,
        error=row.error,
        again=row.again,
    )


# Built once; see `bridge.store.upsert`.

# FOR SHARE: on PostgreSQL a raise of the fence waits for us, or we see it. SQLite has one writer
# anyway and ignores it.
_FENCE = select(lanes.c.fence).where(lanes.c.lane == bindparam("lane")).with_for_update(read=True)
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
_WITH_EVENTS = select(turns, inbox.c.payload).join(inbox, inbox.c.id == turns.c.id)
_ONE = _WITH_EVENTS.where(turns.c.id == bindparam("id"))
_OPEN = (
    _WITH_EVENTS.where(turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None))
    .order_by(turns.c.id)
    .limit(MOST_WAITING)
)
_AT_WORK = select(turns.c.id).where(
    turns.c.lane == bindparam("lane"), turns.c.ended_at.is_(None), turns.c.attempts > 0
)
_MERGED = (
    select(inbox.c.payload)
    .join(turns, turns.c.id == inbox.c.id)
    .where(turns.c.merged_into == bindparam("head"))
    .order_by(turns.c.id)
)


@lru_cache
def _raising(dialect: str) -> Any:
    """Raise a lane's fence, which begins at one, and return it."""
    statement = insert(dialect, lanes).values(lane=bindparam("lane"), fence=1)
    raised = {"fence": lanes.c.fence + 1}
    return statement.on_conflict_do_update(index_elements=["lane"], set_=raised).returning(
        lanes.c.fence
    )
