"""From a policy's normalised actions to where the arm and the gripper have to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.normaliser import Normaliser
from sag_ros.values import ActionChunk, PoseChunk, frozen

Float64 = NDArray[np.float64]


class ActionDecoder:
    """Undoes the normaliser, and whatever the contract's action meanings say.

    Args:
        contract: of the policy; J joints.
        normaliser: of the same.
    """

    def __init__(self, contract: Contract, normaliser: Normaliser) -> None:
        self._scale, self._offset = (v.double().numpy() for v in normaliser.vectors("action"))
        scale, offset = (v.double().numpy() for v in normaliser.vectors("state"))
        joints, first = len(contract.joints), 0
        for part, size in contract.state_parts.items():
            if part == "joint_position":
                break
            first += size
        self._state_scale, self._state_offset = scale[first : first + joints], offset[first : first + joints]
        self._first = contract.obs_dim - contract.state_dim + first  # of the features, the joints'
        self._joints, self._meaning = joints, contract.action[0].meaning
        self._gripper, self._tcp, self._hands = contract.binary_gripper, contract.tcp, contract.grippers
        self._poses, self._period = contract.commands_poses, contract.control_period
        self._setpoints = contract.commands_setpoints
        if self._poses:  # what it is made of takes a second to import
            from sag_ros.policy.rotations import frames, to_matrix

            self._to_matrix, self._frames = to_matrix, frames(contract.tcp)

    def __call__(
        self,
        stamp: float,
        actions: NDArray[np.floating],
        obs_features: NDArray[np.floating],
        observed: NDArray[np.floating] | None = None,
    ) -> ActionChunk | PoseChunk:
        """Decode the executed tokens of a chunk.

        Args:
            stamp: of the observation, s.
            actions: (Ta, A) normalised.
            obs_features: (To, D) that the chunk was computed from, oldest first.
            observed: (J,) joint positions at ``stamp``, rad; goes along with poses.
        """
        plain = (np.asarray(actions, np.float64) - self._offset) / self._scale
        if self._setpoints:
            return ActionChunk(stamp, self._period, frozen(plain), frozen(np.empty((len(plain), 0))))
        width = self._width(plain[:, -1].copy() if self._hands == 1 else plain[:, -self._hands :].copy())
        if self._poses and self._tcp is not None:
            rotations, tcp = self._to_matrix(plain[:, 3:-1], self._tcp.rotation), self._tcp
            own = np.full(self._joints, np.nan) if observed is None else np.array(observed, np.float64)
            positions = frozen(plain[:, :3].copy())
            return PoseChunk(
                stamp, self._period, positions, frozen(rotations), frozen(width), tcp.relative, tcp.frame,
                frozen(own), *self._frames,
            )  # fmt: skip
        joints = plain[:, : self._joints].copy()
        if self._meaning == "joint_step":
            joints = np.cumsum(joints, axis=0)
        if self._meaning != "joint_position":
            joints += self._observed(obs_features)
        return ActionChunk(stamp, self._period, frozen(joints), frozen(width))

    def _width(self, gripper: Float64) -> Float64:
        if self._gripper is None:
            return gripper
        own = self._gripper
        opens = np.abs(gripper - own.open) < np.abs(gripper - own.closed)
        return np.where(opens, own.width_open, own.width_closed)

    def _observed(self, obs_features: NDArray[np.floating]) -> Float64:
        """(J,) joint positions of the newest observation, rad: they are a part of its features."""
        state = np.asarray(obs_features[-1, self._first : self._first + self._joints], np.float64)
        return (state - self._state_offset) / self._state_scale
