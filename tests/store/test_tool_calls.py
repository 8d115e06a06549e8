"""What tools were called for: counted before each run, kept after it, gone with its turn."""

import pytest
from sqlalchemy import func, select

from bridge.config import GroupScope
from bridge.events import ChatRef, Inbound, User
from bridge.lanes import lane_of
from bridge.store import Store, forget
from bridge.store.fence import Fenced
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.tables import files, tool_calls
from bridge.store.tool_calls import Noted, Wanted, begin, finish, noted
from bridge.store.turns import Turn, TurnState
from bridge.store.upsert import put
from tests.store.moment import NOW

EVENT = Inbound("e", ChatRef("fake", "bot", "room"), User("u"), "hi", NOW)
LANE = lane_of(EVENT, GroupScope.USER)
ONCE, TWICE = Wanted("k1", "order", repeatable=False), Wanted("k2", "peek", repeatable=True)


@pytest.fixture
async def turn(store: Store, ledger: Ledger) -> Turn:
    await store.write(accept(EVENT, LANE, NOW))
    _, waiting = await ledger.take_over(LANE)
    return await ledger.take(waiting[0], [])


async def test_a_run_is_counted_before_it_begins(store: Store, turn: Turn) -> None:
    begun = await store.write(begin(turn, [ONCE, TWICE]))
    assert (begun.runs, begun.outputs) == ({"k1", "k2"}, {})
    assert await store.read(noted(turn)) == {"k1": Noted(1, None), "k2": Noted(1, None)}


async def test_what_was_interrupted_runs_again_only_if_it_may(store: Store, turn: Turn) -> None:
    await store.write(begin(turn, [ONCE, TWICE]))
    again = await store.write(begin(turn, [ONCE, TWICE]))
    assert (again.runs, again.outputs) == ({"k2"}, {})
    assert await store.read(noted(turn)) == {"k1": Noted(1, None), "k2": Noted(2, None)}


async def test_what_is_known_never_runs_again(store: Store, turn: Turn) -> None:
    await store.write(begin(turn, [ONCE, TWICE]))
    await store.write(finish(turn, "k1", "你好"))
    await store.write(finish(turn, "k2", ""))
    again = await store.write(begin(turn, [ONCE, TWICE]))
    assert (again.runs, again.outputs) == (frozenset(), {"k1": "你好", "k2": ""})


async def test_who_was_overtaken_counts_and_keeps_nothing(
    store: Store, ledger: Ledger, turn: Turn
) -> None:
    await store.write(begin(turn, [ONCE]))
    await ledger.take_over(LANE)
    with pytest.raises(Fenced):
        await store.write(begin(turn, [TWICE]))
    with pytest.raises(Fenced):
        await store.write(finish(turn, "k1", "x"))
    assert await store.read(noted(turn)) == {"k1": Noted(1, None)}


async def test_forgetting_somebody_takes_what_tools_and_files_said_of_them(
    store: Store, ledger: Ledger, turn: Turn
) -> None:
    await store.write(begin(turn, [ONCE]))
    await store.write(finish(turn, "k1", "a secret"))
    heard = {"kind": "text", "content": "a voice", "refused": ""}
    await store.write(lambda it: put(it, files, turn=turn.id, number=0, **heard))
    await ledger.ended(turn, TurnState.DELIVERED)
    who = forget.Somebody("fake", "bot", "u", "uid")
    await store.write(forget.begin(who, who.uid, turn.id, NOW))
    while await store.write(forget.sweep(who, NOW + forget.SETTLED, 10)):
        pass
    for table in (tool_calls, files):
        left = await store.read(
            lambda it, table=table: it.execute(select(func.count()).select_from(table)).scalar_one()
        )
        assert left == 0
