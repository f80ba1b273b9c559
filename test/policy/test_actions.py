"""What actions mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sag_ros.policy.actions import ActionDecoder
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.meanings import ROTATIONS
from sag_ros.policy.random_bundle import full_contract, pose_actions, random_bundle
from sag_ros.policy.rotations import from_matrix
from sag_ros.values import PoseChunk

BINARY = {"open": -1.0, "closed": 1.0, "width_open": 0.08, "width_closed": 0.0}


def policy(joint: str = "joint_position", gripper: str = "gripper_width", **changes: Any):
    action = full_contract()["action"]
    action = [{**one, "meaning": joint} for one in action[:-1]] + [
        {**action[-1], "meaning": gripper, "unit": "m" if gripper == "gripper_width" else "1"}
    ]
    return random_bundle(0, action=action, **changes)


def decoded(bundle, actions, q):
    """Joints and gripper of actions in their own units, after observations whose newest is at ``q``."""
    contract = bundle.contract
    scale, offset = (v.double().numpy() for v in bundle.normaliser.vectors("action"))
    features = np.zeros((contract.observation_steps, contract.obs_dim), np.float32)
    own, shift = (v.numpy() for v in bundle.normaliser.vectors("state"))
    features[-1, -contract.state_dim :] = np.r_[q, 0.05] * own + shift
    decode = ActionDecoder(contract, bundle.normaliser)
    chunk = decode(2.0, np.asarray(actions) * scale + offset, features, q)
    assert (chunk.stamp, chunk.period) == (2.0, contract.control_period)
    return chunk


Q = np.linspace(-1.0, 1.0, 7)
ACTIONS = np.random.default_rng(0).uniform(-0.1, 0.1, (8, 8))


def test_positions_are_what_they_are():
    chunk = decoded(policy(), ACTIONS, Q)
    np.testing.assert_allclose(chunk.positions, ACTIONS[:, :-1], atol=1e-12)
    np.testing.assert_allclose(chunk.gripper, ACTIONS[:, -1], atol=1e-12)


def test_offsets_are_from_the_newest_observation():
    joints = decoded(policy("joint_offset"), ACTIONS, Q).positions
    np.testing.assert_allclose(joints, Q + ACTIONS[:, :-1], atol=1e-6)


def test_steps_add_up():
    joints = decoded(policy("joint_step"), ACTIONS, Q).positions
    np.testing.assert_allclose(joints, Q + np.cumsum(ACTIONS[:, :-1], axis=0), atol=1e-6)


def test_a_binary_gripper_opens_and_closes():
    bundle = policy(gripper="gripper_binary", binary_gripper=BINARY)
    actions = np.zeros((4, 8))
    actions[:, -1] = [-1.2, -0.1, 0.1, 0.9]
    gripper = decoded(bundle, actions, Q).gripper
    np.testing.assert_array_equal(gripper, [0.08, 0.08, 0.0, 0.0])


def test_not_a_number_is_not_hidden():
    actions = ACTIONS.copy()
    actions[2, 3] = np.nan
    joints = decoded(policy("joint_step"), actions, Q).positions
    assert np.isnan(joints[2:, 3]).all()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"binary_gripper": BINARY}, "binary_gripper"),
        ({"gripper": "gripper_binary"}, "binary_gripper"),
        (
            {"gripper": "gripper_binary", "binary_gripper": {**BINARY, "closed": -1.0}},
            "binary_gripper.closed",
        ),
        (
            {"gripper": "gripper_binary", "binary_gripper": {**BINARY, "width_open": 2.0}},
            "binary_gripper.width_open",
        ),
        ({"joint": "gripper_width"}, "action.0"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, key):
    with pytest.raises(BundleError) as error:
        policy(**changes)
    assert error.value.key == key


def test_all_joints_mean_the_same():
    action = full_contract()["action"]
    action[3] = {**action[3], "meaning": "joint_step"}
    with pytest.raises(BundleError, match=r"action\.3"):
        random_bundle(0, action=action)


# Poses of the tool centre point ------------------------------------------------------------------------


def poses(rotation: str = "axis_angle", **tcp: str):
    return random_bundle(0, action=pose_actions(rotation), tcp={"rotation": rotation, **tcp})


@pytest.mark.parametrize("rotation", sorted(ROTATIONS))
def test_poses_are_decoded_with_what_they_are_relative_to(rotation):
    matrices = Rotation.random(8, random_state=0).as_matrix()
    positions = np.random.default_rng(1).normal(0.0, 0.3, (8, 3))
    actions = np.column_stack([positions, from_matrix(matrices, rotation), np.full(8, 0.03)])
    chunk = decoded(poses(rotation, relative="step", frame="tool"), actions, Q)
    assert isinstance(chunk, PoseChunk)
    np.testing.assert_allclose(chunk.positions, positions, atol=1e-9)
    np.testing.assert_allclose(chunk.rotations, matrices, atol=1e-9)
    np.testing.assert_allclose(chunk.gripper, 0.03, atol=1e-9)
    np.testing.assert_array_equal(chunk.observed, Q)
    assert (chunk.relative, chunk.frame) == ("step", "tool")
    assert chunk.times[0] == 2.0 + chunk.period


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"tcp": None}, "tcp"),
        ({"tcp": {"rotation": "quaternion_xyzw"}}, "action"),
        ({"tcp": {"rotation": "euler"}}, "tcp.rotation"),
        ({"tcp": {"rotation": "axis_angle", "relative": "yes"}}, "tcp.relative"),
        ({"state": ["tcp_position", "tcp_position"]}, "state"),
        ({"state": ["tcp_velocity"]}, "state"),
        ({"action": pose_actions("axis_angle")[:2] + pose_actions("axis_angle")[:5]}, "action.3"),
        ({"action": [*pose_actions("axis_angle")[:5], full_contract()["action"][0],
                     full_contract()["action"][-1]]}, "action.5"),
        ({"action": [{**one, "unit": "1"} if one["unit"] == "rad" else one
                     for one in pose_actions("axis_angle")]}, "action.3.unit"),
    ],
)  # fmt: skip
def test_poses_that_do_not_go_together_are_refused(changes, key):
    with pytest.raises(BundleError) as error:
        random_bundle(
            0, **{"action": pose_actions("axis_angle"), "tcp": {"rotation": "axis_angle"}, **changes}
        )
    assert error.value.key == key


def test_offsets_need_the_joints_they_are_from():
    action = [{**one, "meaning": "joint_offset"} for one in full_contract()["action"][:-1]]
    action += full_contract()["action"][-1:]
    with pytest.raises(BundleError, match="joint_position among them"):
        random_bundle(0, action=action, state=["gripper_width"])
    # and find them wherever they are in the state
    bundle = random_bundle(0, action=action, state=["gripper_width", "joint_position"])
    contract = bundle.contract
    scale, offset = (v.double().numpy() for v in bundle.normaliser.vectors("action"))
    own, shift = (v.numpy() for v in bundle.normaliser.vectors("state"))
    features = np.zeros((contract.observation_steps, contract.obs_dim), np.float32)
    features[-1, -contract.state_dim :] = np.r_[0.05, Q] * own + shift
    chunk = ActionDecoder(contract, bundle.normaliser)(0.0, ACTIONS * scale + offset, features)
    np.testing.assert_allclose(chunk.positions, Q + ACTIONS[:, :-1], atol=1e-6)
