"""What is old goes in small pieces; what is open, or young, or holds something open, stays."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Connection, Table, func, insert, select, text, update

from bridge.config import RetentionSettings
from bridge.errors import Unreachable
from bridge.events import ChatRef, Inbound, Page, User
from bridge.store import Job, Store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.links import WRONG_WINDOW, offer, redeem
from bridge.store.outbox import Pages
from bridge.store.retention import Cuts, walks
from bridge.store.seal import Sealer
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.tables import (
    conversations,
    identities,
    inbox,
    lanes,
    link_attempts,
    link_codes,
    outbox,
    sessions,
    transcript,
    transcript_chats,
    turns,
    usage,
    variables,
    vault,
)
from bridge.store.transcripts import StoredTranscript
from bridge.store.turns import Settled, TurnState
from bridge.store.variables import told
from bridge.store.vault import StoredVault
from bridge.tidying import ROUND, Janitor
from bridge.upstream import Usage

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = NOW - 40 * DAY
CUT = NOW - 30 * DAY
CHAT = ChatRef("fake", "fake", "room")
ANNA = User("u-anna", name="Anna")
EVERYTHING = RetentionSettings(messages=30, usage=30, conversations=30, transcripts=30, people=30)


class Clock:
    """Shows the time it is told; its sleeps take none, or some seconds more than asked for."""

    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 0.0
        self.longer = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds + self.longer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Ledger:
    return Ledger(store, clock)


@pytest.fixture
def janitor(store: Store, clock: Clock) -> Janitor:
    return janitor_with(store, clock, EVERYTHING)


def janitor_with(store: Store, clock: Clock, settings: RetentionSettings) -> Janitor:
    return Janitor(store, settings, now=clock, monotonic=clock.monotonic, sleep=clock.sleep)


_events = count(1)


async def said(store: Store, at: datetime, lane: str = "lane", event: str = "") -> int:
    inbound = Inbound(event or f"e{next(_events)}", CHAT, ANNA, "a long story " * 40, at)
    accepted = await store.write(accept(inbound, lane, at))
    assert accepted is not None
    return accepted.id


async def answered(store: Store, clock: Clock, at: datetime, lane: str = "lane") -> int:
    """A message of that time, with an answer of two pages that was delivered then."""
    before, clock.now = clock.now, at
    ledger = Ledger(store, clock)
    await said(store, at, lane)
    _, [waiting] = await ledger.take_over(lane)
    turn = await ledger.take(waiting, [])
    pages = [Page("so it goes " * 40), Page("and so on")]
    session = Session(lane, "default", "uid", "c1")
    await ledger.answered(turn, session, pages, text="so", spent=Usage(3, 7))
    await Pages(store).settled(turn, [Settled(0, "m1")])
    await ledger.ended(turn, TurnState.DELIVERED)
    clock.now = before
    return turn.id


async def rows(store: Store, table: Table) -> int:
    def job(connection: Connection) -> int:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    return await store.read(job)


async def ids(store: Store) -> list[int]:
    return await store.read(lambda it: list(it.execute(select(inbox.c.id)).scalars()))


async def test_an_old_message_goes_with_all_that_belongs_to_it(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await answered(store, clock, OLD)
    assert await janitor.round() > 0
    tables = (inbox, turns, outbox, lanes, usage)
    assert [await rows(store, table) for table in tables] == [0, 0, 0, 0, 0]


async def test_a_young_message_stays_whole(store: Store, clock: Clock, janitor: Janitor) -> None:
    young = await answered(store, clock, NOW - 29 * DAY)
    await answered(store, clock, OLD)
    await janitor.round()
    assert await ids(store) == [young]
    assert [await rows(store, table) for table in (outbox, lanes, usage)] == [2, 1, 1]


async def test_an_open_turn_stays_however_old_it_is(
    store: Store, clock: Clock, ledger: Ledger, janitor: Janitor
) -> None:
    kept = [await said(store, OLD, lane) for lane in ("a", "b")]
    await ledger.take_over("a")
    await janitor.round()
    assert await ids(store) == kept
    assert await ledger.open_lanes() == ["a", "b"]
    _, [turn] = await ledger.take_over("a")
    assert turn.fence == 2


async def test_what_was_merged_stays_as_long_as_the_turn_it_belongs_to_is_open(
    store: Store, clock: Clock, ledger: Ledger, janitor: Janitor
) -> None:
    clock.now = OLD
    for _ in range(3):
        await said(store, OLD)
    _, waiting = await ledger.take_over("lane")
    turn = await ledger.take(waiting[0], waiting[1:])
    clock.now = NOW
    await janitor.round()
    assert await rows(store, inbox) == 3
    clock.now = OLD
    await ledger.ended(turn, TurnState.DELIVERED)
    clock.now = NOW
    await janitor.round()
    assert await rows(store, inbox) == 0


async def test_a_message_that_waited_long_is_kept_from_its_answer_on(
    store: Store, clock: Clock, ledger: Ledger, janitor: Janitor
) -> None:
    await said(store, OLD)
    _, [turn] = await ledger.take_over("lane")
    await ledger.ended(turn, TurnState.DELIVERED)
    await janitor.round()
    assert await rows(store, inbox) == 1


async def test_what_is_behind_many_open_turns_is_found(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    for _ in range(150):
        await said(store, OLD, lane="parked")
    await answered(store, clock, OLD)
    await janitor.round()
    assert await rows(store, inbox) == 150


async def test_nothing_goes_that_is_to_be_kept_for_ever(store: Store, clock: Clock) -> None:
    await answered(store, clock, NOW - 4000 * DAY)
    never = RetentionSettings(messages=0, usage=0, conversations=0, transcripts=0, people=0)
    assert await janitor_with(store, clock, never).round() == 0
    assert [await rows(store, table) for table in (inbox, outbox, usage)] == [1, 2, 1]


async def test_an_id_is_not_given_out_again(store: Store, clock: Clock, janitor: Janitor) -> None:
    gone = await answered(store, clock, OLD)
    await janitor.round()
    assert await said(store, NOW) > gone


async def test_what_nobody_used_leaves_the_history(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    for at, name in ((OLD, "old"), (NOW - DAY, "young")):
        session = Session(name, "default", "uid")
        await store.write(begin_conversation(session, f"c-{name}", "tea", at))
    await janitor.round()
    left = await store.read(
        lambda it: (
            it.execute(select(conversations.c.lane)).scalars().all(),
            it.execute(select(sessions.c.lane)).scalars().all(),
        )
    )
    assert left == (["young"], ["young"])


async def test_who_was_not_here_for_long_is_forgotten_with_their_variables(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await store.write(remember_user(Known(CHAT, ANNA, "uid-anna"), OLD))
    await store.write(remember_user(Known(CHAT, User("u-li"), "uid-li"), NOW - DAY))
    for uid in ("uid-anna", "uid-li"):
        await store.write(told(uid, "default", {"name": "x"}))
    await janitor.round()
    left = await store.read(
        lambda it: (
            it.execute(select(identities.c.uid)).scalars().all(),
            it.execute(select(variables.c.uid)).scalars().all(),
        )
    )
    assert left == (["uid-li"], ["uid-li"])


async def test_what_a_group_is_told_stays_while_it_is_used(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await store.write(told("uid-group", "default", {"name": "x"}))
    group = Session("group", "default", "uid-group")
    await store.write(begin_conversation(group, "c1", "tea", NOW - DAY))
    await janitor.round()
    assert await rows(store, variables) == 1


async def test_a_page_forgets_old_messages_and_then_empty_chats(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    for at, chat in ((OLD, "old"), (NOW - DAY, "young")):
        clock.now = at
        page = StoredTranscript(store, "web", clock)
        await page.open_chat(chat)
        await page.append(chat, "user", "hello", key="1")
    clock.now = NOW
    await janitor.round()
    assert [await rows(store, table) for table in (transcript, transcript_chats)] == [1, 1]
    assert await StoredTranscript(store, "web", clock).knows("young")


async def test_codes_tries_and_sealed_values_go_when_they_have_expired(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await store.write(offer("BCDFGHJK", "a", OLD))
    await store.write(redeem("XXXXXXXX", "b", OLD))
    kept = StoredVault(store, Sealer("a long passphrase", "salt"), "slack", clock)
    await kept.put("state", "x", expires=NOW + timedelta(minutes=1))
    await kept.put("token", "y")
    clock.now = NOW + 2 * WRONG_WINDOW
    await janitor.round()
    assert await rows(store, link_codes) == 0
    assert await store.read(lambda it: it.execute(select(link_attempts.c.who)).scalars().all()) == [
        ""
    ]
    assert await store.read(lambda it: it.execute(select(vault.c.name)).scalars().all()) == [
        "token"
    ]


async def test_whole_tables_are_not_walked_every_minute(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await janitor.round()
    await store.write(begin_conversation(Session("lane", "default", "uid"), "c", "tea", OLD))
    clock.seconds += 60
    assert await janitor.round() == 0
    clock.seconds += 3600
    assert await janitor.round() == 2


async def test_a_round_ends_in_time_and_the_next_goes_on(store: Store, clock: Clock) -> None:
    await store.write(_many(1500, OLD))
    janitor = janitor_with(store, clock, EVERYTHING)
    clock.longer = 1.0
    began = clock.seconds
    assert 0 < await janitor.round() < 1500
    assert clock.seconds - began < ROUND + 2
    assert await janitor.round() > 0
    assert await rows(store, inbox) == 0


def _many(number: int, at: datetime) -> Job[None]:
    """Messages that were answered, put in the way that is quickest."""

    def job(connection: Connection) -> None:
        first = connection.execute(select(func.coalesce(func.max(inbox.c.id), 0))).scalar_one() + 1
        events = [
            {
                "id": first + n,
                "platform": "fake",
                "account": "fake",
                "event_id": f"many-{first + n}",
                "lane": f"lane-{n % 50}",
                "payload": "{}" * 200,
                "received_at": at,
            }
            for n in range(number)
        ]
        ended = [
            {
                "id": event["id"],
                "lane": event["lane"],
                "kind": "message",
                "state": "delivered",
                "answer": "so it goes " * 30,
                "attempts": 1,
                "failures": 0,
                "retries": 0,
                "created_at": at,
                "ended_at": at,
            }
            for event in events
        ]
        connection.execute(insert(inbox), events)
        connection.execute(insert(turns), ended)

    return job


def _pages(connection: Connection) -> int:
    return int(connection.execute(text("PRAGMA page_count")).scalar_one())


async def test_a_busy_bridge_keeps_its_size(store: Store, clock: Clock, janitor: Janitor) -> None:
    """Eighty days of 300 messages each; the janitor comes by once a day here."""
    sizes: list[int] = []
    numbers: list[int] = []
    for day in range(80):
        clock.now = NOW + day * DAY
        clock.seconds += 86400
        await store.write(_many(300, clock.now))
        await janitor.round()
        numbers.append(await rows(store, turns))
        if await _is_sqlite(store):
            sizes.append(await store.read(_pages))
    assert max(numbers) <= 31 * 300
    assert min(numbers[40:]) >= 30 * 300
    assert max(sizes[40:], default=0) <= 1.1 * (sizes or [0] * 41)[40]


async def _is_sqlite(store: Store) -> bool:
    return await store.read(lambda connection: connection.dialect.name == "sqlite")


async def test_several_janitors_at_once_remove_everything_once(store: Store, clock: Clock) -> None:
    await store.write(_many(1000, OLD))
    janitors = [janitor_with(store, clock, EVERYTHING) for _ in range(4)]
    removed = await asyncio.gather(*(each.round() for each in janitors))
    while more := await janitor_with(store, clock, EVERYTHING).round():
        removed.append(more)
    assert await rows(store, inbox) == 0
    assert sum(removed) == 1000


async def test_a_window_is_no_larger_than_asked(store: Store) -> None:
    await store.write(_many(100, OLD))
    walk = next(walk for walk in walks(Cuts(messages=CUT), NOW) if walk.name == "inbox")
    swept = await store.write(walk.window(None, 30))
    assert (swept.removed, await rows(store, inbox)) == (30, 70)
    swept = await store.write(walk.window(swept.after, 30))
    assert (swept.removed, await rows(store, inbox)) == (30, 40)


async def test_an_operator_who_takes_a_turn_up_again_keeps_it(
    store: Store, clock: Clock, janitor: Janitor
) -> None:
    await answered(store, clock, OLD)
    await store.write(lambda it: it.execute(update(turns).values(ended_at=None)) and None)
    await janitor.round()
    assert await rows(store, outbox) == 2


class Away:
    """A database that does not answer."""

    async def read(self, job: Job[int]) -> int:
        raise Unreachable("database: gone")

    async def write(self, job: Job[int], *, order: str | None = None) -> int:
        raise Unreachable("database: gone")

    async def close(self) -> None: ...


async def test_a_database_that_is_away_does_not_end_the_bridge(clock: Clock) -> None:
    away: Callable[[], Store] = Away  # type: ignore[assignment]
    assert await janitor_with(away(), clock, EVERYTHING).round() == 0
