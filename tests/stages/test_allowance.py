"""Limits: what may be asked, what is said when it may not, and when it may again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Table, func, select

from bridge.access import Rules
from bridge.allowance import clock_time, day_of, limits_of, wait
from bridge.config import AccessSettings, AgentSettings
from bridge.errors import Unreachable
from bridge.events import User
from bridge.lanes import lane_of
from bridge.store import Job
from bridge.store.allowance import Whose
from bridge.store.people import spent_by
from bridge.store.tables import admissions, allowances
from bridge.store.turns import TurnState
from bridge.testing.agent import Play, ScriptedAgent
from bridge.upstream import Usage
from tests.stages.world import ANNA, LI, Killed, World

THOUSAND = Usage(input_tokens=400, output_tokens=600)
SHANGHAI = User("u-wei", name="Wei", language="zh", timezone="Asia/Shanghai")


def limit(world: World, **access: object) -> World:
    world.access = AccessSettings.model_validate(access)
    world.agent.otherwise = Play(usage=THOUSAND)
    return world.wire()


async def ask_at_once(world: World, chats: int, user: User = ANNA) -> None:
    """One message in each of so many chats, all worked on at the same time."""
    events = [await world.hear("hello", user=user, chat=f"room{n}") for n in range(chats)]
    lanes = [lane_of(event, world.sessions_settings.group_scope) for event in events]
    await asyncio.gather(*(world.drain(lane) for lane in lanes))


async def used(world: World) -> int:
    session = await world.sessions.resolve(world.says("?"))
    spent = await world.store.read(spent_by(session.uid, datetime(2000, 1, 1, tzinfo=UTC)))
    return spent.input_tokens + spent.output_tokens


def rows(table: Table) -> Job[int]:
    return lambda it: it.execute(select(func.count()).select_from(table)).scalar_one()


# Messages per minute


async def test_whoever_asks_too_fast_is_told_when_to_go_on(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, messages_per_minute=2)
    shown = await world.chat("one", "two", "three")
    assert agent.asked == ["one", "two"]
    assert shown[2].startswith("That was more than 2 messages within a minute. Please send it")


async def test_after_a_minute_it_goes_on(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=1)
    await world.chat("one", "two")
    world.clock.advance(60)
    await world.chat("three")
    assert agent.asked == ["one", "three"]


async def test_whoever_does_not_stop_is_told_once_a_minute(world: World) -> None:
    limit(world, messages_per_minute=1)
    shown = await world.chat("one", "two", "three", "four")
    assert len(shown) == 2


async def test_what_was_refused_does_not_count(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=1)
    for _ in range(4):
        await world.chat("again")
        world.clock.advance(25)
    assert len(agent.asked) == 2


async def test_a_hundred_messages_at_once_are_no_way_round(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, messages_per_minute=7)
    await ask_at_once(world, 100)
    assert len(agent.asked) == 7
    assert await world.ledger.open_lanes() == []


async def test_each_person_has_a_minute_of_their_own(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=1)
    await world.chat("one")
    await world.chat("two", user=LI, chat="elsewhere")
    assert agent.asked == ["one", "two"]


async def test_two_platforms_of_one_person_share_a_minute(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, messages_per_minute=1)
    [said] = await world.chat("/link")
    code = said.split("`/link ")[1][:9]
    await world.chat(f"/link {code}", user=LI, chat="elsewhere")
    await world.chat("one")
    await world.chat("two", user=LI, chat="elsewhere")
    assert agent.asked == ["one"]


async def test_commands_do_not_count(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=1)
    await world.chat("/help", "/new", "/usage", "one")
    assert agent.asked == ["one"]


async def test_admins_are_not_counted(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=1, tokens_per_day=1, admins=["fake:u-anna"])
    await world.chat("one", "two", "three")
    assert agent.asked == ["one", "two", "three"]


async def test_a_turn_that_is_run_again_counts_once(world: World, agent: ScriptedAgent) -> None:
    limit(world, messages_per_minute=2)
    agent.fail("begin", Unreachable("down"))
    await world.chat("one", "two", "three")
    assert agent.asked == ["one", "two"]


# Tokens per day


async def test_when_the_tokens_of_a_day_are_used_up_they_come_back_at_midnight(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, tokens_per_day=2_000)
    shown = await world.chat("one", "two", "three")
    assert agent.asked == ["one", "two"]
    assert shown[2] == (
        "You have used up what you may ask today (2,000 tokens). "
        "I can answer you again in 21 hours, at 00:00 UTC."
    )
    world.clock.advance(21 * 3600)
    await world.chat("four")
    assert agent.asked == ["one", "two", "four"]


async def test_the_time_is_that_of_the_place_where_the_person_is(world: World) -> None:
    limit(world, tokens_per_day=1_000)
    shown = await world.chat("一", "二", user=SHANGHAI)
    assert (
        shown[1] == "你今天的额度（1,000 个 token）已用完。21 小时后（08:00）我就可以继续回答你。"
    )


async def test_a_hundred_questions_at_once_keep_within_the_tokens(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, tokens_per_day=10_000)
    await world.chat("so that it is known what an answer costs")
    await ask_at_once(world, 100)
    assert await used(world) == 10_000
    assert await world.ledger.open_lanes() == []


async def test_what_is_still_being_answered_is_said_to_be_in_the_way(world: World) -> None:
    limit(world, tokens_per_day=5_000)
    await ask_at_once(world, 2)
    [told] = [text for n in range(2) for text in world.adapter.shown(f"room{n}") if "still" in text]
    assert told.startswith("I am still writing other answers")


async def test_a_question_that_fails_gives_back_what_it_reserved(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, tokens_per_day=4_000)
    agent.fail("begin", *[Unreachable("down")] * 9)
    shown = await world.chat("fails", "works")
    assert "cannot be reached" in shown[0]
    assert agent.asked == ["works"]


async def test_a_crash_leaves_no_reservation_behind(world: World, agent: ScriptedAgent) -> None:
    limit(world, tokens_per_day=4_000)
    event = await world.hear("one")
    lane = lane_of(event, world.sessions_settings.group_scope)
    turn = await world.take(lane)
    session = await world.sessions.resolve(event)
    assert await world.allowance.admit(turn, session) is None
    # The process is dead; the next one takes the turn up, and later another question.
    await world.wire().drain(lane)
    await world.chat("two")
    assert agent.asked == ["one", "two"]


async def test_everybodys_budget_stops_everybody(world: World, agent: ScriptedAgent) -> None:
    limit(world, tokens_per_day_total=2_000)
    await world.chat("one", "two")
    shown = await world.chat("three", user=LI, chat="elsewhere")
    assert agent.asked == ["one", "two"]
    assert shown == ["今天的额度已用完。21 小时后（00:00 UTC）我就可以继续回答。"]


async def test_an_agents_own_budget_stops_who_asks_it(world: World, agent: ScriptedAgent) -> None:
    world.agent_settings = AgentSettings(bot_id="1", tokens_per_day_total=1_000)
    limit(world)
    await world.chat("one", "two")
    assert agent.asked == ["one"]


async def test_a_day_begins_where_the_operator_says(world: World, agent: ScriptedAgent) -> None:
    limit(world, tokens_per_day=1_000, timezone="Asia/Shanghai")
    shown = await world.chat("one", "two")
    assert "in 13 hours, at 16:00 UTC" in shown[1]


async def test_an_answer_counts_for_the_day_on_which_it_came(
    world: World, agent: ScriptedAgent
) -> None:
    limit(world, tokens_per_day=1_000)
    event = await world.hear("asked yesterday")
    world.clock.advance(24 * 3600)
    await world.drain(lane_of(event, world.sessions_settings.group_scope))
    await world.chat("today")
    assert agent.asked == ["asked yesterday"]


async def test_usage_says_what_is_left(world: World) -> None:
    limit(world, tokens_per_day=5_000, messages_per_minute=9, tokens_per_day_total=10_000)
    shown = await world.chat("one", "/usage")
    assert shown[1].splitlines()[2:] == [
        "Messages in the last minute: 1 of 9.",
        "Of your 5,000 tokens for today, 4,000 are left, until 00:00 UTC.",
        "What all people together may use today: 90 % is left, until 00:00 UTC.",
    ]


async def test_where_nothing_is_limited_nothing_is_counted(world: World) -> None:
    turn = await world.taken()
    session = await world.sessions.resolve(turn.event)
    world.store.broken = Killed()
    assert await world.allowance.admit(turn, session) is None
    world.store.broken = None
    assert turn.state is TurnState.RECEIVED


async def test_what_counts_for_nothing_any_more_is_removed(world: World) -> None:
    limit(world, messages_per_minute=5)
    await world.chat("one", "two")
    world.clock.advance(61)
    await world.allowance.tidy()
    await world.chat("three")
    world.clock.advance(24 * 3600 + 1)
    await world.allowance.tidy()
    assert await world.store.read(rows(admissions)) == 0
    assert await world.store.read(rows(allowances)) == 0


# Which limits hold


def rules(access: dict[str, object], **agents: dict[str, object]) -> Rules:
    own = {
        name: AgentSettings.model_validate({"bot_id": "1", **its}) for name, its in agents.items()
    }
    return Rules(AccessSettings.model_validate(access), own)


def test_an_agents_own_limit_is_in_place_of_the_usual_one_and_counts_apart() -> None:
    both = rules({"tokens_per_day": 100}, usual={}, dear={"tokens_per_day": 9})
    dear, usual = limits_of(both, "u", "dear"), limits_of(both, "u", "usual")
    assert dear is not None
    assert usual is not None
    assert [(b.most, b.scope.agents, b.scope.apart) for b in dear.budgets] == [(9, ("dear",), ())]
    assert [(b.most, b.scope.agents, b.scope.apart) for b in usual.budgets] == [
        (100, (), ("dear",))
    ]


def test_an_agent_may_be_free_where_others_are_not() -> None:
    both = rules({"messages_per_minute": 1}, free={"messages_per_minute": 0}, usual={})
    assert limits_of(both, "u", "free") is None
    assert limits_of(both, "u", "usual") is not None


def test_an_agent_that_is_not_configured_any_more_is_no_trouble() -> None:
    assert limits_of(rules({}), "u", "gone") is None


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "+8"])
def test_a_day_cannot_begin_where_nobody_is(zone: str) -> None:
    with pytest.raises(ValidationError, match="Asia/Shanghai"):
        AccessSettings(timezone=zone)


def test_rows_are_locked_in_the_same_order_by_everybody() -> None:
    full = rules({"tokens_per_day_total": 5}, a={"tokens_per_day": 1, "tokens_per_day_total": 2})
    limits = limits_of(full, "u", "a")
    assert limits is not None
    assert limits.rows == ["all", "agent:a", "person:u"]
    assert {budget.whose for budget in limits.budgets} == set(Whose)


def test_a_day_is_as_long_as_the_zone_makes_it() -> None:
    at = datetime(2026, 3, 29, 12, tzinfo=UTC)  # Europe's clocks go forward
    day = day_of(at, "Europe/Berlin")
    assert day.ends - day.began == timedelta(hours=23)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "in 2 seconds"), (59.5, "in 60 seconds"), (121, "in 3 minutes"), (7200, "in 2 hours")],
)
def test_how_long_to_wait_is_rounded_up(seconds: float, said: str) -> None:
    assert wait(timedelta(seconds=seconds), "en") == said


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Asia"])
def test_a_zone_that_nobody_knows_is_no_trouble(zone: str) -> None:
    assert clock_time(datetime(2026, 1, 1, 5, 30, tzinfo=UTC), zone) == "05:30 UTC"
