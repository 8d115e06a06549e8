"""Tokens that expire: one request at a time for each name, whatever happens around it."""

import asyncio
from dataclasses import dataclass, field

import pytest

from bridge.coze.tokens import AGAIN, AT_MOST_EVERY, Token, Tokens
from bridge.errors import Unauthorised, Unreachable


@dataclass
class Desk:
    """Gives out tokens; `now` is its clock, and everybody's. Closed, it keeps people waiting."""

    now: float = 1_700_000_000.0
    life: float = 900.0
    asked: list[str] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def fetch(self, name: str) -> Token:
        self.asked.append(name)
        number = len(self.asked)
        await self.open.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        return Token(f"{name}-{number}", self.now + self.life)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def tokens(desk: Desk) -> Tokens:
    return Tokens(desk.fetch, clock=desk.clock, most=3)


async def settled(*tasks: asyncio.Task[str]) -> None:
    """Let every task run until it waits for the desk."""
    for _ in range(5 + len(tasks)):
        await asyncio.sleep(0)


async def test_a_token_is_kept_until_a_minute_before_its_end(tokens: Tokens, desk: Desk) -> None:
    first = await tokens.get("anna")
    desk.now += 839
    assert await tokens.get("anna") == first
    desk.now += 2
    assert await tokens.get("anna") == "anna-2"
    assert len(desk.asked) == 2


async def test_a_short_life_is_used_for_three_quarters(tokens: Tokens, desk: Desk) -> None:
    desk.life = 40
    await tokens.get("anna")
    desk.now += 29
    await tokens.get("anna")
    assert len(desk.asked) == 1
    desk.now += 2
    await tokens.get("anna")
    assert len(desk.asked) == 2


async def test_many_callers_share_one_request(tokens: Tokens, desk: Desk) -> None:
    desk.open.clear()
    tasks = [asyncio.create_task(tokens.get("anna")) for _ in range(50)]
    await settled(*tasks)
    desk.open.set()
    assert set(await asyncio.gather(*tasks)) == {"anna-1"}
    assert desk.asked == ["anna"]


async def test_many_callers_share_one_failure_and_the_next_asks_again(
    tokens: Tokens, desk: Desk
) -> None:
    desk.open.clear()
    desk.troubles = [Unauthorised("no such key")]
    tasks = [asyncio.create_task(tokens.get("anna")) for _ in range(50)]
    await settled(*tasks)
    desk.open.set()
    heard = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(error) for error in heard] == ["no such key"] * 50
    assert len(desk.asked) == 1
    assert await tokens.get("anna") == "anna-2"


async def test_one_who_gives_up_leaves_the_asking_to_the_next(tokens: Tokens, desk: Desk) -> None:
    desk.open.clear()
    first, second = (asyncio.create_task(tokens.get("anna")) for _ in range(2))
    await settled(first, second)
    first.cancel()
    await settled(second)
    desk.open.set()
    assert await second == "anna-2"
    assert first.cancelled()


async def test_a_refused_token_is_replaced_once_for_all(tokens: Tokens, desk: Desk) -> None:
    old = await tokens.get("anna")
    tokens.drop("anna", old)
    new = await tokens.get("anna")
    tokens.drop("anna", old)  # a slower call hears of the same refusal
    assert await tokens.get("anna") == new == "anna-2"


async def test_a_permission_that_is_missing_costs_no_token_for_each_call(
    tokens: Tokens, desk: Desk
) -> None:
    assert tokens.drop("anna", await tokens.get("anna"))
    for _ in range(9):
        assert not tokens.drop("anna", await tokens.get("anna"))
    assert len(desk.asked) == 2
    desk.now += AT_MOST_EVERY
    assert tokens.drop("anna", await tokens.get("anna"))


async def test_trouble_before_the_end_of_a_token_goes_unnoticed(tokens: Tokens, desk: Desk) -> None:
    token = await tokens.get("anna")
    desk.now += 850
    desk.troubles = [Unreachable("down"), Unreachable("down")]
    assert await tokens.get("anna") == token
    assert await tokens.get("anna") == token
    assert len(desk.asked) == 2  # and it is not asked for by every call meanwhile
    desk.now += AGAIN
    assert await tokens.get("anna") == token
    desk.now += 45
    desk.troubles = [Unreachable("down")]
    with pytest.raises(Unreachable, match="down"):
        await tokens.get("anna")


async def test_a_key_that_was_withdrawn_is_noticed_at_once(tokens: Tokens, desk: Desk) -> None:
    await tokens.get("anna")
    desk.now += 850
    desk.troubles = [Unauthorised("withdrawn")]
    with pytest.raises(Unauthorised, match="withdrawn"):
        await tokens.get("anna")


async def test_the_token_unused_for_longest_makes_room(tokens: Tokens, desk: Desk) -> None:
    for name in ("anna", "ben", "cleo", "anna", "dora"):
        await tokens.get(name)
    assert desk.asked == ["anna", "ben", "cleo", "dora"]
    await tokens.get("anna")
    assert len(desk.asked) == 4
    assert await tokens.get("ben") == "ben-5"


async def test_a_request_on_its_way_is_not_forgotten_for_room(tokens: Tokens, desk: Desk) -> None:
    desk.open.clear()
    waiting = [asyncio.create_task(tokens.get(name)) for name in ("a", "b", "c", "d", "e")]
    await settled(*waiting)
    again = asyncio.create_task(tokens.get("a"))
    await settled(again)
    desk.open.set()
    assert await again == await waiting[0] == "a-1"
    await asyncio.gather(*waiting)
    assert len(desk.asked) == 5
