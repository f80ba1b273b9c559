"""Starts franka-sim's server with its physics in step with its states; run by the emulation's own Python.

The server runs physics in one thread and the protocol in another, each by its own clock. None or two of our
commands then fall between two steps of its servo, which takes their difference for the commanded velocity: 0
or twice the true one. Measured velocities then swing by up to 0.7 rad/s beyond the commanded ones, and the
robot stops for what no robot did. A real one has one cycle, so here every state that goes out is one step.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Any

from franka_sim import run_server
from franka_sim.franka_sim_server import FrankaSimServer
from franka_sim.mujoco_franka_sim import MujocoFrankaSim

_COMMANDS = ("latest_joint_positions", "latest_joint_velocities", "latest_torques")
_close_cycle = FrankaSimServer._account_for_communication_cycle
_snapshot = MujocoFrankaSim.get_robot_state
_torque = MujocoFrankaSim.arm_control_torque


class _Latched:
    """A simulation with the commands of the cycle that was closed last, whatever has arrived since."""

    def __init__(self, simulation: Any) -> None:
        self._simulation = simulation
        self._commands = {name: getattr(simulation, name) for name in _COMMANDS}

    def __getattr__(self, name: str) -> Any:
        return self._commands[name] if name in _COMMANDS else getattr(self._simulation, name)


def _close_cycle_and_latch(server: Any) -> None:
    """The cycle is over: its command is there, or was extrapolated."""
    _close_cycle(server)
    server.physics_sim.latched = _Latched(server.physics_sim)


def _get_robot_state(simulation: Any) -> Any:
    """The state; one step later each time that the thread that sends states asks."""
    if sys._getframe(1).f_globals["__name__"].endswith(".state_stream"):
        simulation.step(1)
    return _snapshot(simulation)


def _arm_control_torque(simulation: Any) -> Any:
    return _torque(getattr(simulation, "latched", simulation))


def _wait(simulation: Any) -> None:
    """What was the physics thread."""
    while simulation.running:
        time.sleep(0.05)


FrankaSimServer._account_for_communication_cycle = _close_cycle_and_latch
MujocoFrankaSim.get_robot_state = _get_robot_state
MujocoFrankaSim.arm_control_torque = _arm_control_torque
MujocoFrankaSim.run_simulation = _wait

if __name__ == "__main__":
    with contextlib.suppress(OSError):  # a robot's controller is not slowed down by who commands it
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    sys.exit(run_server.main())
