"""How each part of the kitchen's task is done: waypoints from home, and away from what was moved.

Headings and distances were searched in simulation: with them the arm stays clear of its limits, and a wrong
one costs twenty periods or the part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.kitchen.hand import OPEN, Hand

Skill = Callable[[Hand], Iterator[np.ndarray]]

_AHEAD = Rotation.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # to the wall, the fingers side by side


def _heading(left: float, down: float = 0.0, rolled: float = 0.0) -> Rotation:
    """Of the hand: to the wall, turned to the left, then down, then about its own axis, rad."""
    return Rotation.from_euler("ZX", [left, -down]) * _AHEAD * Rotation.from_euler("z", rolled)


def _off(point: np.ndarray, right: float, ahead: float, up: float) -> np.ndarray:
    """(3,) m, away from a point; who stands before the kitchen looks along y."""
    return point + np.array([right, ahead, up])


def microwave(hand: Hand) -> Iterator[np.ndarray]:
    """Take the handle and lead it around the hinge of the door."""
    handle, hinge = hand.site("microhandle_site"), hand.axis("microwave")
    heading = _heading(0.35, rolled=-0.15)  # without the roll the last joint ends at its limit
    yield from hand.go(_off(handle, 0.04, -0.14, 0.03), heading, speed=0.08, near=0.03, turned=0.4)
    yield from hand.go(_off(handle, 0.01, 0.005, 0.0), heading, speed=0.05, near=0.015, limit=25)
    yield from hand.grip(0.0, 5)
    for angle in np.linspace(0.1, 0.95, 14):
        if hand.joint("microwave") < -0.6:
            break
        around = hinge + Rotation.from_euler("z", -angle).apply(handle - hinge)
        # A little nearer to the robot than the handle is, so that the fingers pull.
        waypoint = _off(np.r_[around[:2], handle[2]], 0.0, -0.01, 0.0)
        yield from hand.go(waypoint, heading, speed=0.05, near=0.03, turned=np.inf, limit=4)
    yield from hand.grip(OPEN, 3)
    yield from hand.go(_off(hand.position, 0.06, -0.06, 0.05), None, speed=0.05, near=0.03, limit=8)


def kettle(hand: Hand) -> Iterator[np.ndarray]:
    """Push it to the burner behind, the hand below its handle.

    Straight on: to follow it when it moves aside turns it, and its goal has a rotation.
    """
    start, heading = hand.site("kettle_site"), _heading(-0.8, 0.4)
    low = np.r_[start[:2], 1.74]
    yield from hand.go(_off(low, 0.0, -0.20, 0.05), heading, speed=0.08, near=0.06, turned=0.5, limit=30)
    yield from hand.go(
        _off(low, 0.0, 0.30, 0.0),
        heading,
        speed=0.05,
        turned=np.inf,
        until=lambda: bool(hand.site("kettle_site")[1] > 0.68),
    )
    yield from hand.go(_off(hand.position, 0.0, -0.12, 0.11), heading, speed=0.08, near=0.06, limit=8)


def light_switch(hand: Hand) -> Iterator[np.ndarray]:
    """Push the lever to the left with closed fingers, one above the other."""
    lever, heading = hand.site("light_site"), _heading(-0.3, rolled=-np.pi / 2)
    hand.fingers = 0.0
    yield from hand.go(_off(lever, 0.08, -0.16, 0.02), heading, speed=0.08, near=0.06, turned=0.4, limit=30)
    yield from hand.go(_off(lever, 0.08, 0.0, 0.02), heading, speed=0.05, near=0.03, limit=20)
    yield from hand.go(
        _off(lever, -0.20, 0.03, 0.02),
        heading,
        speed=0.05,
        turned=np.inf,
        limit=25,
        settle=8,
        until=lambda: hand.joint("light_switch") < -0.62,
    )
    yield from hand.go(_off(hand.position, 0.02, -0.12, 0.03), heading, speed=0.08, near=0.06, limit=8)


def slide_cabinet(hand: Hand) -> Iterator[np.ndarray]:
    """Push its handle to the right with closed fingers."""
    handle, heading = hand.site("slide_site"), _heading(-0.5)
    hand.fingers = 0.0
    yield from hand.go(
        _off(handle, -0.10, -0.13, -0.08), heading, speed=0.08, near=0.06, turned=0.5, limit=30
    )
    yield from hand.go(_off(handle, -0.08, -0.005, -0.08), heading, speed=0.05, limit=20)
    yield from hand.go(
        _off(handle, 0.36, -0.005, -0.08),
        heading,
        speed=0.05,
        turned=np.inf,
        until=lambda: hand.joint("slide_cabinet") > 0.2,
    )
    yield from hand.go(_off(hand.position, -0.03, -0.12, 0.0), None, speed=0.08, near=0.06, limit=8)


SKILLS: dict[str, Skill] = {
    "microwave": microwave,
    "kettle": kettle,
    "light switch": light_switch,
    "slide cabinet": slide_cabinet,
}
