"""Parts of a state and an action as topics have them, in the terms of a policy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sag_ros.control.reach.kinematics import forward
from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import TCP_MEANINGS
from sag_ros.policy.rotations import frames, from_matrix, to_matrix
from sag_ros.robots.arm import Arm
from sag_ros.train.convert.bags.inputs import FINGERS, JOINTS, WIDTH
from sag_ros.train.convert.raw import Frames, Values
from sag_ros.train.convert.terms import Terms, continuous
from sag_ros.values import in_frames

XYZW = "quaternion_xyzw"


class BagTerms(Terms):
    """Puts states and actions together of what topics tell: joints, widths, poses whose rotations are
    quaternions x, y, z, w, and signals.

    Args:
        contract: of the policy.
        arm: with its joints; None where none is known.
        cameras: camera of the contract -> key.
    """

    def __init__(self, contract: Contract, arm: Arm | None, cameras: Mapping[str, str]) -> None:
        super().__init__(contract, (), cameras)
        self._chain = None if arm is None else arm.chain

    def _states(self, raw: Frames) -> Values:
        tcp = self._contract.tcp
        kind = "" if tcp is None else tcp.observed_as
        return np.concatenate([self._part(name, raw.numbers, kind) for name in self._contract.state], axis=1)

    def _actions(self, raw: Frames) -> Values:
        contract, tcp = self._contract, self._contract.tcp
        poses = contract.commands_poses and tcp is not None
        arm = TCP_MEANINGS if poses else (JOINTS,)
        found = [
            self._part(name, raw.action, tcp.rotation if tcp is not None and poses else "") for name in arm
        ]
        width, binary = raw.action[WIDTH], contract.binary_gripper
        if binary is not None:
            opens = np.abs(width - binary.width_open) < np.abs(width - binary.width_closed)
            width = np.where(opens, binary.open, binary.closed)
        return np.concatenate([*found, width], axis=1)

    def _part(self, name: str, found: Mapping[str, Values], kind: str) -> Values:
        """(n, k); ``kind`` of rotations that is wanted."""
        if name == FINGERS and name not in found:
            return found[WIDTH] * [0.5, -0.5]
        if name in TCP_MEANINGS and name not in found:
            positions, matrices = self._poses(found[JOINTS])
            return positions if name == TCP_MEANINGS[0] else _turned(matrices, kind)
        if name == TCP_MEANINGS[1]:
            return _turned(to_matrix(found[name], XYZW), kind)
        return found[name]

    def _poses(self, joints: Values) -> tuple[Values, Values]:
        """Of the policy's tool in its base frame: (n, 3) m and (n, 3, 3)."""
        assert self._chain is not None  # Inputs has asked
        own = frames(self._contract.tcp)
        poses = np.stack([in_frames(*forward(self._chain, row), *own) for row in joints])
        return poses[:, :3, 3], poses[:, :3, :3]


def _turned(matrices: Values, kind: str) -> Values:
    found = from_matrix(matrices, kind)
    return continuous(found, [slice(0, 4)]) if kind.startswith("quaternion") else found
