"""What a lane does next, by what waits in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.engine.steps import GiveUp, Hold, Listen, Run, next_step
from bridge.engine.verdict import MOST_ATTEMPTS
from bridge.events import ChatRef, Inbound, User
from bridge.store.turns import Turn, TurnKind, TurnState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def turn(text: str = "hello", *, ago: float = 60) -> Turn:
    """A message that came so many seconds ago."""
    said = Inbound("e", ChatRef("fake", "fake", "room"), User("u"), text, NOW)
    came = NOW - timedelta(seconds=ago)
    kind, state = TurnKind.MESSAGE, TurnState.RECEIVED
    return Turn(1, "lane", 1, kind, state, (said,), None, None, 0, 0, 0, came, None)


def test_parts_that_came_together_are_run_together() -> None:
    parts = [turn("one"), turn("two"), turn("/help")]
    assert next_step(parts, 0.3, NOW, paused=False) == Run(parts[:2])


def test_a_message_that_may_still_grow_is_listened_to() -> None:
    step = next_step([turn(ago=0.1)], 0.3, NOW, paused=False)
    assert isinstance(step, Listen)
    assert step.seconds == pytest.approx(0.2)


def test_in_a_pause_questions_are_held_and_commands_are_not() -> None:
    assert isinstance(next_step([turn()], 0, NOW, paused=True), Hold)
    assert isinstance(next_step([turn("/help")], 0, NOW, paused=True), Run)
    asked = replace(turn(), state=TurnState.ASKED)
    assert isinstance(next_step([asked], 0, NOW, paused=True), Run)


def test_a_turn_that_ends_processes_is_given_up_even_in_a_pause() -> None:
    poison = replace(turn(), attempts=MOST_ATTEMPTS)
    assert next_step([poison], 0, NOW, paused=True) == GiveUp(poison)
