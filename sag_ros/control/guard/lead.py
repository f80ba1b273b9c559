"""Lead single joints around the stretches of a command that break limits."""

from __future__ import annotations

import numpy as np

from sag_ros.control.guard.track import BRAKE, SETTLE, track
from sag_ros.control.guard.viability import rows
from sag_ros.robots.limits import JointLimits
from sag_ros.values import JointCommand


class Leader:
    """Changes the joints of a command that break limits, as little and as briefly as possible."""

    def __init__(self, limits: JointLimits) -> None:
        self._limits = limits
        self._rows: dict[float, np.ndarray] = {}

    def lead(self, command: JointCommand, broken: np.ndarray) -> JointCommand | None:
        """The command with its broken joints led around their breaks; longer if they come to rest later.

        Args:
            command: N samples at equal intervals, ending at rest.
            broken: (N - 1, J) bool, the pieces that break a limit.

        Returns:
            None if a joint cannot come to rest, which only a state far outside the limits leads to.
        """
        samples = len(command.time)
        step = round(float(command.time[-1] - command.time[0]) / (samples - 1), 9)
        if step not in self._rows:
            self._rows = {step: rows(self._limits, step)}
        of_joint = self._rows[step]
        wanted = np.ascontiguousarray(
            np.stack((command.position, command.velocity, command.acceleration)).transpose(2, 0, 1)
        )
        paths = np.empty((wanted.shape[0], 3, samples + SETTLE + BRAKE))
        lengths = {}
        for j in np.flatnonzero(broken.any(axis=0)).tolist():
            lengths[j] = track(wanted[j], np.ascontiguousarray(broken[:, j]), of_joint[j], step, paths[j])
            if lengths[j] < 2:
                return None
        count = max([samples, *lengths.values()])
        out = np.zeros((3, count, wanted.shape[0]))
        out[:, :samples] = wanted.transpose(1, 2, 0)
        out[0, samples:] = wanted[:, 0, -1]
        for j, length in lengths.items():
            out[:, :length, j] = paths[j, :, :length]
            out[0, length:, j] = paths[j, 0, length - 1]
            out[1:, length:, j] = 0.0
        index = round(float(command.time[0]) / step)
        grid = step * np.arange(index, index + count)  # the same rounding as everybody's
        shift = float(command.time[0]) - grid[0]
        time = np.concatenate((command.time, grid[samples:] + (shift if abs(shift) > 1e-6 else 0.0)))
        return JointCommand(time, out[0], out[1], out[2])
