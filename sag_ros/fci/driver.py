"""The side of the driver that lives with the node."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np

from sag_ros.control.guard.guard import Guard
from sag_ros.control.limits import violations
from sag_ros.control.motion import Motion, of_command
from sag_ros.fci import message, report
from sag_ros.fci.process import REQUEST
from sag_ros.fci.report import Report
from sag_ros.fci.settings import FciSettings
from sag_ros.fci.slot import Slot
from sag_ros.robots.arm import Arm
from sag_ros.values import Float, JointCommand

_END = 5.0  # s that the loop may take to come to rest and end
HOME_SHARE = 0.2  # of the limits, on the way to a pose
_STEP = 0.01  # s
_QUINTIC_PEAKS = 1.875, 5.7736, 60.0  # of speed, acceleration, jerk, for a way of 1 in 1 s


class Driver:
    """Starts the loop's process and talks to it; nothing here blocks.

    Args:
        settings: of the robot.
        arm: trajectories that break its limits are refused.
        command: that starts the loop; the default is ours.
    """

    def __init__(self, settings: FciSettings, arm: Arm, command: list[str] | None = None) -> None:
        self._arm = arm
        sizes = (message.SIZE, REQUEST, report.SIZE)
        self._trajectories, self._requests, self._reports = slots = [Slot(size) for size in sizes]
        descriptors = [slot.descriptor for slot in slots]
        self._process = subprocess.Popen(
            command or [sys.executable, "-m", "sag_ros.fci.process"],
            stdin=subprocess.PIPE,
            pass_fds=descriptors,
            text=True,
        )
        content = {"settings": asdict(settings), "descriptors": descriptors}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(content) + "\n")
        self._process.stdin.close()
        self._last = Report()
        # What is compiled is loaded now, not when the first trajectory waits.
        violations(straight(arm.home, arm.home + 0.1, 0.0, arm), arm.limits, "")

    @property
    def report(self) -> Report:
        """The newest report of the loop."""
        found = self._reports.read()
        if found is not None:
            self._last = Report.unpack(found)
        return self._last

    @property
    def alive(self) -> bool:
        """Whether the loop's process runs."""
        return self._process.poll() is None

    def follow(self, command: JointCommand, shift: float) -> str:
        """Hand a trajectory to the loop; returns why not, or an empty text.

        The loop may still refuse it, see :class:`Report`.

        Args:
            command: on any clock, from now on and ending at rest.
            shift: what to add for the monotonic clock, s.
        """
        motion = of_command(command)
        # Not only what the guard made may come here: whatever breaks a limit makes the robot stop at once.
        broken = violations(motion, self._arm.limits, "refused; the robot would stop")
        if broken:
            return broken[0].message
        _, velocity, _ = motion.at(float(motion.times[-1]) - 1e-9)
        if np.abs(velocity).max() > 1e-3:
            return f"it ends at {np.abs(velocity).max():.3f} rad/s; a trajectory must end at rest"
        try:
            self._trajectories.write(message.pack(motion, shift))
        except ValueError as error:
            return str(error)
        return ""

    def go_to(self, position: Float, now: float) -> float:
        """Move slowly and straight to (J,) ``position``, rad; returns how long it takes, s.

        Args:
            now: monotonic clock, s.

        Raises:
            ChunkRefused: the arm is where no motion inside the limits begins.
            ValueError: it is so far away that the way does not fit into a message.
        """
        motion = straight(self.report.commanded, position, now + 0.05, self._arm)
        self._trajectories.write(message.pack(motion))
        return motion.end - now

    def recover(self) -> None:
        """Ask the loop to leave a reflex."""
        self._ask("recover")

    def _ask(self, wish: str) -> None:
        self._requests.write(wish.encode())

    def close(self) -> None:
        """Let the arm come to rest, end the loop and its process."""
        self._ask("stop")
        deadline = time.monotonic() + _END
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.alive:
            self._process.kill()
        self._process.wait()
        for slot in (self._trajectories, self._requests, self._reports):
            slot.close()


def straight(start: Float, end: Float, at: float, arm: Arm, share: float = HOME_SHARE) -> Motion:
    """From rest to rest, each joint straight, with a share of what the limits allow.

    Args:
        start, end: (J,) rad; where ``end`` cannot be commanded, the motion ends as close as it may.
        at: when it begins, s.
        arm: whose guard keeps it inside the velocity envelope, which closes near the bounds.
    """
    limits = arm.limits
    way = np.abs(end - start)
    speed, acceleration, jerk = _QUINTIC_PEAKS
    needed = max(
        float((way * speed / (share * limits.velocity)).max()),
        float(np.sqrt(way * acceleration / (share * limits.acceleration)).max()),
        float(np.cbrt(way * jerk / (share * limits.jerk)).max()),
        0.1,
    )
    position = np.stack((start, end))
    zero = np.zeros_like(position)
    quintic = of_command(JointCommand(np.array([0.0, needed]), position, zero, zero))
    times = _STEP * np.arange(int(np.ceil(needed / _STEP)) + 1)
    command, _ = Guard.of(arm)(JointCommand(times, *quintic.sample(times)))
    return of_command(replace(command, time=command.time + at))
