"""Demonstrations in the terms of a policy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.control.reach.kinematics import forward
from sag_ros.data.demonstrations import StoreError
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract, pose_actions
from sag_ros.robots.ur5e import ARM as UR5E
from sag_ros.train.data.fitted import composed, fitted

CAMERAS = {name: {"height": 24, "width": 24} for name in ("front", "wrist")}


def contract(**changes):
    return parse_contract({**full_contract(), "cameras": CAMERAS, **changes})


def test_joints_are_taken_as_they_are(store):
    found = fitted(contract(), store)
    assert found.state.shape[1] == found.action.shape[1] == 8


def test_poses_and_signals_are_made(store):
    own = contract(
        action=pose_actions("quaternion_xyzw"), tcp={"rotation": "quaternion_xyzw"},
        state=["tcp_position", "tcp_rotation", "gripper_width", "square"], signals={"square": {"size": 2}},
    )  # fmt: skip
    found = fitted(own, store, episodes=2)
    assert found.state.shape[1] == own.state_dim == 10
    assert found.action.shape[1] == own.action_dim == 8
    assert len(found.ends) == 2
    np.testing.assert_array_equal(found.state[:, -2:], found.privileged)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"control_period": 0.1}, "an action every 0.05 s; the policy gives one every 0.1 s"),
        ({"cameras": {"left": CAMERAS["front"]}}, "no camera left; there is front, wrist"),
        ({"cameras": {"front": {"height": 30, "width": 24}}}, "front is 24 x 24; the policy sees 30 x 24"),
        (
            {"action": pose_actions("sixd_rows"), "tcp": {"rotation": "sixd_rows", "relative": "step"}},
            "not made relative or moved tcp_position",
        ),
        ({"state": ["joint_position"]}, "with state joint_position"),
        ({"state": ["square", "joint_position"], "signals": {"square": {"size": 2}}}, "signals come last"),
    ],
)
def test_what_is_not_this_policys(store, changes, said):
    with pytest.raises(StoreError, match=said):
        fitted(contract(**changes), store)


def test_the_arm_of_poses_is_that_of_the_recorded_joints():
    """Its chain gives the poses, whoever recorded them and whatever else they wrote."""
    rows = np.tile(np.append(UR5E.home, 0.05), (3, 1)).astype(np.float32)
    found = SimpleNamespace(state=rows, action=rows, attributes={"joints": list(UR5E.joints)})
    made = composed(found, "sixd_rows", True, ())
    np.testing.assert_allclose(made.state[0, :3], forward(UR5E.chain, UR5E.home)[0], atol=1e-6)
    found.attributes["joints"] = ["one"]
    with pytest.raises(ValueError, match="no arm has the joints one; available: fr3, ur5e"):
        composed(found, "sixd_rows", True, ())


def test_other_joints(store):
    names = [f"joint{i}" for i in range(7)]
    action = [{"name": name, "meaning": "joint_position", "unit": "rad"} for name in names]
    action.append({"name": "gripper", "meaning": "gripper_width", "unit": "m"})
    with pytest.raises(StoreError, match="is of the joints fr3_joint1"):
        fitted(contract(joints=names, action=action), store)
