from __future__ import annotations

import numpy as np
import pytest

from sag_ros.messages.errors import MessageError
from sag_ros.messages.stamps import SECOND
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.ros.joints import TrajectoryWriter
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand

JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
CLOCK = StampClock(lambda: 1_700_000_000 * SECOND + 5)


def command(count: int, start: float = 2.0) -> JointCommand:
    rng = np.random.default_rng(count)
    return JointCommand(start + 0.01 * np.arange(count), *rng.normal(size=(3, count, 7)))


def test_trajectory_round_trip_and_reuse_of_the_message():
    writer = TrajectoryWriter(JOINTS, capacity=4)
    for count in (3, 40, 2):  # shrinks and grows past its capacity
        sent = command(count)
        message = writer.write(sent, CLOCK)
        assert message.joint_names == JOINTS
        assert len(message.points) == count
        assert message.header.stamp.sec == 1_700_000_002
        assert message.header.stamp.nanosec == 5
        back = command_from_trajectory(message, JOINTS, CLOCK, now=0.0)
        np.testing.assert_allclose(back.time, sent.time, atol=1e-9)
        for field in ("position", "velocity", "acceleration"):
            np.testing.assert_array_equal(getattr(back, field), getattr(sent, field))


def test_trajectory_in_another_joint_order():
    message = TrajectoryWriter(JOINTS[::-1]).write(command(5), CLOCK)
    back = command_from_trajectory(message, JOINTS, CLOCK, 0.0)
    np.testing.assert_array_equal(back.position, command(5).position[:, ::-1])


def test_trajectory_without_stamp_starts_now_and_optional_fields_may_be_absent():
    message = TrajectoryWriter(JOINTS).write(command(5), CLOCK)
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    for point in message.points:
        point.accelerations = []
    back = command_from_trajectory(message, JOINTS, CLOCK, now=7.5)
    np.testing.assert_allclose(back.time, 7.5 + 0.01 * np.arange(5))
    assert len(back.velocity) == 5
    assert back.acceleration.shape == (0, 7)


def broken(change):
    message = TrajectoryWriter(JOINTS).write(command(3), CLOCK)
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: setattr(m, "joint_names", [*JOINTS[:6], "elbow"]), "elbow"),
        (lambda m: setattr(m, "points", []), "no points"),
        (lambda m: setattr(m.points[1], "positions", [0.0]), "point 1 has 1 positions"),
        (lambda m: setattr(m.points[1], "velocities", []), "point 1 has 0 velocities"),
        (lambda m: setattr(m.points[1].time_from_start, "nanosec", 0), "do not increase"),
        (lambda m: m.points[2].positions.__setitem__(3, float("nan")), "not finite"),
    ],
)
def test_unusable_trajectories_say_why(change, text):
    with pytest.raises(MessageError, match=text):
        command_from_trajectory(broken(change), JOINTS, CLOCK, 0.0)


def test_stamp_clock_keeps_nanoseconds():
    clock = StampClock(lambda: 1_700_000_001 * SECOND, epoch=1_700_000_000 * SECOND)
    assert clock.now() == 1.0
    assert clock.seconds(clock.message(0.123456789)) == 0.123456789
    assert clock.message(1.5).sec == 1_700_000_001
    assert clock.message(1.5).nanosec == 500_000_000
