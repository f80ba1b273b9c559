"""Policies of poses, of signals, and of grippers that are open or closed, from the topics of a bag."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rosbags")

from bag_files import (
    ACTION,
    ARM_STATES,
    DESIRED,
    HAND,
    STATE,
    arm,
    header,
    recorded,
    ticks,
    types,
    width,
    write,
)
from scipy.spatial.transform import Rotation

from sag_ros.control.reach.kinematics import forward
from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import pose_actions, random_bundle
from sag_ros.robots.fr3 import ARM
from sag_ros.train.convert.bags.inputs import Inputs
from sag_ros.train.convert.command import Conversion
from sag_ros.train.convert.raw import ConversionError

PERIOD = 0.05
POSE = "/target/pose"


@pytest.fixture(scope="module")
def poses(tmp_path_factory):
    """A policy of poses and a place, without cameras."""
    bundle = random_bundle(
        0, cameras={}, signals={"bag": {"size": 3}}, action=pose_actions("sixd_rows"),
        tcp={"rotation": "sixd_rows", "state_rotation": "quaternion_wxyz"},
        state=["bag", "tcp_position", "tcp_rotation", "gripper_fingers"],
    )  # fmt: skip
    return save_bundle(tmp_path_factory.mktemp("poses"), bundle)


def point(seconds):
    kinds = types()
    place = kinds["geometry_msgs/msg/Point"](seconds, 2.0 * seconds, 0.5)
    return kinds["geometry_msgs/msg/PointStamped"](header(seconds), place)


def pose(seconds, flip):
    """Turns about z by 1 rad/s; of the two quaternions sometimes this, sometimes that one."""
    kinds = types()
    quaternion = Rotation.from_rotvec([0.0, 0.0, seconds]).as_quat() * (-1.0 if flip else 1.0)
    place = kinds["geometry_msgs/msg/Point"](0.3 + 0.1 * seconds, 0.0, 0.4)
    kind = kinds["geometry_msgs/msg/PoseStamped"]
    own = kinds["geometry_msgs/msg/Pose"](place, kinds["geometry_msgs/msg/Quaternion"](*quaternion))
    return kind(header(seconds), own)


def converted(folder, bundle, **options) -> Demonstrations:
    state = (*STATE, "bag=/bag/place:point")
    own = {"state": state, "action": ACTION, **options}
    assert Conversion(folder / "bag", folder / "a.zarr", str(bundle.folder), **own).run() == 0
    return Demonstrations(folder / "a.zarr")


def plain(seconds: float = 2.0):
    """Without pictures, which nobody here observes; with places."""
    messages = [one for one in recorded(seconds) if "image" not in one[0]]
    return messages + [("/bag/place", at, point(at)) for at in ticks(25, seconds)]


def test_poses_of_joints(tmp_path, poses):
    write(tmp_path / "bag", plain())
    found = converted(tmp_path, poses)
    times = PERIOD * np.arange(len(found))
    np.testing.assert_allclose(
        found.state[:, :3], np.stack([times, 2 * times, 0 * times + 0.5], axis=1), atol=1e-6
    )
    for row in (0, 17, 38):
        position, turn = forward(ARM.chain, arm(times[row]))
        np.testing.assert_allclose(found.state[row, 3:6], position, atol=1e-6)
        quaternion = np.roll(Rotation.from_matrix(turn).as_quat(), 1)
        assert abs(found.state[row, 6:10] @ quaternion) == pytest.approx(1.0, abs=1e-6)
        half = width(times[row]) / 2
        np.testing.assert_allclose(found.state[row, 10:], [half, -half], atol=1e-6)
        position, turn = forward(ARM.chain, arm(times[row] + PERIOD, 0.1))
        np.testing.assert_allclose(found.action[row, :9], np.r_[position, turn[0], turn[1]], atol=1e-6)
    turns = found.state[:, 6:10]
    assert ((turns[1:] * turns[:-1]).sum(axis=1) > 0.99).all()


def test_poses_of_a_topic(tmp_path, poses):
    messages = plain() + [(POSE, at, pose(at, n % 3 == 0)) for n, at in enumerate(ticks(40))]
    write(tmp_path / "bag", messages)
    action = (f"tcp_position={POSE}", f"tcp_rotation={POSE}:pose.orientation", f"gripper_width={HAND}")
    found = converted(tmp_path, poses, action=action)
    after = PERIOD * np.arange(1, len(found) + 1)
    np.testing.assert_allclose(found.action[:, 0], 0.3 + 0.1 * after, atol=1e-6)
    np.testing.assert_allclose(found.action[:, 3], np.cos(after), atol=1e-4)
    np.testing.assert_allclose(found.action[:, 4], -np.sin(after), atol=1e-4)


def test_measured_poses(tmp_path, poses):
    write(tmp_path / "bag", [one for one in plain() if one[0] not in (DESIRED, HAND)])
    found = converted(tmp_path, poses, action=("measured",))
    np.testing.assert_allclose(found.action[:-1, :3], found.state[1:, 3:6], atol=1e-6)


def test_a_gripper_that_is_open_or_closed(tmp_path):
    action = [{"name": f"fr3_joint{i}", "meaning": "joint_position", "unit": "rad"} for i in range(1, 8)]
    action.append({"name": "gripper", "meaning": "gripper_binary", "unit": "1"})
    binary = {"open": 1.0, "closed": -1.0, "width_open": 0.08, "width_closed": 0.0}
    bundle = save_bundle(
        tmp_path / "binary", random_bundle(0, cameras={}, action=action, binary_gripper=binary)
    )
    write(tmp_path / "bag", plain())
    found = converted(tmp_path, bundle, state=STATE)
    after = PERIOD * np.arange(1, len(found) + 1)
    assert (found.action[after < 0.5, 7] == 1.0).all()
    assert (found.action[(after > 0.52) & (after < 1.5), 7] == -1.0).all()


def test_an_arm_that_nobody_has_described(poses):
    with pytest.raises(ConversionError, match=r"no topic for tcp_position; say .* whose chain is known"):
        Inputs(poses.contract, None, (*STATE, "bag=/a:data"), ACTION)
    state = ("bag=/a:data", "tcp_position=/b", "tcp_rotation=/b", STATE[1])
    with pytest.raises(ConversionError, match="no arm is known with the joints fr3_joint1"):
        Inputs(poses.contract, None, state, ACTION)
    words = Inputs(poses.contract, None, state, ("measured", f"gripper_width={HAND}"))
    assert words.parts == ("tcp_position", "tcp_rotation", "gripper_width")
    assert list(words.action) == ["gripper_width"]
    assert ARM_STATES not in words.topics
