"""The MuJoCo model of a task, with the indices that the simulated robot needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from sag_ros.robots.arm import Arm

ASSETS = Path(__file__).parent / "assets"
ARM_FILE = "arm.xml"  # what scenes include; stands for the model of the arm that is asked for


@dataclass(frozen=True)
class Scene:
    """A compiled model and where the arm and the fingers are in it.

    Attributes:
        model: the compiled MuJoCo model.
        arm_qpos, arm_dof, arm_ctrl: (J,) indices of the arm's joints, in its order.
        finger_qpos: (F,) indices of the finger positions (their sum is the width, m).
        gripper_ctrl: index of the actuator that moves both fingers.
    """

    model: mujoco.MjModel
    arm_qpos: np.ndarray
    arm_dof: np.ndarray
    arm_ctrl: np.ndarray
    finger_qpos: np.ndarray
    gripper_ctrl: int


def load_scene(
    name: str, arm: Arm, detailed: bool = False, adapt: Callable[[mujoco.MjSpec], None] | None = None
) -> Scene:
    """Compile ``assets/<name>.xml``.

    Args:
        name: of the file, which includes ``arm.xml``.
        arm: whose model that is.
        detailed: for videos: shadows, anti-aliasing, rounder shapes.
        adapt: changes the description before it is compiled, as a task wants it.
    Raises:
        FileNotFoundError: no such scene; the message lists those that exist.
    """
    path = ASSETS / f"{name}.xml"
    if not path.is_file():
        known = sorted(p.stem for p in ASSETS.glob("*.xml"))
        raise FileNotFoundError(f"there is no scene {name!r}. Available: {known}")
    included = {ARM_FILE: (ASSETS / arm.model).read_bytes()}
    spec = mujoco.MjSpec.from_string(path.read_text(encoding="utf-8"), include=included)
    if detailed:
        quality = spec.visual.quality
        quality.shadowsize, quality.offsamples = 2048, 4
        quality.numslices, quality.numstacks, quality.numquads = 28, 16, 4
    if adapt is not None:
        adapt(spec)
    model = spec.compile()
    joints = [model.joint(j) for j in arm.joints]
    return Scene(
        model=model,
        arm_qpos=np.array([j.qposadr[0] for j in joints]),
        arm_dof=np.array([j.dofadr[0] for j in joints]),
        arm_ctrl=np.array([model.actuator(j).id for j in arm.joints]),
        finger_qpos=np.array([model.joint(j).qposadr[0] for j in arm.gripper.joints]),
        gripper_ctrl=model.actuator("gripper").id,
    )
