"""A supervisor that can begin in the middle of a motion: to go on where a recording begins."""

from __future__ import annotations

import numpy as np

from sag_ros.control.motion import of_command
from sag_ros.control.states import State
from sag_ros.control.supervisor import Supervisor
from sag_ros.values import JointCommand


class ReplayedSupervisor(Supervisor):
    """Never drives an arm: nobody has asked whether the arm is where a motion taken up says."""

    def take_up(self, now: float, command: JointCommand, newest: float = -np.inf) -> None:
        """Go on as if ``command`` had been published and were executed.

        Args:
            now: s.
            command: inside the limits, at rest at its end.
            newest: stamp of the observation it came from, s.
        """
        self._command = command
        self._motion = of_command(command)
        self._tracking.start(now, self._motion)
        self._watchdog.reset()
        self._place.reset()
        self._newest, self._held = newest, -np.inf
        self._last_chunk, self._missed, self._fault, self._lost = now, False, "", False
        self._until, self._refusal = np.inf, ""
        self._state, self._reason = State.RUNNING, ""

    @property
    def refusal(self) -> str:
        """Why the last chunk was refused; empty where it was not."""
        return self._refusal
