"""Faults of what comes in."""

from __future__ import annotations

import numpy as np

from sag_ros.bench.faults.outcome import Expected
from sag_ros.ros.faults.relay import Spoiler
from sag_ros.ros.faults.row import ALWAYS, ARM, FRONT, HAND, ITSELF, RESUME, WRIST, Row
from sag_ros.ros.faults.spoilers import (
    every,
    late,
    pixels,
    position,
    set_fields,
    silent,
    stamped,
    stuck,
    swapped,
    unstamped,
    without,
)
from sag_ros.ros.faults.stage import Stage


def spoiling(
    name: str, what: str, expected: Expected, spoilers: dict[str, Spoiler], lasts: float = 2.0
) -> Row:
    """A row that spoils messages."""

    def begin(stage: Stage) -> None:
        for topic, spoiler in spoilers.items():
            stage.relay.spoil(topic, spoiler)

    return Row(name, what, expected, begin, lasts=lasts)


def leaving(topic: str, name: str, says: str) -> Row:
    """A row in which the publisher of a topic ends."""
    return Row(
        name, f"the publisher of {topic} ends", Expected(ITSELF, says), lambda stage: stage.relay.leave(topic)
    )


def messages() -> list[Row]:
    """Faults of what comes in."""
    now_and_then = "not used"
    return [
        leaving(FRONT, "camera-dead", "nobody publishes /front/image_raw"),
        leaving(ARM, "joints-dead", "nobody publishes /franka/joint_states"),
        leaving(HAND, "fingers-dead", "nobody publishes /franka_gripper/joint_states"),
        spoiling(
            "camera-silent",
            "the wrist camera sends nothing",
            Expected(ITSELF, "camera wrist"),
            {WRIST: silent},
        ),
        spoiling("joints-silent", "no joint states", Expected(ITSELF, "joint_state"), {ARM: silent}),
        spoiling("fingers-silent", "no finger states", Expected(ITSELF, "gripper_states"), {HAND: silent}),
        spoiling(
            "camera-slow", "one frame of 4: 15 a second", Expected(ALWAYS), {FRONT: every(4), WRIST: every(4)}
        ),
        spoiling(
            "camera-late",
            "frames come 0.4 s late",
            Expected(ITSELF, "camera|observation"),
            {FRONT: late(0.4), WRIST: late(0.4)},
        ),
        spoiling(
            "joints-late", "joint states come 0.3 s late", Expected(ITSELF, "joint_state"), {ARM: late(0.3)}
        ),
        spoiling(
            "camera-apart",
            "one camera is 0.15 s behind the other",
            Expected(ITSELF, "apart"),
            {WRIST: late(0.15)},
        ),
        spoiling("camera-swapped", "frames come in reversed pairs", Expected(ALWAYS), {FRONT: swapped()}),
        spoiling(
            "camera-stuck",
            "the front camera repeats a frame with new stamps",
            Expected(ITSELF, "same picture", 2.0),
            {FRONT: stuck()},
            lasts=3.0,
        ),
        spoiling(
            "cameras-stuck",
            "both do",
            Expected(ITSELF, "same picture", 2.0),
            {FRONT: stuck(), WRIST: stuck()},
            lasts=3.0,
        ),
        spoiling(
            "joints-stuck",
            "joint states repeat with new stamps",
            Expected(RESUME, "from its command", 2.0),
            {ARM: stuck()},
            lasts=3.0,
        ),
        spoiling(
            "camera-future-single",
            "single frames, one in ten, are stamped an hour ahead",
            Expected(ALWAYS, now_and_then),
            {FRONT: stamped(3600.0, every=10)},
        ),
        spoiling("camera-future", "all are", Expected(ITSELF, "in the future"), {FRONT: stamped(3600.0)}),
        spoiling(
            "camera-past",
            "all are stamped an hour back",
            Expected(ITSELF, "in the past"),
            {FRONT: stamped(-3600.0)},
        ),
        spoiling(
            "camera-back", "stamps jump back by 1 s", Expected(ITSELF, "camera front"), {FRONT: stamped(-1.0)}
        ),
        spoiling(
            "joints-future-single",
            "single joint states, one in ten, are stamped an hour ahead",
            Expected(ALWAYS, now_and_then),
            {ARM: stamped(3600.0, every=10)},
        ),
        spoiling(
            "joints-future",
            "all are stamped 0.2 s ahead",
            Expected(ITSELF, "in the future"),
            {ARM: stamped(0.2)},
        ),
        spoiling("camera-unstamped", "stamps are zero", Expected(ITSELF, "no stamp"), {FRONT: unstamped}),
        spoiling(
            "camera-encoding",
            "depth instead of colours",
            Expected(ITSELF, "32FC1"),
            {FRONT: set_fields(encoding="32FC1")},
        ),
        spoiling(
            "camera-short",
            "frames lack half of their bytes",
            Expected(ITSELF, "bytes"),
            {FRONT: lambda m: set_fields(data=m.data[: len(m.data) // 2])(m)},
        ),
        spoiling(
            "camera-huge",
            "frames claim to be 100000 px wide",
            Expected(ITSELF, "larger than"),
            {FRONT: set_fields(height=100_000, width=100_000)},
        ),
        spoiling(
            "camera-black",
            "frames are black",
            Expected(ITSELF, "shows nothing"),
            {FRONT: pixels(lambda image: 0 * image)},
        ),
        spoiling(
            "camera-view",
            "frames are upside down",
            Expected(ITSELF, "upside down|unlike"),
            {FRONT: pixels(lambda image: image[::-1, ::-1])},
        ),
        spoiling(
            "camera-colours",
            "red and blue are swapped",
            Expected(ITSELF, "swapped|unlike"),
            {FRONT: pixels(lambda image: image[..., ::-1])},
        ),
        spoiling("joints-nan", "joint 3 is NaN", Expected(ITSELF, "not finite"), {ARM: position(2, np.nan)}),
        spoiling(
            "joints-absurd", "joint 3 is at 1e30 rad", Expected(RESUME, "joint 3"), {ARM: position(2, 1e30)}
        ),
        spoiling(
            "joints-off",
            "joint 1 is reported 0.4 rad off",
            Expected(RESUME, "joint 1"),
            {ARM: position(0, 0.4, add=True)},
        ),
        spoiling(
            "joints-unnamed",
            "a joint has another name",
            Expected(ITSELF, "lacks fr3_joint3"),
            {ARM: without("fr3_joint3")},
        ),
    ]
