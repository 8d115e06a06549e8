"""Budgets in PostgreSQL: the calls of every replica, by the database's clock.

A claim is one statement in a transaction of its own, so one round trip. It locks the rows of all
its limits, in one order everywhere; then it reads the clock, so that what is counted at the same
key is counted in the order of its instants; then it judges, and takes from all rows or from none.
Nothing is read but the locked rows: of any other, the statement would see what was there before it
waited for the lock.

Commits are not waited for (`synchronous_commit`): a server that loses power forgets the last
fraction of a second of what was called, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.errors import Unreachable
from bridge.flow.buckets import (
    AGAIN,
    UNANSWERED,
    Answered,
    Claimed,
    Demand,
    Found,
    GivenBack,
    Held,
    Note,
)
from bridge.flow.crowd import LINGER
from bridge.store.postgres import impatient
from bridge.store.run import as_bridge_errors

CONNECTIONS = 4
POOL_TIMEOUT = 1.0  # seconds to wait for one that is free; whoever claims waits no longer
# Of libpq, where the URL says nothing else. A host that vanished would hold a connection for a
# quarter of an hour, and four of them are soon gone.
IDLE = 60.0  # seconds a row stays after it was made, or had something to say
BATCH = 500  # rows removed in one transaction
TRIES = 3  # a row that was made may be gone again, but hardly twice


class PostgresBuckets:
    """Buckets that every replica on a database shares. Raises like `Store`.

    It has connections of its own: a claim must not wait behind the ledger's work, nor the ledger
    behind claims.
    """

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_async_engine(
            parsed,
            connect_args=impatient(parsed),
            pool_size=connections,
            pool_timeout=POOL_TIMEOUT,
            max_overflow=0,
            pool_use_lifo=True,  # few connections stay warm, with their statements prepared
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )

    async def claim(self, demands: Sequence[Demand], replica: str) -> Claimed:
        asked = _columns(demands)
        fixed = {"replica": replica, "linger": LINGER, "unanswered": UNANSWERED, "again": AGAIN}
        for _ in range(TRIES):
            rows = await self._run(_CLAIM, asked | fixed)
            if len(rows) == len(asked["keys"]):
                return Claimed(rows[0].now, {row.key: _found(row) for row in rows})
            await self._run(_MAKE, {"keys": asked["keys"]})
        raise Unreachable("database: a rate limit's row vanishes again and again")

    async def note(self, notes: Sequence[tuple[Note, float]]) -> None:
        for statement, kind in _NOTING:
            wanted = [_values(note, age) for note, age in notes if isinstance(note, kind)]
            # A batch is one transaction, so it takes its locks in the order of the claims.
            if wanted := sorted(wanted, key=lambda values: str(values["key"])):
                await self._run_each(statement, wanted)

    async def forget_idle(self) -> None:
        removed = BATCH
        while removed == BATCH:
            removed = len(await self._run(_FORGET, {"idle": IDLE, "batch": BATCH}))

    async def close(self) -> None:
        """Release the connections."""
        await self._engine.dispose()

    async def _run(self, statement: TextClause, values: dict[str, Any]) -> Sequence[Row[Any]]:
        """Run a statement; once more if its connection was dead, as after the server's restart.

        Should the first have been carried out, a call is counted that will not be made.
        """
        try:
            return await self._run_once(statement, values)
        except Unreachable as error:
            if not error.happened:
                raise
            return await self._run_once(statement, values)

    async def _run_once(self, statement: TextClause, values: dict[str, Any]) -> Sequence[Row[Any]]:
        with as_bridge_errors():
            async with self._engine.connect() as connection:
                result = await connection.execute(statement, values)
                return result.all() if result.returns_rows else ()

    async def _run_each(self, statement: TextClause, values: list[dict[str, Any]]) -> None:
        with as_bridge_errors():
            async with self._engine.connect() as connection:
                await connection.execute(statement, values)


def _columns(demands: Sequence[Demand]) -> dict[str, list[Any]]:
    """The demands as arrays, each bucket once; psycopg wants all of an array of one type."""
    once = list({demand.key: demand for demand in demands}.values())
    return {
        "keys": [demand.key for demand in once],
        "ahead": [float(demand.ahead) for demand in once],
        "step": [float(demand.step) for demand in once],
        "reach": [float(demand.reach) for demand in once],
        "seconds": [float(demand.seconds) for demand in once],
        "calls": [demand.calls for demand in once],
        "edits": [demand.edits for demand in once],
        "crowd": [demand.crowd for demand in once],
    }


def _found(row: Row[Any]) -> Found:
    return Found(wait=row.wait, held=row.held, elsewhere=row.elsewhere)


def _values(note: Note, age: float) -> dict[str, Any]:
    values = asdict(note)
    del values["noted"]
    return values | {"age": age}


def _statement(sql: str) -> TextClause:
    return text(sql.replace("NOW", "extract(epoch FROM clock_timestamp())::float8"))


# `clock` aggregates the locked rows, so it is read when all of them are locked. The settings of a
# transaction end with it, even behind a pooler that shares its connections.
_CLAIM = _statement("""
WITH asked AS (
    SELECT * FROM unnest(
        CAST(:keys AS text[]), CAST(:ahead AS float8[]), CAST(:step AS float8[]),
        CAST(:reach AS float8[]), CAST(:seconds AS float8[]), CAST(:calls AS int[]),
        CAST(:edits AS int[]), CAST(:crowd AS int[])
    ) AS asked (key, ahead, step, reach, seconds, open_to, open_to_edits, crowd)
), locked AS MATERIALIZED (
    SELECT * FROM buckets WHERE key = ANY (CAST(:keys AS text[]))
    ORDER BY key COLLATE "C" FOR UPDATE
), clock AS MATERIALIZED (
    SELECT NOW AS now, count(*) AS rows, set_config('synchronous_commit', 'off', true) AS off
    FROM locked
), live AS MATERIALIZED (
    SELECT asked.*, now, held_until,
        CASE WHEN due > now + reach THEN now ELSE due END AS due,
        ARRAY(SELECT t FROM unnest(claimed) AS t
            WHERE t > now - seconds - :unanswered AND t <= now ORDER BY t) AS claimed,
        ARRAY(SELECT t FROM unnest(answered) AS t
            WHERE t > now - seconds AND t <= now ORDER BY t) AS answered,
        ARRAY(SELECT t FROM unnest(edits) AS t
            WHERE t > now - seconds AND t <= now ORDER BY t) AS edits,
        (SELECT coalesce(jsonb_object_agg(who, it), '{}') FROM jsonb_each(crowds) AS c (who, it)
            WHERE who <> :replica AND (it ->> 1)::float8 > now - :linger) AS others
    FROM locked JOIN asked USING (key) CROSS JOIN clock
), judged AS MATERIALIZED (
    SELECT live.*, greatest(
        due - ahead - now,
        held_until - now,
        CASE WHEN cardinality(claimed || answered) >= open_to THEN greatest(:again, (
            SELECT t FROM unnest(claimed || answered) AS t ORDER BY t
            OFFSET cardinality(claimed || answered) - open_to LIMIT 1
        ) + seconds - now) END,
        CASE WHEN cardinality(edits) >= open_to_edits THEN
            edits[cardinality(edits) - open_to_edits + 1] + seconds - now END
    ) AS wait
    FROM live
), verdict AS MATERIALIZED (
    SELECT count(*) = cardinality(CAST(:keys AS text[])) AND max(wait) <= 0 AS granted FROM judged
), took AS (
    UPDATE buckets SET
        due = CASE WHEN step > 0 THEN greatest(judged.due, now) + step ELSE judged.due END,
        claimed = CASE WHEN open_to IS NULL THEN judged.claimed ELSE judged.claimed || now END,
        answered = judged.answered,
        edits = CASE WHEN open_to_edits IS NULL THEN judged.edits ELSE judged.edits || now END,
        crowds = CASE WHEN open_to IS NULL THEN others
            ELSE others || jsonb_build_object(CAST(:replica AS text), jsonb_build_array(crowd, now))
        END,
        until = greatest(buckets.until, greatest(judged.due, now) + step, now + seconds)
    FROM judged CROSS JOIN verdict
    WHERE granted AND buckets.key = judged.key AND buckets.key = ANY (CAST(:keys AS text[]))
)
SELECT key, now, wait, greatest(held_until - now, 0) AS held,
    (SELECT coalesce(sum((it ->> 0)::int), 0) FROM jsonb_each(others) AS c (who, it)) AS elsewhere
