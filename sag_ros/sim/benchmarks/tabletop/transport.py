"""Transport: two arms bring the hammer from its covered bin, past the cube that lies in the other one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.tabletop.hand import CLOSED, OPEN, Hand, Moves, facing_down, yaw
from sag_ros.sim.benchmarks.tabletop.world import TabletopTask

# Everything in m in the world: the table is at 0.8, arm 0 stands at -y, arm 1 at +y.
MEET = np.array([0.0, -0.06, 1.05])  # where the hammer is handed over
LID_X, LID_Z = -0.17, 0.86  # where the lid is put down, beside its bin
RAISED = 0.03  # what was taken comes along, if it is so much higher then
TRIES = 3
HIGH = 1.03  # clear of the walls of all bins
ASIDE = np.array([0.0, 0.3, 1.10])  # where arm 1 waits for the hammer
HOME = np.array([0.0, -0.35, 1.1])  # where arm 0 goes when it has handed it over
BACK = np.array([-0.05, 0.25, 1.15])  # on the way of arm 1 from there to the target bin
UP = np.array([0.0, 0.0, 1.0])
# At its bins, close to it, the wrist of arm 1 is singular where the hand points straight down, and the hand
# strays by cm: it leans. That of arm 0 strays too, but along the handles that it takes.
TO_BASE = Rotation.from_rotvec([0.3, 0.0, 0.0])
TO_MEET = Rotation.from_rotvec([-0.5, 0.0, 0.0])


def expert(hands: Sequence[Hand]) -> Moves:
    """Arm 0 takes off the lid and fetches the hammer while arm 1 clears the cube away; arm 1 takes the hammer
    out of its hand, and into the target bin."""
    fetcher, taker = hands
    yield from _together(hands, _fetch(fetcher), _clear(taker))
    yield from _together(hands, _take(taker))
    yield from _together(hands, _let_go(fetcher))
    yield from _together(hands, fetcher.go(HOME, fetcher.straight), _deliver(taker))


def _together(hands: Sequence[Hand], *moves: Moves) -> Moves:
    """(7 arms,) moves of several hands at once; a hand without any, or at their end, holds."""
    going = list(moves)
    while going := [one for one in going if next(one, None) is not None]:
        yield np.concatenate([hand.action() for hand in hands])


def _fetch(hand: Hand) -> Moves:
    """Lid off, hammer out, and to where it is handed over."""
    yield from _raise(hand, "transport_start_bin_lid_handle", _take_lid)
    yield from _put_lid_aside(hand)
    yield from _raise(hand, "payload_handle", _take_hammer)
    # Along y, its head towards arm 0: the handle's free end points at arm 1.
    along = _towards_head(hand)
    turn = (-np.pi / 2 - np.arctan2(along[1], along[0]) + np.pi) % (2 * np.pi) - np.pi
    meeting = Rotation.from_rotvec([0.0, 0.0, turn]) * hand.rotation
    yield from hand.go(MEET, meeting, speed=0.8, tolerance=0.012, patience=20)


def _raise(hand: Hand, geom: str, take: Callable[[Hand], Moves]) -> Moves:
    """Take something, and again where it does not come along."""
    for _ in range(TRIES):
        height = hand.geom(geom)[0][2]
        yield from take(hand)
        if hand.geom(geom)[0][2] > height + RAISED:
            return
        yield from hand.grip(OPEN, 4)


def _take_lid(hand: Hand) -> Moves:
    lid, turned = hand.geom("transport_start_bin_lid_handle")
    grasp = facing_down(yaw(turned), hand.straight)  # its handle is long in y, so the fingers close along x
    yield from hand.go(lid + 0.08 * hand.style.hover * UP, grasp)
    yield from hand.go(lid + 0.002 * UP, grasp, speed=0.6)
    yield from hand.grip(CLOSED)
    yield from hand.go(lid + 0.07 * UP, grasp, speed=0.6)


def _put_lid_aside(hand: Hand) -> Moves:
    """From over the bin to the table beside it."""
    x, y, z = LID_X, hand.position[1] + 0.02, hand.position[2]
    yield from hand.go([x, y, z], speed=0.8, tolerance=0.02)
    yield from hand.go([x, y, LID_Z], speed=0.6, tolerance=0.02)
    yield from hand.grip(OPEN, 6)
    yield from hand.go([x, y, 1.0], tolerance=0.02)


def _take_hammer(hand: Hand) -> Moves:
    """Near its head: the handle's other end stays free for arm 1."""
    (middle, _), along = hand.geom("payload_handle"), _towards_head(hand)
    at, grasp = middle + (0.03 + hand.style.offset) * along, _across(along, hand)
    yield from hand.go([at[0], at[1], HIGH], grasp)
    yield from hand.go([at[0], at[1], middle[2] + 0.002], grasp, speed=0.7)
    yield from hand.grip(CLOSED, 10)
    yield from hand.go([at[0], at[1], HIGH + 0.03], grasp, speed=0.7, tolerance=0.02)


