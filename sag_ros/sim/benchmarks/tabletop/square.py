"""Square: put the square nut over its peg."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.tabletop.hand import (
    CLOSED,
    OPEN,
    Hand,
    Moves,
    Pose,
    above,
    facing_down,
    yaw,
)
from sag_ros.sim.benchmarks.tabletop.world import TabletopTask

ATTEMPTS = 4  # to take it, where it was pushed away or slipped
FAR = 0.24  # m in x beyond which the stretched arm holds a tilted nut


def expert(hands: Sequence[Hand]) -> Moves:
    """Take the handle, once more where that failed, turn the nut to the nearest of four ways over the peg,
    lower it, let go, leave."""
    hand = hands[0]
    environment, style = hand.environment, hand.style
    peg = np.array(environment.sim.data.body_xpos[environment.peg1_body_id])
    table = float(environment.table_offset[2])

    def handle() -> np.ndarray:
        # Outwards on it, or a finger lands on the ring.
        at, turned = hand.site("SquareNut_handle_site")
        return at + turned.apply([0.010 + 0.5 * style.offset, 0.0, 0.0])

    def nut() -> Pose:
        return hand.body("SquareNut_main")

    def over(height: float) -> Callable[[], np.ndarray]:
        """What has to be commanded for the nut, as it is held now, to be over the peg."""

        def command() -> np.ndarray:
            goal = peg + hand.pose()[0] - nut()[0]
            return np.array([goal[0], goal[1], height])

        return command

    up = table + 0.20
    taken = environment.nuts[environment.nut_id]
    for _ in range(ATTEMPTS):
        grasp, at = facing_down(yaw(nut()[1]) + np.pi / 2, hand.straight), handle()
        hand.gripper = OPEN
        yield from hand.go(above(at, 0.08 * style.hover), grasp)
        at = handle()
        yield from hand.go(above(at, -0.004), grasp, speed=0.6, tolerance=0.004)
        yield from hand.grip(CLOSED)
        if hand.holds(taken):
            yield from hand.go([at[0], at[1], up], grasp, tolerance=0.015)
        if hand.holds(taken):
            break
    turned = _turn(hand, nut(), peg)
    yield from hand.go(over(up), turned, speed=0.8, tolerance=0.004, patience=30)
    yield from hand.go(over(table + 0.125), turned, speed=0.5, tolerance=0.004, patience=20)
    yield from hand.go(
        over(table + 0.06), turned, speed=0.4, tolerance=0.01, patience=6,
        stop=lambda: nut()[0][2] < table + 0.045,
    )  # fmt: skip
    yield from hand.grip(OPEN, 6)
    yield from hand.go(above(hand.position, 0.12), turned)


def _turn(hand: Hand, nut: Pose, peg: np.ndarray) -> Rotation:
    """The hand's rotation with the nut square to the peg: of the four, the one nearest to straight whose grip
    is within reach."""
    at, rotation = hand.pose()
    held = rotation.inv() * nut[1]
    offset = held.inv().apply(rotation.inv().apply(at - nut[0]))

    def cost(turn: Rotation) -> float:
        reach = peg + turn.apply(offset)
        goal = turn * held.inv()
        return float((goal * hand.straight.inv()).magnitude() + 40.0 * max(0.0, reach[0] - FAR))

    quarters = [Rotation.from_rotvec([0.0, 0.0, n * np.pi / 2]) for n in range(4)]
    return min(quarters, key=cost) * held.inv()


BENCHMARK = TabletopTask(
    "square", "NutAssemblySquare", observed=14, expert=expert, said="the nut is not on its peg"
)
