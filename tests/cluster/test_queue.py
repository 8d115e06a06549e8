"""The queue's jobs: one lane at a time, in the message's own transaction, and never lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, text

from bridge.engine.cluster.calling import Calling
from bridge.engine.cluster.queue import Beats, LaneQueue, apply_schema, schema_is_there
from bridge.errors import Unreachable
from bridge.store import Store

pytestmark = pytest.mark.postgres
PATIENCE = 30.0
BRISK = Beats(every=0.2, stall=1.0)


class Work:
    """Lanes as they were worked on. gate: while clear they are held."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_once: dict[str, int] = {}
        self.most = 0
        self.changed = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, lane: str) -> None:
        self.at_once[lane] = self.at_once.get(lane, 0) + 1
        self.most = max(self.most, self.at_once[lane])
        self.begun.append(lane)
        async with self.changed:
            self.changed.notify_all()
        try:
            await self.gate.wait()
        finally:
            self.at_once[lane] -= 1

    async def until(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= number)


class Crowd:
    """Whoever takes a job waits while it is there."""

    def __init__(self) -> None:
        self.is_waited_for = asyncio.Event()
        self._is_gone = asyncio.Event()
        self._is_gone.set()

    async def __call__(self) -> None:
        if not self._is_gone.is_set():
            self.is_waited_for.set()
        await self._is_gone.wait()

    @contextmanager
    def there(self) -> Iterator[None]:
        self._is_gone.clear()
        try:
            yield
        finally:
            self._is_gone.set()


async def nobody() -> None:
    """There is no crowd."""


@asynccontextmanager
async def working(
    url: str,
    work: Callable[[str], Awaitable[None]],
    accounts: Collection[str] | None = None,
    calm: Callable[[], Awaitable[None]] = nobody,
) -> AsyncIterator[tuple[LaneQueue, asyncio.Task[None]]]:
    queue = LaneQueue(url, work, BRISK, grace=0.2, accounts=accounts, calm=calm)
    await queue.open()
    task = asyncio.create_task(queue.work())
    try:
        yield queue, task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await queue.close()


async def test_a_job_belongs_to_the_transaction_of_its_message(url: str, store: Store) -> None:
    work = Work()
    async with working(url, work) as (queue, _):

        def lost(connection: Connection) -> None:
            queue.defer(connection, ["lost"])
            raise KeyError("the message was not accepted")

        with pytest.raises(KeyError):
            await store.write(lost)
        await store.write(lambda connection: queue.defer(connection, ["kept"]))
        await work.until(1)
    assert work.begun == ["kept"]


async def test_a_message_whose_job_cannot_be_added_is_not_accepted(url: str, store: Store) -> None:
    queue = LaneQueue(url, Work(), BRISK, grace=0.2)

    def cut(connection: Connection) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        queue.defer(connection, ["lane"])

    def refused(connection: Connection) -> None:
        connection.execute(text("DROP FUNCTION procrastinate_defer_jobs_v1"))
        queue.defer(connection, ["lane"])

    with pytest.raises(Unreachable):
        await store.write(cut)
    with pytest.raises(Unreachable, match="procrastinate_defer_jobs_v1"):
        await store.write(refused)
    assert await store.read(lambda it: it.execute(text("SELECT 1")).scalar_one()) == 1


async def test_a_lane_is_worked_on_by_one_at_a_time(url: str, store: Store) -> None:
    work = Work()
    work.gate.clear()
    async with working(url, work) as (queue, _), working(url, work):
        for _ in range(3):
            await queue.put("busy")
        await queue.put("other")
        await work.until(2)
        work.gate.set()
        await work.until(4)
    assert work.most == 1
    assert sorted(work.begun) == ["busy", "busy", "busy", "other"]


async def test_no_job_is_taken_while_a_crowd_comes_in(url: str, store: Store) -> None:
    work, crowd = Work(), Crowd()
    async with working(url, work, calm=crowd) as (queue, _):
        with crowd.there():
            await queue.put("lane")
            await crowd.is_waited_for.wait()
            for _ in range(3):
                await store.read(lambda it: it.execute(text("SELECT 1")).scalar_one())
            assert work.begun == []
        await work.until(1)
    assert work.begun == ["lane"]


