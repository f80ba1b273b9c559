from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.ros.policy.pace import Pace

PERIOD = 0.02


def let_through(stamps) -> np.ndarray:
    pace = Pace(PERIOD)
    return np.array([stamp for stamp in stamps if pace.lets(stamp)])


@given(st.lists(st.floats(0.0, 0.1), min_size=2, max_size=200), st.floats(0.0, 2e9))
def test_never_more_often_than_its_rate(gaps, start) -> None:
    passed = let_through(start + np.cumsum(gaps))
    for first in range(len(passed) - 1):
        spans = passed[first + 1 :] - passed[first]
        assert (spans >= PERIOD * np.arange(len(spans)) - 1e-6).all()


@pytest.mark.parametrize("seed", range(5))
def test_jitter_costs_nothing(seed) -> None:
    """States at the rate itself, each up to 4 ms early or late: all are used."""
    stamps = PERIOD * np.arange(100) + np.random.default_rng(seed).uniform(-0.004, 0.004, 100)
    assert len(let_through(stamps)) == 100


def test_of_a_faster_stream_as_many_as_the_rate_says() -> None:
    passed = let_through(0.001 * np.arange(1001))
    assert len(passed) in (51, 52)  # in one second, with both ends and perhaps the one that may be early
    np.testing.assert_allclose(np.diff(passed[1:]), PERIOD, atol=1.1e-3)


def test_without_a_period_all_pass() -> None:
    pace = Pace(0.0)
    assert all(pace.lets(stamp) for stamp in (1.0, 1.0, 1.001, 5.0))


def test_after_a_pause_it_goes_on_at_once() -> None:
    pace = Pace(PERIOD)
    assert pace.lets(0.0) and pace.lets(0.01)
    assert not pace.lets(0.015)
    assert pace.lets(7.0)
