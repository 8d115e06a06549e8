"""What is stored around a question, by which a lost post may be found."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.adapter import Around
from bridge.config import GroupScope
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.lanes import chat_of, express, lane_of
from bridge.store import Store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.turns import Turn, TurnState
from tests.store.moment import NOW

Asks = Callable[..., Awaitable[Turn]]


@pytest.fixture
def asks(store: Store, ledger: Ledger) -> Asks:
    """Somebody asks in a chat, and the answer is begun."""

    async def ask(
        event_id: str, chat: str = "room", *, user: str = "u", account: str = "fake", aside: int = 0
    ) -> Turn:
        place = ChatRef("fake", account, chat, kind=ChatKind.GROUP)
        event = Inbound(event_id, place, User(user), "hi", NOW)
        lane = lane_of(event, GroupScope.USER)
        lane = express(lane) if aside else lane
        await store.write(accept(event, lane, NOW))
        _, waiting = await ledger.take_over(lane)
        return await ledger.take(waiting[-1], [])

    return ask


async def test_events_of_the_account_are_told_by_when_they_came(pages: Pages, asks: Asks) -> None:
    await asks("e1")
    turn = await asks("e2", "another room")
    await asks("of another bot", account="other")
    await asks("e3")
    around = await pages.around(turn)
    assert (around.before, around.since) == (("e1",), ("e2", "e3"))
    assert around.open == 4


async def test_messages_of_ours_are_told_with_their_chats(
    pages: Pages, ledger: Ledger, asks: Asks
) -> None:
    earlier = await asks("e1")
    await pages.posted(earlier, 0, "7")
    await ledger.ended(earlier, TurnState.DELIVERED)
    other = await asks("e2", "another/room")
    await pages.posted(other, 0, "8")
    turn = await asks("e3")
    await pages.posted(turn, 0, "9")
    around = await pages.around(turn)
    assert around.posted == {("room", "7"), ("another/room", "8"), ("room", "9")}
    assert around.above == {"7", "9"}


async def test_later_messages_are_not_above(pages: Pages, asks: Asks) -> None:
    turn = await asks("e1")
    later = await asks("e2")
    await pages.posted(later, 0, "8")
    assert (await pages.around(turn)).above == frozenset()


async def test_somebody_else_in_the_chat_is_noticed_while_being_answered(
    pages: Pages, ledger: Ledger, asks: Asks
) -> None:
    turn = await asks("e1")
    await asks("e2", "another room")
    assert (await pages.around(turn)).alone
    for event, aside in (("e3", 0), ("e4", 1)):
        other = await asks(event, user="v", aside=aside)
        assert not (await pages.around(turn)).alone
        await ledger.ended(other, TurnState.DELIVERED)
        assert (await pages.around(turn)).alone


async def test_who_only_waits_is_not_being_answered(store: Store, pages: Pages, asks: Asks) -> None:
    turn = await asks("e1")
    event = Inbound("e2", turn.event.chat, User("u"), "and?", NOW)
    await store.write(accept(event, turn.lane, NOW))
    assert (await pages.around(turn)).alone


async def test_nothing_is_around_the_first_question_of_all(pages: Pages, asks: Asks) -> None:
    turn = await asks("e1")
    assert await pages.around(turn) == Around(since=("e1",))


def test_chat_of_a_lane_is_read_back() -> None:
    event = Inbound("e", ChatRef("p", "a", "x/y z"), User("u"), "hi", NOW)
    assert chat_of(lane_of(event, GroupScope.USER)) == "x/y z"
