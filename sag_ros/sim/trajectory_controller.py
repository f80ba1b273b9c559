"""What ros2_controllers' joint_trajectory_controller does with the trajectories it receives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.control.motion import Motion, State, at_rest, of_command
from sag_ros.values import Float, JointCommand


@dataclass(frozen=True)
class Acceptance:
    """Whether a trajectory replaced the running one; true in a condition if it did."""

    accepted: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.accepted


def load_compiled(position: Float) -> None:
    """Load, or compile, what a controller needs, so that no trajectory waits for it; (J,) any position."""
    still = np.zeros((2, len(position)))
    controller = JointTrajectoryController(position)
    controller.accept(JointCommand(np.array([0.0, 0.1]), np.stack([position, position]), still, still), 0.0)
    controller.sample_many(np.array([0.0, 0.05, 0.2]))


class JointTrajectoryController:
    """Set points of one arm from the newest accepted trajectory.

    A new trajectory replaces the running one from its first stamp on; until then the running one
    continues. Of a trajectory that began in the past, only the part after ``now`` is followed. After
    the last point the arm holds there. Between points: quintic when accelerations are given, cubic
    with velocities alone, linear with positions alone.

    Args:
        position: (J,) where to hold until the first trajectory, rad.
        path_tolerance: (J,) or scalar deviation of the measured position from the set point, rad,
            beyond which :meth:`watch` aborts the trajectory and holds; None to never abort.
    """

    def __init__(self, position: Float, path_tolerance: Float | float | None = None) -> None:
        held = np.array(position, dtype=float)
        self._joints = len(held)
        self._tolerance = None if path_tolerance is None else np.broadcast_to(path_tolerance, held.shape)
        self._active: Motion = of_command(at_rest(0.0, held))
        self._pending: list[Motion] = []  # in the order of their first stamps, all after the last sample
        self._switch = np.inf  # start of the first pending motion
        self.aborted = ""
        self.accepted = 0
        self.rejected = 0

    def accept(self, command: JointCommand, now: float) -> Acceptance:
        """Take a trajectory (stamps on the same clock as ``now``), or say why it is rejected."""
        reason = self._refusal(command, now)
        if reason:
            self.rejected += 1
            return Acceptance(False, reason)
        self.accepted += 1
        self.aborted = ""
        motion = of_command(command)
        if motion.start <= now:
            self._active, self._pending = motion, []
        else:
            self._pending = [m for m in self._pending if m.start < motion.start] + [motion]
        self._switch = self._pending[0].start if self._pending else np.inf
        return Acceptance(True)

    def _refusal(self, command: JointCommand, now: float) -> str:
        time, shape = command.time, command.position.shape
        if time.ndim != 1 or not len(time) or shape != (len(time), self._joints):
            return f"expected (N,) times and (N, {self._joints}) positions, got {time.shape} and {shape}"
        for name in ("velocity", "acceleration"):
            array = getattr(command, name)
            if array is not None and len(array) and array.shape != shape:
                return f"{name} has shape {array.shape}, positions {shape}"
            if array is not None and not np.isfinite(array).all():
                return f"{name} contains values that are not finite"
        if not (np.isfinite(command.position).all() and np.isfinite(time).all()):
            return "positions or times contain values that are not finite"
        if (np.diff(time) <= 0).any():
            return "times do not strictly increase"
        if time[-1] < now:
            return f"trajectory ends {now - time[-1]:.3f} s in the past"
        return ""

    def sample(self, time: float) -> State:
        """Set point (position, velocity, acceleration), each (J,), read-only; ``time`` never goes back."""
        while time >= self._switch:
            self._active = self._pending.pop(0)
            self._switch = self._pending[0].start if self._pending else np.inf
        return self._active.at(time)

    def sample_many(self, times: Float) -> State:
        """Set points at increasing (N,) ``times``, each (N, J): one call for a whole physics stretch."""
        last = float(times[-1])
        if last < self._switch:
            return self._active.sample(times)
        out = np.empty((3, len(times), self._joints))
        begin = 0
        while begin < len(times):
            self.sample(float(times[begin]))
            end = max(int(np.searchsorted(times, self._switch, side="left")), begin + 1)
            out[:, begin:end] = self._active.sample(times[begin:end])
            begin = end
        return out[0], out[1], out[2]

    def watch(self, time: float, measured: Float) -> bool:
        """Abort and hold the measured position when it left the path tolerance; False if aborted."""
        if self._tolerance is None:
            return True
        error = np.abs(self.sample(time)[0] - measured)
        if (error <= self._tolerance).all():
            return True
        joint = int(np.argmax(error - self._tolerance))
        self.hold(time, measured)
        self.aborted = (
            f"joint {joint + 1} is {error[joint]:.4f} rad off its set point, "
            f"tolerance {self._tolerance[joint]:.4f} rad"
        )
        return False

    def hold(self, time: float, position: Float | None = None) -> None:
        """Drop every trajectory and hold ``position`` (J,), or where the set point is at ``time``."""
        target = self.sample(time)[0] if position is None else position
        self._active, self._pending, self._switch = of_command(at_rest(time, target)), [], np.inf

    @property
    def end(self) -> float:
        """Time at which the newest accepted trajectory is at its last point, s."""
        return (self._pending[-1] if self._pending else self._active).end
