"""Something remembered for a while."""

import pytest

from adapters.slack.lately import Lately
from tests.platforms.budgets import Clock


@pytest.fixture
def lately(clock: Clock) -> Lately[str, int]:
    return Lately(10, most=3, clock=clock)


def test_entry_is_forgotten_after_its_time(lately: Lately[str, int], clock: Clock) -> None:
    lately.put("a", 1)
    clock.move(9)
    assert (lately.get("a"), "a" in lately, len(lately)) == (1, True, 1)
    clock.move(1)
    assert (lately.get("a"), "a" in lately, len(lately)) == (None, False, 0)


def test_entry_that_is_put_again_begins_anew(lately: Lately[str, int], clock: Clock) -> None:
    lately.put("a", 1)
    lately.put("b", 2)
    clock.move(6)
    lately.put("a", 3)
    clock.move(6)
    assert lately.values() == [3]


def test_oldest_makes_room(lately: Lately[str, int]) -> None:
    for number, key in enumerate("abcd"):
        lately.put(key, number)
    assert lately.values() == [1, 2, 3]


def test_popped_entry_is_gone(lately: Lately[str, int]) -> None:
    lately.put("a", 1)
    assert (lately.pop("a"), lately.pop("a"), len(lately)) == (1, None, 0)
