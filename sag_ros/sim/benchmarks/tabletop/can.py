"""Can: carry the can from its bin into its compartment of the other one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sag_ros.sim.benchmarks.tabletop.hand import CLOSED, OPEN, Hand, Moves, above, facing_down
from sag_ros.sim.benchmarks.tabletop.world import TabletopTask

BESIDE_WALL = 0.075  # m from the wall at which no finger fits between it and the can
FREE = 0.08


def expert(hands: Sequence[Hand]) -> Moves:
    """Grasp from above, fingers along the nearest wall; let go over the compartment and leave: it counts only
    once the hand is away."""
    hand = hands[0]
    environment, style = hand.environment, hand.style
    can, _ = hand.body("Can_main")
    goal = np.array(environment.target_bin_placements[environment.object_to_id["can"]])
    bin_at, half = np.array(environment.bin1_pos), np.array(environment.bin_size) / 2
    room = half[:2] - np.abs(can[:2] - bin_at[:2])
    along = 0.0 if room[1] < room[0] and room[1] < BESIDE_WALL else np.pi / 2
    if style.flip and room.min() > FREE:
        along = np.pi / 2 - along
    grasp, top = facing_down(along, hand.straight), bin_at[2] + 0.22
    carry = top + 0.06 * style.hover
    yield from hand.go([can[0], can[1], top], grasp)
    can, _ = hand.body("Can_main")
    yield from hand.go(above(can, 0.015 + style.offset), grasp, speed=0.7, tolerance=0.005)
    yield from hand.grip(CLOSED)
    yield from hand.go([can[0], can[1], carry], grasp)
    yield from hand.go([goal[0], goal[1], carry], hand.straight, tolerance=0.015)
    yield from hand.go([goal[0], goal[1], goal[2] + 0.07], hand.straight, speed=0.8, tolerance=0.015)
    yield from hand.grip(OPEN, 6)
    yield from hand.go([goal[0], goal[1], top], hand.straight)


BENCHMARK = TabletopTask(
    "can", "PickPlaceCan", observed=14, expert=expert, said="the can is not in its compartment"
)
