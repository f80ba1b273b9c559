"""What a robot would say of a commanded motion: it takes differences of positions at its own rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.control.tip import tip_speed
from sag_ros.robots.arm import Arm
from sag_ros.values import Float

CYCLE = 1e-3  # s
_BEFORE = 3  # cycles at rest or of the old motion that go before, for the third difference
# Rounding of positions of some rad, divided by the cycle once, twice and thrice.
_ROUNDING = {"position": 1e-9, "velocity": 1e-6, "acceleration": 1e-6, "jerk": 1e-2}


@dataclass(frozen=True)
class Excess:
    """The worst break of one limit: by how much, of which joint (from 0; -1: of all), when (s)."""

    kind: str
    joint: int
    value: float
    bound: float
    time: float

    def __str__(self) -> str:
        whose = f"joint {self.joint + 1}" if self.joint >= 0 else "arm"
        return f"{whose}: {self.kind} {self.value:.7g} beyond {self.bound:.7g} at {self.time:.3f} s"


class Executed:
    """What the arm was commanded lately, at every moment by the newest command of then."""

    def __init__(self, motion: Motion) -> None:
        self._motions = [(-np.inf, motion)]

    def replace(self, motion: Motion, now: float) -> None:
        """``motion`` takes over at ``now``."""
        self._motions = [entry for entry in self._motions[-8:] if entry[0] < now] + [(now, motion)]

    def position(self, time: float) -> Float:
        """(J,) rad."""
        return next(motion for begin, motion in reversed(self._motions) if begin <= time).at(time)[0]


def judge(before: Executed, motion: Motion, now: float, arm: Arm) -> list[Excess]:
    """The limits that are broken if ``motion`` takes over from ``before`` at ``now`` and is the last one.

    Position, velocity (by the envelope at the position that is reached), acceleration and jerk are compared
    with the bare limits: no margin, no tolerance but rounding.
    """
    limits = arm.limits
    first = np.floor(now / CYCLE)
    ahead = CYCLE * np.arange(first + 1.0, np.ceil(motion.end / CYCLE) + 3.0)
    past = [before.position(CYCLE * k) for k in np.arange(first - _BEFORE + 1.0, first + 1.0).tolist()]
    q = np.concatenate((past, motion.sample(ahead)[0]))
    v = np.diff(q, axis=0) / CYCLE
    a = np.diff(v, axis=0) / CYCLE
    j = np.diff(a, axis=0) / CYCLE
    q, v, a = q[_BEFORE:], v[_BEFORE - 1 :], a[_BEFORE - 2 :]
    down, up = limits.velocity_bounds(q)
    found = []
    for kind, value, low, high in (
        ("position", q, limits.lower, limits.upper),
        ("velocity", v, down, up),
        ("acceleration", a, -limits.acceleration, limits.acceleration),
        ("jerk", j, -limits.jerk, limits.jerk),
    ):
        over: Float = np.maximum(low - value, value - high)
        worst = int(over.argmax())
        if over.flat[worst] > _ROUNDING[kind]:
            row, joint = (int(index) for index in np.unravel_index(worst, over.shape))
            reached = float(value[row, joint])
            bound = np.broadcast_to(high if reached > 0.0 else low, value.shape)[row, joint]
            found.append(Excess(kind, joint, reached, float(bound), float(ahead[row])))
    if arm.chain is not None:
        speed = tip_speed(arm.chain, q, v)
        if speed > arm.tip_speed:
            found.append(Excess("tip_speed", -1, speed, arm.tip_speed, now))
    return found
