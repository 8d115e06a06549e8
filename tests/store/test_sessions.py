"""Who is who, and which conversation goes on where."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bridge.events import ChatRef, User
from bridge.store import Store
from bridge.store.sessions import (
    Known,
    Session,
    StoredSession,
    begin_conversation,
    conversation_of,
    end_conversation,
    forget_conversation,
    history,
    remember_user,
    resume,
    session_of,
    use_conversation,
)
from bridge.store.tables import forgettings, identities
from bridge.store.upsert import put

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = Session("lane", "default", "uid")


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def test_a_lane_has_no_session_before_its_first_question(store: Store) -> None:
    assert await store.read(session_of("lane")) is None


async def test_the_conversation_begun_last_is_the_current_one(store: Store) -> None:
    for number in (1, 2):
        await store.write(begin_conversation(SESSION, f"c{number}", "title", later(number)))
    assert await store.read(session_of("lane")) == StoredSession("default", "c2", later(2))


async def test_beginning_twice_is_beginning_once(store: Store) -> None:
    for _ in range(2):
        await store.write(begin_conversation(SESSION, "c1", "title", NOW))
    assert len(await store.read(history("lane", "default", 9))) == 1


async def test_an_ended_conversation_stays_in_the_history(store: Store) -> None:
    await store.write(begin_conversation(SESSION, "c1", "title", NOW))
    await store.write(end_conversation("lane", "default", later(1)))
    assert await store.read(session_of("lane")) == StoredSession("default", None, later(1))
    assert [c.conversation_id for c in await store.read(history("lane", "default", 9))] == ["c1"]


async def test_history_has_what_was_used_last_first(store: Store) -> None:
    for number in range(1, 5):
        await store.write(begin_conversation(SESSION, f"c{number}", f"t{number}", later(number)))
    await store.write(use_conversation("lane", "default", "c2", later(9)))
    found = await store.read(history("lane", "default", 3))
    assert [(c.conversation_id, c.title) for c in found] == [
        ("c2", "t2"),
        ("c4", "t4"),
        ("c3", "t3"),
    ]
    assert found[0].used_at == later(9)


async def test_history_is_of_one_lane_with_one_agent(store: Store) -> None:
    await store.write(begin_conversation(SESSION, "c1", "mine", NOW))
    assert await store.read(history("other", "default", 9)) == []
    assert await store.read(history("lane", "other", 9)) == []
    assert await store.read(conversation_of("other", "default", "c1")) is None
    assert await store.read(conversation_of("lane", "other", "c1")) is None
    mine = await store.read(conversation_of("lane", "default", "c1"))
    assert mine is not None
    assert mine.title == "mine"


async def test_a_lost_conversation_is_forgotten_everywhere(store: Store) -> None:
    await store.write(begin_conversation(SESSION, "c1", "title", NOW))
    await store.write(forget_conversation("c1"))
    assert await store.read(session_of("lane")) == StoredSession("default", None, NOW)
    assert await store.read(history("lane", "default", 9)) == []


async def test_a_long_question_is_a_title_of_a_hundred_characters(store: Store) -> None:
    await store.write(begin_conversation(SESSION, "c1", "长🦊" * 5000, NOW))
    [found] = await store.read(history("lane", "default", 9))
    assert len(found.title) == 100


async def test_a_person_is_remembered_once_with_their_newest_name(store: Store) -> None:
    chat = ChatRef("fake", "fake", "room")
    await store.write(remember_user(Known(chat, User("u", "Old"), "uid"), NOW))
    newer = Known(chat, User("u", "New" * 500), "uid")
    await store.write(remember_user(newer, later(1)))
    [row] = await store.read(lambda c: c.execute(select(identities)).all())
    assert row.name.startswith("NewNew")
    assert (row.created_at, row.seen_at) == (NOW, later(1))


async def test_a_person_is_news_until_they_were_noted_a_moment_ago(store: Store) -> None:
    anna = Known(ChatRef("fake", "fake", "room"), User("u", "Anna" * 99), "uid")
    looking = resume("lane", anna, "uid")
    assert (await store.read(looking)).is_news(anna, NOW)
    await store.write(remember_user(anna, NOW))
    found = await store.read(looking)
    assert not found.is_news(anna, later(4))
    assert found.is_news(anna, later(5))
    assert found.is_news(replace(anna, user=User("u", "Ann")), later(1))
    assert found.is_news(replace(anna, uid="another"), later(1))


async def test_whoever_is_being_forgotten_is_noted_each_time(store: Store) -> None:
    anna = Known(ChatRef("fake", "fake", "room"), User("u", "Anna"), "uid")
    gone = {"uid": "uid", "asked_at": NOW, "until": 1, "cursor": 0}
    await store.write(lambda connection: put(connection, forgettings, **anna.key, **gone))
    await store.write(remember_user(anna, NOW))
    assert (await store.read(resume("lane", anna, "uid"))).is_news(anna, NOW)
