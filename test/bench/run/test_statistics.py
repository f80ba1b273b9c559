from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.bench.run.statistics import mean, percentile, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published_values(successes, trials, lower, upper):
    assert wilson(successes, trials) == pytest.approx((lower, upper), abs=5e-5)


def test_wilson_mirrors():
    low, high = wilson(93, 100)
    mirrored = wilson(7, 100)
    assert (1 - high, 1 - low) == pytest.approx(mirrored)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_contains_the_share(case):
    successes, trials = case
    low, high = wilson(successes, trials)
    assert 0.0 <= low <= successes / trials <= high <= 1.0
    assert low < high


def test_wilson_narrows_with_confidence_and_trials():
    def width(*arguments):
        low, high = wilson(*arguments)
        return high - low

    assert width(9, 10, 0.5) < width(9, 10) < width(9, 10, 0.99)
    assert width(90, 100) < width(9, 10)


def test_wilson_knows_nothing_without_trials():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10)])
def test_wilson_refuses(successes, trials):
    with pytest.raises(ValueError, match=f"0..10; got {successes}"):
        wilson(successes, trials)


def test_percentile():
    values = [4.0, 1.0, 3.0, 2.0, 5.0]
    assert percentile(values, 50) == 3.0
    assert percentile(values, 99) == pytest.approx(4.96)
    assert percentile(values, 100) == 5.0
    assert math.isnan(percentile([], 50))


def test_mean():
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert mean([]) is None
