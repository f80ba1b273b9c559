"""Tool Hang: put the frame into its stand, and hang the tool on the frame's hook."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from sag_ros.sim.benchmarks.tabletop.hand import CLOSED, OPEN, Hand, Moves, Pose, facing_down, yaw
from sag_ros.sim.benchmarks.tabletop.world import TabletopTask

UP = np.array([0.0, 0.0, 1.0])
TRIES = 4  # of what is a matter of a few mm
# The frame is a rod with a bar across its upper end; at the end of the bar, the hook rises.
TIP = np.array([0.04375, 0.0, -0.1345])  # m in the frame: of the rod
GRIP = np.array([0.04375, 0.0, 0.0525])  # m in the frame: the thick part of the rod
UPRIGHT = Rotation.identity()  # of the frame in its stand: hook towards the robot
MOUTH = np.array([0.0, 0.045, 0.08])  # m in the stand: of the hole
BOTTOM = -0.066  # m above the stand's origin: of the hole
BEFORE = np.array([0.0, -0.02, 0.13])  # m from the mouth: where the rod comes from
STEADY, AIMED = 20, 0.0015  # steps to wait for the tip to be no further from the axis of the hole, m
MISSED = 0.008  # m from that axis where the tip is beside the hole
DEEP = 0.05  # m above the bottom, where the rod is in for good
BLOCKED = 0.03  # m that the hand stays behind what is commanded; 0.01 where nothing is in its way
FOOT = 0.00375  # m from the end of the bar, back along it and up: the middle of the hook's foot
HOOK = 0.012  # m from its foot to its upper end
# The ring is let go tilted outwards, or it jams on the hook more often when the handle falls. Much further,
# around the corner onto the bar, the arm does not get: its wrist is at its end.
TILT = 0.3
FALLEN = -0.7  # slope of a handle that hangs


def expert(hands: Sequence[Hand]) -> Moves:
    """The frame first, then the tool."""
    hand = hands[0]
    yield from hand.wait(8)  # things fall a little at the start
    yield from _take_frame(hand)
    yield from _insert(hand)
    yield from _leave(hand, 0.12)
    yield from hand.go([-0.12, -0.20, 1.10], hand.straight, speed=0.8, tolerance=0.03)
    yield from _take_tool(hand)
    yield from _hang(hand)
    yield from _leave(hand, 0.10)
    for _ in range(2):
        if not _hangs(hand):
            yield from _push(hand)


def _take_frame(hand: Hand) -> Moves:
    """By its grip, fingers across the rod."""
    frame, turned = hand.body("frame_root")
    at, grasp = frame + turned.apply(GRIP), facing_down(yaw(turned), hand.straight)
    yield from hand.go(at + 0.10 * UP, grasp)
    yield from hand.go(at - 0.002 * UP, grasp, speed=0.6, tolerance=0.004)
    yield from hand.grip(CLOSED, 10)
    yield from hand.go(at + 0.2 * UP, grasp, speed=0.6, tolerance=0.02)


def _insert(hand: Hand) -> Moves:
    """Rod over the hole of the stand, centred, down, let go; again where it did not meet the hole."""
    stand, _ = hand.body("stand_root")
    mouth, bottom = stand + MOUTH, float(stand[2]) + BOTTOM
    before = _bring(hand, _tip(hand), (mouth + BEFORE, UPRIGHT))
    yield from hand.go(*before, speed=0.6, tolerance=0.01, angle=0.03, patience=25)
    for _ in range(TRIES):
        yield from _aim(hand, mouth)
        yield from _lower(hand, mouth, bottom)
        if _tip(hand)[0][2] < bottom + DEEP and _beside(hand, mouth) < MISSED:
            break
    yield from hand.grip(OPEN, 6)


def _aim(hand: Hand, mouth: np.ndarray) -> Moves:
    """The rod's tip right above the hole, and wait for a moment at which the hand does not waver."""
    for height, speed in ((0.06, 0.6), (0.012, 0.4)):
        over = _bring(hand, _tip(hand), (mouth + height * UP, UPRIGHT))
        yield from hand.go(*over, speed=speed, tolerance=0.002, angle=0.02, patience=25)
    for _ in range(3):
        yield from _centre(hand, mouth + 0.004 * UP)
    for _ in range(STEADY):
        if _beside(hand, mouth) < AIMED:
            return
        yield from hand.wait(1)


def _centre(hand: Hand, goal: np.ndarray) -> Moves:
    """Correct the command by what the rod's tip, as held now, is off: the controller leaves an error."""
    at, turned = hand.pose()
    position, rotation = _bring(hand, _tip(hand), (goal, UPRIGHT))
    position, rotation = hand.position + 0.7 * (position - at), rotation * turned.inv() * hand.rotation
    yield from hand.go(position, rotation, speed=0.3, tolerance=1.0, angle=9.0, patience=4)


