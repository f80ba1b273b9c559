from __future__ import annotations

import numpy as np
import pytest

from sag_ros.bench.run.smoothness import Agreement, Smoothness
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk


def polynomial(coefficients, borders=(0.0, 1.0)):
    """Joint 1 follows the polynomial of the time since each border, the others rest."""
    c = np.zeros((len(borders) - 1, 6, 7))
    c[:, : len(coefficients), 0] = coefficients
    return Motion(np.array(borders), c)


def test_constant_jerk():
    # q = t^3: jerk 6, acceleration 6 t; mean over 7 joints.
    found = Smoothness(FR3.limits.jerk)
    found.add(polynomial([0, 0, 0, 1.0]), 0.0, 1.0)
    assert found.rms_jerk == pytest.approx((36 / 7) ** 0.5)
    assert found.rms_acceleration == pytest.approx((36 / 3 / 7) ** 0.5)
    assert found.peak_jerk == pytest.approx(6 / 5000)


def test_quintic_is_integrated_exactly():
    # q = t^5: jerk 60 t^2, acceleration 20 t^3: mean squares 3600 / 5 and 400 / 7 over one second.
    found = Smoothness(FR3.limits.jerk)
    found.add(polynomial([0, 0, 0, 0, 0, 1.0]), 0.0, 1.0)
    assert found.rms_jerk == pytest.approx((720 / 7) ** 0.5)
    assert found.rms_acceleration == pytest.approx((400 / 7 / 7) ** 0.5)
    assert found.peak_jerk == pytest.approx(60 / 5000)


def test_only_what_is_executed_counts():
    # Jerk 60 t^2 between 0.25 and 0.5.
    found = Smoothness(FR3.limits.jerk)
    found.add(polynomial([0, 0, 0, 0, 0, 1.0]), 0.25, 0.5)
    assert found.rms_jerk == pytest.approx((720 * (0.5**5 - 0.25**5) / 0.25 / 7) ** 0.5)
    assert found.peak_jerk == pytest.approx(60 * 0.25 / 5000)


def test_pieces_and_calls_add_up():
    whole, parts = Smoothness(FR3.limits.jerk), Smoothness(FR3.limits.jerk)
    motion = polynomial([0, 0, 1.0, -2.0, 3.0, 1.0], (0.0, 0.3, 0.7, 1.0))
    whole.add(motion, 0.0, 1.0)
    for border in (0.0, 0.4, 0.7):
        parts.add(motion, border, {0.0: 0.4, 0.4: 0.7, 0.7: 1.0}[border])
    assert parts.rms_jerk == pytest.approx(whole.rms_jerk)
    assert parts.rms_acceleration == pytest.approx(whole.rms_acceleration)


def test_rest_counts_as_time():
    found = Smoothness(FR3.limits.jerk)
    found.add(polynomial([0, 0, 0, 1.0]), 0.0, 4.0)  # ends after 1 s
    assert found.rms_jerk == pytest.approx((36 / 4 / 7) ** 0.5)
    still = Smoothness(FR3.limits.jerk)
    assert still.rms_jerk == 0.0
    still.add(of_command(at_rest(0.0, np.zeros(7))), 0.0, 0.4)
    assert (still.rms_jerk, still.rms_acceleration, still.peak_jerk) == (0.0, 0.0, 0.0)


def chunk(first, slope, count=8, joint=2):
    positions = np.zeros((count, 7))
    positions[:, joint] = first + slope * np.arange(count)
    return ActionChunk(0.0, 0.05, positions, np.zeros(count))


def test_chunk_that_goes_on_as_announced_does_not_jump():
    found = Agreement(execute=8)
    found.add(chunk(0.0, 0.1))
    found.add(chunk(0.8, 0.1))
    assert found.jumps == pytest.approx([0.0])
    assert found.bends == pytest.approx([0.0, 0.0])


def test_jump_is_from_where_the_chunk_before_was_heading():
    found = Agreement(execute=8)
    found.add(chunk(0.0, 0.1))
    found.add(chunk(0.7, 0.1))  # stood still for a period
    assert found.jumps == pytest.approx([0.1])


def test_an_action_of_the_chunk_before_says_where_it_was_heading():
    first = chunk(0.0, 0.1)
    first.positions[4, 2] = 1.0
    found = Agreement(execute=4)
    found.add(first)
    found.add(chunk(0.9, 0.1))
    assert found.jumps == pytest.approx([0.1])


def test_bend_is_the_second_difference():
    bent = chunk(0.0, 0.1)
    bent.positions[4:, 2] -= 0.2  # one kink of two second differences among six
    found = Agreement(execute=8)
    found.add(bent)
    assert found.bends == pytest.approx([0.4 / 6])
    assert found.jumps == []


def test_not_finite_ends_the_series():
    broken = chunk(0.0, 0.1)
    broken.positions[3, 3] = np.nan
    found = Agreement(execute=8)
    for one in (chunk(0.0, 0.1), broken, chunk(5.0, 0.1)):
        found.add(one)
    assert found.jumps == []


def test_single_action_is_where_it_stays():
    found = Agreement(execute=1)
    found.add(chunk(0.5, 0.0, count=1))
    found.add(chunk(0.7, 0.0, count=1))
    assert found.jumps == pytest.approx([0.2])
