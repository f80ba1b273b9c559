"""What an arm was to follow while trajectories came in: its controller, played again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sag_ros.control.motion import State
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.train.convert.raw import Track, Values
from sag_ros.values import JointCommand

_FINE = 0.005  # s between two set points that are kept
_IDLE = 1.0  # s after the end of a trajectory, from when on nobody may be following it any more


class FromZero:
    """A clock on which a trajectory begins at its own stamp."""

    def seconds(self, stamp: Any) -> float:
        """Always 0."""
        del stamp
        return 0.0


class TrajectoryReader:
    """Reads JointTrajectory messages as commands whose times count from the beginning of each.

    Args:
        joints: names, in the order of every row.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        self._joints, self._clock = joints, FromZero()

    def __call__(self, message: Any) -> JointCommand:
        """See the class. Raises MessageError."""
        return command_from_trajectory(message, self._joints, self._clock, 0.0)


def set_points(
    stamps: Values, commands: Sequence[JointCommand], measured: Track, topic: str, end: float
) -> Track:
    """What a joint trajectory controller followed.

    Before the first command, and from a second after the end of one that no other follows until the next
    comes, it is where the arm was: somebody else may have moved it meanwhile.

    Args:
        stamps: (n,) s, when each command begins.
        commands: n.
        measured: where the arm was; there the controller begins.
        topic: of the commands.
        end: s, until when set points are wanted.
    """
    order = np.argsort(stamps, kind="stable")
    begins = stamps[order]
    over = begins + [commands[place].time[-1] for place in order] + _IDLE
    over = np.maximum.accumulate(over)
    first = np.flatnonzero(np.r_[True, begins[1:] > over[:-1]])
    tracks, free = [], -np.inf
    for one, last in zip(first, [*first[1:] - 1, len(order) - 1], strict=True):
        tracks.append(_between(measured, free, float(begins[one])))
        free = min(float(over[last]), max(end, float(begins[last])) + _FINE)
        own = order[one : last + 1]
        tracks.append(_followed(begins[one : last + 1], [commands[place] for place in own], measured, free))
    tracks.append(_between(measured, free, np.inf))
    times, rows = (np.concatenate(part) for part in zip(*tracks, strict=True))
    return Track(times, rows, topic)


def _between(measured: Track, begin: float, end: float) -> tuple[Values, Values]:
    inside = (measured.stamps >= begin) & (measured.stamps < end)
    return measured.stamps[inside], measured.values[inside]


def _followed(
    begins: Values, commands: Sequence[JointCommand], measured: Track, end: float
) -> tuple[Values, Values]:
    """Times and set points while one command follows the other, until ``end``."""
    start = np.array([np.interp(begins[0], measured.stamps, column) for column in measured.values.T])
    controller = JointTrajectoryController(start)
    times, rows = [np.empty(0)], [np.empty((0, len(start)))]
    for begin, until, own in zip(begins.tolist(), [*begins[1:].tolist(), end], commands, strict=True):
        # Its clock is that of the commands, so none comes late.
        controller.accept(_from_where_it_is(own, controller.sample(begin), begin), begin)
        count = int(np.ceil((until - begin) / _FINE - 1e-6))
        if count > 0:
            times.append(begin + _FINE * np.arange(count))
            rows.append(controller.sample_many(times[-1])[0])
    return np.concatenate(times), np.concatenate(rows)


def _from_where_it_is(own: JointCommand, state: State, begin: float) -> JointCommand:
    """``own`` from ``begin`` s on; if its first point is later, from the set point ``state`` to that.

    Teleoperation sends single points, each a little ahead; ros2_control leads from set point to point.
    """
    time, rows = begin + own.time, [own.position, own.velocity, own.acceleration]
    if own.time[0] > 0.0:
        time = np.r_[begin, time]
        rows = [np.vstack([now, row]) if len(row) else row for now, row in zip(state, rows, strict=True)]
    return JointCommand(time, *rows)
