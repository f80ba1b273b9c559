"""Whatever is wanted of a joint, it keeps its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.guard.viability import (
    ACCELERATION,
    CHANGE,
    advance,
    next_acceleration,
    rows,
    speed,
    viable,
)
from sag_ros.robots.fr3 import ARM as FR3

STEP = 0.01
LIMITS = guard_limits(FR3)
ROWS = rows(LIMITS, STEP)


@given(
    st.integers(0, 6),
    st.floats(0.0, 1.0),
    st.lists(st.floats(-20.0, 20.0), min_size=5, max_size=80),
)
@settings(max_examples=150)
def test_from_rest_no_wish_leads_outside(joint: int, place: float, wishes: list[float]) -> None:
    row = ROWS[joint]
    q = LIMITS.lower[joint] + place * (LIMITS.upper[joint] - LIMITS.lower[joint])
    v = a = 0.0
    for wish in wishes:
        before = a
        a_next = next_acceleration(row, q, v, a, wish, STEP)
        assert abs(a_next) <= row[ACCELERATION] + 1e-12
        assert abs(a_next - before) <= row[CHANGE] + 1e-12
        for t in np.linspace(0.0, STEP, 11)[1:]:
            qt, vt = advance(q, v, a, a + (a_next - a) * t / STEP, t)
            assert vt <= speed(row, 1.0, qt) + 1e-3
            assert -vt <= speed(row, -1.0, qt) + 1e-3
            assert LIMITS.lower[joint] - 1e-9 <= qt <= LIMITS.upper[joint] + 1e-9
        q, v = advance(q, v, a, a_next, STEP)
        a = a_next


def test_a_wish_inside_the_limits_is_granted() -> None:
    assert next_acceleration(ROWS[0], FR3.home[0], 0.1, 0.0, 3.0, STEP) == 3.0


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_full_speed_at_a_bound_is_not_viable(side: float) -> None:
    q = float(LIMITS.upper[3] if side > 0.0 else LIMITS.lower[3]) - side * 0.02
    assert not viable(ROWS[3], side, q, side * 2.0, 0.0, STEP)
    assert viable(ROWS[3], side, q, -side * 2.0, 0.0, STEP)
    assert viable(ROWS[3], side, q, 0.0, 0.0, STEP)


def test_sides_are_mirrored() -> None:
    row = np.array([0.3, 12.0, -1.0, 1.0, 2.0, 9.0, 45.0])
    for q, v, wish in ((0.8, 0.5, 5.0), (0.9, 0.3, 9.0), (0.2, 1.9, 9.0)):
        one = next_acceleration(row, q, v, 0.0, wish, STEP)
        other = next_acceleration(row, -q, -v, 0.0, -wish, STEP)
        assert np.isclose(one, -other, atol=1e-2)
