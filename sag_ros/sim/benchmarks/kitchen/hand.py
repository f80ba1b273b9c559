"""The hand as the expert moves it: a wanted arm goes ahead, and the action closes the gap to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.kitchen.reach import ARM, Pose, Reach

OPEN = 0.04  # m, of either finger
UNIT = 2.0  # rad/s (m/s of a finger) that an action of 1 asks for

_RATE = 0.08  # rad a period; joints that are told more fall behind
_LEAD = 0.22  # rad; the wanted arm waits where the real one is further behind, as it is when it pushes
_TURN = 0.08  # rad an iteration
_ITERATIONS = 3  # of the inverse kinematics, a period


class Hand:
    """Waypoints as iterators of actions (9,), one a period.

    Args:
        reach: kinematics of the arm.
        data: of the running simulation, the arm at home; it is read and not changed.
        period: of the actions, s.
        pace: factor on every speed.
        aim: a waypoint (3,) m, and how near to it is near enough -> where that is aimed at.

    Attributes:
        fingers: what either finger is told, m.
    """

    def __init__(
        self,
        reach: Reach,
        data: mujoco.MjData,
        period: float,
        pace: float = 1.0,
        aim: Callable[[np.ndarray, float], np.ndarray] = lambda position, near: position,
    ) -> None:
        self.fingers = OPEN
        self._reach, self._data, self._period, self._pace, self._aim = reach, data, period, pace, aim
        self._home = self._wanted = data.qpos[:ARM].copy()

    @property
    def position(self) -> np.ndarray:
        """(3,) m, of the hand as it is."""
        return self._reach.pose(self._data.qpos[:ARM]).position

    def site(self, name: str) -> np.ndarray:
        """(3,) m, where a mark of the kitchen is now."""
        return self._data.site(name).xpos.copy()

    def joint(self, name: str) -> float:
        """How far something of the kitchen has been moved, rad or m."""
        return float(self._data.joint(name).qpos[0])

    def axis(self, name: str) -> np.ndarray:
        """(3,) m, a point on the axis of a hinge of the kitchen."""
        return self._data.joint(name).xanchor.copy()

    def action(self) -> np.ndarray:
        """(9,) shares of ``UNIT`` that bring the arm and its fingers to where they are wanted."""
        gap = np.r_[self._wanted, self.fingers, self.fingers] - self._data.qpos[: ARM + 2]
        return np.clip(gap / self._period / UNIT, -1.0, 1.0)

    def hold(self, steps: int) -> Iterator[np.ndarray]:
        """Stay."""
        for _ in range(steps):
            yield self.action()

    def grip(self, fingers: float, steps: int) -> Iterator[np.ndarray]:
        """Bring each finger to ``fingers`` m, and stay until they are there."""
        self.fingers = fingers
        yield from self.hold(steps)

    def go(
        self,
        position: np.ndarray,
        rotation: Rotation | None,
        *,
        speed: float,
        near: float = 0.02,
        turned: float = 0.15,
        limit: int = 40,
        settle: int = 4,
        until: Callable[[], bool] = lambda: False,
    ) -> Iterator[np.ndarray]:
        """Straight to a position (3,) m.

        Args:
            rotation: of the hand; None leaves it free.
            speed: m a period, at most: joints may be slower.
            near, turned: m and rad from there, where it counts as reached.
            limit: periods after which it is given up, at a pace of 1.
            settle: periods for which the real arm may lag behind the wanted one that is there.
            until: ends it early.
        """
        goal = Pose(self._aim(position, near), Rotation.identity() if rotation is None else rotation)
        turned = np.inf if rotation is None else turned
        for _ in range(round(limit / self._pace)):
            if until() or settle <= 0 or self._arrived(goal, near, turned):
                return
            settle -= self._advance(goal, speed * self._pace, rotation is not None)
            yield self.action()

    def home(self, near: float, limit: int = 30) -> Iterator[np.ndarray]:
        """To where the arm was at first, its joints in step, until each is within ``near`` rad of it."""
        for _ in range(round(limit / self._pace)):
            if np.abs(self._home - self._data.qpos[:ARM]).max() < near:
                return
            self._move(self._home)
            yield self.action()

    def _arrived(self, goal: Pose, near: float, turned: float) -> bool:
        shift, turn = self._reach.pose(self._data.qpos[:ARM]).gap(goal)
        return bool(np.linalg.norm(shift) < near and np.linalg.norm(turn) < turned)

    def _advance(self, goal: Pose, speed: float, turning: bool) -> bool:
        """Move the wanted arm for a period; whether it was there already."""
        if np.abs(self._wanted - self._data.qpos[:ARM]).max() > _LEAD:
            return False
        wanted = self._wanted
        for _ in range(_ITERATIONS):
            shift, turn = self._reach.pose(wanted).gap(goal)
            distance, angle = float(np.linalg.norm(shift)), float(np.linalg.norm(turn))
            shift = shift * min(1.0, speed / _ITERATIONS / max(distance, 1e-9))
            turn = turn * min(1.0, _TURN / max(angle, 1e-9))
            wanted = self._reach.step(wanted, shift, turn if turning else None)
        self._move(wanted)
        return distance < speed / 2

    def _move(self, joints: np.ndarray) -> None:
        """Bring the wanted arm nearer to ``joints``, all slowed down alike: the hand stays on its way."""
        move = joints - self._wanted
        self._wanted = self._wanted + move * min(1.0, _RATE * self._pace / max(np.abs(move).max(), 1e-9))
