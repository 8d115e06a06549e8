"""Shares of what was counted."""

import math

from bench.crowd import histogram
from bench.figures import bound_of, percentile, spread

METRICS = """\
# TYPE lag_seconds histogram
lag_seconds_bucket{le="0.01"} 90.0
lag_seconds_bucket{le="0.1"} 99.0
lag_seconds_bucket{le="+Inf"} 100.0
lag_seconds_count 100.0
lag_seconds_bucket_of_another{le="0.1"} 7.0
"""


def test_a_histogram_is_read_by_its_bounds() -> None:
    assert histogram(METRICS, "lag_seconds") == {0.01: 90.0, 0.1: 99.0, math.inf: 100.0}


def test_the_bound_below_which_99_of_100_lie() -> None:
    assert bound_of({}, {0.01: 90, 0.1: 99, math.inf: 100}) == 0.1


def test_only_what_was_counted_between_two_moments_matters() -> None:
    before = {0.01: 100.0, 0.1: 100.0, math.inf: 100.0}
    after = {0.01: 100.0, 0.1: 150.0, math.inf: 200.0}
    assert bound_of(before, after) == math.inf
    assert bound_of(before, after, share=0.5) == 0.1


def test_where_nothing_was_counted_nothing_was_late() -> None:
    assert bound_of({0.1: 5.0}, {0.1: 5.0}) == 0.0
    assert bound_of({}, {}) == 0.0


def test_the_last_percentile_of_few_values_is_the_greatest() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_a_spread_names_the_median_between_the_extremes() -> None:
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
