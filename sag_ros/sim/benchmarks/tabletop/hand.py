"""What experts move: the hand of one arm, along straight lines at bounded speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.tabletop.style import Style

DOWN = Rotation.from_matrix(np.diag([1.0, -1.0, -1.0]))
OPEN, CLOSED = -1.0, 1.0
SPEED, TURN = 0.02, 0.10  # m and rad in one step: 0.4 m/s, 2 rad/s

Pose = tuple[np.ndarray, Rotation]
Moves = Iterator[np.ndarray]


class Hand:
    """The hand of arm ``index``: where it is, where it is told to be, and where things are.

    Attributes:
        straight: (rotation) pointing down as the arm does it without turning its wrist.
        position, rotation, gripper: what is commanded.
    """

    def __init__(self, environment: Any, index: int, style: Style, rng: np.random.Generator) -> None:
        self.environment, self.style = environment, style
        self._index, self._rng = index, rng
        self.position, self.rotation = self.pose()
        self.gripper = OPEN
        _, base = self.body(f"robot{index}_base")
        self.straight = base * Rotation.from_rotvec([0.0, 0.0, np.pi / 2]) * DOWN

    def pose(self) -> Pose:
        """Where the grip site is, m in the world."""
        data, site = self.environment.sim.data, self.environment.robots[self._index].eef_site_id["right"]
        return _pose(data.site_xpos[site], data.site_xmat[site])

    def body(self, name: str) -> Pose:
        """Where a body is."""
        sim = self.environment.sim
        i = sim.model.body_name2id(name)
        return _pose(sim.data.body_xpos[i], sim.data.body_xmat[i])

    def site(self, name: str) -> Pose:
        """Where a site is."""
        sim = self.environment.sim
        i = sim.model.site_name2id(name)
        return _pose(sim.data.site_xpos[i], sim.data.site_xmat[i])

    def geom(self, name: str) -> Pose:
        """Where a geom is."""
        sim = self.environment.sim
        i = sim.model.geom_name2id(name)
        return _pose(sim.data.geom_xpos[i], sim.data.geom_xmat[i])

    def holds(self, thing: Any) -> bool:
        """Whether both fingers touch ``thing``, one of robosuite's models."""
        gripper = self.environment.robots[self._index].gripper["right"]
        return bool(self.environment._check_grasp(gripper, thing))

    def action(self) -> np.ndarray:
        """(7,) what is commanded: position, rotation vector, gripper."""
        return np.concatenate([self.position, self.rotation.as_rotvec(), [self.gripper]])

    def go(
        self,
        position: Any,
        rotation: Rotation | None = None,
        speed: float = 1.0,
        tolerance: float = 0.006,
        angle: float = 0.05,
        patience: int = 12,
        stop: Callable[[], bool] | None = None,
    ) -> Moves:
        """Straight to a pose. Ends when it is reached, or ``patience`` steps after the command got there.

        Args:
            position: (3,) m, or a function that gives it, which is asked at each step.
            rotation: None: as it is commanded.
            speed: share of what the style moves at.
            tolerance, angle: m and rad at which the pose counts as reached.
            stop: ends the movement where it returns True.
        """
        late = 0
        turned = self.rotation if rotation is None else rotation
        while True:
            goal = np.asarray(position() if callable(position) else position, float)
            way, turn = goal - self.position, (turned * self.rotation.inv()).as_rotvec()
            steps = max(
                float(np.linalg.norm(way)) / (SPEED * speed * self.style.speed),
                float(np.linalg.norm(turn)) / (TURN * self.style.speed),
                1.0,
            )
            self.position = self.position + way / steps
            self.rotation = Rotation.from_rotvec(turn / steps) * self.rotation
            yield self.action()
            if stop is not None and stop():
                return
            if steps > 1.0:
                continue
            late += 1
            if late > patience or self._there(goal, turned, tolerance, angle):
                yield from self._hesitate()
                return

    def _there(self, goal: np.ndarray, turned: Rotation, tolerance: float, angle: float) -> bool:
        now, rotation = self.pose()
        off = (turned * rotation.inv()).magnitude()
        return bool(np.linalg.norm(now - goal) < tolerance and off < angle)

    def _hesitate(self) -> Moves:
        if self.style.pause and self._rng.random() < self.style.pause:
            yield from self.wait(int(self._rng.integers(3, 15)))

    def wait(self, steps: int) -> Moves:
        """Stay for so many steps."""
        for _ in range(steps):
            yield self.action()

    def grip(self, gripper: float, steps: int = 8) -> Moves:
        """Open or close, and give it so many steps."""
        self.gripper = gripper
        yield from self.wait(steps)


def _pose(position: np.ndarray, matrix: np.ndarray) -> Pose:
    return np.array(position), Rotation.from_matrix(np.array(matrix).reshape(3, 3))


def above(point: np.ndarray, height: float) -> np.ndarray:
    """(3,) m over ``point``."""
    return point + np.array([0.0, 0.0, height])


def yaw(rotation: Rotation) -> float:
    """Where the x axis of a frame points in the plane of the table, rad."""
    x, y, _ = rotation.apply([1.0, 0.0, 0.0])
    return float(np.arctan2(y, x))


def facing_down(angle: float, straight: Rotation, period: float = np.pi) -> Rotation:
    """Pointing down with the fingers closing along ``angle``, rad, or any multiple of ``period`` beside it:
    the one that turns the wrist the least from ``straight``."""
    turns = (Rotation.from_rotvec([0.0, 0.0, angle + n * period]) * DOWN for n in range(-4, 5))
    return min(turns, key=lambda turn: (turn * straight.inv()).magnitude())
