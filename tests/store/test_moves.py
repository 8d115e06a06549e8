"""A chat that goes on under another id."""

from datetime import UTC, datetime

import pytest

from bridge.store import Store
from bridge.store.moves import move_chat
from bridge.store.sessions import session_of, use_conversation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_what_goes_on_in_a_chat_follows_it(store: Store) -> None:
    await store.write(use_conversation("p/bot/1//anna", "default", "c1", NOW))
    await store.write(move_chat("p", "bot", "1", "2"))
    moved = await store.read(session_of("p/bot/2//anna"))
    assert moved is not None
    assert moved.conversation_id == "c1"


async def test_a_chat_that_has_its_new_id_already_keeps_what_goes_on_there(store: Store) -> None:
    await store.write(use_conversation("p/bot/1/", "default", "c1", NOW))
    await store.write(use_conversation("p/bot/2/", "default", "c2", NOW))
    for _ in range(2):
        await store.write(move_chat("p", "bot", "1", "2"))
    kept = await store.read(session_of("p/bot/2/"))
    assert kept is not None
    assert kept.conversation_id == "c2"


@pytest.mark.parametrize("lane", ["p/bot/12/", "p/BOT/1/", "p/b_t/1/", "P/bot/1/", "p/bot/11/"])
async def test_no_other_chat_follows(store: Store, lane: str) -> None:
    await store.write(use_conversation(lane, "default", "c1", NOW))
    await store.write(move_chat("p", "bot", "1", "2"))
    assert await store.read(session_of(lane)) is not None
