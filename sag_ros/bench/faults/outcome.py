"""What has to happen after a fault, what did, and the difference."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.values import Float

CYCLE = 1e-3  # s
STILL = 5e-3  # rad/s; a command slower than this is rest


class GoesOn(str, Enum):
    """How the policy moves the arm again once the fault is over."""

    ALWAYS = "never stopped"
    ITSELF = "by itself"
    RESUME = "after ~/resume"
    ACTIVATE = "after activation"
    RESTART = "after a restart"
    NEVER = "not"


@dataclass(frozen=True)
class Expected:
    """Written down before the fault is tried.

    Attributes:
        goes_on: how.
        says: regular expression of what /diagnostics has to say meanwhile; empty: nothing particular.
        rest: s in which the arm is at rest where it stops at all.
        or_itself: whether it may also stop and go on by itself.
    """

    goes_on: GoesOn
    says: str = ""
    rest: float = 1.3
    or_itself: bool = False

    @property
    def stops(self) -> bool:
        """Whether the arm has to come to rest."""
        return self.goes_on is not GoesOn.ALWAYS


@dataclass
class Outcome:
    """What was seen; times in s since the fault began.

    Attributes:
        fault, what: its name and a description.
        expected: see there.
        rest: when the arm was at rest; NaN if it never was while the fault lasted.
        speed, acceleration, jerk: largest of any joint from the fault until rest (or its end).
        said: (when, text) of /diagnostics, each change.
        goes_on: how it moved again.
        after: age of the observation of the first chunk after the fault, at the end of the fault: negative
            is newer.
        old: chunks executed after a stop from observations before it.
        violations: of limits, counted by the simulated robot.
        path: (N, 1 + J) time and commanded velocities, for the picture.
        left_over: what a node holds after it that it did not before.
        remark: what else is worth saying.
    """

    fault: str
    what: str
    expected: Expected
    rest: float = np.nan
    speed: float = np.nan
    acceleration: float = np.nan
    jerk: float = np.nan
    said: list[tuple[float, str]] = field(default_factory=list)
    goes_on: GoesOn = GoesOn.NEVER
    after: float = np.nan
    old: int = 0
    violations: int = 0
    lasted: float = 0.0
    path: Float = field(default_factory=lambda: np.zeros((0, 8)))
    left_over: list[str] = field(default_factory=list)
    remark: str = ""

    def wrong(self) -> list[str]:
        """How it differs from what was expected; empty if it does not."""
        found, expected = [], self.expected
        if expected.stops and not self.rest <= expected.rest:
            found.append(f"at rest after {self.rest:.2f} s, expected {expected.rest} s")
        if not expected.stops and np.isfinite(self.rest) and not expected.or_itself:
            found.append(f"it stopped after {self.rest:.2f} s")
        if expected.says and not any(re.search(expected.says, text) for _, text in self.said):
            found.append(f"nothing said matches {expected.says!r}")
        allowed = {expected.goes_on} | ({GoesOn.ITSELF} if expected.or_itself else set())
        if self.goes_on not in allowed:
            found.append(f"goes on {self.goes_on.value}, expected {expected.goes_on.value}")
        if self.violations:
            found.append(f"{self.violations} limit violations")
        found += self.left_over
        if self.old:
            found.append(f"{self.old} chunks of observations from before the stop")
        return found


def commanded(commands: list[tuple[float, Motion]], begin: float, end: float) -> Float:
    """(N, J) positions commanded every ms from ``begin`` to ``end``, s.

    Args:
        commands: (when it took over, motion), in order.
    """
    times = np.arange(begin, end, CYCLE)
    out = np.empty((len(times), commands[0][1].coefficients.shape[2]))
    starts = np.array([when for when, _ in commands])
    owner = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    for index in np.unique(owner):
        chosen = owner == index
        out[chosen] = commands[index][1].sample(times[chosen])[0]
    return out


def measure(outcome: Outcome, commands: list[tuple[float, Motion]], begin: float, end: float) -> None:
    """Fill in what the commanded motion was like from the fault at ``begin`` to its end, s."""
    if not commands:
        return
    margin = 0.3  # before the fault, for the picture
    q = commanded(commands, begin - margin, end)
    v = np.diff(q, axis=0) / CYCLE
    a = np.diff(v, axis=0) / CYCLE
    j = np.diff(a, axis=0) / CYCLE
    times = begin - margin + CYCLE * np.arange(len(v))
    outcome.path = np.column_stack((times - begin, v))[::5]
    moving = np.flatnonzero((np.abs(v) > STILL).any(axis=1))
    last = moving[-1] + 1 if len(moving) else 0
    if last < len(v) - 50:  # at rest for 50 ms when the fault ended
        outcome.rest = max(float(times[last] - begin), 0.0)
    first = round(margin / CYCLE)
    outcome.speed = float(np.abs(v[first:]).max())
    outcome.acceleration = float(np.abs(a[first:]).max())
    outcome.jerk = float(np.abs(j[first:]).max())
