"""Lead single joints around the stretches of a command that break limits."""

from __future__ import annotations

import numpy as np

from sag_ros.control.follow import follow
from sag_ros.control.planner import JointPlanner, Path, State
from sag_ros.robots.limits import JointLimits
from sag_ros.values import JointCommand

_BEFORE = 2  # samples before a break where the joint leaves its motion
_REJOIN = (2, 4, 8)  # samples after which it may rejoin it directly
_EFFORTS = (1.0, 0.4, 0.15)  # of the acceleration, on the way to rest
_LONGEST = 60  # samples of that way


class Retracer:
    """Changes the joints of a command that break limits, as little and as briefly as possible."""

    def __init__(self, limits: JointLimits) -> None:
        self._planner = JointPlanner(limits)

    def retrace(self, command: JointCommand, broken: np.ndarray) -> JointCommand:
        """The command with its broken joints led around their breaks; longer if they come to rest later.

        Args:
            command: N samples at equal intervals, ending at rest.
            broken: (N - 1, J) bool, the pieces that break a limit.
        """
        samples = len(command.time)
        step = float(command.time[-1] - command.time[0]) / (samples - 1)
        wanted = np.stack((command.position, command.velocity, command.acceleration))
        paths = {}
        for j in np.flatnonzero(broken.any(axis=0)).tolist():
            paths[j] = self._joint(j, wanted[:, :, j], broken[:, j], step)
        count = max([samples] + [path.shape[1] for path in paths.values()])
        out = np.zeros((3, count, wanted.shape[2]))
        out[:, :samples] = wanted
        out[0, samples:] = wanted[0, -1]
        for j, path in paths.items():
            out[:, : path.shape[1], j] = path
            out[0, path.shape[1] :, j] = path[0, -1]
            out[1:, path.shape[1] :, j] = 0.0
        index = round(float(command.time[0]) / step)
        grid = step * np.arange(index, index + count)  # the same rounding as everybody's
        shift = float(command.time[0]) - grid[0]
        time = np.concatenate((command.time, grid[samples:] + (shift if abs(shift) > 1e-6 else 0.0)))
        return JointCommand(time, out[0], out[1], out[2])

    def _joint(self, joint: int, wanted: Path, broken: np.ndarray, step: float) -> Path:
        """(3, N') the motion of one joint that follows (3, N) ``wanted`` where it can."""
        breaks = np.flatnonzero(broken).tolist()
        pieces, here = [], 0
        while True:
            ahead = next((k for k in breaks if k >= here), None)
            if ahead is None:
                pieces.append(wanted[:, here:])
                break
            leave = max(ahead - _BEFORE, here)
            pieces.append(wanted[:, here:leave])
            piece, here = self._detour(joint, wanted, broken, leave, step)
            if here < 0:
                pieces.append(piece[:, :-1])
                pieces.append(self._settle(joint, _state(piece, -1), float(wanted[0, -1]), step))
                break
            pieces.append(piece)
        return np.concatenate(pieces, axis=1)

    def _detour(
        self, joint: int, wanted: Path, broken: np.ndarray, leave: int, step: float
    ) -> tuple[Path, int]:
        """Samples from ``leave`` on, and where ``wanted`` goes on; see :func:`follow`."""
        planner, last = self._planner, wanted.shape[1] - 1
        for n in _REJOIN:
            target = leave + n
            if target >= last or broken[target - 1] or broken[target]:
                continue
            goal = _state(wanted, target)
            if planner.passable(joint, goal) and planner.reach(joint, _state(wanted, leave), goal, n * step):
                piece = planner.sampled(n, step)
                piece[:, 0] = wanted[:, leave]
                if planner.inside(joint, piece):
                    return piece, target
        return follow(planner, joint, wanted, broken, leave, step)

    def _settle(self, joint: int, state: State, target: float, step: float) -> Path:
        """(3, N) from ``state`` to rest at ``target``, or as near as the bounds and the time allow."""
        planner = self._planner
        lower, upper = planner.lower[joint], planner.upper[joint]
        target = min(max(target, min(lower, state[0])), max(upper, state[0]))
        for effort in _EFFORTS:
            if not planner.go(joint, state, target, effort):
                continue
            whole = int(np.ceil(planner.duration / step - 1e-6)) + 1
            path = planner.sampled(min(whole, _LONGEST), step)
            if whole > path.shape[1]:
                tail = planner.brake(joint, _state(path, -1), step)
                path = np.concatenate((path[:, :-1], tail), axis=1)
            if planner.inside(joint, path):
                break
        else:
            path = planner.brake(joint, state, step)
        path[:, 0], path[1:, -1] = state, 0.0
        return path


def _state(path: Path, index: int) -> State:
    q, v, a = path[:, index].tolist()
    return q, v, a
