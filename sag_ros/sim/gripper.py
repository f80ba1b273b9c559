"""What a hand does with move, grasp, stop and homing: speed- and force-limited finger targets."""

from __future__ import annotations

from dataclasses import dataclass

from sag_ros.robots.arm import Gripper

_HOMING_SPEED = 0.05
_MOVE_FORCE = 30.0  # what the fingers push with while they only move
_STALLED_AFTER = 0.1  # s without progress: the fingers touch something
_STALL_DISTANCE = 0.0005


@dataclass(frozen=True)
class GripperTarget:
    """What the finger actuators are to do now.

    Attributes:
        position: position of each finger (half the width), m.
        force: largest force the fingers may exert, N.
    """

    position: float
    force: float


class SimulatedGripper:
    """Motion of the fingers of a hand, as franka_gripper executes goals.

    Each goal moves the target width from where it is at the given speed. ``grasp`` closes until the
    fingers stall on an object or reach the width, then holds with its force; it succeeds when the final
    width is within ``width - epsilon_inner .. width + epsilon_outer``. A new goal preempts the last.

    Args:
        gripper: whose limits hold.
        width: initial width, m; open by default.
    """

    def __init__(self, gripper: Gripper, width: float | None = None) -> None:
        self._gripper, self.width_max = gripper, gripper.width_max
        width = self.width_max if width is None else width
        self._from = self._to = min(max(width, 0.0), self.width_max)
        self._start = 0.0
        self._speed = _HOMING_SPEED
        self._force = _MOVE_FORCE
        self._window: tuple[float, float] | None = None  # accepted widths of a grasp
        self._measured: float | None = None
        self._progress = (0.0, width)  # time and width of the last noticeable movement
        self.goal = "idle"
        self.done = True
        self.success = True
        self.message = ""

    def move(self, width: float, speed: float, now: float) -> bool:
        """Open or close to ``width`` (m) at ``speed`` (m/s); False if the goal is rejected."""
        return self._begin("move", width, speed, _MOVE_FORCE, None, now)

    def grasp(
        self,
        width: float,
        speed: float,
        force: float,
        now: float,
        epsilon_inner: float = 0.005,
        epsilon_outer: float = 0.005,
    ) -> bool:
        """Close on an object of about ``width`` (m) and hold it with ``force`` (N); False if rejected."""
        force = min(force, self._gripper.force_max)
        return self._begin("grasp", width, speed, force, (width - epsilon_inner, width + epsilon_outer), now)

    def homing(self, now: float) -> bool:
        """Open fully, as the hand does at the end of its homing."""
        return self._begin("homing", self.width_max, _HOMING_SPEED, _MOVE_FORCE, None, now)

    def stop(self, now: float) -> None:
        """Stay where the target is now; a grasp keeps its force."""
        width = self.width_target(now)
        self._from, self._to, self._start = width, width, now
        self._finish(False, "stopped")

    def width_target(self, time: float) -> float:
        """Width the fingers are driven to at ``time``, m."""
        travelled = self._speed * max(time - self._start, 0.0)
        step = self._to - self._from
        if travelled >= abs(step):
            return self._to
        return self._from + (travelled if step > 0 else -travelled)

    def target(self, time: float) -> GripperTarget:
        """Finger position and force limit for the actuators at ``time``."""
        return GripperTarget(0.5 * self.width_target(time), self._force)

    def update(self, time: float, measured_width: float) -> None:
        """Notice that a goal is reached, or that the fingers stall on an object. Call at 10 Hz or more."""
        self._measured = measured_width
        if self.done:
            return
        if abs(measured_width - self._progress[1]) > _STALL_DISTANCE:
            self._progress = (time, measured_width)
        at_end = self.width_target(time) == self._to and abs(measured_width - self._to) < 2 * _STALL_DISTANCE
        stalled = time - self._progress[0] >= _STALLED_AFTER
        if not (at_end or stalled):
            return
        if self._window is None:
            self._finish(at_end, "" if at_end else f"stalled at {measured_width:.4f} m")
            return
        if stalled and not at_end:  # go on closing, so that the force holds the object
            self._from = self._to = 0.0
        inner, outer = self._window
        held = inner <= measured_width <= outer
        self._finish(held, "" if held else f"width {measured_width:.4f} m outside {inner:.4f}..{outer:.4f} m")

    def _begin(
        self,
        goal: str,
        width: float,
        speed: float,
        force: float,
        window: tuple[float, float] | None,
        now: float,
    ) -> bool:
        if not 0.0 <= width <= self.width_max:
            self.message = f"width {width} m outside 0..{self.width_max} m"
            return False
        if not (speed > 0.0 and force > 0.0):  # true for NaN, too
            self.message = f"speed {speed} m/s and force {force} N must be positive"
            return False
        # The fingers leave from where they are: behind an object the target is further closed than they.
        start = self.width_target(now) if self._measured is None else self._measured
        self._from, self._to, self._start = start, width, now
        self._speed = min(speed, self._gripper.speed_max)
        self._force, self._window = force, window
        self._progress = (now, start)
        self.goal, self.done, self.success, self.message = goal, False, False, ""
        return True

    def _finish(self, success: bool, message: str) -> None:
        self.done, self.success, self.message = True, success, message
