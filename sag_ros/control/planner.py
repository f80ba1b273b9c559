"""Ruckig for one joint, sampled on the grid of the command."""

from __future__ import annotations

import numpy as np
import ruckig

from sag_ros.control.stop import ACCELERATION_SHARE, JERK_SHARE
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float

State = tuple[float, float, float]
Path = Float  # (3, N): position, velocity, acceleration of one joint at N samples

_SLACK = 1e-6  # s
_SLOWEST = 0.02  # rad/s: Ruckig needs some speed
_TIP_SPEED = 0.1  # rad/s: where the envelope allows less, crawling to a goal would take seconds


class JointPlanner:
    """Time-optimal motions of single joints under constant bounds."""

    def __init__(self, limits: JointLimits) -> None:
        self.limits = limits
        self._acceleration: list[float] = (limits.acceleration * ACCELERATION_SHARE).tolist()
        self._jerk: list[float] = (limits.jerk * JERK_SHARE).tolist()
        self._hard: list[list[float]] = np.stack((limits.acceleration, limits.jerk), axis=1).tolist()
        envelope = limits.envelope
        g, c = envelope.g, envelope.c
        self._envelope: list[tuple[float, ...]] = np.stack(
            (g, c, envelope.lower, envelope.upper, limits.velocity), axis=1
        ).tolist()
        tip = (c + _TIP_SPEED / limits.factor) ** 2 / g
        self.lower: list[float] = np.maximum(limits.lower, envelope.lower + tip).tolist()
        self.upper: list[float] = np.minimum(limits.upper, envelope.upper - tip).tolist()
        self._otg = ruckig.Ruckig(1)
        self._plan = ruckig.Trajectory(1)
        self._move = ruckig.InputParameter(1)
        self._brake = ruckig.InputParameter(1)
        self._brake.control_interface = ruckig.ControlInterface.Velocity
        self._brake.target_velocity = self._brake.target_acceleration = [0.0]

    def acceleration(self, joint: int) -> float:
        """Bound of the acceleration, rad/s^2."""
        return self._hard[joint][0]

    def jerk(self, joint: int) -> float:
        """Bound of the jerk, rad/s^3."""
        return self._hard[joint][1]

    def bounds(self, joint: int, position: float) -> tuple[float, float]:
        """Velocity bounds of one joint at a position, rad/s."""
        g, c, lo, hi, top = self._envelope[joint]
        factor = self.limits.factor
        up = max(g * (hi - position), 0.0) ** 0.5 - c
        down = max(g * (position - lo), 0.0) ** 0.5 - c
        return -factor * min(top, max(down, 0.0)), factor * min(top, max(up, 0.0))

    def passable(self, joint: int, state: State) -> bool:
        """Whether a state leaves Ruckig room to arrive in it."""
        q, v, a = state
        down, up = self.bounds(joint, q)
        carry = 0.5 * a * a / self._jerk[joint]
        return abs(a) < self._acceleration[joint] and down + carry < v < up - carry

    def reach(self, joint: int, state: State, goal: State, duration: float) -> bool:
        """Plan to be in ``goal`` exactly ``duration`` s after ``state``; False if that is too soon."""
        return self._solve(joint, state, goal, 1.0, duration) and self.duration <= duration + _SLACK

    def go(self, joint: int, state: State, position: float, effort: float) -> bool:
        """Plan to come to rest at ``position``, with a share ``effort`` of the acceleration."""
        return self._solve(joint, state, (position, 0.0, 0.0), effort, None)

    def brake(self, joint: int, state: State, step: float) -> Path:
        """(3, N) from ``state`` to rest as fast as allowed."""
        i = self._brake
        i.current_position, i.current_velocity, i.current_acceleration = [state[0]], [state[1]], [state[2]]
        i.max_acceleration, i.max_jerk = [self._acceleration[joint]], [self._jerk[joint]]
        self._otg.calculate(i, self._plan)
        path = self.sampled(int(np.ceil(self.duration / step - 1e-6)) + 1, step)
        path[1:, -1] = 0.0
        return path

    @property
    def duration(self) -> float:
        """Of the last plan, s."""
        return float(self._plan.duration)

    def sampled(self, count: int, step: float) -> Path:
        """(3, count) samples of the last plan from its start."""
        at, end = self._plan.at_time, self._plan.duration
        flat = [x for k in range(count) for (x,) in at(min(k * step, end))]
        return np.array(flat).reshape(count, 3).T

    def inside(self, joint: int, path: Path) -> bool:
        """Whether the samples after the first keep the envelope and the position bounds."""
        g, c, lo, hi, top = self._envelope[joint]
        q, v = path[0, 1:], path[1, 1:]
        distance = np.where(v > 0.0, hi - q, q - lo)
        bound = np.minimum(top, np.maximum(np.sqrt(np.maximum(g * distance, 0.0)) - c, 0.0))
        if (np.abs(v) > self.limits.factor * bound + 1e-4).any():
            return False
        start = float(path[0, 0])
        lowest = min(float(self.limits.lower[joint]), start)
        return bool(
            q.min() >= lowest - 1e-6 and q.max() <= max(float(self.limits.upper[joint]), start) + 1e-6
        )

    def _solve(self, joint: int, state: State, goal: State, effort: float, at_least: float | None) -> bool:
        down, up = self.bounds(joint, state[0])
        goal_down, goal_up = self.bounds(joint, goal[0])
        i = self._move
        i.current_position, i.current_velocity, i.current_acceleration = [state[0]], [state[1]], [state[2]]
        i.target_position, i.target_velocity, i.target_acceleration = [goal[0]], [goal[1]], [goal[2]]
        i.max_velocity = [max(up, goal_up, _SLOWEST)]
        i.min_velocity = [min(down, goal_down, -_SLOWEST)]
        i.max_acceleration, i.max_jerk = [self._acceleration[joint] * effort], [self._jerk[joint]]
        i.minimum_duration = at_least
        try:
            return bool(self._otg.calculate(i, self._plan) >= 0)
        except ruckig.RuckigError:  # the goal does not allow this effort
            return False
