"""Lists that are read piece by piece, and what is counted of the last hours."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, event

from bridge.store import Store
from bridge.store.admin_sessions import begin, end, is_open
from bridge.store.browsing import (
    identities_called,
    people_from,
    spent_each,
    standings,
    talks_from,
)
from bridge.store.guests import Guest, Standing, decide
from bridge.store.overview import Which, crowd, running, unanswered
from bridge.store.people import identities_of
from bridge.store.rhythm import Beat, rhythm, tokens_since
from bridge.store.tables import identities, inbox, sessions, turns, usage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PAYLOAD = (
    '{"event_id":"e","chat":{"platform":"fake","account":"fake","chat":"c"},'
    '"user":{"id":"u","name":"Anna"},"text":"hello","sent_at":"2026-01-02T03:04:05Z"}'
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


async def lanes(store: Store, *names: str, agent: str = "default") -> None:
    """Used one after the other, the first one last."""
    rows = [
        {"lane": f"fake/fake/{name}/", "agent": agent, "used_at": ago(at)}
        for at, name in enumerate(names)
    ]
    await store.write(lambda c: c.execute(sessions.insert(), rows))


async def people(store: Store, *names: str) -> None:
    rows = [
        {
            "platform": "fake",
            "account": "fake",
            "user": f"u-{name}",
            "uid": f"uid-{name}",
            "name": name,
            "created_at": NOW,
            "seen_at": ago(at // 2),  # two at a time
        }
        for at, name in enumerate(names)
    ]
    await store.write(lambda c: c.execute(identities.insert(), rows))


async def ran(store: Store, *each: tuple[str, float | None, float]) -> None:
    """Put turns there: state, when it ended (seconds ago), how long it took."""

    def job(connection: Connection) -> None:
        for number, (state, ended, took) in enumerate(each, 1):
            begun = ago((ended or 0.0) + took)
            row = {"platform": "fake", "account": "fake", "event_id": str(number)}
            more = {"lane": "fake/fake/c/", "payload": PAYLOAD, "received_at": begun}
            connection.execute(inbox.insert(), {"id": number, **row, **more})
            its = {"kind": "message", "attempts": 0, "failures": 0, "retries": 0}
            end = None if ended is None else ago(ended)
            times = {"created_at": begun, "ended_at": end}
            row = {"id": number, "lane": "fake/fake/c/", "state": state}
            connection.execute(turns.insert(), row | its | times)

    await store.write(job)


# Conversations


async def test_conversations_are_turned_over_page_by_page(store: Store) -> None:
    await lanes(store, *"abcde")
    which, after, pages = Which(limit=2), None, []
    while True:
        piece = await store.read(talks_from(which, after, 3))
        pages.append([it.lane[10] for it in piece.found])
        if (after := piece.then) is None:
            break
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_conversations_used_at_the_same_moment_all_have_their_turn(store: Store) -> None:
    rows = [{"lane": f"fake/fake/{n}/", "agent": "default", "used_at": NOW} for n in "abcd"]
    await store.write(lambda c: c.execute(sessions.insert(), rows))
    first = await store.read(talks_from(Which(limit=2), None, 3))
    second = await store.read(talks_from(Which(limit=2), first.then, 3))
    assert sorted(it.lane[10] for it in (*first.found, *second.found)) == list("abcd")


async def test_a_search_looks_at_so_many_and_says_where_it_stopped(store: Store) -> None:
    await lanes(store, *"abcde")
    piece = await store.read(talks_from(Which(search="/e/", limit=5), None, 3))
    assert piece.found == []
    piece = await store.read(talks_from(Which(search="/e/", limit=5), piece.then, 3))
    assert [it.lane for it in piece.found] == ["fake/fake/e/"]
    assert piece.then is None


async def test_only_one_platform_or_agent(store: Store) -> None:
    await lanes(store, "a")
    await lanes(store, "b", agent="other")
    found = await store.read(talks_from(Which(agent="other"), None, 10))
    assert [it.lane for it in found.found] == ["fake/fake/b/"]
    assert (await store.read(talks_from(Which(platform="fak"), None, 10))).found == []


# People


async def test_people_are_turned_over_page_by_page(store: Store) -> None:
    await people(store, *"abcdefg")
    after, seen = None, []
    while True:
        piece = await store.read(people_from("", 3, after, 4))
        assert len(piece.found) <= 3
        seen += [it.name for it in piece.found]
        if (after := piece.then) is None:
            break
    assert sorted(seen) == list("abcdefg")


async def test_a_person_is_found_by_name_and_by_address(store: Store) -> None:
    await people(store, "Anna", "Li", "Hanna")
    found = await store.read(people_from("ANNA", 10, None, 10))
    assert sorted(it.name for it in found.found) == ["Anna", "Hanna"]
    [li] = await store.read(identities_called("fake:u-Li", ["fake"]))
    assert li.name == "Li"
    assert await store.read(identities_called("fake:u-Li", ["other"])) == []


async def test_what_an_admin_thinks_of_people_is_known_with_them(store: Store) -> None:
    await people(store, "Anna", "Li")
    anna = Guest("fake", "u-Anna", "Anna", Standing.UNKNOWN, NOW)
    await store.write(decide(anna, Standing.BLOCKED, "admin page", NOW))
    everybody = (await store.read(people_from("", 10, None, 10))).found
    assert await store.read(standings(everybody)) == {("fake", "u-Anna"): Standing.BLOCKED}
    assert await store.read(standings([])) == {}


async def test_what_people_have_cost_is_added_up_for_a_page_of_them(store: Store) -> None:
    rows = [
        {"turn": n, "agent": "default", "uid": uid, "input_tokens": 3, "output_tokens": 4, "at": at}
        for n, (uid, at) in enumerate([("a", NOW), ("a", ago(9)), ("a", ago(99)), ("b", NOW)])
    ]
    await store.write(lambda c: c.execute(usage.insert(), rows))
    found = await store.read(spent_each(["a", "c"], ago(10)))
    assert {uid: (it.answers, it.input_tokens) for uid, it in found.items()} == {"a": (2, 6)}
    assert await store.read(tokens_since(ago(10))) == 21
    assert await store.read(tokens_since(ago(100), most=2)) == 14
    assert await store.read(tokens_since(NOW + timedelta(1))) == 0


# Turns


async def test_what_has_ended_is_counted_by_when_and_how_long_it_took(store: Store) -> None:
    await ran(
        store,
        ("delivered", 10, 1.3),
        ("delivered", 10, 1.4),
        ("delivered", 70, 2.0),
        ("failed", 5, 0.1),
        ("merged", 5, 0.1),
        ("asked", None, 3.0),
        ("delivered", 500, 1.0),
    )
    found = await store.read(rhythm(ago(120), 60))
    assert sorted(found.beats, key=lambda b: (b.slot, b.answered)) == [
        Beat(0, answered=True, seconds=2.0, turns=1),
        Beat(1, answered=False, seconds=0.0, turns=1),
        Beat(1, answered=True, seconds=1.25, turns=2),
    ]
    assert found.reaches == ago(120)


async def test_a_busy_bridge_is_counted_only_as_far_as_is_no_bother(store: Store) -> None:
    await ran(store, *[("delivered", 60 - n, 1.0) for n in range(10)])
    found = await store.read(rhythm(ago(120), 60, most=4))
    assert sum(beat.turns for beat in found.beats) == 4
    assert found.reaches == ago(55)


async def test_nothing_has_ended(store: Store) -> None:
    found = await store.read(rhythm(ago(120), 60))
    assert (found.beats, found.reaches) == ([], ago(120))
    assert await store.read(crowd()) == (0, 0)


async def test_turns_that_run_and_turns_that_were_given_up(store: Store) -> None:
    await ran(store, ("asked", None, 3.0), ("dead", 5, 1.0), ("failed", 4, 1.0), ("dropped", 4, 1))
    assert [it.id for it in await store.read(running(10))] == [1]
    assert [it.id for it in await store.read(unanswered(10))] == [3, 2]
    assert [it.id for it in await store.read(unanswered(10, before=3))] == [2]
    assert await store.read(crowd()) == (1, 2)


# Who is signed in


async def test_a_session_lasts_until_its_time_or_its_end(store: Store) -> None:
    await store.write(begin("a", NOW, NOW + timedelta(hours=1)))
    assert await store.read(is_open("a", NOW))
    assert not await store.read(is_open("a", NOW + timedelta(hours=1)))
    assert not await store.read(is_open("b", NOW))
    await store.write(end("a"))
    assert not await store.read(is_open("a", NOW))


# Every list goes along an index, however many rows there are


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (talks_from(Which(), None, 50), "ix_sessions_used_at"),
        (people_from("", 50, None, 50), "ix_identities_seen_at"),
        (identities_of({"a"}), "ix_identities_uid"),
        (unanswered(50), "ix_turns_unanswered"),
        (running(50), "ix_turns_open"),
        (spent_each(["a"], NOW), "ix_usage_uid_at"),
        (tokens_since(NOW), "PRIMARY KEY (rowid>?)"),
    ],
)
async def test_a_list_is_read_along_an_index(store: Store, query: object, index: str) -> None:
    plans: list[str] = []

    def explained(connection: Connection) -> None:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL reads an empty table as a whole")

        def explain(
            _: object, cursor: object, statement: str, parameters: object, *__: object
        ) -> None:
            if statement.startswith("SELECT"):
                told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row.detail for row in told)

        event.listen(connection, "before_cursor_execute", explain)
        query(connection)  # type: ignore[operator]
        event.remove(connection, "before_cursor_execute", explain)

    await store.read(explained)
    assert any(index in line for line in plans), plans
    tables = ("sessions", "identities", "turns", "inbox", "usage", "outbox")
    assert [line for line in plans if line in {f"SCAN {table}" for table in tables}] == []
