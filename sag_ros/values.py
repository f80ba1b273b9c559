"""Values that cross the borders between packages: frozen, numpy only.

Times are seconds. A ``stamp`` is a time on the clock of the cameras (ROS time); durations and
intervals are measured on a monotonic clock by whoever produces them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]


def frozen(array: np.ndarray) -> np.ndarray:
    """Return ``array`` marked read-only, so that a value cannot change after it was handed over."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Observation:
    """What the policy sees: ``To`` frames, oldest first.

    Attributes:
        stamp: time of the newest camera frame, s.
        images: camera name -> (To, H, W, 3) uint8, RGB.
        state: (To, S) as the policy's contract says; by default joint positions (J, rad), gripper width (m).
    """

    stamp: float
    images: Mapping[str, NDArray[np.uint8]]
    state: Float


@dataclass(frozen=True)
class Mask:
    """Which residual blocks are skipped in each denoising step (Sparse ActionGen, section 3).

    Attributes:
        pruned: (K, 3L) bool in execution order (row 0 is the first, noisiest step), block index
            ``3 * layer + {0: SA, 1: CA, 2: FFN}``; True = pruned, its cached residual is reused.
        source: (K, 3L) bool, for the reuse rule ``gate`` only: True = a pruned block reads its own last
            residual, False = the last one of its type. None otherwise.
    """

    pruned: NDArray[np.bool_]
    source: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.source is not None and (
            self.source.shape != self.pruned.shape or self.source.dtype != np.bool_
        ):
            raise ValueError(
                f"the source of a mask is a bool array {self.pruned.shape}; "
                f"got shape {self.source.shape}, dtype {self.source.dtype}"
            )
        if self.pruned.ndim != 2 or self.pruned.dtype != np.bool_ or self.pruned.shape[1] % 3:
            raise ValueError(
                f"a mask is a (K, 3L) bool array; got shape {self.pruned.shape}, dtype {self.pruned.dtype}"
            )

    @cached_property
    def density(self) -> float:
        """Share of the K x 3L blocks that are computed, in [0, 1]."""
        return float(1.0 - self.pruned.mean())

    @property
    def key(self) -> tuple[object, ...]:
        """The same for masks that are alike, and for no others."""
        source = None if self.source is None else self.source.tobytes()
        return self.pruned.shape, self.pruned.tobytes(), source


@dataclass(frozen=True)
class Chunk:
    """What chunks of actions have in common: when each is to be reached.

    Attributes:
        stamp: stamp of the observation it was computed from, s.
        period: control period of the policy, s.
        positions: (Ta, ...) one for each action.
    """

    stamp: float
    period: float
    positions: Float

    @property
    def times(self) -> Float:
        """(Ta,) time at which each action is to be reached, s."""
        return self.stamp + self.period * np.arange(1, len(self.positions) + 1)


@dataclass(frozen=True)
class ActionChunk(Chunk):
    """The executed part of one denoised action sequence, in physical units.

    Action ``i`` is the set point to be reached at ``stamp + (i + 1) * period``.

    Attributes:
        stamp: stamp of the observation it was computed from, s.
        period: control period of the policy, s.
        positions: (Ta, J) absolute joint positions, rad; of a policy for a benchmark its setpoints, (Ta, A).
        gripper: (Ta,) gripper widths, m; (Ta, G) where G grippers are commanded.
    """

    gripper: Float


@dataclass(frozen=True)
class PoseChunk(Chunk):
    """The executed part of one denoised action sequence, of a policy that moves the tool centre point.

    Attributes:
        stamp, period, gripper: see :class:`ActionChunk`.
        positions: (Ta, 3) m. rotations: (Ta, 3, 3) matrices.
        relative: ``no``: poses in the arm's base frame; ``observed``: from the pose of the observation;
            ``step``: each from the one before, the first from that of the observation.
        frame: whose axes relative ones are given along, ``base`` or ``tool``.
        observed: (J,) joint positions of the observation, rad.
        base, tool: (4, 4) where the policy's base and its tool are in the frames of the arm's; None where
            they are the same.
    """

    rotations: Float
    gripper: Float
    relative: str
    frame: str
    observed: Float
    base: Float | None = None
    tool: Float | None = None


def in_frames(position: Float, rotation: Float, base: Float | None, tool: Float | None) -> Float:
    """(4, 4) the pose of a policy's tool in its base frame, from that of the arm's tool in the arm's.

    Args:
        position, rotation: (3,) m and (3, 3).
        base, tool: see PoseChunk.
    """
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, position
    if base is not None:
        pose = np.linalg.inv(base) @ pose
    return pose if tool is None else pose @ tool


@dataclass(frozen=True)
class JointCommand:
    """A sampled joint motion.

    Attributes:
        time: (N,) increasing, s, on the clock of the stamps.
        position, velocity, acceleration: (N, J), rad, rad/s, rad/s^2.
    """

    time: Float
    position: Float
    velocity: Float
    acceleration: Float


@dataclass(frozen=True)
class Violation:
    """One limit that a command would have broken, and what was done about it.

    Attributes:
        kind: ``position``, ``velocity``, ``acceleration``, ``jerk``, ``tip_speed``, ``jump``,
            ``unreachable``, ``non_finite``, ``malformed``, ``stale``, ``internal``.
        joint: index 0..J - 1, or -1 when it concerns the whole command.
        value, bound: the offending value and the bound it broke, SI units.
        message: one sentence for a person.
    """

    kind: str
    joint: int
    value: float
    bound: float
    message: str


@dataclass(frozen=True)
class Timing:
    """Durations of one inference, ms."""

    encode_ms: float = 0.0
    pruner_ms: float = 0.0
    denoise_ms: float = 0.0
    total_ms: float = 0.0
    extra: Mapping[str, float] = field(default_factory=dict)


def coordinates(columns: Sequence[str], place: str) -> list[int]:
    """Which of the ``columns`` are the coordinates of a place: ``bag_x``, ``bag_y``, ``bag_z`` of ``bag``.

    Raises:
        ValueError: none is.
    """
    found = [columns.index(f"{place}_{axis}") for axis in "xyz" if f"{place}_{axis}" in columns]
    if not found:
        known = ", ".join(dict.fromkeys(name[:-2] for name in columns if name[-2:] in ("_x", "_y", "_z")))
        raise ValueError(f"there is no place '{place}'; there is {known or 'none'}")
    return found
