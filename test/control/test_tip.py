"""The speed of the tip, against MuJoCo."""

from __future__ import annotations

import mujoco
import numpy as np

from sag_ros.control.tip import fastest
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.scene import ASSETS


def test_the_same_as_mujoco() -> None:
    model = mujoco.MjModel.from_xml_path(str(ASSETS / FR3.model))
    data = mujoco.MjData(model)
    joints = [model.joint(name) for name in FR3.joints]
    places, dofs = [joint.qposadr[0] for joint in joints], [joint.dofadr[0] for joint in joints]
    sites = [model.site(name).id for name in ("flange", "tcp")]
    assert FR3.chain is not None
    frames, tips = FR3.chain.frames, np.array(FR3.chain.tips)
    rng = np.random.default_rng(0)
    for _ in range(50):
        q = rng.uniform(FR3.limits.lower, FR3.limits.upper)
        v = rng.normal(0.0, 1.0, 7)
        data.qpos[places], data.qvel[dofs] = q, v
        mujoco.mj_forward(model, data)
        for tip, site in zip(tips[1:], sites, strict=True):
            jacobian = np.zeros((3, model.nv))
            mujoco.mj_jacSite(model, data, jacobian, None, site)
            speed = float(np.linalg.norm(jacobian @ data.qvel))
            np.testing.assert_allclose(fastest(q[None], v[None], frames, tip[None]), speed, rtol=1e-6)


def test_the_largest_of_all_samples_and_tips_counts() -> None:
    assert FR3.chain is not None
    frames, tips = FR3.chain.frames, np.array(FR3.chain.tips)
    q = np.repeat(np.array(FR3.home)[None], 3, axis=0)
    v = np.outer((0.1, -0.8, 0.3), np.ones(7))
    whole = fastest(q, v, frames, tips)
    each = [fastest(q[n : n + 1], v[n : n + 1], frames, tips[p : p + 1]) for n in range(3) for p in range(3)]
    assert whole == max(each)
    assert fastest(q, 0.0 * v, frames, tips) == 0.0
