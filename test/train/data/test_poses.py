"""Demonstrations in joint positions, seen as poses of the tool."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.control.reach.kinematics import forward
from sag_ros.policy.rotations import to_matrix
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.train.data.poses import PoseDemonstrations

STATE = np.column_stack(
    [np.array(FR3.home) + np.linspace(-1.0, 1.0, 40)[:, None] * np.ones(7), np.full(40, 0.05)]
).astype(np.float32)
OWN = SimpleNamespace(state=STATE, action=STATE[::-1].copy(), ends=np.array([40]))


@pytest.mark.parametrize("rotation", ["sixd_rows", "quaternion_wxyz", "axis_angle"])
def test_rows_are_where_the_tool_was(rotation):
    made = PoseDemonstrations(OWN, FR3, rotation, observed=True)
    assert made.ends is OWN.ends
    for rows, own in ((made.state, OWN.state), (made.action, OWN.action)):
        turned = to_matrix(rows[:, 3:-1], rotation)
        for row, matrix, q in zip(rows, turned, own, strict=True):
            position, wanted = forward(FR3.chain, q[:7].astype(np.float64))
            np.testing.assert_allclose(row[:3], position, atol=1e-5)
            np.testing.assert_allclose(matrix, wanted, atol=1e-5)
            assert row[-1] == q[-1]


def test_quaternions_do_not_change_their_sign():
    rows = PoseDemonstrations(OWN, FR3, "quaternion_xyzw", observed=False).action
    assert ((rows[1:, 3:7] * rows[:-1, 3:7]).sum(axis=1) > 0.9).all()


def test_states_stay_joints_unless_asked():
    made = PoseDemonstrations(OWN, FR3, "sixd_rows", observed=False)
    assert made.state is OWN.state
    assert made.contract["state"] == ["joint_position", "gripper_width"]


def test_an_arm_without_a_chain_is_refused():
    with pytest.raises(ValueError, match="no chain is known"):
        PoseDemonstrations(OWN, replace(FR3, chain=None), "sixd_rows", observed=False)
