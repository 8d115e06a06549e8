"""How updates reach a bot that polls: offsets, long polls, two pollers."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.platforms.budgets import Clock
from tests.telegram.emulator import Drop, Emulator, Fault, Private, serve
from tests.telegram.emulator.clients import Raw, raw

HOUR = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(clock=clock)) as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


@pytest.fixture
def ann(emulator: Emulator) -> Private:
    return emulator.person(1, "Ann").chat()


def numbers(updates: list[dict[str, object]]) -> list[object]:
    return [update["update_id"] for update in updates]


async def test_updates_stay_until_an_offset_confirms_them(api: Raw, ann: Private) -> None:
    for text in "abc":
        await ann.say(text)
    first = await api.updates()
    assert numbers(await api.updates()) == numbers(first)
    one, two, three = numbers(first)
    assert numbers(await api.updates(offset=two)) == [two, three]
    assert numbers(await api.updates()) == [two, three], "the confirmed one is gone for good"
    assert await api.updates(offset=int(str(three)) + 1) == []
    assert one not in numbers(await api.updates())


async def test_limit_takes_the_oldest(api: Raw, ann: Private) -> None:
    for text in "abc":
        await ann.say(text)
    two = await api.updates(limit=2)
    assert [update["message"]["text"] for update in two] == ["a", "b"]  # type: ignore[index]


async def test_negative_offset_forgets_all_but_the_newest(api: Raw, ann: Private) -> None:
    for text in "abc":
        await ann.say(text)
    (newest,) = await api.updates(offset=-1)
    assert newest["message"]["text"] == "c"  # type: ignore[index]
    assert len(await api.updates()) == 1


async def test_offset_far_in_the_future_counts_as_none(api: Raw, ann: Private) -> None:
    """So the server's source has it; a bot with somebody else's offset is not deaf."""
    await ann.say("a")
    assert len(await api.updates(offset=999_999_999)) == 1


async def test_update_is_forgotten_after_a_day(api: Raw, ann: Private, clock: Clock) -> None:
    await ann.say("a")
    clock.move(24 * HOUR + 1)
    assert await api.updates() == []


async def test_numbers_are_random_after_a_week(api: Raw, ann: Private, clock: Clock) -> None:
    await ann.say("a")
    await ann.say("b")
    one, two = numbers(await api.updates())
    assert two == int(str(one)) + 1
    clock.move(8 * 24 * HOUR)
    await ann.say("c")
    (three,) = numbers(await api.updates())
    assert three not in range(int(str(two)), int(str(two)) + 1000)


async def test_long_poll_ends_with_the_first_update(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        polling = group.create_task(api.updates(timeout=50))
        await emulator.until(lambda it: it.inbox.polled)
        await ann.say("a")
    assert len(polling.result()) == 1


async def test_second_poller_ends_the_first_ones_wait(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        earlier = group.create_task(api.call("getUpdates", timeout=50))
        await emulator.until(lambda it: it.inbox.polled)
        later = group.create_task(api.updates(timeout=50))
        answer = await earlier
        assert (answer.status, answer.description) == (
            409,
            "Conflict: terminated by other getUpdates request; "
            "make sure that only one bot instance is running",
        )
        await emulator.until(lambda it: it.inbox.polled)
        await ann.say("a")
    assert len(later.result()) == 1


async def test_poller_that_hung_up_is_no_conflict(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    polling = asyncio.create_task(api.updates(timeout=50))
    await emulator.until(lambda it: it.inbox.polled)
    polling.cancel()
    await emulator.until(lambda it: not it.inbox.polled)
    await ann.say("a")
    assert len(await api.updates(timeout=50)) == 1


async def test_kinds_asked_for_are_remembered(api: Raw, ann: Private) -> None:
    await api.updates(allowed_updates=["callback_query", "my_chat_member"])
    await ann.say("unheard")
    await ann.block()
    (update,) = await api.updates()
    assert "my_chat_member" in update
    await api.updates(allowed_updates=[])
    await ann.unblock()
    await ann.say("heard")
    assert len(await api.updates()) == 3


async def test_reactions_come_only_when_asked_for(api: Raw, ann: Private) -> None:
    said = await ann.say("a")
    await ann.react(said, "👍")
    assert len(await api.updates()) == 1
    await api.updates(allowed_updates=["message", "message_reaction"])
    await ann.react(said, "🔥")
    (reaction,) = (await api.updates())[1:]
    changed = reaction["message_reaction"]
    assert isinstance(changed, dict)
    assert changed["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    assert changed["new_reaction"] == [{"type": "emoji", "emoji": "🔥"}]


async def test_duplicates_come_although_they_were_confirmed(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    await ann.say("a")
    (update,) = await api.updates()
    after = int(str(update["update_id"])) + 1
    assert await api.updates(offset=after) == []
    emulator.repeat_updates()
    assert await api.updates(offset=after) == [update]
    assert await api.updates(offset=after) == []


async def test_updates_of_a_poll_that_broke_come_again(
    api: Raw, ann: Private, emulator: Emulator
) -> None:
    await ann.say("a")
    emulator.inject(Fault("getUpdates", drop=Drop.AFTER))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.updates()
    assert len(await api.updates()) == 1
