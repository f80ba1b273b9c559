"""From the widths a policy wants to the few goals a Franka Hand can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.control.fr3 import GRIPPER_FORCE_CONTINUOUS, GRIPPER_SPEED_MAX, GRIPPER_WIDTH_MAX
from sag_ros.values import ActionChunk


@dataclass(frozen=True)
class GripperCommand:
    """A goal of the gripper.

    Attributes:
        width: m; speed: m/s; force: N, of a grasp.
        grasp: close on an object of any width (the action ``grasp``), else just move there.
    """

    width: float
    speed: float
    force: float
    grasp: bool


@dataclass(frozen=True)
class GripperSettings:
    """When a goal is worth sending.

    Attributes:
        close_below, open_above: wanted widths below and above which the hand grasps and lets go, m.
        change: smallest change of the wanted width that moves an open hand, m.
        interval: shortest time between two goals, s; letting go and grasping do not wait.
        ahead: the width wanted this long after now is what counts: the fingers are slow, s.
        speed: m/s; force: N.
    """

    close_below: float = 0.05
    open_above: float = 0.06
    change: float = 0.01
    interval: float = 0.3
    ahead: float = 0.05
    speed: float = GRIPPER_SPEED_MAX
    force: float = 40.0

    def __post_init__(self) -> None:
        if not 0.0 < self.close_below <= self.open_above <= GRIPPER_WIDTH_MAX:
            raise ValueError(
                f"need 0 < close_below <= open_above <= {GRIPPER_WIDTH_MAX} m, got {self.close_below} m and "
                f"{self.open_above} m"
            )
        if not (0.0 < self.speed <= GRIPPER_SPEED_MAX and 0.0 < self.force <= GRIPPER_FORCE_CONTINUOUS):
            raise ValueError(
                f"speed {self.speed} m/s must be in (0, {GRIPPER_SPEED_MAX}], force {self.force} N in "
                f"(0, {GRIPPER_FORCE_CONTINUOUS}]"
            )


class GripperPlanner:
    """Turns widths into goals with hysteresis: actions of the Franka Hand cannot be streamed.

    Args:
        settings: see there.
        width: width at the start, m.
    """

    def __init__(self, settings: GripperSettings | None = None, width: float = GRIPPER_WIDTH_MAX) -> None:
        self.settings = settings or GripperSettings()
        self.reset(width)

    def reset(self, width: float = GRIPPER_WIDTH_MAX) -> None:
        """Begin again with an open or closed hand of this width, m."""
        self.closed = width < self.settings.close_below
        self._width = width
        self._sent = -np.inf

    def on_chunk(self, chunk: ActionChunk, now: float) -> GripperCommand | None:
        """The goal to send for a new chunk, or None while the last one still serves.

        The median of three widths decides, so that one outlier neither drops nor crushes anything.
        """
        settings = self.settings
        index = int(np.searchsorted(chunk.times, now + settings.ahead))
        index = min(index, max(len(chunk.gripper) - 3, 0))
        wanted = float(np.median(chunk.gripper[index : index + 3]))
        if not np.isfinite(wanted):
            return None
        wanted = min(max(wanted, 0.0), GRIPPER_WIDTH_MAX)
        if self.closed:
            if wanted <= settings.open_above:
                return None  # a grasp keeps its force by itself
            self.closed = False
            return self._send(wanted, now)
        if wanted < settings.close_below:
            self.closed = True
            return self._send(wanted, now)
        if abs(wanted - self._width) < settings.change or now - self._sent < settings.interval:
            return None
        return self._send(wanted, now)

    def _send(self, width: float, now: float) -> GripperCommand:
        self._width, self._sent = width, now
        return GripperCommand(width, self.settings.speed, self.settings.force, self.closed)