def _lower(hand: Hand, mouth: np.ndarray, bottom: float) -> Moves:
    """Straight down until the rod's tip is there, or it is beside the hole or on the rim of it."""
    way = bottom - _tip(hand)[0][2] - 0.01

    def ends() -> bool:
        blocked = hand.pose()[0][2] - hand.position[2] > BLOCKED
        return bool(blocked or _beside(hand, mouth) > MISSED or _tip(hand)[0][2] < bottom + 0.004)

    yield from hand.go(hand.position + way * UP, speed=0.35, tolerance=0.004, patience=20, stop=ends)


def _take_tool(hand: Hand) -> Moves:
    """By the middle of its handle, fingers across it."""
    tool, turned = hand.body("tool_root")
    grasp = facing_down(yaw(turned) + np.pi / 2, hand.straight)
    yield from hand.go(tool + 0.10 * UP, grasp)
    yield from hand.go(tool + 0.003 * UP, grasp, speed=0.6, tolerance=0.004)
    yield from hand.grip(CLOSED, 10)
    yield from hand.go(tool + 0.25 * UP, grasp, speed=0.6, tolerance=0.02)


def _hang(hand: Hand) -> Moves:
    """The ring over the hook, down, let go; again where it did not meet the hook."""
    foot, ring = _hook(hand)
    yield from hand.go(*ring(0.10, 0.0), speed=0.8, tolerance=0.01, patience=20)
    for _ in range(TRIES):
        yield from hand.go(*ring(0.035, 0.0), speed=0.5, tolerance=0.004, patience=20)
        for patience in (20, 10):
            over = ring(0.022, 0.0)
            yield from hand.go(*over, speed=0.4, tolerance=0.0015, angle=0.03, patience=patience)
        yield from hand.go(*ring(0.006, 0.0), speed=0.3, tolerance=0.002, patience=10)
        if hand.body("tool_hole1_root")[0][2] < foot[2] + HOOK:
            break
    yield from hand.go(*ring(0.003, TILT), speed=0.3, tolerance=0.002, patience=10)
    yield from hand.grip(OPEN, 10)


def _hook(hand: Hand) -> tuple[np.ndarray, Callable[[float, float], Pose]]:
    """Its foot, and what has to be commanded for the ring, as it is held then, to be so many m above the
    foot, tilted outwards by so many rad."""
    end, _ = hand.site("frame_hang_site")
    corner, _ = hand.site("frame_intersection_site")
    bar = (end - corner) / np.linalg.norm(end - corner)
    foot = end + FOOT * (UP - bar)
    x = np.cross(bar, UP)
    x = x if x[1] < 0.0 else -x  # from the hole to the handle: sideways

    def ring(height: float, tilt: float) -> Pose:
        axis = np.cos(tilt) * UP + np.sin(tilt) * bar
        rotation = Rotation.from_matrix(np.stack([x, np.cross(axis, x), axis], axis=1))
        return _bring(hand, hand.body("tool_hole1_root"), (foot + height * UP, rotation))

    return foot, ring


def _hangs(hand: Hand) -> bool:
    """Whether the tool's handle has fallen; or else the ring is jammed on the hook."""
    _, turned = hand.body("tool_root")
    return bool(turned.apply([1.0, 0.0, 0.0])[2] < FALLEN)


def _push(hand: Hand) -> Moves:
    """The handle down from above, with closed fingers."""
    tool, _ = hand.body("tool_root")
    yield from hand.go(tool + 0.08 * UP, hand.straight, tolerance=0.02)
    yield from hand.grip(CLOSED, 4)
    yield from hand.go(tool - 0.05 * UP, speed=0.5, stop=lambda: _hangs(hand))
    yield from hand.go(tool + 0.08 * UP, tolerance=0.02)


def _leave(hand: Hand, distance: float) -> Moves:
    """Straight back out of what has been let go."""
    at, turned = hand.pose()
    yield from hand.go(at - turned.apply([0.0, 0.0, distance]), turned, speed=0.6, tolerance=0.02)


def _tip(hand: Hand) -> Pose:
    """Where the rod's tip is."""
    frame, turned = hand.body("frame_root")
    return frame + turned.apply(TIP), turned


def _beside(hand: Hand, mouth: np.ndarray) -> float:
    """How far the rod's tip is from the axis of the hole, m."""
    return float(np.linalg.norm((_tip(hand)[0] - mouth)[:2]))


def _bring(hand: Hand, part: Pose, goal: Pose) -> Pose:
    """Where the hand has to be for ``part``, as it is held now, to be at ``goal``."""
    at, turned = hand.pose()
    rotation = goal[1] * part[1].inv() * turned
    return goal[0] - rotation.apply(turned.inv().apply(part[0] - at)), rotation


BENCHMARK = TabletopTask(
    "tool_hang",
    "ToolHang",
    observed=44,
    expert=expert,
    said="the frame is not in its stand, or the tool not on its hook",
    steps=700,
    mixed_steps=0,
)
