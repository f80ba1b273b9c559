"""Demonstrations of joint positions as a policy of poses would have recorded them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sag_ros.control.reach.kinematics import forward
from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.meanings import Rotation, pose_actions
from sag_ros.policy.rotations import from_matrix
from sag_ros.robots.arm import Arm

JOINTS, POSES = ["joint_position", "gripper_width"], ["tcp_position", "tcp_rotation", "gripper_width"]


class PoseDemonstrations:
    """Demonstrations with actions, and if wanted states, in poses of the tool centre point.

    Poses are absolute, in the arm's base frame, by forward kinematics of what was recorded. A quaternion
    and its negative are one rotation: from frame to frame that which is nearer to the one before is taken.

    Args:
        demonstrations: states and actions are joint positions (rad) and the gripper width (m).
        arm: that they are of.
        rotation: how rotations are given, see ``meanings.ROTATIONS``.
        observed: whether the state is a pose, too.

    Attributes:
        state, action: (N, S) and (N, A) float32; all others are those of ``demonstrations``.
        contract: what a policy that is trained on them says of that.

    Raises:
        ValueError: the arm's chain is not known.
    """

    def __init__(self, demonstrations: Demonstrations, arm: Arm, rotation: Rotation, observed: bool) -> None:
        if arm.chain is None:
            raise ValueError(f"of arm '{arm.name}' no chain is known; train on joint positions")
        self._own, self._arm = demonstrations, arm
        self.action = self._poses(demonstrations.action, rotation)
        self.state = self._poses(demonstrations.state, rotation) if observed else demonstrations.state
        self.contract: dict[str, Any] = {
            "state": POSES if observed else JOINTS,
            "action": [
                *pose_actions(rotation),
                {"name": "gripper", "meaning": "gripper_width", "unit": "m"},
            ],
            "tcp": {"rotation": rotation, "relative": "no", "frame": "base"},
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __len__(self) -> int:
        return len(self._own)

    def _poses(self, rows: np.ndarray, rotation: str) -> np.ndarray:
        """(N, J + 1) -> (N, 3 + R + 1)."""
        found = [forward(self._arm.chain, row[:-1]) for row in np.asarray(rows, np.float64)]
        positions, matrices = (np.stack(part) for part in zip(*found, strict=True))
        turned = from_matrix(matrices, rotation)
        if rotation.startswith("quaternion"):
            flips = np.where((turned[1:] * turned[:-1]).sum(axis=1) < 0.0, -1.0, 1.0)
            turned[1:] *= np.cumprod(flips)[:, None]
        return np.column_stack([positions, turned, rows[:, -1]]).astype(np.float32)
