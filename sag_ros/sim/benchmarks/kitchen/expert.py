"""The scripted expert of the kitchen: one who is practised, or several people of unequal skill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import permutations

import mujoco
import numpy as np

from sag_ros.sim.benchmarks.kitchen.hand import OPEN, Hand
from sag_ros.sim.benchmarks.kitchen.reach import ARM, Reach
from sag_ros.sim.benchmarks.kitchen.skills import SKILLS
from sag_ros.sim.benchmarks.pushes import Pushes

ORDERS = tuple(permutations(SKILLS))  # all 24 work; the first is a practised person's

_PUSH, _PUSH_STEPS = 0.15, (3, 9)  # standard deviation, a share of the greatest velocity; periods it lasts
_MEMORY = 0.8  # share of the disturbance that is left a period later


@dataclass(frozen=True)
class Style:
    """How somebody does it.

    Attributes:
        order: of the parts.
        pace: factor on every speed.
        shake: standard deviation of what disturbs the arm, a share of the greatest velocity.
        scatter: of waypoints, a share of how near to them is near enough.
        pauses: the longest before a part, periods.
        home: how near to its first posture the arm comes between parts, rad. At 0.5 or less every part can
            follow every other; for the first of ``ORDERS`` 1.0 is near enough.
    """

    order: tuple[str, ...] = ORDERS[0]
    pace: float = 1.0
    shake: float = 0.0
    scatter: float = 0.0
    pauses: int = 0
    home: float = 0.4


def draw_style(rng: np.random.Generator, mixed: bool) -> Style:
    """Somebody's style: of a practised person, or of anybody where ``mixed``."""
    if not mixed:
        return Style(pace=rng.uniform(0.95, 1.05), shake=rng.uniform(0.02, 0.06), scatter=0.2, home=0.75)
    return Style(
        order=ORDERS[rng.integers(len(ORDERS))],
        pace=rng.uniform(0.87, 1.1),
        shake=rng.uniform(0.02, 0.09),
        scatter=rng.uniform(0.0, 0.5),
        pauses=5,
    )


def demonstrate(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    limits: np.ndarray,
    period: float,
    done: Callable[[], Collection[str]],
    rng: np.random.Generator,
    style: Style,
    pushed: float = 0.0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All parts one after the other, then stay; it never ends.

    Args:
        limits: (ARM, 2) of what the arm can be told, rad.
        period: of the actions, s.
        done: names of the parts that are done; asked after each.

    Yields:
        (9,) wanted and (9,) executed: smooth noise is added for the arm, under which the wanted one stays the
        label (Laskey et al., DART, arXiv 1703.09327).
    """

    def aim(position: np.ndarray, near: float) -> np.ndarray:
        return position + rng.uniform(-1.0, 1.0, 3) * style.scatter * near

    hand = Hand(Reach(model, limits), data, period, style.pace, aim)

    def push() -> tuple[np.ndarray, int]:
        return rng.normal(0.0, _PUSH, ARM), int(rng.integers(*_PUSH_STEPS))

    disturbance, pushes = np.zeros(ARM), Pushes(pushed, push, np.zeros(ARM), rng)
    for wanted in _parts(hand, done, rng, style):
        disturbance = _MEMORY * disturbance + np.sqrt(1 - _MEMORY**2) * rng.normal(0.0, style.shake, ARM)
        yield wanted, np.clip(wanted + np.r_[disturbance + pushes(), 0.0, 0.0], -1.0, 1.0)


def _parts(
    hand: Hand, done: Callable[[], Collection[str]], rng: np.random.Generator, style: Style
) -> Iterator[np.ndarray]:
    for part in style.order:
        for _ in range(2):  # once more where it failed
            yield from hand.hold(int(rng.integers(style.pauses + 1)))
            yield from SKILLS[part](hand)
            if len(done()) == len(style.order):
                break
            hand.fingers = OPEN
            yield from hand.home(style.home)
            if part in done():
                break
    while True:
        yield hand.action()
