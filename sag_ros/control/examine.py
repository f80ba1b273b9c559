"""Whether a chunk, or a position, is one that an arm could follow, judged before anything is computed."""

from __future__ import annotations

import numpy as np

from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.limits import JointLimits
from sag_ros.values import ActionChunk, Float, Violation

_LONGEST = 10.0  # s between two actions


def examine(chunk: ActionChunk, limits: JointLimits, step: float, beyond: float, reach: float) -> None:
    """Refuse a chunk that is malformed or that no arm could follow.

    Args:
        limits: of the arm itself; J joints.
        step: sampling interval of the commands, s; actions follow each other no faster.
        beyond: how far outside its position bounds an action of a joint may be, rad.
        reach: how many times as far as the largest speed of a joint carries it in a period its next action
            may be.

    Raises:
        ChunkRefused: with the joint, the value and the bound.
    """
    _examine_form(chunk, len(limits.lower), step)
    positions = chunk.positions
    finite = np.isfinite(positions)
    if not finite.all():
        action, joint = (int(index) for index in np.argwhere(~finite)[0])
        value = float(positions[action, joint])
        _refuse("non_finite", joint, value, 0.0, f"action {action + 1} of joint {joint + 1} is {value}")
    low, high = limits.lower - beyond, limits.upper + beyond
    outside = np.maximum(low - positions, positions - high)
    if outside.max() > 0.0:
        action, joint = _worst(outside)
        value = float(positions[action, joint])
        bound = float(high[joint] if value > high[joint] else low[joint])
        text = f"is {value:.4g} rad, believed up to {bound:.4g} rad; check the policy and its normaliser"
        _refuse("position", joint, value, bound, f"action {action + 1} of joint {joint + 1} {text}")
    if len(positions) < 2:
        return
    steps = np.abs(np.diff(positions, axis=0))
    far = reach * chunk.period * limits.velocity
    over = steps - far
    if over.max() > 0.0:
        action, joint = _worst(over)
        value, bound = float(steps[action, joint]), float(far[joint])
        text = f"are {value:.4g} rad apart, believed up to {bound:.4g} rad in {chunk.period:.4g} s"
        _refuse(
            "jump", joint, value, bound, f"actions {action + 1} and {action + 2} of joint {joint + 1} {text}"
        )


def require_position(limits: JointLimits, q: Float) -> Float:
    """A copy of ``q`` (J,), rad; raises ValueError unless it is a position inside ``limits``."""
    q = np.array(q, dtype=float)
    if q.shape != limits.lower.shape or not np.isfinite(q).all():
        raise ValueError(f"expected {len(limits.lower)} finite joint positions in rad, got {q}")
    if ((q < limits.lower) | (q > limits.upper)).any():
        raise ValueError(f"joint positions {q} rad are outside the limits; move the arm inside first")
    return q


def _examine_form(chunk: ActionChunk, joints: int, step: float) -> None:
    positions, gripper = chunk.positions, chunk.gripper
    for name, array in (("positions", positions), ("gripper widths", gripper)):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            _refuse("malformed", -1, np.nan, 0.0, f"{name} are not an array of real numbers: {type(array)}")
    if positions.ndim != 2 or not len(positions) or positions.shape[1] != joints:
        text = f"expected (Ta, {joints}) positions with Ta > 0, got {positions.shape}"
        _refuse("malformed", -1, float(positions.size), float(joints), text)
    if gripper.ndim not in (1, 2) or len(gripper) != len(positions) or not gripper.size:
        text = f"expected {len(positions)} gripper widths, one an action, got shape {gripper.shape}"
        _refuse("malformed", -1, float(gripper.size), float(len(positions)), text)
    if not np.isfinite(gripper).all():
        _refuse("non_finite", -1, np.nan, 0.0, f"gripper widths are not finite: {gripper.tolist()}")
    for name, value in (("stamp", chunk.stamp), ("period", chunk.period)):
        if not np.isfinite(value):
            _refuse("non_finite", -1, float(value), 0.0, f"the {name} of the chunk is {value}")
    if chunk.period < step * (1.0 - 1e-6):
        text = f"a period of {chunk.period:.4g} s is shorter than a step of the command, {step:.4g} s"
        _refuse("malformed", -1, float(chunk.period), step, text)
    if chunk.period > _LONGEST:
        text = f"a period of {chunk.period:.4g} s is longer than is believed of a policy, {_LONGEST} s"
        _refuse("malformed", -1, float(chunk.period), _LONGEST, text)


def _worst(over: Float) -> tuple[int, int]:
    row, column = np.unravel_index(int(over.argmax()), over.shape)
    return int(row), int(column)


def _refuse(kind: str, joint: int, value: float, bound: float, message: str) -> None:
    raise ChunkRefused(Violation(kind, joint, value, bound, message))
