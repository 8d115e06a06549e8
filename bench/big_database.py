"""A database that has seen ten million turns, beside an empty one.

    python -m bench.big_database --file big.db --sessions 1000000 --turns 10000000

Makes the SQLite file if it is not there (about 1 KB a turn), through the tables and indexes of
`coze-bridge migrate`. Then two bridges run in this process, each between a platform and a Coze of
its own over real HTTP, one on that file and one on a new one. They are asked in turns, so that
what else the machine does meets both. Exits 1 if any median is more than 1.5 times that of the
empty database.

*ingress*: until the message is committed, so that it may be acknowledged. *asked*: until Coze has
the question. *answered*: until the whole answer stands on the platform. All from the moment the
adapter hands the message over. *cpu*: what this process used meanwhile, emulators and all.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import uvloop

from bench.figures import distribution, percentile
from bridge import logs
from bridge.adapter import Sink
from bridge.app import utcnow, wire
from bridge.config import AgentSettings, CozeSettings, GroupScope, SessionSettings, Settings
from bridge.coze import ClientSettings, CozeClient, Pat
from bridge.coze import agent as agent_of
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, Scenario, serve
from bridge.engine.works import works
from bridge.events import ChatRef, Inbound, User
from bridge.host import StoreHost
from bridge.lanes import lane_of
from bridge.lent import Host
from bridge.published import Published
from bridge.store import open_store
from bridge.store.codec import INBOUND
from bridge.store.migrate import migrate
from bridge.testing.loopback import Loopback
from bridge.testing.loopback_adapter import LoopbackAdapter
from bridge.testing.loopback_settings import LoopbackSettings

ACCOUNT = "loopback"
MOST = 1.5  # times the median of an empty database
LOOK = 0.0005  # seconds between two looks
PATIENCE = 30.0  # seconds for one answer
MEASURES = ("ingress", "asked", "answered", "cpu")
DAYS = 365  # in which the turns happened

Times: TypeAlias = tuple[float, float, float, float]  # seconds, in the order of `MEASURES`


def message(person: str, event: str, text: str) -> Inbound:
    chat = ChatRef("loopback", ACCOUNT, person)
    return Inbound(event, chat, User(person, name=person), text, datetime.now(UTC))


# Making the file


def person_of(number: int) -> str:
    return f"p{number:08d}"


TEXT = "Could you tell me how long the parcel takes, and what it costs to send it back? Thank you."

FILL = (
    """INSERT INTO lanes SELECT {lane}, 10 FROM {people}""",
    """INSERT INTO identities
       SELECT 'loopback', 'loopback', {person}, {uid}, {person}, {then}, {then} FROM {people}""",
    """INSERT INTO sessions SELECT {lane}, 'default', {conversation}, {then} FROM {people}""",
    """INSERT INTO conversations
       (conversation_id, lane, agent, uid, title, created_at, used_at)
       SELECT {conversation}, {lane}, 'default', {uid}, 'How long does it take', {then}, {then}
       FROM {people}""",
    """INSERT INTO inbox
       SELECT t.i, 'loopback', 'loopback', printf('old-%012d', t.i), {lane},
              replace(:payload, 'PERSON', {person}), {then}
       FROM {turns}""",
    """INSERT INTO turns
       (id, lane, kind, state, merged_into, conversation_id, chat_id, question, answer, error,
        attempts, failures, retries, created_at, asked_at, ended_at)
       SELECT t.i, {lane}, 'message', 'delivered', NULL, {conversation}, printf('7%018d', t.i),
              NULL, :answer, NULL, 1, 0, 0, {then}, {then}, {then}
       FROM {turns}""",
    """INSERT INTO outbox
       SELECT t.i, 0, 'settled', :page, printf('m%d', t.i), NULL FROM {turns}""",
    """INSERT INTO usage SELECT t.i, 'default', {uid}, 100, 200, {then} FROM {turns}""",
)


def spelled(statement: str, sessions: int, turns: int, days: int) -> str:
    """Complete a statement of `FILL`; whoever has turn i is scattered among the people."""
    person = "printf('p%08d', n)"
    series = "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {}) {}) t"
    return statement.format(
        lane=f"'loopback/loopback/' || {person} || '/'",
        person=person,
        uid="printf('%032x', n)",
        conversation="printf('8%018d', n)",
        then=f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{days} days', "
        f"(t.i * 86400.0 * {days} / {turns}) || ' seconds')",
        people=series.format(sessions, "SELECT i, i AS n FROM s"),
        turns=series.format(turns, f"SELECT i, 1 + (i * 7919) % {sessions} AS n FROM s"),
    )


def fill(path: Path, sessions: int, turns: int, days: int = DAYS) -> None:
    """Write the rows; the turns happened in so many days.

    Secondary indexes are taken away meanwhile: that is quicker by far.
    """
    asyncio.run(migrate(f"sqlite:///{path}"))
    event = message("PERSON", "old", TEXT)
    values = {
        "payload": INBOUND.dump(event),
        "answer": TEXT * 2,
        "page": '{"text":"' + TEXT * 2 + '","final":true,"plain":false,"buttons":[]}',
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            database.execute(f"PRAGMA {pragma}")
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        for statement in FILL:
            began = time.monotonic()
            database.execute(spelled(statement, sessions, turns, days), values)
            told(f"{' '.join(statement.split()[:3])}: {time.monotonic() - began:.0f} s")
        for name, made_by in indexes:
            began = time.monotonic()
            database.execute(made_by)
            told(f"index {name}: {time.monotonic() - began:.0f} s")
        database.execute("PRAGMA journal_mode=WAL")


def told(progress: str) -> None:
    print(progress, file=sys.stderr)


# Asking


class Handing(LoopbackAdapter):
    """Speaks to its platform, but what people say is handed over by the bench itself."""

    def __init__(self, account: str, settings: LoopbackSettings, host: Host) -> None:
        super().__init__(account, settings, host)
        self.sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()

    async def run(self, sink: Sink) -> None:
        self.sink.set_result(sink)
        await asyncio.Event().wait()


@dataclass
class Stand:
    """A bridge between its own platform and its own Coze."""

    name: str
    sink: Sink
    platform: Loopback
    coze: Emulator

    async def ask(self, event: Inbound) -> Times:
        """One question, alone."""
        chat = event.chat.chat
        before = len(self.platform.shown(chat))
        began, began_wall, used = time.monotonic(), time.time(), time.process_time()
        await self.sink(event)
        ingress = time.monotonic() - began
        async with asyncio.timeout(PATIENCE):
            while len(self.platform.shown(chat)) == before or not self.platform.settled(chat):  # noqa: ASYNC110  the platform rings no bell
                await asyncio.sleep(LOOK)
        answered = self.platform.in_chat(chat)[-1].now.at - began
        return ingress, self.coze.asked[-1].at - began_wall, answered, time.process_time() - used


@asynccontextmanager
async def stand(name: str, path: Path) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(Loopback())
        coze = Emulator()
        coze.install(Scenario(chunks=("It takes ", "three days."), pace=0.0, first_delay=0.0))
        await stack.enter_async_context(serve(coze))
        table = LoopbackSettings.model_validate({"url": platform.url})
        settings = Settings(
            coze=CozeSettings.model_validate({"token": DEMO_TOKEN}),
            agents={"default": AgentSettings(bot_id=DEMO_BOT_ID)},
            adapters={ACCOUNT: table},
            sessions=SessionSettings(merge_window=0),
        )
        store = await open_store(f"sqlite:///{path}")
        stack.push_async_callback(store.close)
        client = CozeClient(coze.url, Pat(DEMO_TOKEN), ClientSettings())
        agents = {"default": agent_of(await stack.enter_async_context(client), AGENT)}
        host = StoreHost(store, platform="loopback", account=ACCOUNT, public_url="", now=utcnow)
        adapter = Handing(ACCOUNT, table, host)
        await adapter.open()
        stack.push_async_callback(adapter.close)
        shared = await stack.enter_async_context(works(f"sqlite:///{path}", store, utcnow))
        published = Published(agents)
        bridge = await wire(settings, store, agents, {ACCOUNT: adapter}, published, shared)
        stop = asyncio.Event()
        running = asyncio.create_task(bridge.run(stop))
        try:
            yield Stand(name, await adapter.sink, platform, coze)
        finally:
            stop.set()
            await running


AGENT = AgentSettings(bot_id=DEMO_BOT_ID)


async def measure(
    stands: Sequence[Stand], people: Sequence[str], rounds: int
) -> dict[str, list[Times]]:
    """Ask each of the stands in turns; the first question of everybody does not count."""
    times: dict[str, list[Times]] = {each.name: [] for each in stands}
    run = time.time_ns()  # so that a file can be used again
    for number in range(-len(people), rounds):
        event = message(people[number % len(people)], f"new-{run}-{number}", f"question {number}")
        for each in stands if number % 2 else reversed(stands):
            took = await each.ask(event)
            if number >= 0:
                times[each.name].append(took)
    return times


def report(times: dict[str, list[Times]]) -> int:
    worst = 0.0
    for place, what in enumerate(MEASURES):
        columns = {name: [row[place] for row in rows] for name, rows in times.items()}
        for name, column in columns.items():
            print(f"{what:9} {name:6} ms: {distribution(column)}")
        big, empty = columns["big"], columns["empty"]
        ratio = statistics.median(big) / statistics.median(empty)
        tail = percentile(big, 0.99) / percentile(empty, 0.99)
        print(f"{what:9} ratio of medians {ratio:.2f}, of p99 {tail:.2f}")
        worst = max(worst, ratio)
    return 1 if worst > MOST else 0


def forget(path: Path) -> None:
    """Let the operating system drop what it remembers of the file, so that reading it costs."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def play(options: argparse.Namespace) -> int:
    step = max(1, options.sessions // options.people)
    people = [person_of(1 + step * number) for number in range(options.people)]
    lane = lane_of(message(people[0], "new", "hello"), GroupScope.USER)
    with closing(sqlite3.connect(options.file)) as database:
        known = database.execute("SELECT count(*) FROM turns WHERE lane = ?", (lane,)).fetchone()
        turns, sessions = (
            database.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]
            for table in ("turns", "sessions")
        )
    if not known[0]:
        raise SystemExit(f"{options.file}: nobody in it is {lane}; remove it to make a new one")
    size = options.file.stat().st_size / 1e9
    print(f"{options.file.name}: {size:.1f} GB, {turns} turns, {sessions} sessions")
    if options.cold:
        forget(options.file)
    with TemporaryDirectory() as folder:
        async with (
            stand("big", options.file) as big,
            stand("empty", Path(folder) / "empty.db") as empty,
        ):
            return report(await measure([big, empty], people, options.rounds))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--file", type=Path, default=Path("big.db"))
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=100, help="of those in it, who ask")
    parser.add_argument("--rounds", type=int, default=500, help="questions that count, each")
    parser.add_argument("--cold", action="store_true", help="forget what is cached of the file")
    options = parser.parse_args()
    logs.configure("error", "console", sys.stderr)
    if not options.file.exists():
        fill(options.file, options.sessions, options.turns)
    return uvloop.run(play(options))


if __name__ == "__main__":
    sys.exit(main())
