"""What is compiled is loaded before the arm moves: from disk that takes a tenth of a second, new ten."""

from __future__ import annotations

import numpy as np

from sag_ros.control.states import SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk

_PERIOD, _ACTIONS = 0.05, 8  # s, of a chunk


def rehearse(arm: Arm, settings: SupervisorSettings) -> int:
    """Start, follow chunks gentle and wild, fault and stop, on a supervisor of its own.

    Returns: how many chunks were executed.
    """
    supervisor = Supervisor(arm, settings)
    still = np.zeros(arm.dof)
    supervisor.start(0.0, arm.home)
    times = _PERIOD * np.arange(1, _ACTIONS + 1)[:, None]
    now = 0.0
    for speed in (0.0, 0.1, 0.6, -0.6):  # of the joints' own
        now += 0.03
        supervisor.on_joint_state(now, arm.home, still)
        positions = arm.home + speed * arm.limits.velocity * np.minimum(times, 0.2)
        supervisor.on_chunk(ActionChunk(now - 0.01, _PERIOD, positions, np.zeros(_ACTIONS)), now)
        supervisor.tick(now)
    executed = supervisor.status().chunks
    supervisor.hold(now + 0.01, "rehearsed")
    supervisor.stop(now + 0.02)
    return executed
