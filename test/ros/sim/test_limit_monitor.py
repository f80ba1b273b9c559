from __future__ import annotations

import numpy as np
import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros.sim.limit_monitor import LimitMonitor, RecordedController
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import JointCommand


def look(joint=0, q=0.0, v=0.0, a=0.0, split=None, count=20):
    """Show constant-offset samples of one joint; returns the monitor."""
    time = 1e-3 * np.arange(count)
    arrays = [np.tile(FR3.home, (count, 1)), np.zeros((count, 7)), np.zeros((count, 7))]
    for array, change in zip(arrays, (q, v, a), strict=True):
        array[:, joint] += change
    monitor = LimitMonitor(FR3)
    for part in np.array_split(np.arange(count), split or 1):
        monitor.see(time[part], *(array[part] for array in arrays))
    return monitor


def ramp(rate, count=20):
    return rate * 1e-3 * np.arange(count)


def test_rest_is_inside():
    assert look().total == 0


def test_position():
    bound = FR3.limits.upper[0] - FR3.home[0]
    assert look(q=bound - 1e-9).total == 0
    monitor = look(q=bound + 1e-3)
    assert monitor.counts["position"] == 1
    assert "joint 1" in monitor.worst["position"]


def test_velocity_envelope_depends_on_position():
    near = FR3.limits.upper[0] - 0.1
    bound = FR3.limits.velocity_bounds(np.r_[near, FR3.home[1:]])[1][0]
    assert bound < 2.0
    inside, outside = (look(q=near - 2e-2 * v, v=v) for v in (bound - 0.01, bound + 0.3))
    assert inside.counts["velocity"] == 0
    assert outside.counts["velocity"] == 1


@pytest.mark.parametrize("split", [1, 4])
def test_a_jump_in_position_is_a_velocity_whatever_is_claimed(split):
    q = np.zeros(20)
    q[10:] = 0.01
    assert look(q=q, split=split).counts["velocity"] == 1


def test_a_jump_in_velocity_is_an_acceleration_whatever_is_claimed():
    v = np.zeros(20)
    v[10:] = 0.02
    assert look(v=v).counts["acceleration"] == 1


@pytest.mark.parametrize(("factor", "count"), [(0.99, 0), (1.01, 1)])
def test_acceleration_and_jerk(factor, count):
    held = look(a=np.full(20, factor * FR3.limits.acceleration[0]))
    assert held.counts == {"position": 0, "velocity": 0, "acceleration": count, "jerk": 0}
    rising = look(a=ramp(factor * FR3.limits.jerk[0], 3), count=3)
    assert rising.counts["jerk"] == count


def test_a_jump_across_two_calls_is_found():
    a = np.r_[np.zeros(10), np.full(10, 8.0)]
    assert look(a=a, split=2).counts["jerk"] == 1


def test_what_stays_broken_counts_once_and_again_after_a_pause():
    q = np.zeros(40)
    q[5:25] = q[35:] = 4.0
    monitor = look(q=q, split=40, count=40)
    assert monitor.counts["position"] == 2


def test_a_difference_that_stays_broken_counts_once():
    q = 0.003 * np.arange(20)  # 3 rad/s, while a velocity of zero is claimed
    assert look(joint=4, q=2 * q, split=10).counts["velocity"] == 1


def test_nan_is_a_violation():
    assert look(q=np.r_[np.zeros(19), np.nan]).total > 0


def test_recorded_controller_shows_every_sample_once():
    seen = []
    controller = RecordedController(JointTrajectoryController(FR3.home), lambda t, *_: seen.extend(t))
    rest = JointCommand(np.array([0.5]), FR3.home[None], np.zeros((1, 7)), np.zeros((1, 7)))
    assert controller.accept(rest, 0.0)
    assert controller.end == pytest.approx(0.5, abs=0.01)
    controller.sample_many(np.array([0.1, 0.2]))
    controller.sample_many(np.array([0.3]))
    assert seen == [0.1, 0.2, 0.3]
