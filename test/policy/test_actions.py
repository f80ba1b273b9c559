"""What actions mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sag_ros.policy.actions import ActionDecoder
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.random_bundle import full_contract, random_bundle

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
    return ActionDecoder(contract, bundle.normaliser)(np.asarray(actions) * scale + offset, features)


Q = np.linspace(-1.0, 1.0, 7)
ACTIONS = np.random.default_rng(0).uniform(-0.1, 0.1, (8, 8))


def test_positions_are_what_they_are():
    joints, gripper = decoded(policy(), ACTIONS, Q)
    np.testing.assert_allclose(joints, ACTIONS[:, :-1], atol=1e-12)
    np.testing.assert_allclose(gripper, ACTIONS[:, -1], atol=1e-12)


def test_offsets_are_from_the_newest_observation():
    joints, _ = decoded(policy("joint_offset"), ACTIONS, Q)
    np.testing.assert_allclose(joints, Q + ACTIONS[:, :-1], atol=1e-6)


def test_steps_add_up():
    joints, _ = decoded(policy("joint_step"), ACTIONS, Q)
    np.testing.assert_allclose(joints, Q + np.cumsum(ACTIONS[:, :-1], axis=0), atol=1e-6)


def test_a_binary_gripper_opens_and_closes():
    bundle = policy(gripper="gripper_binary", binary_gripper=BINARY)
    actions = np.zeros((4, 8))
    actions[:, -1] = [-1.2, -0.1, 0.1, 0.9]
    _, gripper = decoded(bundle, actions, Q)
    np.testing.assert_array_equal(gripper, [0.08, 0.08, 0.0, 0.0])


def test_not_a_number_is_not_hidden():
    actions = ACTIONS.copy()
    actions[2, 3] = np.nan
    joints, _ = decoded(policy("joint_step"), actions, Q)
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
