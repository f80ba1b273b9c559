from __future__ import annotations

import json

import mujoco
import numpy as np
import pytest

from sag_ros.robots.registry import ARMS
from sag_ros.ros.view.arm_shape import describe
from sag_ros.sim.scene import ASSETS


def placed(shape, q):
    """Position of the tool as the page computes it."""
    frames = []
    for body in shape["bodies"]:
        r, p = frames[body["parent"]] if body["parent"] >= 0 else (np.eye(3), np.zeros(3))
        p = p + r @ body["pos"]
        r = r @ rotation(body["quat"])
        joint = body["joint"]
        if joint and not joint["slide"]:
            half, axis = q[shape["joints"].index(joint["name"])] / 2, np.array(joint["axis"])
            r = r @ rotation([np.cos(half), *np.sin(half) * axis])
        frames.append((r, p))
    r, p = frames[shape["tip"]["body"]]
    return p + r @ shape["tip"]["pos"]


def rotation(quat):
    out = np.empty(9)
    mujoco.mju_quat2Mat(out, np.asarray(quat, np.float64) / np.linalg.norm(quat))
    return out.reshape(3, 3)


@pytest.mark.parametrize("name", ARMS)
def test_the_drawn_tool_is_where_the_simulated_one_is(name):
    shape, arm = json.loads(json.dumps(describe(name))), ARMS[name]
    assert shape["joints"] == list(arm.joints)
    model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.model))
    data = mujoco.MjData(model)
    for q in np.random.default_rng(0).uniform(arm.limits.lower, arm.limits.upper, (5, arm.dof)):
        for joint, value in zip(arm.joints, q, strict=True):
            data.joint(joint).qpos = value
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(placed(shape, q), data.site("tcp").xpos, atol=1e-3)


@pytest.mark.parametrize("name", ARMS)
def test_shapes_are_solids_that_the_page_can_draw(name):
    shape = describe(name)
    kinds = {solid["kind"] for body in shape["bodies"] for solid in body["shapes"]}
    assert kinds <= {"box", "capsule", "cylinder", "ellipsoid", "sphere"}
    assert all(body["parent"] < number for number, body in enumerate(shape["bodies"]))
    with pytest.raises(ValueError, match="available"):
        describe("nobody")
