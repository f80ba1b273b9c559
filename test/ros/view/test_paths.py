from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.stamps import StampClock
from sag_ros.ros.view.paths import AHEAD, HORIZON, Paths

JOINTS = ["a", "b"]


@pytest.fixture
def paths():
    return Paths(JOINTS, ["left", "right"], StampClock(lambda: 5 * SECOND, epoch=0))


def state(seconds, a=0.0, b=0.0, **more):
    names = {"b": b, "a": a, **more}
    message = JointState(name=list(names), position=list(names.values()))
    message.header.stamp.sec = seconds
    return message


def trajectory(begin, times, positions):
    message = JointTrajectory(joint_names=JOINTS)
    message.header.stamp.sec = begin
    for time, position in zip(times, positions, strict=True):
        point = JointTrajectoryPoint(positions=[float(value) for value in position])
        point.time_from_start.nanosec = round(time * 1e9)
        message.points.append(point)
    return message


def test_nothing_is_known_at_first(paths):
    assert paths.snapshot() is None
    assert not paths.on_state(JointState(name=["left", "right"], position=[0.01, 0.03]))
    assert paths.snapshot() is None
    assert paths.on_state(state(5, 1.0, 2.0))
    assert paths.snapshot() == {"t": 5.0, "q": [1.0, 2.0], "width": 0.04, "plan": None, "ahead": []}


def test_the_plan_for_now_and_what_is_ahead(paths):
    times = np.array([0.0, 0.3, 0.9])
    positions = np.random.default_rng(0).normal(size=(3, 2))
    paths.on_state(state(5))
    paths.on_trajectory(trajectory(5, times, positions))
    found = paths.snapshot()
    np.testing.assert_allclose(found["plan"], positions[0], atol=1e-4)
    assert len(found["ahead"]) == AHEAD
    assert found["ahead"][-1][0] == pytest.approx(min(0.9, HORIZON))
    for moment, planned in found["ahead"]:
        expected = [np.interp(moment, times, joint) for joint in positions.T]
        np.testing.assert_allclose(planned, expected, atol=5e-3)


def test_a_plan_that_begins_later_or_has_ended(paths):
    paths.on_state(state(5))
    paths.on_trajectory(trajectory(6, [0.0, 0.5], [[1, 1], [2, 2]]))
    assert paths.snapshot()["plan"] is None
    paths.on_state(state(8))
    found = paths.snapshot()
    assert (found["plan"], found["ahead"]) == ([2.0, 2.0], [])
    paths.on_trajectory(trajectory(8, [0.0], [[3, 3]]))
    assert paths.snapshot()["plan"] == [3.0, 3.0]


def test_what_cannot_be_read_changes_nothing(paths):
    paths.on_state(state(5, 1.0))
    assert not paths.on_state(JointState(name=["a"], position=[0.0]))
    assert not paths.on_state(state(6, float("nan")))
    paths.on_trajectory(JointTrajectory(joint_names=["c"]))
    assert paths.snapshot()["q"] == [1.0, 0.0]
