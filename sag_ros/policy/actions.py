"""From a policy's normalised actions to where the joints and the gripper have to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.normaliser import Normaliser

Float64 = NDArray[np.float64]


class ActionDecoder:
    """Undoes the normaliser, and whatever the contract's action meanings say.

    Args:
        contract: of the policy.
        normaliser: of the same.
    """

    def __init__(self, contract: Contract, normaliser: Normaliser) -> None:
        self._scale, self._offset = (v.double().numpy() for v in normaliser.vectors("action"))
        scale, offset = (v.double().numpy() for v in normaliser.vectors("state"))
        joints = len(contract.joints)
        self._state_scale, self._state_offset = scale[:joints], offset[:joints]
        self._first = contract.obs_dim - contract.state_dim  # of the features, the state's
        self._joints, self._meaning = joints, contract.action[0].meaning
        self._gripper = contract.binary_gripper

    def __call__(
        self, actions: NDArray[np.floating], obs_features: NDArray[np.floating]
    ) -> tuple[Float64, Float64]:
        """Decode the executed tokens of a chunk.

        Args:
            actions: (Ta, A) normalised.
            obs_features: (To, D) that the chunk was computed from, oldest first.

        Returns:
            (Ta, J) joint positions, rad, and (Ta,) gripper widths, m.
        """
        plain = (np.asarray(actions, np.float64) - self._offset) / self._scale
        joints, gripper = plain[:, :-1].copy(), plain[:, -1].copy()
        if self._meaning == "joint_step":
            joints = np.cumsum(joints, axis=0)
        if self._meaning != "joint_position":
            joints += self._observed(obs_features)
        if self._gripper is not None:
            own = self._gripper
            opens = np.abs(gripper - own.open) < np.abs(gripper - own.closed)
            gripper = np.where(opens, own.width_open, own.width_closed)
        return joints, gripper

    def _observed(self, obs_features: NDArray[np.floating]) -> Float64:
        """(J,) joint positions of the newest observation, rad: they are a part of its features."""
        state = np.asarray(obs_features[-1, self._first : self._first + self._joints], np.float64)
        return (state - self._state_offset) / self._state_scale
