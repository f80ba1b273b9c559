"""The published limits, and the tighter ones that always leave room to brake."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.guard.guard import guard_limits
from sag_ros.robots.fr3 import ARM as FR3


def test_shapes_and_order() -> None:
    assert len(FR3.joints) == 7
    assert (FR3.limits.lower < FR3.home).all()
    assert (FR3.limits.upper > FR3.home).all()
    with pytest.raises(ValueError):
        FR3.limits.velocity[0] = 9.0


@pytest.mark.parametrize(
    ("joint", "position", "upper"),
    [(0, 0.0, 2.62), (0, 2.7, -0.30 + np.sqrt(12.0 * 0.0501)), (3, -0.2, -0.30 + np.sqrt(8.0 * 0.0542))],
)
def test_envelope_by_hand(joint: int, position: float, upper: float) -> None:
    q = FR3.home.copy()
    q[joint] = position
    assert FR3.limits.velocity_bounds(q)[1][joint] == pytest.approx(upper)


def test_envelope_is_zero_outside_and_never_inverted() -> None:
    for q in (FR3.limits.envelope.lower - 1.0, FR3.limits.envelope.upper + 1.0, FR3.home):
        lower, upper = FR3.limits.velocity_bounds(q)
        assert (lower <= 0.0).all()
        assert (upper >= 0.0).all()
    assert (FR3.limits.velocity_bounds(FR3.limits.envelope.upper)[1] == 0.0).all()


def test_envelope_of_many_positions_at_once() -> None:
    lower, upper = FR3.limits.velocity_bounds(np.tile(FR3.home, (3, 5, 1)))
    assert lower.shape == upper.shape == (3, 5, 7)


def test_guard_limits_lie_inside_and_can_be_braked_along() -> None:
    limits = guard_limits(FR3)
    for q in np.linspace(FR3.limits.lower, FR3.limits.upper, 400):
        hard = FR3.limits.velocity_bounds(q)[1]
        # A factor of the speed, and room for the arm's own overshoot also where hardly any speed is allowed.
        assert (limits.velocity_bounds(q)[1] <= 0.95 * FR3.limits.velocity + 1e-12).all()
        assert (limits.velocity_bounds(q)[1] <= np.maximum(hard - FR3.overshoot, 0.0) + 1e-12).all()
        # Along the bound, v dv/dq is the deceleration that staying below it takes.
        d = 1e-6
        v = limits.velocity_bounds(q)[1]
        slope = (limits.velocity_bounds(q + d)[1] - v) / d
        assert (v * slope > -7.01).all()


def test_a_factor_beyond_the_hard_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="limit factor"):
        guard_limits(FR3, 1.2)
