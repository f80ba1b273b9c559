"""One of robosuite's tasks, played in lock step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.protocol import BenchmarkStatus, Setpoint
from sag_ros.sim.benchmarks.tabletop.environment import make_environment, reset
from sag_ros.sim.benchmarks.tabletop.hand import Hand, Moves
from sag_ros.sim.benchmarks.tabletop.style import Wander, mixed, practised

PERIOD = 0.05
JOINTS = 7
OBJECT = "object"
# x, y, z, w: quaternions of hands are told on the side of this one, on which hands that point down never
# change their sign; robosuite's own may do so from one step to the next, and mean the same.
HAND_DOWN = np.array([1.0, 0.0, 0.0, 0.0])
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


@dataclass(frozen=True)
class TabletopTask:
    """What tells the tasks apart; calling it makes one that can be played.

    Attributes:
        name: what commands call it. kind: what robosuite calls it.
        observed: how many numbers tell of objects.
        expert: a demonstration by the hands of all arms, (7 arms,) a step.
        steps, mixed_steps: robomimic's horizons for demonstrations of one person and of several; 0: there are
            none of several.
        said: message while it is not done.
    """

    name: str
    kind: str
    observed: int
    expert: Callable[[Sequence[Hand]], Moves]
    said: str
    steps: int = 400
    mixed_steps: int = 500
    arms: int = 1

    def __call__(self, mixed: bool = False) -> Tabletop:
        if mixed and not self.mixed_steps:
            raise ValueError(f"'{self.name}' has no demonstrations of several people; take {self.name}")
        return Tabletop(self, mixed)


class Tabletop:
    """See :class:`sag_ros.sim.benchmarks.protocol.Benchmark`. Low-dimensional observations as the public code
    has them: objects, then for each arm position and quaternion (x, y, z, w) of the hand and its two fingers.

    Actions: for each arm the position (m) of its grip site in the world, the first two rows of its rotation
    matrix, and the gripper, -1 open to 1 closed.
    """

    period = PERIOD

    def __init__(self, task: TabletopTask, mixed: bool) -> None:
        self.name = f"{task.name}_mixed" if mixed else task.name
        self.steps = task.mixed_steps if mixed else task.steps
        self._task, self._mixed = task, mixed
        self.joints = tuple(f"robot{arm}_joint{n}" for arm in range(task.arms) for n in range(1, JOINTS + 1))
        self.parts: Mapping[str, tuple[int, str]] = {OBJECT: (task.observed, "")}
        setpoints: list[Setpoint] = []
        for arm in (f"robot{number}" for number in range(task.arms)):
            self.parts |= {f"{arm}_eef_pos": (3, "m"), f"{arm}_eef_quat": (4, "1")}
            self.parts |= {f"{arm}_gripper_qpos": (2, "m")}
            setpoints += [Setpoint(f"{arm}_{axis}", "m") for axis in "xyz"]
            setpoints += [Setpoint(f"{arm}_r{n}", "1") for n in range(6)]
            setpoints.append(Setpoint(f"{arm}_gripper", "1"))
        self.setpoints = tuple(setpoints)
        self._environment = make_environment(task.kind, task.arms)
        self._objects = [
            name
            for name, observable in self._environment._observables.items()
            if observable.modality == OBJECT and observable.is_enabled() and observable.is_active()
        ]
        self._success = False

    def reset(self, seed: int) -> None:
        """Begin the episode that ``seed`` decides."""
        reset(self._environment, seed)
        self._success = False

    def observe(self) -> np.ndarray:
        """(S,) float64."""
        seen = self._environment._get_observations()
        found = [_signed(name, np.atleast_1d(np.asarray(seen[name], float))) for name in self._objects]
        for arm in range(self._task.arms):
            # robosuite's "site" is the frame that actions move; the other one is turned against it.
            found.append(seen[f"robot{arm}_eef_pos"])
            found.append(_towards(seen[f"robot{arm}_eef_quat"], HAND_DOWN))
            found.append(seen[f"robot{arm}_gripper_qpos"])
        return np.concatenate(found)

    def step(self, action: np.ndarray) -> None:
        """Execute (A,) ``action`` for a period."""
        arms = np.split(action, self._task.arms)
        self._environment.step(np.concatenate([_controlled(own) for own in arms]))
        self._success |= bool(self._environment._check_success())

    def status(self) -> BenchmarkStatus:
        """Success as robosuite judges it; a single moment of it counts, as in the public evaluation."""
        return BenchmarkStatus(success=self._success, message="done" if self._success else self._task.said)

    @property
    def settled(self) -> bool:
        """Whether it is a success at this moment."""
        return bool(self._environment._check_success())

    @property
    def joint_positions(self) -> np.ndarray:
        """(J,) rad."""
        return np.concatenate([robot._joint_positions for robot in self._environment.robots])

    def demonstrate(
        self, rng: np.random.Generator, pushed: float = 0.0
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See the protocol."""
        style = mixed(rng) if self._mixed else practised(rng)
        hands = [Hand(self._environment, arm, style, rng) for arm in range(self._task.arms)]
        wander, moves = Wander(style.noise, len(hands), rng, pushed), self._task.expert(hands)
        for wanted in moves:
            yield _disturbed(wanted, wander())
        while True:
            yield _disturbed(np.concatenate([hand.action() for hand in hands]), wander())

    def close(self) -> None:
        """Free the simulation."""
        self._environment.close()


def _signed(name: str, value: np.ndarray) -> np.ndarray:
    if not name.endswith("_quat"):
        return value
    return _towards(value, HAND_DOWN if "_eef_" in name else UPRIGHT)


def _towards(quaternion: Any, reference: np.ndarray) -> np.ndarray:
    """The one of the two quaternions of a rotation that is on the side of ``reference``."""
    return np.asarray(quaternion, float) * (-1.0 if quaternion @ reference < 0.0 else 1.0)


def _disturbed(wanted: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(7 arms,) as the controller has it -> as policies have it: wanted, and with (arms, 3) m of error."""
    own = wanted.reshape(len(error), 7)
    turned = Rotation.from_rotvec(own[:, 3:6]).as_matrix()[:, :2].reshape(len(error), 6)
    label = np.column_stack([own[:, :3], turned, own[:, 6:]])
    executed = label.copy()
    executed[:, :3] += error
    return label.ravel(), executed.ravel()


def _controlled(action: np.ndarray) -> np.ndarray:
    """(10,) of one arm as policies have it -> (7,) as the controller has it.

    The two rows are made orthonormal (Gram-Schmidt) first: those of a policy are not.
    """
    x = action[3:6] / max(float(np.linalg.norm(action[3:6])), 1e-9)
    y = action[6:9] - x * float(x @ action[6:9])
    y = y / max(float(np.linalg.norm(y)), 1e-9)
    turned = Rotation.from_matrix(np.stack([x, y, np.cross(x, y)])).as_rotvec()
    return np.concatenate([action[:3], turned, np.clip(action[9:], -1.0, 1.0)])
