"""A quintic between two states is only used where it keeps the limits."""

from __future__ import annotations

import numpy as np

from sag_ros.control.guard.bridge import bridge
from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.guard.viability import rows
from sag_ros.robots.fr3 import ARM as FR3

STEP = 0.01
ROW = rows(guard_limits(FR3), STEP)[0]


def write(start: tuple[float, float, float], n: int, end: tuple[float, float, float]) -> np.ndarray | None:
    out = np.full((3, n + 3), np.nan)
    out[:, 1] = start
    return out if bridge(ROW, out, 1, n, *end, STEP) else None


def test_it_ends_where_it_should_and_passes_smoothly() -> None:
    out = write((0.0, 0.1, 0.0), 20, (0.03, 0.2, 0.1))
    assert out is not None
    np.testing.assert_array_equal(out[:, 21], (0.03, 0.2, 0.1))
    assert np.isnan(out[:, 0]).all()
    assert np.isnan(out[:, 22]).all()
    np.testing.assert_allclose(np.diff(out[0, 1:22]) / STEP, 0.5 * (out[1, 1:21] + out[1, 2:22]), atol=2e-4)


def test_too_far_in_too_short_a_time_is_none() -> None:
    assert write((0.0, 0.0, 0.0), 20, (0.05, 0.0, 0.0)) is not None
    assert write((0.0, 0.0, 0.0), 10, (0.05, 0.0, 0.0)) is None  # 28.9 rad/s^2


def test_a_way_outside_the_envelope_is_none() -> None:
    near = float(FR3.limits.upper[0]) - 0.03
    assert write((near, 0.0, 0.0), 20, (near + 0.02, 0.0, 0.0)) is None
    assert write((near, 0.0, 0.0), 20, (near - 0.02, 0.0, 0.0)) is not None
