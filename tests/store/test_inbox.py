"""Messages as they arrive: each once, in its lane."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound, User
from bridge.lanes import express
from bridge.store import Store
from bridge.store.inbox import Accepted, accept
from bridge.store.ledger import Ledger
from bridge.store.sessions import Session
from bridge.store.turns import TurnKind
from tests.store.moment import NOW

EVENT = Inbound(
    "e1",
    ChatRef("fake", "fake", "room", "topic", ChatKind.GROUP),
    User("u", "Änne", "Ä", "aenne", "zh-CN", "Asia/Shanghai", "a@example.org"),
    "hello 🦊",
    NOW,
    (Attachment(AttachmentKind.PHOTO, "ref", "x.png", 17, "image/png"),),
)


def numbered(number: int) -> Inbound:
    return replace(EVENT, event_id=f"e{number}")


async def put(
    store: Store, number: int, *, after: float = 0, window: float | None = None
) -> Accepted | None:
    at = NOW + timedelta(seconds=after)
    return await store.write(accept(numbered(number), "lane", at, merge_window=window))


async def test_an_event_comes_back_whole(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    [turn] = await ledger.waiting("lane", 0)
    assert turn.event == EVENT
    assert turn.kind is TurnKind.MESSAGE


async def test_the_same_event_is_accepted_once(store: Store, ledger: Ledger) -> None:
    results = await asyncio.gather(*(put(store, 1) for _ in range(10)))
    assert sum(result is not None for result in results) == 1
    assert len(await ledger.waiting("lane", 0)) == 1


@pytest.mark.parametrize("changes", [{"platform": "other"}, {"account": "other"}])
async def test_ids_of_events_belong_to_one_account_of_one_platform(
    store: Store, ledger: Ledger, changes: dict[str, str]
) -> None:
    await put(store, 1)
    other = replace(EVENT, chat=replace(EVENT.chat, **changes))  # type: ignore[arg-type]
    assert await store.write(accept(other, "lane", NOW)) is not None
    assert len(await ledger.waiting("lane", 0)) == 2


async def test_numbers_grow_with_time(store: Store) -> None:
    accepted = [await put(store, number) for number in range(5)]
    ids = [each.id for each in accepted if each]
    assert ids == sorted(set(ids))


async def test_a_busy_lane_turns_a_message_away(store: Store, ledger: Ledger) -> None:
    await put(store, 1)
    _, waiting = await ledger.take_over("lane")
    await ledger.take(waiting[0], [])
    accepted = await put(store, 2, window=0.3)
    assert accepted
    assert accepted.lane == express("lane")
    [notice] = await ledger.waiting(express("lane"), 0)
    assert notice.kind is TurnKind.BUSY


async def test_an_answer_that_is_being_delivered_turns_nobody_away(
    store: Store, ledger: Ledger
) -> None:
    await put(store, 1)
    _, waiting = await ledger.take_over("lane")
    turn = await ledger.take(waiting[0], [])
    await ledger.answered(turn, Session("lane", "default", "uid"), [], text="yes")
    accepted = await put(store, 2, window=0.3)
    assert accepted
    assert accepted.lane == "lane"


async def test_an_idle_lane_turns_nobody_away(store: Store, ledger: Ledger) -> None:
    accepted = await put(store, 1, window=0.3)
    assert accepted
    assert accepted.lane == "lane"


@pytest.mark.parametrize(("after", "lane"), [(0.3, "lane"), (0.31, "lane!")])
async def test_a_part_of_what_nobody_has_begun_is_not_turned_away(
    store: Store, after: float, lane: str
) -> None:
    await put(store, 1, window=0.3)
    accepted = await put(store, 2, after=after, window=0.3)
    assert accepted
    assert accepted.lane == lane


async def test_what_was_turned_away_is_still_accepted_once(store: Store) -> None:
    await put(store, 1, window=0.3)
    assert await put(store, 2, after=9, window=0.3) is not None
    assert await put(store, 2, after=9, window=0.3) is None


class Told(list[list[str]]):
    """The lanes that were told to have work, call by call."""

    def __call__(self, _: Connection, lanes: Sequence[str]) -> None:
        self.append(list(lanes))


async def crowd(store: Store, numbers: Sequence[int], told: Told) -> list[Accepted | None]:
    """Let events come in at the same moment, in two lanes."""
    return await asyncio.gather(
        *(
            store.write(accept(numbered(n), f"lane{n % 2}", NOW, also=told), order=f"lane{n % 2}")
            for n in numbers
        )
    )


async def test_a_crowd_comes_in_together_and_in_its_order(store: Store, ledger: Ledger) -> None:
    told = Told()
    accepted = await crowd(store, range(150), told)
    ids = [each.id for each in accepted if each]
    assert ids == sorted(set(ids))
    assert len(ids) == 150
    assert [lane for lanes in told for lane in lanes] == [f"lane{n % 2}" for n in range(150)]
    assert len(told) < 75
    for lane in (0, 1):
        waiting = await ledger.waiting(f"lane{lane}", 0)
        assert [turn.event.event_id for turn in waiting] == [f"e{n}" for n in range(lane, 150, 2)]


async def test_of_a_crowd_with_repetitions_each_is_accepted_once(store: Store) -> None:
    told = Told()
    await crowd(store, [0, 1], told)
    numbers = [0, 2, 1, 2, 3, 3, 4]
    accepted = await crowd(store, numbers, told)
    assert [each is not None for each in accepted] == [False, True, False, False, True, False, True]
    begun = ["lane0", "lane1", "lane0", "lane1", "lane0"]
    assert [lane for lanes in told for lane in lanes] == begun


async def test_of_a_crowd_only_who_cannot_be_stored_is_refused(store: Store) -> None:
    unstorable = datetime(2026, 1, 1)  # noqa: DTZ001  which is what is wrong with it
    times = [NOW, unstorable, NOW]
    results = await asyncio.gather(
        *(store.write(accept(numbered(n), "lane", at), order="lane") for n, at in enumerate(times)),
        return_exceptions=True,
    )
    assert [isinstance(result, Accepted) for result in results] == [True, False, True]


async def test_of_a_crowd_with_repetitions_the_first_is_in_the_row(
    store: Store, ledger: Ledger
) -> None:
    events = [replace(EVENT, text=text) for text in ("first", "again")]
    await asyncio.gather(*(store.write(accept(it, "lane", NOW), order="lane") for it in events))
    [turn] = await ledger.waiting("lane", 0)
    assert turn.text == "first"
