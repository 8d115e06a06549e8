"""What of a method's minute is left in a workspace."""

import pytest

from adapters.slack.tiers import POST, START, UPDATE, Tiers
from bridge.errors import RateLimited
from tests.platforms.budgets import Clock


@pytest.fixture
def tiers(clock: Clock) -> Tiers:
    return Tiers("slack", clock)


def call(tiers: Tiers, team: str = "T1", method: str = START) -> None:
    with tiers.counted(team, method):
        pass


def limited(tiers: Tiers, team: str = "T1", seconds: float | None = 5.0) -> float | None:
    """Call, and be told to wait; how long that is."""
    with pytest.raises(RateLimited) as caught, tiers.counted(team, START):
        raise RateLimited(retry_after=seconds)
    return caught.value.retry_after


def test_one_call_of_a_tier_is_kept_in_reserve(tiers: Tiers, clock: Clock) -> None:
    assert tiers.spare("T1", START) == 19
    for _ in range(19):
        call(tiers)
    assert tiers.spare("T1", START) == 0
    clock.move(60)
    assert tiers.spare("T1", START) == 19


def test_call_counts_from_its_beginning_to_a_minute_after_its_answer(
    tiers: Tiers, clock: Clock
) -> None:
    with tiers.counted("T1", START):
        assert tiers.spare("T1", START) == 18
        clock.move(120)
        assert tiers.spare("T1", START) == 18
    clock.move(59)
    assert tiers.spare("T1", START) == 18
    clock.move(1)
    assert tiers.spare("T1", START) == 19


def test_workspaces_and_methods_have_their_own(tiers: Tiers) -> None:
    call(tiers)
    assert tiers.spare("T2", START) == 19
    assert tiers.spare("T1", UPDATE) == 49
    keys = {
        tiers.quota("T1", START).key,
        tiers.quota("T1", UPDATE).key,
        tiers.quota("T2", START).key,
        Tiers("other").quota("T1", START).key,
    }
    assert len(keys) == 4


def test_retry_after_stops_the_method_in_its_workspace_alone(tiers: Tiers, clock: Clock) -> None:
    assert limited(tiers) == 5.0
    assert tiers.spare("T1", START) == 0
    clock.move(2)
    with pytest.raises(RateLimited) as caught:
        call(tiers)
    assert caught.value.retry_after == 3.0
    call(tiers, "T2")
    call(tiers, "T1", UPDATE)
    clock.move(3)
    call(tiers)


def test_refusal_without_a_time_stops_nothing(tiers: Tiers) -> None:
    assert limited(tiers, seconds=None) is None
    call(tiers)


def test_quiet_places_are_forgotten(tiers: Tiers, clock: Clock) -> None:
    for number in range(5_000):
        call(tiers, f"C{number}", POST)
    clock.move(61)
    call(tiers, "C-last", POST)
    call(tiers, "C-last", POST)
    assert len(tiers._used) == 1  # nothing else tells what is kept
