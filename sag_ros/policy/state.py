"""The state that a policy observes, from what an arm tells of itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.values import in_frames

State = NDArray[np.floating]
# (J,) rad -> position (3,), m, and rotation (3, 3) of the tool centre point in the base frame.
Forward = Callable[[NDArray[np.floating]], tuple[NDArray[np.floating], NDArray[np.floating]]]


class StateBuilder:
    """Puts the parts of the contract's state together.

    Args:
        contract: of the policy; J joints.
        forward: where the tool centre point is; needed where the state has its pose.

    Raises:
        ValueError: it is needed and not there.
    """

    def __init__(self, contract: Contract, forward: Forward | None = None) -> None:
        if contract.observes_poses and forward is None:
            raise ValueError(
                "the policy observes poses of the tool centre point; they need an arm whose chain is known"
            )
        self._parts, self._forward = contract.state_parts, forward
        self._observes = contract.observes_poses
        self._joints, self._hands = len(contract.joints), contract.grippers
        self._rotation = "" if contract.tcp is None else contract.tcp.observed_as
        if self._observes:  # what it is made of takes a second to import
            from sag_ros.policy.rotations import frames, from_matrix

            self._from_matrix, self._frames = from_matrix, frames(contract.tcp)
        self._signals, begin = {}, self._joints + self._hands
        for name, signal in contract.signals.items():
            self._signals[name] = slice(begin, begin + signal.size)
            begin += signal.size
        self._plain = list(self._parts) == ["joint_position", "gripper_width", *self._signals]

    def __call__(self, own: NDArray[np.floating]) -> State:
        """The contract's state (S,), from joint positions (rad), gripper widths (m) and the contract's
        signals in their order, (J + G + ...,)."""
        own = np.asarray(own, dtype=np.float64)
        if self._plain:
            return own
        width = own[self._joints : self._joints + self._hands]
        made = {"joint_position": own[: self._joints], "gripper_width": width}
        made["gripper_fingers"] = np.outer(width, [0.5, -0.5]).ravel()
        if self._forward is not None and self._observes:
            pose = in_frames(*self._forward(own[: self._joints]), *self._frames)
            made["tcp_position"] = pose[:3, 3]
            made["tcp_rotation"] = self._from_matrix(pose[None, :3, :3], self._rotation)[0]
        made |= {name: own[place] for name, place in self._signals.items()}
        return np.concatenate([made[part] for part in self._parts])
