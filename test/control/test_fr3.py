"""The published limits, and the tighter ones that always leave room to brake."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control import fr3


def test_shapes_and_order() -> None:
    assert len(fr3.JOINTS) == 7
    assert (fr3.POSITION_LOWER < fr3.HOME).all()
    assert (fr3.POSITION_UPPER > fr3.HOME).all()
    with pytest.raises(ValueError):
        fr3.VELOCITY_MAX[0] = 9.0


@pytest.mark.parametrize(
    ("joint", "position", "upper"),
    [(0, 0.0, 2.62), (0, 2.7, -0.30 + np.sqrt(12.0 * 0.0501)), (3, -0.2, -0.30 + np.sqrt(8.0 * 0.0542))],
)
def test_envelope_by_hand(joint: int, position: float, upper: float) -> None:
    q = fr3.HOME.copy()
    q[joint] = position
    assert fr3.velocity_bounds(q)[1][joint] == pytest.approx(upper)


def test_envelope_is_zero_outside_and_never_inverted() -> None:
    for q in (fr3.ENVELOPE_LO - 1.0, fr3.ENVELOPE_HI + 1.0, fr3.HOME):
        lower, upper = fr3.velocity_bounds(q)
        assert (lower <= 0.0).all()
        assert (upper >= 0.0).all()
    assert (fr3.velocity_bounds(fr3.ENVELOPE_HI)[1] == 0.0).all()


def test_envelope_of_many_positions_at_once() -> None:
    lower, upper = fr3.velocity_bounds(np.tile(fr3.HOME, (3, 5, 1)))
    assert lower.shape == upper.shape == (3, 5, 7)


def test_guard_limits_lie_inside_and_can_be_braked_along() -> None:
    limits = fr3.guard_limits()
    for q in np.linspace(fr3.POSITION_LOWER, fr3.POSITION_UPPER, 400):
        assert (limits.velocity_bounds(q)[1] <= 0.95 * fr3.velocity_bounds(q)[1] + 1e-12).all()
        # Along the bound, v dv/dq is the deceleration that staying below it takes.
        d = 1e-6
        v = limits.velocity_bounds(q)[1]
        slope = (limits.velocity_bounds(q + d)[1] - v) / d
        assert (v * slope > -7.01).all()


def test_a_factor_beyond_the_hard_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="limit factor"):
        fr3.guard_limits(1.2)
