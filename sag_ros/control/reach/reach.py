"""Chunks of poses as chunks of joint positions: what the arm can do of them, and what it cannot."""

from __future__ import annotations

import numpy as np

from sag_ros.control.reach.inverse import SINGULAR, follow
from sag_ros.control.reach.kinematics import forward
from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.arm import Arm
from sag_ros.robots.chain import Chain
from sag_ros.values import ActionChunk, Float, PoseChunk, Violation, frozen, in_frames

_ITERATIONS = 4  # for each action; twice as many for the first
_EXACT = (1e-3, 1e-2)  # m, rad: what is nearer than that is there
_NEAR = (0.03, 0.3)  # m, rad: how far the tool may lag where the arm cannot be quicker
_SHARE = 0.95  # of the largest speed of a joint


class Reach:
    """Inverse kinematics of one arm.

    Args:
        arm: whose chain is known; without one there are no poses.
        margin: kept free at both ends of each joint, rad.
    """

    def __init__(self, arm: Arm, margin: float = 0.0) -> None:
        self._chain = arm.chain
        self._lower, self._upper = arm.limits.lower + margin, arm.limits.upper - margin
        self._velocity, self._rest = np.array(arm.limits.velocity), np.array(arm.home)

    def joints(self, chunk: ActionChunk | PoseChunk) -> tuple[ActionChunk, tuple[Violation, ...]]:
        """The chunk in joint positions, as it may be already, and in what the tool will not be where it says.

        Each action is sought from the one before, the first from what was observed. Near a singular pose,
        and where a joint would have to be faster than it can, the tool lags, which is told.

        Raises:
            ChunkRefused: an action that is no pose, or that the arm cannot reach.
        """
        if isinstance(chunk, ActionChunk):
            return chunk, ()
        chain = self._chain
        if chain is None:
            message = "nothing is known of the arm's chain, so its tool cannot be told where to be"
            raise ChunkRefused(Violation("unreachable", -1, np.nan, 0.0, message))
        poses = _absolute(chunk, chain)
        start = np.asarray(chunk.observed, np.float64)
        if start.shape != self._rest.shape or not (np.isfinite(start).all() and np.isfinite(poses).all()):
            bad = np.argwhere(~np.isfinite(poses.reshape(len(poses), -1)).all(axis=1)).ravel()
            what = f"action {bad[0] + 1} is no pose" if len(bad) else f"no arm was observed at {start}"
            raise ChunkRefused(Violation("non_finite", -1, np.nan, 0.0, what))
        far = _SHARE * chunk.period * self._velocity
        joints, left = np.empty((len(poses), len(start))), np.empty((len(poses), 3))
        follow(
            start, poses, chain.frames, np.array(chain.tool), self._lower, self._upper, far, self._rest,
            _ITERATIONS, joints, left,
        )  # fmt: skip
        found = self._judge(joints, left, start, far)
        return ActionChunk(chunk.stamp, chunk.period, frozen(joints), chunk.gripper), found

    def _judge(self, joints: Float, left: Float, start: Float, far: Float) -> tuple[Violation, ...]:
        action = int(np.maximum(left[:, 0] / _NEAR[0], left[:, 1] / _NEAR[1]).argmax())
        distance, angle, manipulability = (float(value) for value in left[action])
        if distance <= _EXACT[0] and angle <= _EXACT[1]:
            return ()
        moved = np.abs(joints[action] - (start if action == 0 else joints[action - 1]))
        bound = (joints[action] <= self._lower) | (joints[action] >= self._upper)
        fast = moved >= (1.0 - 1e-6) * far
        if bound.any():
            joint, why = int(bound.argmax()), f"joint {int(bound.argmax()) + 1} is at its bound"
        elif manipulability < SINGULAR:
            joint, why = -1, "the arm is near a singular pose"
        elif fast.any():
            joint, why = int(fast.argmax()), f"joint {int(fast.argmax()) + 1} cannot be faster"
        else:
            joint, why = -1, "it is too far from the action before"
        text = f"{1e3 * distance:.0f} mm and {np.degrees(angle):.0f} degrees"
        if distance > _NEAR[0] or angle > _NEAR[1]:
            message = f"action {action + 1} is {text} out of reach: {why}"
            raise ChunkRefused(Violation("unreachable", joint, distance, _NEAR[0], message))
        message = f"the tool will be {text} beside action {action + 1}: {why}"
        return (Violation("unreachable", joint, distance, _EXACT[0], message),)


def _absolute(chunk: PoseChunk, chain: Chain) -> Float:
    """(Ta, 3, 4) rotations and positions of the arm's tool in its base frame."""
    poses = np.concatenate([chunk.rotations, chunk.positions[..., None]], axis=2).astype(np.float64)
    if chunk.relative != "no":
        own = in_frames(*forward(chain, np.asarray(chunk.observed, np.float64)), chunk.base, chunk.tool)
        _follow_on(poses, own[:3, 3], own[:3, :3], chunk)
    return _of_the_arm(poses, chunk)


def _of_the_arm(poses: Float, chunk: PoseChunk) -> Float:
    """(Ta, 3, 4) poses of the policy's tool in its frame -> of the arm's tool in the arm's."""
    if chunk.base is None and chunk.tool is None:
        return poses
    whole = np.tile(np.eye(4), (len(poses), 1, 1))
    whole[:, :3] = poses
    if chunk.base is not None:
        whole = chunk.base @ whole
    if chunk.tool is not None:
        whole = whole @ np.linalg.inv(chunk.tool)
    return np.ascontiguousarray(whole[:, :3])


def _follow_on(poses: Float, position: Float, rotation: Float, chunk: PoseChunk) -> None:
    """Make relative poses absolute, in place; they begin at ``position`` and ``rotation``."""
    for pose in poses:
        own, moved = pose[:, :3].copy(), pose[:, 3].copy()
        if chunk.frame == "tool":
            pose[:, :3], pose[:, 3] = rotation @ own, position + rotation @ moved
        else:
            pose[:, :3], pose[:, 3] = own @ rotation, position + moved
        if chunk.relative == "step":
            rotation, position = pose[:, :3].copy(), pose[:, 3].copy()
