"""The memory of platforms that have none of their own."""

import asyncio
from datetime import UTC, datetime

import pytest

from bridge.errors import Gone
from bridge.events import Button
from bridge.lent import EntryFile
from bridge.store import Store
from bridge.store.transcripts import StoredTranscript

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BUTTONS = (Button("一", "1"), Button("b", "2"))


@pytest.fixture
def transcript(store: Store) -> StoredTranscript:
    return StoredTranscript(store, "web", lambda: NOW)


@pytest.fixture
def other(store: Store) -> StoredTranscript:
    return StoredTranscript(store, "other", lambda: NOW)


async def test_a_chat_is_known_once_it_was_opened(transcript: StoredTranscript) -> None:
    assert not await transcript.knows("room")
    for _ in range(2):
        await transcript.open_chat("room")
    assert await transcript.knows("room")


async def test_chats_belong_to_one_account(
    transcript: StoredTranscript, other: StoredTranscript
) -> None:
    await transcript.open_chat("room")
    entry = await transcript.append("room", "bot", "mine", key="k")
    assert not await other.knows("room")
    assert await other.tail("room", limit=9) == []
    with pytest.raises(Gone):
        await other.revise(entry.id, "yours")


async def test_a_message_comes_back_whole(transcript: StoredTranscript) -> None:
    made = await transcript.append("room", "bot", "你好 🦊", key="k", buttons=BUTTONS, final=False)
    assert await transcript.tail("room", limit=9) == [made]
    assert (made.text, made.buttons, made.final, made.at) == ("你好 🦊", BUTTONS, False, NOW)


async def test_the_same_key_changes_the_message_instead(transcript: StoredTranscript) -> None:
    first = await transcript.append("room", "bot", "a", key="k", final=False)
    second = await transcript.append("room", "bot", "a b", key="k")
    assert second.id == first.id
    assert [entry.text for entry in await transcript.tail("room", limit=9)] == ["a b"]


async def test_the_same_key_in_another_chat_is_another_message(
    transcript: StoredTranscript,
) -> None:
    first = await transcript.append("a", "bot", "x", key="k")
    second = await transcript.append("b", "bot", "y", key="k")
    assert first.id != second.id


async def test_a_message_is_revised_in_its_place(transcript: StoredTranscript) -> None:
    first = await transcript.append("room", "bot", "a", key="1", final=False)
    await transcript.append("room", "user", "b", key="2")
    revised = await transcript.revise(first.id, "a!", buttons=BUTTONS)
    assert (revised.id, revised.text, revised.buttons, revised.final) == (
        first.id,
        "a!",
        BUTTONS,
        True,
    )
    assert [entry.text for entry in await transcript.tail("room", limit=9)] == ["a!", "b"]


async def test_what_does_not_exist_cannot_be_revised(transcript: StoredTranscript) -> None:
    with pytest.raises(Gone):
        await transcript.revise(4711, "x")


async def test_a_long_chat_is_read_from_its_end_in_pieces(transcript: StoredTranscript) -> None:
    for number in range(10):
        await transcript.append("room", "user", str(number), key=str(number))
    newest = await transcript.tail("room", limit=4)
    assert [entry.text for entry in newest] == ["6", "7", "8", "9"]
    older = await transcript.tail("room", limit=4, before=newest[0].id)
    assert [entry.text for entry in older] == ["2", "3", "4", "5"]


async def test_messages_at_once_have_ids_of_their_own(transcript: StoredTranscript) -> None:
    made = await asyncio.gather(
        *(transcript.append("room", "user", str(n), key=str(n)) for n in range(20))
    )
    assert len({entry.id for entry in made}) == 20


async def test_files_and_what_was_thought_of_a_message_come_back(
    transcript: StoredTranscript,
) -> None:
    file = EntryFile("0123", "猫.png", 7, "image/png")
    sent = await transcript.append("room", "user", "", key="u", files=[file])
    answer = await transcript.append("room", "bot", "a", key="b", rates=True)
    rated = await transcript.rate(answer.id, "like")
    assert (rated.rates, rated.rating, rated.key) == (True, "like", "b")
    assert await transcript.tail("room", limit=9) == [sent, rated]
    assert sent.files == (file,)
    assert await transcript.files("room") == {"0123"}
    assert await transcript.files("another") == set()


async def test_other_words_have_not_been_rated_yet(transcript: StoredTranscript) -> None:
    answer = await transcript.append("room", "bot", "a", key="b", rates=True)
    await transcript.rate(answer.id, "like")
    assert (await transcript.revise(answer.id, "a", rates=True)).rating == "like"
    assert (await transcript.revise(answer.id, "b", rates=True)).rating == ""


async def test_what_a_message_consists_of_survives_a_change_of_its_words(
    transcript: StoredTranscript,
) -> None:
    file = EntryFile("0123", "a.pdf", 7)
    sent = await transcript.append("room", "user", "this", key="u", files=[file])
    assert (await transcript.revise(sent.id, "that")).files == (file,)
