"""From the widths a policy wants to the few goals that a gripper of two fingers can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sag_ros.robots.arm import Gripper
from sag_ros.values import ActionChunk, PoseChunk

Floats = NDArray[np.floating]


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
        patience: letting go or grasping that every chunk promises and puts off is done this long after it was
            first due, s: a policy that looks again many times a second may put it off for good.
        speed: m/s; force: N.
    """

    close_below: float = 0.05
    open_above: float = 0.06
    change: float = 0.01
    interval: float = 0.3
    ahead: float = 0.05
    patience: float = 3.0
    speed: float = 0.1
    force: float = 40.0

    def require_possible(self, gripper: Gripper) -> None:
        """Raise ValueError unless ``gripper`` can do this."""
        if not 0.0 < self.close_below <= self.open_above <= gripper.width_max:
            raise ValueError(
                f"need 0 < close_below <= open_above <= {gripper.width_max} m, got {self.close_below} m and "
                f"{self.open_above} m"
            )
        if not (0.0 < self.speed <= gripper.speed_max and 0.0 < self.force <= gripper.force_continuous):
            raise ValueError(
                f"speed {self.speed} m/s must be in (0, {gripper.speed_max}], force {self.force} N in "
                f"(0, {gripper.force_continuous}]"
            )


class GripperPlanner:
    """Turns widths into goals with hysteresis: grasps of a hand cannot be streamed.

    Args:
        gripper: that executes them.
        settings: see there.
        width: width at the start, m; open by default.
        number: which of a chunk's grippers it is, where there are several.

    Raises:
        ValueError: settings that ``gripper`` cannot follow.
    """

    def __init__(
        self,
        gripper: Gripper,
        settings: GripperSettings | None = None,
        width: float | None = None,
        number: int = 0,
    ) -> None:
        self.settings = settings or GripperSettings()
        self.settings.require_possible(gripper)
        self._gripper, self._number = gripper, number
        self.reset(width)

    def reset(self, width: float | None = None) -> None:
        """Begin again with an open or closed hand of this width, m; open by default."""
        width = self._gripper.width_max if width is None else width
        self.closed = width < self.settings.close_below
        self._width = width
        self._sent, self._heard, self._due = -np.inf, -np.inf, np.inf

    def on_chunk(self, chunk: ActionChunk | PoseChunk, now: float) -> GripperCommand | None:
        """The goal to send for a new chunk, or None while the last one still serves.

        The median of three widths decides, so that one outlier neither drops nor crushes anything.
        """
        settings = self.settings
        index = int(np.searchsorted(chunk.times, now + settings.ahead))
        widths = chunk.gripper if chunk.gripper.ndim == 1 else chunk.gripper[:, self._number]
        medians = np.median(sliding_window_view(widths, min(3, len(widths))), axis=1)
        index = min(index, len(medians) - 1)
        if not np.isfinite(medians[index]):
            return None
        wanted = self._overdue(chunk.times, medians, index, now)
        wanted = min(max(wanted, 0.0), self._gripper.width_max)
        if self.closed:
            if wanted <= settings.open_above:
                return None  # a grasp keeps its force by itself
            return self._turn(wanted, now)
        if wanted < settings.close_below:
            return self._turn(wanted, now)
        if abs(wanted - self._width) < settings.change or now - self._sent < settings.interval:
            return None
        return self._send(wanted, now)

    def _overdue(self, times: Floats, medians: Floats, index: int, now: float) -> float:
        """The width at ``index``, or that of a change behind it that has been put off for too long."""
        settings, later = self.settings, medians[index:]
        if now - self._heard > times[-1] - times[0]:  # a chunk has come to its end since: the arm was held
            self._due = np.inf
        self._heard = now
        changes = later > settings.open_above if self.closed else later < settings.close_below
        if not changes.any():
            self._due = np.inf
            return float(later[0])
        first = int(changes.argmax())
        self._due = min(self._due, float(times[index + first]))
        late = now + settings.ahead >= self._due + settings.patience
        return float(later[first if late else 0])

    def _turn(self, width: float, now: float) -> GripperCommand:
        """Let go, or grasp."""
        self.closed, self._due = not self.closed, np.inf
        return self._send(width, now)

    def _send(self, width: float, now: float) -> GripperCommand:
        self._width, self._sent = width, now
        return GripperCommand(width, self.settings.speed, self.settings.force, self.closed)
