"""What was promised, held against what was measured."""

import math

import pytest

from bench.judging import Limit, is_worlds, medians, paired_ratio, ratio
from bench.smoke import has_grown

FOUND = {"floor": {"cpu": 4.0, "relay": 1.0}, "embedded": {"cpu": 10.0, "relay": 2.5, "lost": 0.0}}


def test_each_figure_has_a_median_of_its_own() -> None:
    runs = [{"cpu": 1.0, "lag": 7.0}, {"cpu": 9.0}, {"cpu": 2.0, "lag": 9.0}]
    assert medians({"floor": runs, "cluster": []}) == {"floor": {"cpu": 2.0, "lag": 8.0}}


@pytest.mark.parametrize(
    ("limit", "value", "met"),
    [
        (Limit("lost", 0), 0.0, True),
        (Limit("cpu", 2, "ratio"), 2.5, False),
        (Limit("cpu", 2.5, "ratio"), 2.5, True),
        (Limit("relay", 1, "difference"), 1.5, False),
        (Limit("relay", 2, "difference"), 1.5, True),
        (Limit("cpu", 10, least=True), 10.0, True),
        (Limit("cpu", 11, least=True), 10.0, False),
    ],
)
def test_a_limit_is_met_up_to_its_bound(limit: Limit, value: float, met: bool) -> None:
    assert limit.value(FOUND) == value
    assert limit.is_met(value) is met


@pytest.mark.parametrize(
    "limit", [Limit("lag", 1), Limit("cpu", 1, stand="cluster"), Limit("lost", 1, "difference")]
)
def test_what_was_not_measured_is_not_judged(limit: Limit) -> None:
    assert limit.value(FOUND) is None


def test_a_slow_moment_of_the_machine_does_not_change_a_paired_ratio() -> None:
    assert paired_ratio([2.0, 20.0, 2.2], [1.0, 10.0, 1.0]) == 2.0


def test_anything_is_infinitely_more_than_nothing() -> None:
    assert ratio(1.0, 0.0) == math.inf
    assert ratio(0.0, 0.0) == 1.0


def test_a_world_that_is_always_busy_or_waits_is_what_was_measured() -> None:
    assert is_worlds({"world": 81.0})
    assert not is_worlds({"world": 80.0})
    assert is_worlds({"world": 50.0, "world_waited": 31.0})
    assert not is_worlds({})


def test_an_answer_may_cost_three_tenths_more_than_recorded() -> None:
    assert not has_grown(2.6, recorded=2.0)
    assert has_grown(2.61, recorded=2.0)
