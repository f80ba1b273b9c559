"""Joints of messages, by their names."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import GripperReader, JointReader

JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]


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
