"""One joint follows what it can, and comes to rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.guard.track import BRAKE, SETTLE, track
from sag_ros.control.guard.viability import ACCELERATION, LOWER, OFFSET, UPPER, rows, speed
from sag_ros.robots.fr3 import ARM as FR3

STEP = 0.01
LIMITS = guard_limits(FR3)
ROWS = rows(LIMITS, STEP)


def led(wanted: np.ndarray, broken: np.ndarray, joint: int) -> np.ndarray:
    """(3, N') what the tracker makes of (3, N) ``wanted``."""
    out = np.empty((3, wanted.shape[1] + SETTLE + BRAKE))
    length = track(np.ascontiguousarray(wanted), broken, ROWS[joint], STEP, out)
    assert 2 <= length <= out.shape[1]
    return out[:, :length]


def sine(start: float, amplitude: float, frequency: float, samples: int = 60) -> np.ndarray:
    t = STEP * np.arange(samples)
    w = 2.0 * np.pi * frequency
    wanted = amplitude * np.stack((1.0 - np.cos(w * t), w * np.sin(w * t), w * w * np.cos(w * t)))
    wanted[0] += start
    wanted[2] *= np.minimum(t / 0.05, 1.0)  # from rest
    wanted[1:, -1] = 0.0
    return wanted


@given(
    st.integers(0, 6), st.floats(0.0, 1.0), st.floats(-0.5, 0.5), st.floats(0.1, 4.0), st.integers(1, 2**59)
)
@settings(max_examples=150)
def test_it_keeps_the_limits_and_ends_at_rest(
    joint: int, place: float, amplitude: float, frequency: float, pieces: int
) -> None:
    start = LIMITS.lower[joint] + place * (LIMITS.upper[joint] - LIMITS.lower[joint])
    wanted = sine(start, amplitude, frequency)
    q, v, a = led(wanted, np.ones(59, dtype=bool), joint)
    assert (v[-1], a[-1]) == (0.0, 0.0)
    assert (q[0], v[0], a[0]) == tuple(wanted[:, 0]) or abs(wanted[2, 0]) > 0.0
    row = ROWS[joint]
    assert np.abs(a[1:]).max() <= row[ACCELERATION] + 1e-6
    assert np.abs(np.diff(a[1:])).max() / STEP <= 2.2 * LIMITS.jerk[joint]
    assert all(vi <= speed(row, 1.0, qi) + 1e-3 for qi, vi in zip(q, v, strict=True))
    assert all(-vi <= speed(row, -1.0, qi) + 1e-3 for qi, vi in zip(q, v, strict=True))


def test_what_is_not_broken_is_taken_over() -> None:
    wanted = sine(FR3.home[2], 0.02, 0.5)
    wanted[2, 0] = 0.0
    broken = np.zeros(59, dtype=bool)
    np.testing.assert_array_equal(led(wanted, broken, 2), wanted)


def test_it_leaves_around_a_break_and_rejoins() -> None:
    wanted = sine(FR3.home[2], 0.02, 0.5, 120)
    wanted[2, 0] = 0.0
    broken = np.zeros(119, dtype=bool)
    broken[40] = True
    path = led(wanted, broken, 2)
    changed = np.flatnonzero((path[:, :120] != wanted).any(axis=0))
    assert 30 < changed.min() <= 41
    assert changed.max() < 60
    assert np.abs(path[0, :120] - wanted[0]).max() < 5e-3


@pytest.mark.parametrize("away", [0.02, 0.2, 1.0])
def test_a_step_is_closed_in_on(away: float) -> None:
    joint, n = 1, 150
    wanted = np.zeros((3, n))
    wanted[0] = FR3.home[joint] + away
    wanted[0, 0] = FR3.home[joint]
    q, v, _ = led(wanted, np.arange(n - 1) == 0, joint)
    assert abs(q[-1] - wanted[0, -1]) < 1e-6
    assert q.max() < wanted[0, -1] + 0.02  # hardly beyond
    assert v.max() <= LIMITS.velocity[joint] + 1e-9


@given(st.floats(0.0, 1.0), st.floats(-0.5, 0.5), st.floats(0.1, 4.0), st.integers(1, 2**59))
@settings(max_examples=100)
def test_an_envelope_that_ends_in_a_point_leads_to_numbers(
    place: float, amplitude: float, frequency: float, pieces: int
) -> None:
    """Without an offset the allowed speed is a plain root: no speed at all at the ends."""
    row = ROWS[0].copy()
    row[OFFSET], row[LOWER], row[UPPER] = 0.0, -1.0, 1.0
    wanted = sine(-1.0 + 2.0 * place, amplitude, frequency)
    broken = np.array([bool(pieces >> i & 1) for i in range(59)])
    out = np.zeros((3, wanted.shape[1] + SETTLE + BRAKE))
    length = track(np.ascontiguousarray(wanted), broken, row, STEP, out)
    assert np.isfinite(out[:, :length]).all()
