"""Strangers who knock in several replicas at once, and what admins decide of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import cycle

from bridge.store import Store
from bridge.store.guests import (
    CODE_LIFE,
    FORGOTTEN,
    Guest,
    Standing,
    approve,
    blocked,
    decide,
    guest_of,
    guests_with,
    knock,
)
from bridge.store.operator_log import Deed, deeds, note
from bridge.store.retention import Cuts, walks
from bridge.store.switches import Switched, switch_off, switch_on, switched

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
WEI = Guest("telegram", "77", "Wei", Standing.UNKNOWN, NOON)
CODE = "BCDFGHJK"


def code() -> str:
    return CODE


async def test_of_many_knocks_at_once_one_is_answered(store: Store) -> None:
    knocks = (store.write(knock(WEI, NOON, None)) for _ in range(20))
    assert sorted(await asyncio.gather(*knocks)) == [False] * 19 + [True]


async def test_no_two_people_have_the_same_code(store: Store) -> None:
    drawn = cycle([CODE, CODE, "XWVTSRQP"])
    for user in ("1", "2"):
        who = Guest("telegram", user, "", Standing.UNKNOWN, NOON)
        assert await store.write(knock(who, NOON, lambda: next(drawn)))
    codes = {guest.code for guest in await store.read(guests_with(Standing.UNKNOWN))}
    assert codes == {CODE, "XWVTSRQP"}


async def test_a_code_that_two_admins_approve_at_once_is_approved_once(store: Store) -> None:
    await store.write(knock(WEI, NOON, code))
    both = (store.write(approve(CODE, by, NOON)) for by in ("a", "b"))
    assert (await asyncio.gather(*both)).count(None) == 1
    assert len(await store.read(deeds(9))) == 1


async def test_a_code_is_over_when_its_time_is(store: Store) -> None:
    await store.write(knock(WEI, NOON, code))
    assert await store.write(approve(CODE, "a", NOON + CODE_LIFE)) is None


async def test_the_code_of_somebody_blocked_meanwhile_lets_nobody_in(store: Store) -> None:
    await store.write(knock(WEI, NOON, code))
    await store.write(decide(WEI, Standing.BLOCKED, "a", NOON))
    assert await store.write(approve(CODE, "a", NOON)) is None
    assert await store.read(blocked()) == {("telegram", "77")}
    assert not await store.write(knock(WEI, NOON + timedelta(days=2), code))


async def test_a_decision_is_written_down_and_can_be_taken_back(store: Store) -> None:
    for standing in (Standing.ADMITTED, Standing.BLOCKED, Standing.UNKNOWN):
        await store.write(decide(WEI, standing, "telegram:1", NOON))
    assert await store.read(guest_of("telegram", "77")) is None
    done = [(deed.who, deed.what, deed.detail) for _, deed in await store.read(deeds(9))]
    assert done == [("telegram:1", what, "telegram:77") for what in ("revoke", "block", "admit")]


async def test_strangers_are_forgotten_and_guests_are_not(store: Store) -> None:
    await store.write(knock(WEI, NOON, None))
    guest = Guest("telegram", "78", "", Standing.UNKNOWN, NOON)
    await store.write(knock(guest, NOON, None))
    await store.write(decide(guest, Standing.ADMITTED, "a", NOON))
    for walk in walks(Cuts(), NOON + FORGOTTEN + timedelta(seconds=1)):
        await store.write(walk.window(None))
    assert [each.user for each in await store.read(guests_with())] == ["78"]


async def test_the_log_of_operators_is_read_a_page_at_a_time_and_kept_for_long(
    store: Store,
) -> None:
    for number in range(5):
        await store.write(note(Deed(NOON + timedelta(days=number), "a", "pause", str(number))))
    newest = await store.read(deeds(2))
    assert [deed.detail for _, deed in newest] == ["4", "3"]
    older = await store.read(deeds(9, before=newest[-1][0]))
    assert [deed.detail for _, deed in older] == ["2", "1", "0"]
    for walk in walks(Cuts(), NOON + timedelta(days=402)):
        await store.write(walk.window(None))
    assert [deed.detail for _, deed in await store.read(deeds(9))] == ["4", "3", "2"]


async def test_a_switch_is_thrown_once_however_many_do(store: Store) -> None:
    throws = (store.write(switch_on("pause", f"admin {n}", NOON)) for n in range(5))
    assert (await asyncio.gather(*throws)).count(True) == 1
    on = await store.read(switched("pause"))
    assert on is not None
    assert on == Switched(NOON, on.by)
    assert await store.write(switch_off("pause", "b", NOON, undoing="resume"))
    assert not await store.write(switch_off("pause", "b", NOON, undoing="resume"))
    assert await store.read(switched("pause")) is None
    assert [deed.what for _, deed in await store.read(deeds(9))] == ["resume", "pause"]
