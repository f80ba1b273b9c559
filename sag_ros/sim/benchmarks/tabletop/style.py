"""How somebody demonstrates: fast or slow, steady or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.sim.benchmarks.pushes import Pushes


@dataclass(frozen=True)
class Style:
    """How one person moves.

    Attributes:
        speed: share of the expert's speeds.
        noise: m, of a wandering error of what is executed; the label is what was wanted.
        pause: probability of one after a movement.
        flip: takes the object from its other side, where it has one.
        offset: m along the object, from where it is best taken.
        hover: of the heights from which it approaches, as a share.
    """

    speed: float = 1.0
    noise: float = 0.0
    pause: float = 0.0
    flip: bool = False
    offset: float = 0.0
    hover: float = 1.0


PUSH, PUSH_STEPS = np.array([0.03, 0.03, 0.015]), (8, 30)  # m, standard deviation; steps that it lasts
# speed, noise, pause
SKILLS = ((1.0, 0.002, 0.0), (0.7, 0.004, 0.15), (0.5, 0.006, 0.35))


def practised(rng: np.random.Generator) -> Style:
    """One person who knows the task, as in robomimic's PH."""
    return Style(speed=float(rng.uniform(0.8, 1.0)), noise=0.003)


def mixed(rng: np.random.Generator) -> Style:
    """One of several people of unequal skill; robomimic's MH were recorded by six."""
    speed, noise, pause = SKILLS[int(rng.integers(len(SKILLS)))]
    return Style(
        speed=speed * float(rng.uniform(0.85, 1.15)),
        noise=noise,
        pause=pause,
        flip=bool(rng.random() < 0.5),
        offset=float(rng.uniform(-0.006, 0.006)),
        hover=float(rng.uniform(0.7, 1.5)),
    )


class Wander:
    """An error of position: smooth, drawn towards zero, moved at random; now and then a push besides.

    Args:
        noise: m, of one movement. pushed: probability of a push at a step.
    """

    def __init__(self, noise: float, arms: int, rng: np.random.Generator, pushed: float = 0.0) -> None:
        self._noise, self._rng = noise, rng
        self._error = np.zeros((arms, 3))
        self._pushes = Pushes(pushed, self._draw, np.zeros((arms, 3)), rng)

    def _draw(self) -> tuple[np.ndarray, int]:
        steps = int(self._rng.integers(*PUSH_STEPS))
        return self._rng.normal(0.0, PUSH, self._error.shape), steps

    def __call__(self) -> np.ndarray:
        """(arms, 3) the next error, m."""
        self._error = 0.8 * self._error + 0.6 * self._rng.normal(0.0, self._noise, self._error.shape)
        return self._error + self._pushes()