async def test_the_lanes_of_a_crowd_are_begun_in_its_order(url: str, store: Store) -> None:
    work = Work()
    async with working(url, work) as (queue, _):
        lanes = [f"lane{number}" for number in range(50)]
        await store.write(lambda connection: queue.defer(connection, lanes))
        await work.until(50)
    assert work.begun == lanes


async def test_the_work_of_who_is_silent_goes_to_another(url: str, store: Store) -> None:
    dead, alive = Work(), Work()
    dead.gate.clear()
    async with working(url, dead) as (queue, task):
        await queue.put("lane")
        await dead.until(1)
        await silence(store)
        async with working(url, alive) as (other, _):
            async with asyncio.timeout(PATIENCE):
                while not await other.revive():
                    await asyncio.sleep(0.05)
            await alive.until(1)
        assert await queue.age() is None  # it was struck off, and must notice
        task.cancel()
    assert alive.begun == ["lane"]


async def silence(store: Store) -> None:
    """Let every replica look as if it had not been heard for long."""
    later = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'"
    await store.write(lambda connection: connection.execute(text(later)))


async def test_a_lane_without_a_job_gets_one(url: str, store: Store) -> None:
    work = Work()
    work.gate.clear()
    async with working(url, work) as (queue, _):
        await queue.put("known")
        await work.until(1)
        assert await queue.sweep(["known", "forgotten"]) == 1
        await work.until(2)
        work.gate.set()
    assert work.begun == ["known", "forgotten"]


async def test_lanes_of_an_account_wait_for_a_replica_that_has_it(url: str, store: Store) -> None:
    long = "a" * 64  # as long as a name may be
    mine, others = Work(), Work()
    async with working(url, mine, accounts=["telegram", long]) as (queue, _):
        lanes = ["slack/slack/C1/", "telegram/telegram/42/", f"web/{long}/1/"]
        await store.write(lambda connection: queue.defer(connection, lanes))
        await mine.until(2)
        assert await queue.sweep(lanes[:1]) == 0  # it has a job, though not here
        async with working(url, others, accounts=["slack"]):
            await others.until(1)
    assert mine.begun == lanes[1:]
    assert others.begun == lanes[:1]


async def test_who_comes_back_too_late_does_not_end_the_job_of_another(
    url: str, store: Store
) -> None:
    late, rightful, crowd = Work(), Work(), Crowd()
    late.gate.clear()
    rightful.gate.clear()
    async with working(url, late, calm=crowd) as (queue, _):
        await queue.put("lane")
        await late.until(1)
        assert await queue.lost() == []
        async with working(url, rightful) as (other, _):
            with crowd.there():  # else the one who is late may be the first to ask for the job
                async with asyncio.timeout(PATIENCE):
                    while not await other.revive():
                        await silence(store)  # again, until no heartbeat comes between
                await rightful.until(1)
            assert await queue.lost() == ["lane"]
            late.gate.set()
            async with asyncio.timeout(PATIENCE):
                while late.at_once["lane"]:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)  # in which it would say that the job has ended
            assert await other.lost() == []
            assert await other.sweep(["lane"]) == 0
            rightful.gate.set()


async def test_whoever_is_not_sure_revives_nobody(url: str, store: Store) -> None:
    work = Work()
    work.gate.clear()
    async with working(url, work) as (queue, _):
        await queue.put("lane")
        await work.until(1)
        await silence(store)
        answers = iter([True, False])
        assert await queue.revive(sure=lambda: False) == 0
        assert await queue.revive(sure=lambda: next(answers)) == 0
        assert await queue.revive() == 1
        work.gate.set()


async def test_whoever_is_second_to_revive_takes_nothing_from_whoever_works_by_now(
    url: str, store: Store
) -> None:
    work, late = Work(), LaneQueue(url, Work(), BRISK, grace=0.2)
    work.gate.clear()
    await late.open()
    asked = iter([False, True])

    def sure() -> bool:
        """After its question who is silent, and before its deed, somebody else was quicker."""
        if next(asked):
            with psycopg.connect(url) as connection:
                connection.execute(TAKEN_UP)
        return True

    async with working(url, work) as (queue, _):
        await queue.put("lane")
        await work.until(1)
        await silence(store)
        assert await late.revive(sure=sure) == 0
        assert await late.revive() == 0
        assert await store.read(lambda it: it.execute(text(AT_WORK)).scalar_one()) == 1
        work.gate.set()
    await late.close()


