"""The state that a policy observes."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.policy.contract_file import BundleError, parse_contract
from sag_ros.policy.random_bundle import full_contract
from sag_ros.policy.state import StateBuilder

OWN = np.r_[np.linspace(-1.0, 1.0, 7), 0.05]
TURNED = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def forward(q):
    assert len(q) == 7
    return q[:3], TURNED


def contract(**changes):
    return parse_contract({**full_contract(), **changes})


def test_by_default_it_is_what_the_arm_tells():
    np.testing.assert_array_equal(StateBuilder(contract())(OWN), OWN)


def test_parts_come_in_the_order_of_the_contract():
    own = contract(
        state=["gripper_width", "tcp_rotation", "joint_position", "tcp_position"],
        tcp={"rotation": "sixd_columns"},
    )
    assert own.state_dim == 1 + 6 + 7 + 3
    state = StateBuilder(own, forward)(OWN)
    np.testing.assert_allclose(state, np.r_[0.05, 0, 1, 0, -1, 0, 0, OWN[:7], OWN[:3]])
    assert own.obs_dim == 2 * 64 + own.state_dim


def test_poses_need_an_arm_whose_chain_is_known():
    own = contract(state=["tcp_position"], tcp={"rotation": "axis_angle"})
    with pytest.raises(ValueError, match="chain is known"):
        StateBuilder(own)


def test_two_fingers_are_half_of_the_width_each_the_second_negative():
    own = contract(state=["gripper_fingers", "joint_position"])
    np.testing.assert_allclose(StateBuilder(own)(OWN), np.r_[0.025, -0.025, OWN[:7]])


def test_rotations_may_be_observed_otherwise_than_commanded():
    own = contract(state=["tcp_rotation"], tcp={"rotation": "sixd_rows", "state_rotation": "axis_angle"})
    np.testing.assert_allclose(StateBuilder(own, forward)(OWN), [0.0, 0.0, np.pi / 2], atol=1e-12)


def test_signals_are_taken_from_behind_the_hand():
    signals = {"bag": {"size": 3}, "zone": {"size": 2}}
    own = contract(signals=signals, state=["zone", "joint_position", "bag", "gripper_width"])
    told = np.r_[OWN, 1.0, 2.0, 3.0, 4.0, 5.0]
    np.testing.assert_array_equal(StateBuilder(own)(told), np.r_[4.0, 5.0, OWN[:7], 1.0, 2.0, 3.0, 0.05])
    plain = contract(signals={"bag": {"size": 3}}, state=["joint_position", "gripper_width", "bag"])
    np.testing.assert_array_equal(StateBuilder(plain)(told[:11]), told[:11])


def test_poses_may_be_seen_from_a_frame_of_the_policy():
    turn = [0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4)]  # 90 degrees about z
    own = contract(
        state=["tcp_position", "tcp_rotation"],
        tcp={"rotation": "axis_angle", "base": {"translation": [1.0, 0.0, 0.0], "rotation": turn}},
    )
    state = StateBuilder(own, forward)(OWN)
    x, y, z = OWN[:3]
    np.testing.assert_allclose(state, [y, -(x - 1.0), z, 0.0, 0.0, 0.0], atol=1e-12)
    moved = contract(
        state=["tcp_position"], tcp={"rotation": "axis_angle", "tool": {"translation": [0.1, 0.0, 0.0]}}
    )
    np.testing.assert_allclose(StateBuilder(moved, forward)(OWN), [x, y + 0.1, z], atol=1e-12)


def test_a_frame_has_a_unit_quaternion():
    with pytest.raises(BundleError, match="unit quaternion"):
        contract(state=["tcp_position"], tcp={"rotation": "axis_angle", "base": {"rotation": [0, 0, 0, 2.0]}})
