"""What a task of the papers promises: its own robot and controller, played in lock step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sag_ros.sim.tasks.protocol import TaskStatus


@dataclass(frozen=True, kw_only=True)
class BenchmarkStatus(TaskStatus):
    """``completed``: how many parts of the task are done; 0 where it has none."""

    completed: int = 0


@dataclass(frozen=True)
class Setpoint:
    """One number of an action, for the controller of the task: its name and its unit, ``1`` for none."""

    name: str
    unit: str


class Benchmark(Protocol):
    """A task with everything that belongs to it; one instance a running episode.

    Actions go to the controller of the benchmark, and are what its demonstrations have: S numbers are
    observed, A commanded, J joints move.

    Attributes:
        name: what commands call it.
        period: of the actions, s.
        steps: actions after which an episode has failed, as in the published evaluation.
        joints: names of all joints, J.
        parts: part of the state -> how many numbers it has and their unit, in their order.
        setpoints: what an action consists of, A.
    """

    name: str
    period: float
    steps: int
    joints: tuple[str, ...]
    parts: Mapping[str, tuple[int, str]]
    setpoints: tuple[Setpoint, ...]

    def reset(self, seed: int) -> None:
        """Begin an episode; ``seed`` decides everything that is random in it."""
        ...

    def observe(self) -> np.ndarray:
        """(S,) the state, ``parts`` behind each other."""
        ...

    def step(self, action: np.ndarray) -> None:
        """Let (A,) ``action`` be executed for a period."""
        ...

    def status(self) -> BenchmarkStatus:
        """Success as published, which latches, and what is going on."""
        ...

    @property
    def settled(self) -> bool:
        """Whether it is a success at this moment, not only was one."""
        ...

    @property
    def joint_positions(self) -> np.ndarray:
        """(J,) rad."""
        ...

    def demonstrate(
        self, rng: np.random.Generator, pushed: float = 0.0
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What the expert does in the episode that was begun, and holds when it is done; without end.

        Args:
            rng: of whatever is random in how it is done.
            pushed: probability, at each step, that something pushes the hand away for a while.

        Yields:
            (A,) what it wants, which is the label, and (A,) what is to be executed: the same, disturbed.
        """
        ...

    def close(self) -> None:
        """Free what the simulator holds."""
        ...
