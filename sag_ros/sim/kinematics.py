"""Inverse kinematics of the arm, by mink: TCP paths to joint paths."""

from __future__ import annotations

import mink
import mujoco
import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.sim.scene import ASSETS

DOWN = np.diag([1.0, -1.0, -1.0])  # TCP orientation at home: z down, x forward
_DT = 1.0  # each solve is a full Newton-like step


class ArmKinematics:
    """Forward and inverse kinematics of the tool centre point of an arm of J joints, its hand open."""

    def __init__(self, arm: Arm) -> None:
        self._model = mujoco.MjModel.from_xml_path(str(ASSETS / arm.model))
        self._joints = [self._model.joint(name).qposadr[0] for name in arm.joints]
        fingers = [self._model.joint(name).qposadr[0] for name in arm.gripper.joints]
        self._rest = np.zeros(self._model.nq)
        self._rest[fingers] = arm.gripper.width_max / len(fingers)
        self._configuration = mink.Configuration(self._model)
        self._task = mink.FrameTask("tcp", "site", position_cost=1.0, orientation_cost=0.5)
        self._posture = mink.PostureTask(self._model, cost=1e-3)

    def forward(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """TCP position (3,) m and rotation (3, 3) at joints (J,) rad."""
        self._configuration.update(self._whole(joints))
        pose = self._configuration.get_transform_frame_to_world("tcp", "site")
        return pose.translation().copy(), pose.rotation().as_matrix().copy()

    def path(
        self, start: np.ndarray, positions: np.ndarray, rotation: np.ndarray = DOWN, iterations: int = 3
    ) -> np.ndarray:
        """Joint path (N, J) rad whose TCP follows ``positions`` (N, 3) m with a fixed rotation.

        Each point starts from the one before, so the path is continuous; ``start`` (J,) seeds the first.

        Raises:
            ValueError: a point is out of reach (more than 2 mm off), naming it.
        """
        full = self._whole(start)
        self._configuration.update(full)
        self._posture.set_target(full)
        out = np.empty((len(positions), len(self._joints)))
        for n, position in enumerate(positions):
            target = mink.SE3.from_rotation_and_translation(mink.SO3.from_matrix(rotation), position)
            self._task.set_target(target)
            for _ in range(30 if n == 0 else iterations):
                velocity = mink.solve_ik(
                    self._configuration, [self._task, self._posture], _DT, "daqp", damping=1e-4
                )
                self._configuration.integrate_inplace(velocity, _DT)
            reached = self._configuration.get_transform_frame_to_world("tcp", "site").translation()
            error = float(np.linalg.norm(reached - position))
            if error > 2e-3:
                raise ValueError(
                    f"TCP position {np.round(position, 3)} m is out of reach by {error * 1e3:.1f} mm"
                )
            out[n] = self._configuration.q[self._joints]
        return out

    def _whole(self, joints: np.ndarray) -> np.ndarray:
        """All positions of the model, the arm at ``joints`` (J,)."""
        whole = self._rest.copy()
        whole[self._joints] = joints
        return whole
