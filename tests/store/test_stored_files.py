"""Which files of a question were dealt with."""

import pytest

from bridge.events import ChatRef, Enclosure, EnclosureKind, Inbound, Page, User
from bridge.store import Store
from bridge.store.fence import Fenced
from bridge.store.files import SPEECH, StoredFile, StoredFiles
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from tests.store.moment import NOW


@pytest.fixture
def files(store: Store) -> StoredFiles:
    return StoredFiles(store)


async def turn_in(store: Store, ledger: Ledger, lane: str) -> Turn:
    event = Inbound(lane, ChatRef("fake", "fake", lane), User("u"), "hi", NOW)
    await store.write(accept(event, lane, NOW))
    _, waiting = await ledger.take_over(lane)
    return await ledger.take(waiting[0], [])


async def test_a_file_comes_back_by_its_number(
    store: Store, ledger: Ledger, files: StoredFiles
) -> None:
    turn, other = [await turn_in(store, ledger, lane) for lane in ("one", "two")]
    await files.keep(turn, 0, StoredFile("image", "7400000000000000001"))
    await files.keep(turn, 2, StoredFile(refused="too large"))
    await files.keep(other, 0, StoredFile(SPEECH, "你好 🦊"))
    assert await files.of(turn.id) == {
        0: StoredFile("image", "7400000000000000001"),
        2: StoredFile(refused="too large"),
    }
    assert await files.of(other.id) == {0: StoredFile(SPEECH, "你好 🦊")}


async def test_keeping_it_again_changes_it(
    store: Store, ledger: Ledger, files: StoredFiles
) -> None:
    turn = await turn_in(store, ledger, "one")
    await files.keep(turn, 0, StoredFile("file", "1"))
    await files.keep(turn, 0, StoredFile("file", "2"))
    assert await files.of(turn.id) == {0: StoredFile("file", "2")}


async def test_who_was_overtaken_keeps_nothing(
    store: Store, ledger: Ledger, files: StoredFiles
) -> None:
    turn = await turn_in(store, ledger, "one")
    await ledger.take_over("one")
    with pytest.raises(Fenced):
        await files.keep(turn, 0, StoredFile("file", "1"))
    assert await files.of(turn.id) == {}


async def test_a_page_that_is_a_recording_comes_back_byte_for_byte(
    store: Store, ledger: Ledger
) -> None:
    turn = await turn_in(store, ledger, "one")
    note = Enclosure(EnclosureKind.VOICE, "answer.ogg", data=bytes(range(256)))
    page = Page("answer.ogg", final=True, file=note)
    await ledger.answered(turn, Session("one", "default", "uid", "c1"), [page], text="x")
    [stored] = await Pages(store).of(turn)
    assert stored.page == page