FROM judged
""")

_MAKE = _statement("""
INSERT INTO buckets (key, until)
SELECT key, NOW FROM unnest(CAST(:keys AS text[])) AS key ORDER BY key COLLATE "C"
ON CONFLICT (key) DO NOTHING
""")

_ANSWER = _statement("""
WITH clock AS MATERIALIZED (
    SELECT NOW - :age AS at, set_config('synchronous_commit', 'off', true) AS off
)
INSERT INTO buckets (key, answered, until)
SELECT :key, ARRAY[clock.at], clock.at + :seconds FROM clock
ON CONFLICT (key) DO UPDATE SET
    claimed = array_remove(buckets.claimed, CAST(:at AS float8)),
    answered = buckets.answered || excluded.answered,
    until = greatest(buckets.until, excluded.until)
""")

_GIVE_BACK = _statement("""
WITH clock AS MATERIALIZED (
    SELECT :age AS age, set_config('synchronous_commit', 'off', true) AS off
)
UPDATE buckets SET
    due = due - :step,
    claimed = array_remove(claimed, CAST(:at AS float8)),
    edits = array_remove(edits, CAST(:at AS float8))
FROM clock WHERE key = :key
""")

_HOLD = _statement("""
WITH clock AS MATERIALIZED (
    SELECT NOW - :age AS at, set_config('synchronous_commit', 'off', true) AS off
)
INSERT INTO buckets (key, held_until, until)
SELECT :key, clock.at + :seconds, clock.at + :seconds FROM clock
ON CONFLICT (key) DO UPDATE SET
    held_until = greatest(buckets.held_until, excluded.held_until),
    until = greatest(buckets.until, excluded.until)
""")

_FORGET = _statement("""
DELETE FROM buckets WHERE key IN (
    SELECT key FROM buckets WHERE until < NOW - :idle LIMIT :batch FOR UPDATE SKIP LOCKED
) RETURNING key
""")

_NOTING: Sequence[tuple[TextClause, type[Note]]] = (
    (_GIVE_BACK, GivenBack),
    (_ANSWER, Answered),
    (_HOLD, Held),
)