def _clear(hand: Hand) -> Moves:
    """The cube from the target bin into the one for trash, and out of the way."""
    yield from _raise(hand, "trash_g0", _take_cube)
    (x, y, _), _ = hand.body("transport_trash_bin_root")
    yield from hand.go([x, y, HIGH], TO_BASE * hand.straight, tolerance=0.03)
    yield from hand.go([x, y, 0.90], tolerance=0.03)
    yield from hand.grip(OPEN, 5)
    yield from hand.go([x, y, 1.05], tolerance=0.03)
    yield from hand.go(ASIDE, hand.straight, tolerance=0.03)


def _take_cube(hand: Hand) -> Moves:
    cube, turned = hand.body("trash_main")
    grasp = TO_BASE * facing_down(yaw(turned), hand.straight, np.pi / 2)
    yield from hand.go([cube[0], cube[1], 0.98], grasp)
    yield from hand.go(cube, grasp, speed=0.6)
    yield from hand.grip(CLOSED)
    yield from hand.go([cube[0], cube[1], HIGH], grasp, speed=0.8, tolerance=0.02)


def _take(hand: Hand) -> Moves:
    """The free end of the handle, out of the other hand."""
    (middle, _), along = hand.geom("payload_handle"), _towards_head(hand)
    grasp = TO_MEET * _across(along, hand)  # leans back, or the arm would be stretched
    at, approach = middle - 0.07 * along, grasp.apply([0.0, 0.0, 1.0])
    yield from hand.go(at - 0.09 * approach, grasp, tolerance=0.01)
    yield from hand.go(at, grasp, speed=0.6, patience=20)
    yield from hand.grip(CLOSED, 10)


def _let_go(hand: Hand) -> Moves:
    yield from hand.grip(OPEN, 6)
    yield from hand.go(hand.position + 0.10 * UP, speed=0.7, tolerance=0.02)


def _deliver(hand: Hand) -> Moves:
    """The hammer, away from the other hand and into the target bin."""
    target, _ = hand.body("transport_target_bin_root")
    over = np.array([target[0], target[1] + 0.02, 1.10])
    yield from hand.go(BACK, speed=0.8, tolerance=0.03)
    yield from hand.go(over, hand.straight, speed=0.8, tolerance=0.02)
    yield from hand.go(over - 0.17 * UP, speed=0.7, tolerance=0.03)
    yield from hand.grip(OPEN, 6)
    yield from hand.go(over, tolerance=0.03)


def _towards_head(hand: Hand) -> np.ndarray:
    """(3,) along the hammer's handle, length 1."""
    way = np.asarray(hand.geom("payload_head")[0] - hand.geom("payload_handle")[0])
    return way / np.linalg.norm(way)


def _across(along: np.ndarray, hand: Hand) -> Rotation:
    """Pointing down with the fingers closing across ``along``."""
    return facing_down(float(np.arctan2(along[1], along[0])) + np.pi / 2, hand.straight)


BENCHMARK = TabletopTask(
    "transport",
    "TwoArmTransport",
    observed=41,
    expert=expert,
    said="the hammer is not in its bin, or the cube not in the other one",
    steps=700,
    mixed_steps=1100,
    arms=2,
)
