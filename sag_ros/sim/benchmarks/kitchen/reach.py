"""Inverse kinematics of the kitchen's arm: damped least squares, with the joints at their limits left out."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

ARM = 7  # joints of the arm; they are the first of the model
REST = np.array([0.0, -1.5, 1.7, -2.2, 0.2, 0.9, 1.6])  # rad, what the redundant joint is drawn to

_SITE = "end_effector"
_DAMPING = 3e-4  # m²
_LEVER = 0.3  # m, by which rotation is weighed against position
_PULL = 0.05  # share of the way to REST in one step, as far as the hand does not notice
_STEP = 0.06  # rad, the most a joint moves in one step
_MARGIN = 0.02  # rad, kept from the limits


@dataclass(frozen=True)
class Pose:
    """Of the hand in the world: (3,) m, and how it is turned."""

    position: np.ndarray
    rotation: Rotation

    def gap(self, to: Pose) -> tuple[np.ndarray, np.ndarray]:
        """(3,) m and (3,) rad, a rotation vector, from here ``to`` there."""
        return to.position - self.position, (to.rotation * self.rotation.inv()).as_rotvec()


class Reach:
    """Kinematics of the arm alone, on data of its own.

    Args:
        model: of the kitchen.
        limits: (ARM, 2) lower and upper, rad.
    """

    def __init__(self, model: mujoco.MjModel, limits: np.ndarray) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        self._site = model.site(_SITE).id
        self._lower, self._upper = limits[:, 0] + _MARGIN, limits[:, 1] - _MARGIN
        self._jacobian = np.zeros((6, model.nv))

    def pose(self, joints: np.ndarray) -> Pose:
        """Where the hand is at joints (ARM,) rad."""
        self._data.qpos[:ARM] = joints
        mujoco.mj_kinematics(self._model, self._data)
        rotation = self._data.site_xmat[self._site].reshape(3, 3)
        return Pose(self._data.site_xpos[self._site].copy(), Rotation.from_matrix(rotation))

    def step(self, joints: np.ndarray, shift: np.ndarray, turn: np.ndarray | None) -> np.ndarray:
        """(ARM,) rad, where the hand is moved by ``shift`` (3,) m and ``turn`` (3,) rad.

        Args:
            joints: (ARM,) rad, as last given to :meth:`pose`.
            turn: None leaves the rotation of the hand free.
        """
        mujoco.mj_comPos(self._model, self._data)  # what the Jacobian asks for beside the kinematics
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)
        jacobian, wanted = self._jacobian[:3, :ARM], shift
        if turn is not None:
            jacobian = np.vstack([jacobian, _LEVER * self._jacobian[3:, :ARM]])
            wanted = np.r_[shift, _LEVER * turn]
        free = np.ones(ARM)
        for _ in range(3):
            movable = jacobian * free
            inverse = movable.T @ np.linalg.inv(movable @ movable.T + _DAMPING * np.eye(len(wanted)))
            pull = free * _PULL * (REST - joints)
            moved = joints + np.clip(inverse @ wanted + pull - inverse @ (movable @ pull), -_STEP, _STEP)
            beyond = (moved < self._lower) | (moved > self._upper)
            if not (beyond & (free > 0)).any():
                break
            free = free * ~beyond  # again without these, so that the others do their work
        return np.clip(moved, self._lower, self._upper)
