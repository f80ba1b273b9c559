"""Lift: raise the cube from the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.tabletop.hand import CLOSED, Hand, Moves, above, facing_down, yaw
from sag_ros.sim.benchmarks.tabletop.world import TabletopTask


def expert(hands: Sequence[Hand]) -> Moves:
    """Over the cube, down, close, up."""
    hand = hands[0]
    cube, turned = hand.body("cube_main")
    grasp = facing_down(yaw(turned), hand.straight, np.pi / 2)
    if hand.style.flip:
        quarters = (grasp * Rotation.from_rotvec([0.0, 0.0, side * np.pi / 2]) for side in (1, -1))
        grasp = min(quarters, key=lambda turn: (turn * hand.straight.inv()).magnitude())
    yield from hand.go(above(cube, 0.08 * hand.style.hover), grasp)
    yield from hand.go(above(cube, -0.002), grasp, speed=0.6, tolerance=0.004)
    yield from hand.grip(CLOSED, 7)
    yield from hand.go(above(cube, 0.12), grasp)


BENCHMARK = TabletopTask("lift", "Lift", observed=10, expert=expert, said="the cube is not lifted")
