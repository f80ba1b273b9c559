"""What an arm was to follow while trajectories came in: its controller, played again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.train.convert.raw import Track, Values
from sag_ros.values import JointCommand

_FINE = 0.005  # s between two set points that are kept


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

    Args:
        stamps: (n,) s, when each command begins.
        commands: n.
        measured: where the arm was: counts until the first command, from where the controller then begins.
        topic: of the commands.
        end: s, until when set points are wanted.
    """
    order = np.argsort(stamps, kind="stable")
    first = float(stamps[order[0]])
    start = np.array([np.interp(first, measured.stamps, column) for column in measured.values.T])
    controller = JointTrajectoryController(start)
    times, rows = [], []
    untils = [*stamps[order[1:]].tolist(), max(end, float(stamps[order[-1]])) + _FINE]
    for place, until in zip(order, untils, strict=True):
        begin, own = float(stamps[place]), commands[place]
        # Its clock is that of the commands, so none comes late.
        controller.accept(JointCommand(begin + own.time, own.position, own.velocity, own.acceleration), begin)
        count = int(np.ceil((until - begin) / _FINE))
        if count > 0:
            times.append(begin + _FINE * np.arange(count))
            rows.append(controller.sample_many(times[-1])[0])
    before = measured.stamps < first
    return Track(
        np.concatenate([measured.stamps[before], *times]),
        np.concatenate([measured.values[before], *rows]),
        topic,
    )
