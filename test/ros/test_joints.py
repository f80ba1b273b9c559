from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from sag_ros.ros.images import MessageError
from sag_ros.ros.joints import GripperReader, JointReader, TrajectoryWriter, command_from_trajectory
from sag_ros.ros.stamps import SECOND, StampClock
from sag_ros.values import JointCommand

JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
CLOCK = StampClock(lambda: 1_700_000_000 * SECOND + 5)


def state(order: list[int], **extra: float) -> JointState:
    names = [JOINTS[i] for i in order] + list(extra)
    return JointState(name=names, position=[0.1 * i for i in order] + list(extra.values()))


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 1, 5, 2, 4]])
def test_any_order(order):
    reader = JointReader(JOINTS)
    np.testing.assert_allclose(reader.positions(state(order)), 0.1 * np.arange(7))


def test_order_may_change_between_messages_and_strangers_are_ignored():
    reader = JointReader(JOINTS)
    for order in ([0, 1, 2, 3, 4, 5, 6], [6, 0, 1, 2, 3, 4, 5]):
        message = state(order, other_joint=9.0)
        message.name = message.name[-1:] + message.name[:-1]
        message.position = message.position[-1:] + message.position[:-1]
        np.testing.assert_allclose(reader.positions(message), 0.1 * np.arange(7))


def test_a_missing_joint_is_named():
    with pytest.raises(MessageError, match=r"lacks fr3_joint4; it names fr3_joint1"):
        JointReader(JOINTS).positions(state([0, 1, 2, 4, 5, 6]))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_position_that_is_not_finite_is_named(value):
    message = state(list(range(7)))
    message.position[2] = value
    with pytest.raises(MessageError, match=r"fr3_joint3 = (nan|inf)"):
        JointReader(JOINTS).positions(message)


def test_fewer_positions_than_names():
    message = state(list(range(7)))
    message.position = message.position[:5]
    with pytest.raises(MessageError, match="7 names and 5 position"):
        JointReader(JOINTS).positions(message)


def test_velocities_are_optional():
    reader = JointReader(JOINTS)
    message = state([6, 5, 4, 3, 2, 1, 0])
    assert reader.velocities(message) is None
    message.velocity = [float(i) for i in range(7)]
    np.testing.assert_allclose(reader.velocities(message), np.arange(7)[::-1])


@pytest.mark.parametrize(
    ("names", "positions", "width"),
    [(FINGERS, [0.01, 0.02], 0.03), (FINGERS[::-1], [0.01, 0.02], 0.03), (FINGERS[:1], [0.02], 0.04)],
)
def test_gripper_width(names, positions, width):
    assert GripperReader(FINGERS).width(JointState(name=names, position=positions)) == pytest.approx(width)


def test_gripper_width_needs_a_finger():
    assert not GripperReader(FINGERS).concerns(state([0]))
    with pytest.raises(MessageError, match="fr3_finger_joint1"):
        GripperReader(FINGERS).width(state([0]))


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