TAKEN_UP = """
WITH alive AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)
UPDATE procrastinate_jobs SET worker_id = alive.id FROM alive
"""
AT_WORK = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"


async def test_a_job_that_only_the_database_believes_in_is_given_back(
    url: str, store: Store
) -> None:
    work = Work()
    async with working(url, work) as (queue, _):
        await queue.put("first")
        await work.until(1)
        await store.write(lambda connection: connection.execute(text(TAKEN)))
        assert await queue.give_back() == 0
        assert await queue.give_back() == 1
        await work.until(2)
    assert work.begun == ["first", "unheard"]


TAKEN = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id)
SELECT 'lanes/bot', 'drain', 'unheard', '{"lane": "unheard"}', 'doing', max(id)
FROM procrastinate_workers
"""


async def test_two_who_begin_a_lane_at_once_disturb_nobody_else(url: str, store: Store) -> None:
    work = Work()
    work.gate.clear()
    async with working(url, work) as (queue, task):
        await queue.put("other")
        await work.until(1)
        async with await psycopg.AsyncConnection.connect(url) as rival:
            await rival.execute(TAKEN)  # "unheard" is at work, which is not seen yet
            await queue.put("unheard")
            await until_somebody_waits(url)
        assert await queue.give_back() == 0
        await asyncio.sleep(0.5)
        assert work.at_once == {"other": 1}
        assert not task.done()
        assert await queue.give_back() == 1
        await work.until(2)
        work.gate.set()
    assert work.begun == ["other", "unheard"]


async def until_somebody_waits(url: str) -> None:
    """Until a statement waits for what another has not committed yet."""
    waits = (
        "SELECT FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with (
        asyncio.timeout(PATIENCE),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        while (await connection.execute(waits)).rowcount == 0:
            await asyncio.sleep(0.05)


async def test_the_schema_is_made_once(url: str, store: Store) -> None:
    assert await schema_is_there(url)
    await apply_schema(url)


async def test_two_may_make_the_schema_at_once(url: str) -> None:
    await asyncio.gather(*(apply_schema(url) for _ in range(4)))
    assert await schema_is_there(url)


async def test_what_one_says_all_others_hear(url: str) -> None:
    heard: list[str] = []
    listeners = [Calling(url), Calling(url)]
    for number, listener in enumerate(listeners):
        listener.on("stop", lambda text, number=number: heard.append(f"{number} {text}"))
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    async with asyncio.timeout(PATIENCE):
        while "0 telegram/bot/42/" not in heard:  # until it listens
            await listeners[1].tell("stop", "telegram/bot/42/")
            await listeners[1].tell("another topic", "not for us")
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for listener in listeners:
        await listener.close()
    assert set(heard) == {"0 telegram/bot/42/"}


async def test_who_speaks_and_who_hears_survive_odd_words_and_a_restart(url: str) -> None:
    heard: list[str] = []
    listener, speaker = Calling(url), Calling(url)
    listener.on("bug", int)
    listener.on("stop", heard.append)
    task = asyncio.create_task(listener.listen())
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        async with asyncio.timeout(PATIENCE):
            while not heard:  # until it listens
                await speaker.tell("stop", "first")
                await asyncio.sleep(0.05)
            for odd in ("5", "null", "[1]", "nonsense", '["a", ["stop"], {}]'):
                await admin.execute("SELECT pg_notify('coze_bridge', %s)", [odd])
            await speaker.tell("bug", "no number")
            await admin.execute(OTHERS_END)
            await speaker.tell("stop", "second")  # by a connection that it has to make anew
            while heard[-1] != "third":  # the one who hears does so, too
                await speaker.tell("stop", "third")
                await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await listener.close()
    await speaker.close()


OTHERS_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
