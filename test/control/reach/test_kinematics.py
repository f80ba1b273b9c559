"""Where the tool is, against MuJoCo."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from sag_ros.control.reach.kinematics import forward, move
from sag_ros.robots.arm import Arm
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.registry import ARMS
from sag_ros.sim.scene import ASSETS

KNOWN = [arm for arm in ARMS.values() if arm.chain is not None]


@pytest.mark.parametrize("arm", KNOWN, ids=lambda arm: arm.name)
def test_pose_and_jacobian_are_those_of_mujoco(arm: Arm) -> None:
    chain = arm.chain
    model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.model))
    data = mujoco.MjData(model)
    joints = [model.joint(name) for name in arm.joints]
    places, dofs = [joint.qposadr[0] for joint in joints], [joint.dofadr[0] for joint in joints]
    site = model.site("tcp").id
    rng = np.random.default_rng(0)
    pose, jacobian = np.empty((3, 4)), np.empty((6, arm.dof))
    for _ in range(20):
        q = rng.uniform(arm.limits.lower, arm.limits.upper)
        data.qpos[places] = q
        mujoco.mj_forward(model, data)
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jacSite(model, data, linear, angular, site)
        move(q, chain.frames, np.array(chain.tool), pose, jacobian)
        np.testing.assert_allclose(pose[:, 3], data.site_xpos[site], atol=1e-7)
        np.testing.assert_allclose(pose[:, :3], data.site_xmat[site].reshape(3, 3), atol=1e-7)
        np.testing.assert_allclose(jacobian, np.vstack([linear, angular])[:, dofs], atol=1e-7)
        position, rotation = forward(chain, q)
        np.testing.assert_array_equal(np.column_stack([rotation, position]), pose)


def test_another_number_of_joints_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 7 joint positions, got an array \(6,\)"):
        forward(FR3.chain, np.zeros(6))
