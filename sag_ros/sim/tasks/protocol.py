"""What a task of the simulated robot promises."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import mujoco
import numpy as np

from sag_ros.sim.scene import Scene


@dataclass(frozen=True, kw_only=True)
class TaskStatus:
    """How far an episode has come; tasks add the conditions of their success as further bools.

    Attributes:
        success: latches.
        message: what the arm is doing, for a person.
        distance: how far the result is from a perfect one, m; tells more about a pair of episodes than two
            successes do. NaN where a task has no such measure.
    """

    success: bool
    message: str
    distance: float = float("nan")

    @property
    def conditions(self) -> dict[str, bool]:
        """What success consists of, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "success" and isinstance(getattr(self, field.name), bool)
        }


class Task(Protocol):
    """Randomisation, privileged state and success; one instance a running episode.

    Attributes:
        name: what commands call it.
        scene: name of the MJCF file in ``sim/assets``, which includes ``arm.xml``; tasks may share one.
        time_limit: s after which an episode has failed.
        start_noise: standard deviation of the initial joint positions, rad.
        privileged_columns: names of what :meth:`privileged` returns.
    """

    name: str
    scene: str
    time_limit: float
    start_noise: float
    privileged_columns: tuple[str, ...]

    def adapt(self, spec: mujoco.MjSpec) -> None:
        """Change the scene before it is compiled."""
        ...

    def bind(self, scene: Scene) -> None:
        """Look up the bodies in a compiled scene."""
        ...

    def randomise(self, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """Draw what is random in an episode; all of it comes from ``rng``."""
        ...

    def advance(self, data: mujoco.MjData) -> None:
        """Move what moves by itself; called every 10 ms of simulated time."""
        ...

    def privileged(self, data: mujoco.MjData) -> np.ndarray:
        """What only the simulator knows, one number a column; supervises the encoder."""
        ...

    def status(self, data: mujoco.MjData) -> TaskStatus:
        """Evaluate the success condition; called at 20 Hz or more while the episode runs."""
        ...
