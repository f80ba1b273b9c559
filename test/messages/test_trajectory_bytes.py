from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from trajectory_msgs.msg import JointTrajectory

from sag_ros.messages.errors import MessageError
from sag_ros.messages.stamps import SECOND
from sag_ros.messages.trajectory_bytes import Points, TrajectoryBytes
from sag_ros.ros.joints import TrajectoryReceiver, TrajectorySender, TrajectoryWriter
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand

CLOCK = StampClock(lambda: 1_700_000_000 * SECOND + 5)
NAMES = st.lists(
    st.text("abcdefghij_0123456789", min_size=1, max_size=13), min_size=1, max_size=14, unique=True
)


def command(joints: int, count: int, start: float = 2.0) -> JointCommand:
    rng = np.random.default_rng(count)
    return JointCommand(start + 0.013 * np.arange(count), *rng.normal(size=(3, count, joints)))


@settings(max_examples=60, deadline=None)
@given(names=NAMES, count=st.integers(1, 70))
def test_the_middleware_reads_the_bytes(names, count):
    sent = command(len(names), count)
    sender = TrajectorySender(names)
    data = sender.write(sent, CLOCK)
    assert isinstance(data, bytes)
    assert (sender.stamp.sec, sender.stamp.nanosec) == (1_700_000_002, 5)
    assert deserialize_message(data, JointTrajectory) == TrajectoryWriter(names).write(sent, CLOCK)
    back = TrajectoryBytes(names).read(data)
    assert back is not None
    for field in ("position", "velocity", "acceleration"):
        np.testing.assert_array_equal(getattr(back, field), getattr(sent, field))
    read = TrajectoryReceiver(names).read(data, CLOCK, 0.0)
    np.testing.assert_allclose(read.time, sent.time, atol=1e-9)
    np.testing.assert_array_equal(read.position, sent.position)


@given(names=NAMES, count=st.integers(1, 5), cut=st.integers(1, 60), place=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_what_is_laid_out_otherwise_is_left_alone(names, count, cut, place):
    """A message cut short, or with a bit turned over, is refused or read as the middleware reads it."""
    layout = TrajectoryBytes(names)
    data = TrajectorySender(names).write(command(len(names), count), CLOCK)
    assert layout.read(data[:-cut]) is None
    changed = bytearray(data)
    changed[place % len(data)] ^= 1
    points = layout.read(bytes(changed))
    if points is None or place % len(data) < 4:
        return
    message = deserialize_message(bytes(changed), JointTrajectory)
    assert message.joint_names == names
    np.testing.assert_array_equal(points.position, [point.positions for point in message.points])
    np.testing.assert_array_equal(points.acceleration, [point.accelerations for point in message.points])


def test_other_messages_are_read_all_the_same():
    names = ["a", "b", "c"]
    sent = command(3, 4)
    receiver = TrajectoryReceiver(names)
    turned = TrajectoryWriter(names[::-1]).write(sent, CLOCK)
    back = receiver.read(serialize_message(turned), CLOCK, 0.0)
    np.testing.assert_array_equal(back.position, sent.position[:, ::-1])
    message = TrajectoryWriter(names).write(sent, CLOCK)
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    message.header.frame_id = "base"
    for point in message.points:
        point.accelerations = []
    back = receiver.read(serialize_message(message), CLOCK, 7.5)
    np.testing.assert_allclose(back.time, 7.5 + 0.013 * np.arange(4))
    assert back.acceleration.shape == (0, 3)
    assert receiver.read(TrajectorySender(names).write(command(3, 2), CLOCK), CLOCK, 7.5).time[0] == 2.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p._replace(after=p.after[::-1]), "do not increase"),
        (lambda p: p._replace(velocity=p.velocity * np.nan), "velocities that are not finite"),
        (lambda p: p._replace(position=p.position + np.inf), "positions that are not finite"),
    ],
)
def test_refusals(change, said):
    points = Points(SECOND, np.arange(3) * 10_000_000, *np.ones((3, 3, 2)))
    data = TrajectoryBytes(["a", "b"]).write(change(points))
    with pytest.raises(MessageError, match=said):
        TrajectoryReceiver(["a", "b"]).read(data, CLOCK, 0.0)
