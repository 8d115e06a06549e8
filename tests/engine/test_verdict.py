"""What an error means, as a table."""

from datetime import UTC, datetime

import pytest

from bridge.engine.verdict import (
    LONGEST_WAIT,
    LOOK_AGAIN,
    MOST_FAILURES,
    MOST_RETRIES,
    Again,
    Apologise,
    Close,
    Park,
    verdict,
)
from bridge.errors import (
    BridgeError,
    Departed,
    Exhausted,
    Gone,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.events import ChatRef, Inbound, User
from bridge.store.turns import Turn, TurnKind, TurnState

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def turn(*, retries: int = 0, failures: int = 0) -> Turn:
    return Turn(
        id=1,
        lane="lane",
        fence=1,
        kind=TurnKind.MESSAGE,
        state=TurnState.RECEIVED,
        events=(Inbound("e", ChatRef("fake", "fake", "room"), User("u"), "hi", NOW),),
        question=None,
        trace=None,
        attempts=1,
        failures=failures,
        retries=retries,
        created_at=NOW,
        asked_at=None,
    )


@pytest.mark.parametrize("error", [Transient(), Unreachable("x"), Occupied("4016")])
def test_what_may_pass_is_tried_again_ever_later(error: Transient) -> None:
    waits = [verdict(turn(retries=n), error) for n in range(MOST_RETRIES)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, Again)]
    assert len(seconds) == MOST_RETRIES
    assert 0.75 <= seconds[0] <= 1
    assert max(seconds) <= 30
    assert seconds[-1] > seconds[0]


def test_all_tries_together_take_about_a_minute_and_a_half() -> None:
    waits = [verdict(turn(retries=n), Unreachable()) for n in range(MOST_RETRIES)]
    total = sum(wait.seconds for wait in waits if isinstance(wait, Again))
    assert 60 <= total <= 125


@pytest.mark.parametrize("seconds", [0.0, 7.5, 600.0])
def test_the_far_side_says_when(seconds: float) -> None:
    assert verdict(turn(), RateLimited("slow", retry_after=seconds)) == Again(seconds)


def test_what_does_not_pass_in_time_is_apologised_for() -> None:
    error = Unreachable("down")
    assert verdict(turn(retries=MOST_RETRIES), error) == Apologise(error)


@pytest.mark.parametrize("error", [Permanent("x"), Rejected("x"), Exhausted("x")])
def test_what_never_passes_is_apologised_for_at_once(error: Permanent) -> None:
    assert verdict(turn(), error) == Apologise(error)


def test_something_missing_at_coze_is_no_reason_for_silence() -> None:
    error = Gone("no such agent")
    assert verdict(turn(), error) == Apologise(error)


def test_nobody_there_is_the_end_of_it() -> None:
    assert verdict(turn(), Departed("blocked")) == Close()


@pytest.mark.parametrize("retries", [0, MOST_RETRIES, 1000])
def test_a_refused_key_is_looked_at_again_for_ever(retries: int) -> None:
    assert verdict(turn(retries=retries), Unauthorised("bad")) == Park(LOOK_AGAIN)


def test_a_bug_gets_three_runs() -> None:
    judged = [verdict(turn(failures=n), KeyError("bug")) for n in range(MOST_FAILURES)]
    assert [type(each) for each in judged] == [Again, Again, Apologise]


def test_what_a_bug_says_is_not_for_the_user() -> None:
    judged = verdict(turn(failures=MOST_FAILURES), KeyError("secret"))
    assert isinstance(judged, Apologise)
    assert isinstance(judged.error, BridgeError)
    assert "secret" not in str(judged.error)


def test_nobody_waits_for_days_because_coze_says_so() -> None:
    assert verdict(turn(), RateLimited(retry_after=99_999_999)) == Again(LONGEST_WAIT)
