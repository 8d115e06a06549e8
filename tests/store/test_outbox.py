"""Pages on their way."""

from datetime import timedelta

import pytest

from bridge.events import Button, ChatRef, Inbound, Page, User
from bridge.lanes import lanes_of_chat
from bridge.store import Store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages, PageState, StoredPage
from bridge.store.sessions import Session
from bridge.store.turns import Settled, Turn, TurnState
from tests.store.moment import NOW

SESSION = Session("lane", "default", "uid", "c1")
PAGE = Page("**你好** 🦊\u2028x", final=True, buttons=(Button("a", "b"),), plain=True)


@pytest.fixture
async def turn(store: Store, ledger: Ledger) -> Turn:
    event = Inbound("e", ChatRef("fake", "fake", "room"), User("u"), "hi", NOW)
    await store.write(accept(event, "lane", NOW))
    _, waiting = await ledger.take_over("lane")
    return await ledger.take(waiting[0], [])


async def test_a_page_comes_back_whole(ledger: Ledger, pages: Pages, turn: Turn) -> None:
    await ledger.answered(turn, SESSION, [PAGE], text="x")
    assert await pages.of(turn) == [StoredPage(0, PageState.WANTED, PAGE, None)]


async def test_a_streaming_page_has_a_row_once_it_was_posted(pages: Pages, turn: Turn) -> None:
    await pages.posted(turn, 0, "77")
    assert await pages.of(turn) == [StoredPage(0, PageState.POSTED, None, "77")]


async def test_the_final_text_finds_the_message_that_streamed(
    ledger: Ledger, pages: Pages, turn: Turn
) -> None:
    await pages.posted(turn, 0, "77")
    await pages.posted(turn, 1, "78")
    await ledger.answered(turn, SESSION, [PAGE], text="x")
    first, second = await pages.of(turn)
    assert (first.page, first.message_id) == (PAGE, "77")
    assert (second.page, second.message_id) == (None, "78")


async def test_a_page_goes_its_way(ledger: Ledger, pages: Pages, turn: Turn) -> None:
    await ledger.answered(turn, SESSION, [PAGE], text="x")
    seen = []
    await pages.sending(turn, 0)
    seen += await pages.of(turn)
    await pages.posted(turn, 0, "77")
    seen += await pages.of(turn)
    await pages.settled(turn, [Settled(0, "77")])
    seen += await pages.of(turn)
    assert [page.state for page in seen] == ["sending", "posted", "settled"]
    assert [page.message_id for page in seen] == [None, "77", "77"]
    assert {page.page for page in seen} == {PAGE}


async def test_a_lost_page_is_wanted_again_as_it_was(
    ledger: Ledger, pages: Pages, turn: Turn
) -> None:
    await ledger.answered(turn, SESSION, [PAGE], text="x")
    await pages.posted(turn, 0, "77")
    await pages.lost(turn, 0)
    assert await pages.of(turn) == [StoredPage(0, PageState.WANTED, PAGE, None)]


async def test_a_dead_page_is_kept_for_the_operator(
    ledger: Ledger, pages: Pages, turn: Turn
) -> None:
    await ledger.answered(turn, SESSION, [PAGE], text="x")
    await pages.dead(turn, 0, "refused")
    [page] = await pages.of(turn)
    assert (page.state, page.page) == (PageState.DEAD, PAGE)


async def test_pages_come_in_their_order(ledger: Ledger, pages: Pages, turn: Turn) -> None:
    many = [Page(str(number)) for number in range(12)]
    await ledger.answered(turn, SESSION, many, text="x")
    assert [page.page for page in await pages.of(turn)] == many


async def test_messages_that_stand_since_a_question_was_written_are_known(
    store: Store, ledger: Ledger, pages: Pages
) -> None:
    """Also those of an answer that ended before the question reached us."""
    chat, lane = ChatRef("fake", "fake", "room"), lanes_of_chat("fake", "fake", "room")
    written, arrived = NOW - timedelta(seconds=2), NOW + timedelta(seconds=30)
    await store.write(accept(Inbound("e", chat, User("u"), "first", NOW), lane, NOW))
    _, waiting = await ledger.take_over(lane)
    first = await ledger.take(waiting[0], [])
    await pages.posted(first, 0, "77")
    await ledger.ended(first, TurnState.DELIVERED)
    await store.write(accept(Inbound("f", chat, User("u"), "late", written), lane, arrived))
    _, waiting = await ledger.take_over(lane)
    late = await ledger.take(waiting[0], [])
    assert await pages.known_since(late) == {"77"}
