"""The kinds of chunks that are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk, Float


class Situation:
    """What chunks are drawn from.

    Attributes:
        arm, rng: whose joints, and the randomness.
        period, count: of an ordinary chunk, s.
        position, velocity: (J,) where the arm is about to be, rad, rad/s: chunks go on from there.
    """

    def __init__(
        self, arm: Arm, rng: np.random.Generator, position: Float, period: float, count: int
    ) -> None:
        self.arm, self.rng = arm, rng
        self.period, self.count = period, count
        self.position, self.velocity = position, np.zeros(arm.dof)

    def chunk(self, stamp: float, positions: Float, period: float | None = None) -> ActionChunk:
        """A chunk of these (Ta, J) positions."""
        hands = len(self.arm.grippers)
        widths = np.full(len(positions) if hands == 1 else (len(positions), hands), 0.04)
        return ActionChunk(stamp, self.period if period is None else period, positions, widths)

    def line(self, speed: Float) -> Float:
        """(Ta, J) actions that go on from here with (J,) ``speed``, held back at the bounds."""
        ahead = self.period * np.arange(1, self.count + 1)[:, None]
        limits = self.arm.limits
        return np.clip(self.position + ahead * speed, limits.lower - 0.05, limits.upper + 0.05)


def _calm(s: Situation, stamp: float) -> ActionChunk:
    """What a good policy says: on from here, bending a little, with a little noise."""
    speed = np.clip(s.velocity + s.rng.normal(0.0, 0.1, s.arm.dof), -1.0, 1.0)
    noise = s.rng.choice([0.0, 0.001, 0.004]) * min(s.period / 0.05, 1.0)
    return s.chunk(stamp, s.line(speed) + s.rng.normal(0.0, noise, (s.count, s.arm.dof)))


def _fast(s: Situation, stamp: float) -> ActionChunk:
    speed = s.arm.limits.velocity * s.rng.uniform(-1.3, 1.3, s.arm.dof)
    return s.chunk(stamp, s.line(speed))


def _noisy(s: Situation, stamp: float) -> ActionChunk:
    size = s.rng.choice([0.01, 0.05, 0.2])
    return s.chunk(stamp, s.position + s.rng.normal(0.0, size, (s.count, s.arm.dof)))


def _wild(s: Situation, stamp: float) -> ActionChunk:
    """As far apart as is believed of a policy."""
    far = 1.9 * s.period * s.arm.limits.velocity
    walk = s.position + np.cumsum(far * s.rng.uniform(-1.0, 1.0, (s.count, s.arm.dof)), axis=0)
    positions = np.clip(walk, s.arm.limits.lower - 0.09, s.arm.limits.upper + 0.09)
    return s.chunk(stamp, positions)


def _zigzag(s: Situation, stamp: float) -> ActionChunk:
    far = s.rng.uniform(0.0, 0.9) * s.period * s.arm.limits.velocity
    signs = (-1.0) ** np.arange(s.count)[:, None]
    return s.chunk(stamp, s.position + signs * far)


def _outward(s: Situation, stamp: float) -> ActionChunk:
    """Against the nearer position bound of every joint."""
    limits = s.arm.limits
    side = np.where(s.position > 0.5 * (limits.lower + limits.upper), 1.0, -1.0)
    return s.chunk(stamp, s.line(side * limits.velocity * s.rng.uniform(0.05, 1.0, s.arm.dof)))


def _reversed(s: Situation, stamp: float) -> ActionChunk:
    return s.chunk(stamp, s.line(-s.velocity)[::-1].copy())


def _late(s: Situation, stamp: float) -> ActionChunk:
    return replace(_calm(s, stamp), stamp=stamp - s.rng.uniform(0.05, 0.5))


def _early(s: Situation, stamp: float) -> ActionChunk:
    return replace(_calm(s, stamp), stamp=stamp + s.rng.uniform(0.0, 0.2))


def _odd(s: Situation, stamp: float) -> ActionChunk:
    usual = s.period, s.count
    s.period = float(s.rng.choice([0.01, 0.013, 0.02, 0.05, 0.07, 0.2, 0.5]))
    s.count = int(s.rng.integers(1, 101))
    chunk = _calm(s, stamp)
    s.period, s.count = usual
    return chunk


def _absurd(s: Situation, stamp: float) -> ActionChunk:
    chunk = _calm(s, stamp)
    positions = chunk.positions.copy()
    where = int(s.rng.integers(positions.size))
    value = s.rng.choice([50.0, -1e30, 1e300, np.nan, np.inf, -np.inf, 1e15])
    change = int(s.rng.integers(8))
    if change < 3:
        positions.flat[where] += value
        return replace(chunk, positions=positions)
    if change == 3:
        return replace(chunk, positions=positions[:, : int(s.rng.integers(s.arm.dof))])
    if change == 4:
        return replace(chunk, period=float(s.rng.choice([0.0, -0.05, 1e-9, 1e300, np.nan, np.inf])))
    if change == 5:
        return replace(chunk, stamp=float(s.rng.choice([np.nan, np.inf, -np.inf, 1e18, -1e18])))
    if change == 6:
        return replace(chunk, gripper=np.full(len(positions), np.nan))
    return replace(chunk, positions=positions[:0], gripper=chunk.gripper[:0])


@dataclass(frozen=True)
class Kind:
    """How often a kind is drawn, and how: (situation, stamp) -> chunk."""

    weight: float
    make: Callable[[Situation, float], ActionChunk]


KINDS = {
    "calm": Kind(4.0, _calm),
    "fast": Kind(2.0, _fast),
    "noisy": Kind(1.5, _noisy),
    "wild": Kind(2.0, _wild),
    "zigzag": Kind(1.5, _zigzag),
    "outward": Kind(3.0, _outward),
    "reversed": Kind(1.0, _reversed),
    "late": Kind(0.7, _late),
    "early": Kind(0.7, _early),
    "odd": Kind(1.5, _odd),
    "absurd": Kind(1.0, _absurd),
}
