"""Franka Kitchen (Gupta et al., Relay Policy Learning, arXiv 1910.11956) as gymnasium-robotics has it.

Its four tasks are those of D4RL's ``kitchen-complete``. An episode always begins with the same kitchen and
the same posture: the seed decides the noise of what is observed, which the controller of the arm sees too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sag_ros.sim.benchmarks.kitchen.expert import demonstrate, draw_style
from sag_ros.sim.benchmarks.kitchen.reach import ARM
from sag_ros.sim.benchmarks.protocol import BenchmarkStatus, Setpoint

TASKS = ("microwave", "kettle", "light switch", "slide cabinet")

_FINGERS = ("panda0_finger_joint1", "panda0_finger_joint2")
_NEAR = 0.3  # norm over the numbers of a part, m and rad alike


class Kitchen:
    """Four things to be done in any order; see :class:`sag_ros.sim.benchmarks.protocol.Benchmark`.

    An action has the velocity of each joint, a share of 2 rad/s, and that of either finger, a share of 2 m/s.

    Args:
        mixed: whether demonstrations are as of several people, who do the four in any order.

    Raises:
        ImportError: gymnasium-robotics is not installed.
    """

    name = "kitchen"
    period = 0.08
    steps = 280
    joints = tuple(f"panda0_joint{number}" for number in range(1, ARM + 1))
    parts: Mapping[str, tuple[int, str]] = {
        "robot_positions": (ARM, "rad"),
        "finger_positions": (2, "m"),
        "robot_velocities": (ARM, "rad/s"),
        "finger_velocities": (2, "m/s"),
        "burner_positions": (8, "rad, m"),  # of each of four: its knob, its plate
        "light_positions": (2, "rad, m"),  # switch, lamp
        "slide_cabinet_position": (1, "m"),
        "hinge_cabinet_positions": (2, "rad"),  # left, right
        "microwave_position": (1, "rad"),
        "kettle_position": (3, "m"),
        "kettle_orientation": (4, "1"),  # w, x, y, z
        "burner_velocities": (8, "rad/s, m/s"),
        "light_velocities": (2, "rad/s, m/s"),
        "slide_cabinet_velocity": (1, "m/s"),
        "hinge_cabinet_velocities": (2, "rad/s"),
        "microwave_velocity": (1, "rad/s"),
        "kettle_linear_velocity": (3, "m/s"),
        "kettle_angular_velocity": (3, "rad/s"),
    }
    setpoints = tuple(Setpoint(name, "1") for name in (*joints, *_FINGERS))

    def __init__(self, mixed: bool = False) -> None:
        if mixed:
            self.name = f"{Kitchen.name}_mixed"
        self._mixed = mixed
        self._kitchen = _kitchen()
        robot = self._kitchen.robot_env
        self._model, self._data = robot.model, robot.data
        # What the arm can be told: the configuration allows the sixth joint more than its actuator does.
        bounds = np.stack([robot.robot_pos_bound[:ARM], self._model.actuator_ctrlrange[:ARM]])
        self._limits = np.stack([bounds[..., 0].max(0), bounds[..., 1].min(0)], axis=-1)

    def reset(self, seed: int) -> None:
        """Begin an episode; ``seed`` decides the noise of what is observed, nothing else is random."""
        self._seen = self._kitchen.reset(seed=seed)[0]

    def observe(self) -> np.ndarray:
        """(59,) the state with its noise, the same until the next step; ``parts`` behind each other."""
        return self._seen["observation"].copy()

    def step(self, action: np.ndarray) -> None:
        """Let (9,) ``action`` be executed for a period; what is beyond ±1 counts as ±1."""
        self._seen = self._kitchen.step(np.asarray(action, dtype=float))[0]

    def status(self) -> BenchmarkStatus:
        """Success is all four parts; each latches once it was within ``_NEAR`` of its goal, as published."""
        done = self._done()
        said = f"{len(done)} of {len(TASKS)} done" + (f": {', '.join(done)}" if done else "")
        return BenchmarkStatus(success=len(done) == len(TASKS), message=said, completed=len(done))

    @property
    def settled(self) -> bool:
        """Whether all four are near their goals at this moment."""
        reached, goals = self._seen["achieved_goal"], self._seen["desired_goal"]
        return all(float(np.linalg.norm(reached[task] - goals[task])) < _NEAR for task in TASKS)

    @property
    def joint_positions(self) -> np.ndarray:
        """(7,) of the arm, without noise, rad."""
        return self._data.qpos[:ARM].copy()

    def demonstrate(
        self, rng: np.random.Generator, pushed: float = 0.0
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What the expert does in the episode that was begun; it stays when all is done, without end.

        Args:
            rng: of pace and noise; for several people also of pauses and of the order of the parts.
            pushed: probability, at each step, that something pushes the arm for a while.

        Yields:
            (9,) what it wants, which is the label, and (9,) what is to be executed: the same, disturbed.
        """
        style = draw_style(rng, self._mixed)
        return demonstrate(self._model, self._data, self._limits, self.period, self._done, rng, style, pushed)

    def close(self) -> None:
        """Free what the simulator holds."""
        self._kitchen.close()

    def _done(self) -> list[str]:
        """In the order of ``TASKS``: theirs differs between processes."""
        return [task for task in TASKS if task in self._kitchen.episode_task_completions]


def _kitchen() -> Any:
    """The environment, without wrappers: the end of an episode is the business of who runs it."""
    import farama_notifications
    import gymnasium

    # It would print at import that a task which is not ours has changed.
    farama_notifications.notifications.pop("gymnasium_robotics", None)
    import gymnasium_robotics

    gymnasium.register_envs(gymnasium_robotics)
    return gymnasium.make(
        "FrankaKitchen-v1",
        tasks_to_complete=list(TASKS),
        terminate_on_tasks_completed=False,
        disable_env_checker=True,
    ).unwrapped


BENCHMARK = Kitchen
