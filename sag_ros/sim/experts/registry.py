"""Experts by task: every file of this folder that declares an ``EXPERT`` is found."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sag_ros.declared import declared
from sag_ros.robots.arm import Arm
from sag_ros.sim.experts.plan import Plan
from sag_ros.sim.robot import SimulatedRobot


class Expert(Protocol):
    """Plans demonstrations of ``tasks``."""

    tasks: tuple[str, ...]

    def __init__(self, period: float, disturbance: float, arm: Arm) -> None: ...

    def plan(self, robot: SimulatedRobot, rng: np.random.Generator) -> Plan:
        """Plan for the scene as it stands in ``robot`` now; what is random comes from ``rng``."""
        ...


EXPERTS: dict[str, type[Expert]] = {
    task: expert for expert in declared("sag_ros.sim.experts", "EXPERT") for task in expert.tasks
}


def make_expert(task: str, period: float, disturbance: float, arm: Arm) -> Expert:
    """The expert for ``task``. Raises KeyError listing the tasks that have one.

    Args:
        period: control period of the policy, s.
        disturbance: amplitude of the disturbance under which the undisturbed path stays the label, m.
        arm: of the robots it plans for.
    """
    if task not in EXPERTS:
        raise KeyError(f"no expert knows task {task!r}. Available: {sorted(EXPERTS)}")
    return EXPERTS[task](period, disturbance, arm)
