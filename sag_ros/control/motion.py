"""Piecewise polynomial joint motions: what a sampled command means between its samples."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from sag_ros.control.quintic import quintics
from sag_ros.values import Float, JointCommand

State = tuple[Float, Float, Float]
_ORDERS = 6
# Rows: position, velocity, acceleration; column j: the factor of c_j t^(j - row).
_FACTORS = np.array([[1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 2, 6, 12, 20]], dtype=float)
_POWERS = np.maximum(np.arange(_ORDERS) - np.arange(3)[:, None], 0)


class Motion:
    """A motion of J joints made of polynomial pieces; at rest before its start and after its end.

    Args:
        times: (M + 1,) increasing borders of the pieces, s.
        coefficients: (M, 6, J); piece k is ``sum_j coefficients[k, j] * (t - times[k]) ** j``, rad.
    """

    __slots__ = ("_borders", "_end", "_first", "_last", "_rows", "_start", "_zero", "coefficients", "times")

    def __init__(self, times: Float, coefficients: Float) -> None:
        self.times = times
        self.coefficients = coefficients
        self._borders: list[float] = times.tolist()
        self._start: float = self._borders[0]
        self._end: float = self._borders[-1]
        self._rows: list[Float] = list(coefficients)  # indexing a list is cheaper than slicing the array
        self._zero = np.zeros(coefficients.shape[2])
        self._first = coefficients[0, 0]
        h = self._end - self._borders[-2]
        self._last: Float = np.array([1.0, h, h**2, h**3, h**4, h**5]) @ coefficients[-1]
        for array in (self._zero, self._last):
            array.setflags(write=False)

    @property
    def start(self) -> float:
        """Time of the first border, s."""
        return self._start

    @property
    def end(self) -> float:
        """Time from which the motion is at rest, s."""
        return self._end

    def at(self, time: float) -> State:
        """Position, velocity and acceleration (J,) at ``time``; about 3 us. Do not write to them."""
        if time >= self._end:
            return self._last, self._zero, self._zero
        if time < self._start:
            return self._first, self._zero, self._zero
        k = bisect_right(self._borders, time) - 1
        t = time - self._borders[k]
        t2 = t * t
        t3 = t2 * t
        t4 = t2 * t2
        basis = np.array(
            (
                (1.0, t, t2, t3, t4, t4 * t),
                (0.0, 1.0, 2.0 * t, 3.0 * t2, 4.0 * t3, 5.0 * t4),
                (0.0, 0.0, 2.0, 6.0 * t, 12.0 * t2, 20.0 * t3),
            )
        )
        q, v, a = basis @ self._rows[k]
        return q, v, a

    def sample(self, times: Float) -> State:
        """Position, velocity and acceleration, each (N, J), at (N,) ``times``."""
        clipped = np.minimum(np.maximum(times, self._start), self._end)
        k = np.minimum(np.searchsorted(self.times, clipped, side="right") - 1, len(self._rows) - 1)
        t = clipped - self.times[k]
        powers = t[:, None] ** np.arange(_ORDERS)
        basis = powers[:, _POWERS] * _FACTORS  # (N, 3, 6)
        out = basis @ self.coefficients[k]  # (N, 3, J)
        resting = (times < self._start) | (times >= self._end)
        if resting.any():
            out[resting, 1:] = 0.0
        return out[:, 0], out[:, 1], out[:, 2]


def through(time: Float, position: Float, velocity: Float | None, acceleration: Float | None) -> Motion:
    """The motion a joint_trajectory_controller makes of trajectory points.

    Quintic pieces where accelerations are given, cubic where only velocities are, else linear.

    Args:
        time: (N,) increasing, s.
        position: (N, J), rad; velocity, acceleration: (N, J), or None or empty when not given.
    """
    if len(time) == 1:  # a single point is a place to hold
        time = np.array([time[0], time[0] + 1e-3])
        position = np.repeat(position, 2, axis=0)
        velocity = acceleration = None
    h = np.diff(time)[:, None]
    c = np.zeros((len(h), _ORDERS, position.shape[1]))
    if velocity is not None and len(velocity) and acceleration is not None and len(acceleration):
        # In one layout: for another, the code would have to be compiled again.
        t, q, v, a = (np.ascontiguousarray(x, dtype=float) for x in (time, position, velocity, acceleration))
        quintics(t, q, v, a, c)
        return Motion(time, c)
    step = position[1:] - position[:-1]
    c[:, 0] = position[:-1]
    if velocity is None or not len(velocity):
        c[:, 1] = step / h
        return Motion(time, c)
    v0, v1 = velocity[:-1] * h, velocity[1:] * h
    c[:, 1] = velocity[:-1]
    c[:, 2] = (3.0 * step - 2.0 * v0 - v1) / h**2
    c[:, 3] = (-2.0 * step + v0 + v1) / h**3
    return Motion(time, c)


def of_command(command: JointCommand) -> Motion:
    """The motion of a command between and at its samples."""
    return through(command.time, command.position, command.velocity, command.acceleration)


def at_rest(time: float, position: Float) -> JointCommand:
    """A command of one sample: stay at ``position`` (J,) from ``time`` on."""
    q = np.array(position, dtype=float)[None]
    zero = np.zeros_like(q)
    return JointCommand(np.array([time]), q, zero, zero)


def fading(error: State, since: float, seconds: float) -> Motion:
    """A difference, position, velocity and acceleration (J,) at ``since``, that goes to zero by a quintic.

    It is zero from ``since + seconds`` on.
    """
    first = np.stack(error)[:, None]
    ways = np.concatenate((first, np.zeros_like(first)), axis=1)
    return of_command(JointCommand(np.array([since, since + seconds]), ways[0], ways[1], ways[2]))
