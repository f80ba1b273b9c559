"""The arm as the page draws it: bodies, joints and simple shapes, from the arm's MJCF file."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from sag_ros.robots.registry import find_arm
from sag_ros.sim.scene import ASSETS

_SHOWN = 2  # groups up to this are drawn; beyond lie collision shapes
_KINDS = {
    mujoco.mjtGeom.mjGEOM_SPHERE: "sphere",
    mujoco.mjtGeom.mjGEOM_CAPSULE: "capsule",
    mujoco.mjtGeom.mjGEOM_ELLIPSOID: "ellipsoid",
    mujoco.mjtGeom.mjGEOM_CYLINDER: "cylinder",
    mujoco.mjtGeom.mjGEOM_BOX: "box",
}


def describe(name: str) -> dict[str, Any]:
    """The arm called ``name``.

    Returns:
        ``joints``: names in the order of every array; ``fingers``; ``home`` (J rad); ``bodies``: parents
        first, each with ``parent`` (-1: the world), ``pos`` (m), ``quat`` (w x y z), ``joint`` (its ``name``,
        ``slide``, ``axis``) or None, and ``shapes``: ``kind``, ``size`` (m, MuJoCo's half sizes), ``pos``,
        ``quat``, ``rgb``; ``tip``: body and position of the tool.

    Raises:
        ValueError: no such arm.
    """
    arm = find_arm(name)
    model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.model))
    bodies = [_body(model, number) for number in range(1, model.nbody)]
    site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, "tcp")
    return {
        "arm": arm.name,
        "joints": list(arm.joints),
        "fingers": list(arm.gripper.joints),
        "home": _rounded(arm.home),
        "bodies": bodies,
        "tip": {"body": int(model.site_bodyid[site]) - 1, "pos": _rounded(model.site_pos[site])},
    }


def _body(model: mujoco.MjModel, number: int) -> dict[str, Any]:
    joint = None
    if model.body_jntnum[number]:
        at = int(model.body_jntadr[number])
        joint = {
            "name": model.joint(at).name,
            "slide": bool(model.jnt_type[at] == mujoco.mjtJoint.mjJNT_SLIDE),
            "axis": _rounded(model.jnt_axis[at]),
        }
    first, count = int(model.body_geomadr[number]), int(model.body_geomnum[number])
    shown = [n for n in range(first, first + count) if model.geom_group[n] <= _SHOWN]
    return {
        "parent": int(model.body_parentid[number]) - 1,
        "pos": _rounded(model.body_pos[number]),
        "quat": _rounded(model.body_quat[number]),
        "joint": joint,
        "shapes": [_shape(model, n) for n in shown],
    }


def _shape(model: mujoco.MjModel, number: int) -> dict[str, Any]:
    kind = _KINDS.get(mujoco.mjtGeom(model.geom_type[number]))
    size, pos = model.geom_size[number], model.geom_pos[number]
    if kind is None:  # of a mesh the box around it
        kind, size = "box", model.geom_aabb[number, 3:]
    return {
        "kind": kind,
        "size": _rounded(size),
        "pos": _rounded(pos),
        "quat": _rounded(model.geom_quat[number]),
        "rgb": _rounded(model.geom_rgba[number, :3]),
    }


def _rounded(values: Any) -> list[float]:
    return np.round(np.asarray(values, np.float64), 5).tolist()
