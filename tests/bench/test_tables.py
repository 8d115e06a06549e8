"""What a reader sees of a scenario."""

from bench.judging import Limit
from bench.scenarios import SCENARIOS, Scenario
from bench.tables import Measured, missed, table
from bench.works import Idling

RUNS = {
    "floor": [{"cpu": 4.0, "world": 20.0}],
    "embedded": [{"cpu": 10.0, "world": 90.0}, {"cpu": 12.0, "world": 95.0}],
}


def measured(*limits: Limit) -> Measured:
    scenario = Scenario("one", "a story", Idling(), ("cpu",), limits, ("floor", "embedded"))
    return Measured(scenario, RUNS)


def test_ours_stands_beside_the_floor_with_difference_and_ratio() -> None:
    assert "| CPU ms an answer | 4.00 | 11.00 | +7.00 | 2.75 |" in table(measured()).splitlines()


def test_a_promise_is_told_with_what_came_of_it() -> None:
    told = table(measured(Limit("cpu", 3, "ratio"), Limit("cpu", 5)))
    assert "- embedded, CPU ms an answer: at most 3 times the floor: 2.75, met" in told
    assert "- embedded, CPU ms an answer: at most 5: 11.00, **missed**" in told


def test_what_is_broken_is_told_once_more_at_the_end() -> None:
    it = measured(Limit("cpu", 3, "ratio"), Limit("cpu", 5), Limit("lag", 1))
    it.failures.append("embedded, round 3: TimeoutError()")
    assert missed(it) == [
        "one: embedded, CPU ms an answer: at most 5: 11.00, **missed**",
        "one: embedded, round 3: TimeoutError()",
    ]


def test_a_busy_world_is_named() -> None:
    assert "- embedded: the world was too busy, its limit is what was measured" in table(measured())


def test_a_stand_of_which_every_run_failed_has_no_column() -> None:
    scenario = Scenario("one", "a story", Idling(), ("cpu",), (), ("floor", "embedded"))
    told = table(Measured(scenario, {"floor": [], "embedded": RUNS["embedded"]}))
    assert "| | embedded |" in told


def test_every_promise_is_about_a_figure_and_a_stand_of_its_scenario() -> None:
    for scenario in SCENARIOS:
        for limit in scenario.limits:
            assert limit.figure in scenario.rows, (scenario.name, limit)
            assert limit.stand in scenario.stands, (scenario.name, limit)
