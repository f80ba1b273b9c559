"""Numbers by their path."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray

from sag_ros.messages.errors import MessageError
from sag_ros.ros.policy.signals.fields import FieldReader, message_class


def pose() -> PoseStamped:
    message = PoseStamped()
    message.pose.position = Point(x=1.0, y=2.0, z=3.0)
    message.pose.orientation = Quaternion(x=0.1, y=0.2, z=0.3, w=0.9)
    return message


def test_a_message_is_all_that_is_in_it() -> None:
    reader = FieldReader("geometry_msgs/msg/PoseStamped", ["pose"], 7)
    assert reader.stamped
    np.testing.assert_array_equal(reader.values(pose()), [1.0, 2.0, 3.0, 0.1, 0.2, 0.3, 0.9])


def test_paths_come_in_their_order_and_are_scaled() -> None:
    reader = FieldReader("geometry_msgs/PoseStamped", ["pose.position.z", "pose.position.x"], 2, 0.001)
    np.testing.assert_allclose(reader.values(pose()), [0.003, 0.001])


def test_places_of_arrays() -> None:
    message = Float64MultiArray(data=[1.0, 2.0, 3.0, 4.0])
    reader = FieldReader("std_msgs/msg/Float64MultiArray", ["data[1:3]", "data[0]"], 3)
    assert not reader.stamped
    np.testing.assert_array_equal(reader.values(message), [2.0, 3.0, 1.0])
    with pytest.raises(MessageError, match="data has 2 numbers; the first 3 are wanted"):
        reader.values(Float64MultiArray(data=[1.0, 2.0]))
    single = FieldReader("std_msgs/msg/Float64MultiArray", ["data[4]"], 1)
    with pytest.raises(MessageError, match=r"data\[4\] is wanted"):
        single.values(message)


def test_whole_arrays_and_truth() -> None:
    reader = FieldReader("sensor_msgs/msg/JointState", ["effort"], 2)
    np.testing.assert_array_equal(reader.values(JointState(effort=[5.0, 6.0])), [5.0, 6.0])
    with pytest.raises(MessageError, match="it has 0 numbers, the policy observes 2"):
        reader.values(JointState())
    with pytest.raises(MessageError, match="not finite"):
        reader.values(JointState(effort=[5.0, float("nan")]))
    reader = FieldReader("std_msgs/msg/Bool", ["data"], 1)
    np.testing.assert_array_equal(reader.values(Bool(data=True)), [1.0])


def test_what_is_no_number() -> None:
    reader = FieldReader("sensor_msgs/msg/JointState", ["name"], 1)
    with pytest.raises(MessageError, match="'a' is no number"):
        reader.values(JointState(name=["a"]))


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("PoseStamped", ["pose"], "no message type"),
        ("geometry_msgs/srv/Pose", ["pose"], "no message type"),
        ("nothing_msgs/msg/Pose", ["pose"], "nothing_msgs are not installed"),
        ("geometry_msgs/msg/Nothing", ["pose"], "has no message Nothing"),
        ("geometry_msgs/msg/PoseStamped", ["pose.place"], "has no place; it has position, orientation"),
        ("geometry_msgs/msg/PoseStamped", ["pose.__class__"], "is no path"),
        ("geometry_msgs/msg/PoseStamped", ["pose..position"], "is no path"),
        ("geometry_msgs/msg/PoseStamped", ["pose.position.x.real"], "no fields there"),
    ],
)
def test_what_does_not_exist(kind, fields, said) -> None:
    with pytest.raises(ValueError, match=said):
        FieldReader(kind, fields, 1)


def test_types() -> None:
    assert message_class("geometry_msgs/msg/PoseStamped") is PoseStamped
