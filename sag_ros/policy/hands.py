"""Setpoints that lead away from the hands of a benchmark's robot, and where these have to be in the world.

As the relative trajectories of UMI (Chi et al., arXiv 2402.10329): a chunk is told in the frame that the hand
has in its newest observation, so that to grasp a thing is the same wherever it lies.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import HAND_SETPOINTS
from sag_ros.policy.rotations import from_matrix, to_matrix

Float64 = NDArray[np.float64]
_ROWS = "sixd_rows"

# Of hands: positions (W, 1, 3) and axes (W, 1, 3, 3); of setpoints: positions (W, T, 3) and (W, T, 3, 3).
_Change = Callable[[Float64, Float64, Float64, Float64], tuple[Float64, Float64]]


class Hands:
    """Both directions, for all hands of a policy; setpoints of no hand stay as they are.

    Args:
        contract: of the policy: A setpoints, S numbers of the state.
    """

    def __init__(self, contract: Contract) -> None:
        first, start = {}, 0
        for part, size in contract.state_parts.items():
            first[part], start = start, start + size
        names = [one.name for one in contract.action]
        self._hands = [
            (first[hand.position], first[hand.rotation], names.index(hand.setpoint))
            for hand in contract.hands
        ]

    def leading(self, actions: NDArray[np.floating], states: NDArray[np.floating]) -> Float64:
        """(W, T, A) setpoints in the world -> (W, T, A) away from the hands in (W, S) states."""
        return self._changed(actions, states, _away)

    def arriving(self, actions: NDArray[np.floating], states: NDArray[np.floating]) -> Float64:
        """Inverse of :meth:`leading`; rotations that are none are made orthonormal (Zhou et al. 2019)."""
        return self._changed(actions, states, _back)

    def _changed(
        self, actions: NDArray[np.floating], states: NDArray[np.floating], change: _Change
    ) -> Float64:
        changed = np.array(actions, np.float64)
        windows, steps = changed.shape[:2]
        for position, rotation, own in self._hands:
            at = np.asarray(states[:, None, position : position + 3], np.float64)
            axes = to_matrix(states[:, rotation : rotation + 4], "quaternion_xyzw")[:, None]
            pose = changed[..., own : own + HAND_SETPOINTS]
            turned = to_matrix(pose[..., 3:].reshape(-1, 6), _ROWS).reshape(windows, steps, 3, 3)
            place, turned = change(at, axes, pose[..., :3], turned)
            pose[..., :3] = place
            pose[..., 3:] = from_matrix(turned.reshape(-1, 3, 3), _ROWS).reshape(windows, steps, 6)
        return changed


def _away(at: Float64, axes: Float64, place: Float64, turned: Float64) -> tuple[Float64, Float64]:
    inverse = np.swapaxes(axes, -1, -2)
    return (inverse @ (place - at)[..., None])[..., 0], inverse @ turned


def _back(at: Float64, axes: Float64, place: Float64, turned: Float64) -> tuple[Float64, Float64]:
    return at + (axes @ place[..., None])[..., 0], axes @ turned
