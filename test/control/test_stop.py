"""Stops are smooth, quick, inside the limits, and end at rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.limits import check
from sag_ros.control.motion import of_command
from sag_ros.control.stop import Stopper, decelerate
from sag_ros.robots.fr3 import ARM as FR3

LIMITS = guard_limits(FR3)
share = arrays(float, 7, elements=st.floats(-1.0, 1.0))


@given(share, share, st.sampled_from([0.0, 1.7e9]))
def test_from_any_state_of_the_arm(speed: np.ndarray, push: np.ndarray, start: float) -> None:
    v, a = speed * 0.9 * LIMITS.velocity_bounds(FR3.home)[1], push * LIMITS.acceleration
    command = decelerate(FR3.home, v, a, start, LIMITS)
    assert command.time[0] == start
    for array, value in zip(
        (command.position, command.velocity, command.acceleration), (FR3.home, v, a), strict=True
    ):
        np.testing.assert_allclose(array[0], value, atol=1e-12)
    assert not command.velocity[-1].any()
    assert not command.acceleration[-1].any()
    assert [x for x in check(command, FR3.limits) if x.kind != "velocity"] == []


def test_time_to_stop() -> None:
    v = np.full(7, 1.0)
    fast = of_command(decelerate(FR3.home, v, np.zeros(7), 0.0, LIMITS)).end
    gentle = of_command(Stopper(LIMITS, duration=0.3).decelerate(FR3.home, v, np.zeros(7), 0.0)).end
    assert 1.0 / 10.0 < fast < 0.15
    assert gentle == pytest.approx(0.3, abs=0.02)


def test_at_rest_it_stays() -> None:
    command = decelerate(FR3.home, np.zeros(7), np.zeros(7), 2.0, LIMITS)
    assert np.ptp(command.position, axis=0).max() == 0.0


def test_a_state_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        decelerate(FR3.home, np.full(7, np.nan), np.zeros(7), 0.0, LIMITS)
