"""Forgetting on both databases: once, in pieces, and by one replica at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bridge.config import GroupScope
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.lanes import is_own, lane_of, whole_chat_of
from bridge.store import Store
from bridge.store.farewells import Farewell, Kind, done, due, is_set_anew, say_farewell
from bridge.store.forget import COUNTED, SETTLED, Somebody, begin, finish, sweep, under_way
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.tables import conversations, farewells, forgettings, inbox, turns, usage
from bridge.store.turns import TurnState
from bridge.store.upsert import put
from bridge.store.variables import heard, told
from bridge.upstream import Variable

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHAT = ChatRef("fake", "bot", "room")
GROUP = ChatRef("fake", "bot", "group", kind=ChatKind.GROUP)
ANNA = User("U/an%na_", name="Anna")
ALMOST = User("u/an%na_", name="somebody else")
WHO = Somebody("fake", "bot", ANNA.id, "uid-anna")
LATER = NOW + SETTLED


async def said(store: Store, number: int, user: User = ANNA, chat: ChatRef = CHAT) -> int:
    event = Inbound(f"e{number}", chat, user, f'text {number}, "user":{{"id":"x"', NOW)
    lane = lane_of(event, GroupScope.USER)
    accepted = await store.write(accept(event, lane, NOW))
    assert accepted is not None
    return accepted.id


async def answered(store: Store, lane: str) -> None:
    ledger = Ledger(store, lambda: NOW)
    _, waiting = await ledger.take_over(lane)
    for turn in waiting:
        await ledger.ended(turn, TurnState.DELIVERED)


async def texts(store: Store) -> list[str]:
    rows = await store.read(
        lambda it: it.execute(select(inbox.c.payload).order_by(inbox.c.id)).scalars().all()
    )
    return [row.split('"text":"')[1].split(",")[0] for row in rows]


async def swept(store: Store, size: int = 3) -> int:
    windows = 1
    while await store.write(sweep(WHO, LATER, size)):
        windows += 1
    return windows


async def test_only_the_words_of_this_very_person_go(store: Store) -> None:
    for number, user in enumerate([ANNA, ALMOST, ANNA, User("%"), ANNA]):
        last = await said(store, number, user)
    await answered(store, "fake/bot/room/")
    await store.write(begin(WHO, WHO.uid, last, NOW))
    assert await swept(store) == 2
    assert await texts(store) == ['"', "text 1", '"', "text 3", '"']


async def test_what_was_said_afterwards_stays(store: Store) -> None:
    last = await said(store, 1)
    await said(store, 2)
    await answered(store, "fake/bot/room/")
    await store.write(begin(WHO, WHO.uid, last, NOW))
    await swept(store)
    assert await texts(store) == ['"', "text 2"]


async def test_nothing_of_an_open_message_goes_nor_of_any_after_it(store: Store) -> None:
    await said(store, 1)
    await answered(store, "fake/bot/room/")
    await said(store, 2, chat=GROUP)
    last = await said(store, 3)
    await answered(store, "fake/bot/room/")
    await store.write(begin(WHO, WHO.uid, last, NOW))
    await swept(store)
    assert await texts(store) == ['"', "text 2", "text 3"]
    await answered(store, "fake/bot/group//U%2Fan%25na_")
    await swept(store)
    assert await texts(store) == ['"', '"', '"']


async def test_several_replicas_sweep_without_harm(store: Store) -> None:
    for number in range(60):
        last = await said(store, number, ANNA if number % 2 else ALMOST)
    await answered(store, "fake/bot/room/")
    await store.write(begin(WHO, WHO.uid, last, NOW))

    async def replica() -> None:
        while not (await store.read(under_way()))[0].is_swept:
            await store.write(sweep(WHO, LATER, 3))

    await asyncio.gather(*(replica() for _ in range(4)))
    assert (await texts(store)).count('"') == 30
    [progress] = await store.read(under_way())
    assert progress.is_swept


async def test_it_is_over_after_a_day_and_not_before(store: Store) -> None:
    last = await said(store, 1)
    await store.write(begin(WHO, WHO.uid, last, NOW))
    await store.write(finish(WHO, NOW + COUNTED))  # not swept yet
    await answered(store, "fake/bot/room/")
    await swept(store)
    await store.write(finish(WHO, NOW + COUNTED - timedelta(seconds=1)))
    assert len(await store.read(under_way())) == 1
    await store.write(finish(WHO, NOW + COUNTED))
    assert await store.read(under_way()) == []


async def test_what_was_used_counts_until_a_limit_by_day_has_passed(store: Store) -> None:
    def spend(turn: int, at: datetime) -> None:
        row = {"agent": "a", "uid": WHO.uid, "input_tokens": 1, "output_tokens": 1}
        spending.append({"turn": turn, "at": at, **row})

    spending: list[dict[str, object]] = []
    spend(1, NOW - COUNTED)
    spend(2, NOW)
    spend(3, NOW + timedelta(hours=1))
    for row in spending:
        await store.write(lambda it, row=row: put(it, usage, **row))  # type: ignore[misc]
    await store.write(begin(WHO, WHO.uid, 0, NOW))

    async def whose() -> list[str]:
        statement = select(usage.c.uid).order_by(usage.c.turn)
        return list(await store.read(lambda it: it.execute(statement).scalars().all()))

    assert await whose() == ["", WHO.uid, WHO.uid]
    await store.write(finish(WHO, NOW + COUNTED))
    assert await whose() == ["", "", WHO.uid]


async def test_asking_twice_is_asking_once_for_more(store: Store) -> None:
    first = await said(store, 1)
    await store.write(begin(WHO, WHO.uid, first, NOW))
    second = await said(store, 2)
    await store.write(begin(WHO, WHO.uid, second, NOW))
    await answered(store, "fake/bot/room/")
    await swept(store)
    assert await texts(store) == ['"', '"']
    rows = await store.read(lambda it: it.execute(select(forgettings)).all())
    assert len(rows) == 1


async def test_a_conversation_is_said_farewell_to_by_whom_it_belongs_to(store: Store) -> None:
    lane = "fake/bot/room/"
    await store.write(begin_conversation(Session(lane, "a", WHO.uid), "c1", "tea", NOW))
    shared = Session("fake/bot/group/", "a", WHO.uid, shared=True)
    await store.write(begin_conversation(shared, "c2", "tea", NOW))
    await store.write(begin(WHO, WHO.uid, 0, NOW))
    assert await store.write(due(NOW, 9)) == [Farewell("a", WHO.uid, Kind.CONVERSATION, "c1", NOW)]
    left = await store.read(lambda it: it.execute(select(conversations)).all())
    assert [row.conversation_id for row in left] == ["c2"]


async def test_only_variables_that_coze_has_are_unset(store: Store) -> None:
    await store.write(told(WHO.uid, "a", {"name": "Anna"}))
    await store.write(heard(WHO.uid, "a", [Variable("mood", "good", NOW), Variable("empty", "")]))
    await store.write(begin(WHO, WHO.uid, 0, NOW))
    assert sorted(each.name for each in await store.write(due(NOW, 9))) == ["mood", "name"]


async def test_a_farewell_comes_back_later_and_later_until_it_is_done(store: Store) -> None:
    await store.write(lambda it: say_farewell(it, "a", "u", Kind.CONVERSATION, "c1", NOW))
    at = NOW
    for minutes in (1, 2, 4, 8):
        [farewell] = await store.write(due(at, 9))
        assert await store.write(due(at + timedelta(minutes=minutes, seconds=-1), 9)) == []
        at += timedelta(minutes=minutes)
    await store.write(done(farewell))
    assert await store.read(lambda it: it.execute(select(farewells)).all()) == []


async def test_each_farewell_is_taken_by_one_replica(store: Store) -> None:
    for number in range(30):
        await store.write(
            lambda it, number=number: say_farewell(  # type: ignore[misc]
                it, "a", "u", Kind.CONVERSATION, f"c{number}", NOW
            )
        )
    taken = await asyncio.gather(*(store.write(due(NOW, 10)) for _ in range(6)))
    names = [each.name for some in taken for each in some]
    assert len(names) == len(set(names))
    assert len(names) + len(await store.write(due(NOW, 30))) == 30


async def test_a_variable_that_was_told_again_is_known(store: Store) -> None:
    farewell = Farewell("a", "u", Kind.VARIABLE, "name", NOW)
    assert not await store.read(is_set_anew(farewell))
    await store.write(told("u", "a", {"name": "Anna"}))
    assert await store.read(is_set_anew(farewell))


async def test_nobody_is_found_by_what_others_say_of_them(store: Store) -> None:
    await store.write(remember_user(Known(CHAT, ALMOST, "uid-other"), NOW))
    event = Inbound("e1", CHAT, ALMOST, f'{{"user":{{"id":"{ANNA.id}"', NOW)
    accepted = await store.write(accept(event, "fake/bot/room/", NOW))
    assert accepted is not None
    await answered(store, "fake/bot/room/")
    await store.write(begin(WHO, WHO.uid, accepted.id, NOW))
    await swept(store)
    lanes = await store.read(lambda it: it.execute(select(turns.c.lane)).scalars().all())
    assert lanes == ["fake/bot/room/"]


@pytest.mark.parametrize(
    ("chat", "own"),
    [
        (CHAT, True),
        (GROUP, True),
        (ChatRef("fake", "bot", "group", "7", ChatKind.THREAD), False),
    ],
)
def test_whose_a_lane_is(chat: ChatRef, own: bool) -> None:
    event = Inbound("e", chat, ANNA, "x", NOW)
    assert is_own(event, lane_of(event, GroupScope.USER)) == own
    if chat.kind is ChatKind.GROUP:
        assert not is_own(event, lane_of(event, GroupScope.CHAT))


@pytest.mark.parametrize(
    ("lane", "place"),
    [
        ("web/page/a%2Fb/", ("page", "a/b")),
        ("web/page/a/thread", None),
        ("fake/bot/group//u", None),
        ("forgotten", None),
    ],
)
def test_a_whole_chat_is_told_from_a_part_of_one(lane: str, place: tuple[str, str] | None) -> None:
    assert whole_chat_of(lane) == place
