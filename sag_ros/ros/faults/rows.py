"""The faults, and what has to happen after each: written down before it is tried."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sag_ros.bench.faults.outcome import Expected, GoesOn
from sag_ros.ros.faults.relay import Spoiler
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

if TYPE_CHECKING:
    from sag_ros.ros.faults.stage import Stage

ALWAYS, ITSELF, RESUME = GoesOn.ALWAYS, GoesOn.ITSELF, GoesOn.RESUME


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        name, what: for the table.
        expected: what has to happen.
        begin: brings it about; end: undoes it.
        lasts: s.
    """

    name: str
    what: str
    expected: Expected
    begin: Callable[[Stage], None]
    end: Callable[[Stage], None] = lambda stage: stage.relay.mend()
    lasts: float = 2.0


FRONT, WRIST, ARM, HAND = (
    "front/image_raw",
    "wrist/image_raw",
    "franka/joint_states",
    "franka_gripper/joint_states",
)
COMMAND = "fr3_arm_controller/joint_trajectory"


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
            "camera-future-once",
            "one frame is stamped an hour ahead",
            Expected(ALWAYS, now_and_then),
            {FRONT: stamped(3600.0, once=True)},
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
            "joints-future-once",
            "one joint state is stamped an hour ahead",
            Expected(ALWAYS, now_and_then),
            {ARM: stamped(3600.0, once=True)},
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


def _twice(shift: float) -> Callable[[Stage], None]:
    def begin(stage: Stage) -> None:
        stage.twin(ARM, lambda m: position(0, shift, add=True)(copy.deepcopy(m)))

    return begin


def graph() -> list[Row]:
    """Faults of nodes, of the engine, of the clock, and of who else is there."""
    untwin: Callable[[Stage], None] = lambda stage: stage.untwin()  # noqa: E731
    heal: Callable[[Stage], None] = lambda stage: stage.control.set()  # noqa: E731

    def engine(ails: str) -> Callable[[Stage], None]:
        return lambda stage: stage.control.set(engine=ails)

    def clock(seconds: float) -> Callable[[Stage], None]:
        return lambda stage: stage.control.set(clock=seconds)

    def stopped(name: str) -> tuple[Callable[[Stage], None], Callable[[Stage], None]]:
        return (lambda stage: stage.freeze(name)), (lambda stage: stage.thaw(name))

    return [
        Row(
            "joints-twice",
            "a second node reports the arm 0.2 rad off",
            Expected(RESUME, "two sources|2 nodes"),
            _twice(0.2),
            untwin,
        ),
        Row(
            "camera-twice",
            "a second node publishes the front camera",
            Expected(ITSELF, "2 nodes publish"),
            lambda stage: stage.twin(FRONT, copy.deepcopy),
            untwin,
        ),
        Row(
            "second-commander",
            "a second node commands the arm",
            Expected(RESUME, "not ours"),
            lambda stage: stage.rival(),
            untwin,
        ),
        Row(
            "controller-gone",
            "commands do not arrive",
            Expected(RESUME, "from its command", 2.0),
            lambda stage: stage.relay.spoil(COMMAND, silent),
        ),
        Row(
            "command-late",
            "commands arrive 30 ms late",
            Expected(ALWAYS),
            lambda stage: stage.relay.spoil(COMMAND, late(0.03)),
        ),
        Row(
            "engine-raises", "every inference fails", Expected(ITSELF, "told to fail"), engine("raises"), heal
        ),
        Row("engine-nan", "actions are NaN", Expected(ITSELF, "not finite|NaN|nan"), engine("nan"), heal),
        Row(
            "engine-absurd",
            "actions are 1e30",
            Expected(ITSELF, "1e\\+30|outside|refused"),
            engine("absurd"),
            heal,
        ),
        Row(
            "engine-hangs",
            "an inference does not end",
            Expected(ITSELF, "observation"),
            engine("hangs"),
            heal,
        ),
        Row(
            "engine-slow",
            "inference takes 10 times as long",
            Expected(ALWAYS, "later than"),
            engine("slow"),
            heal,
        ),
        Row(
            "policy-stopped",
            "policy_node is stopped for 1.5 s (SIGSTOP)",
            Expected(ITSELF),
            *stopped("policy_node"),
            lasts=1.5,
        ),
        Row(
            "starved",
            "4 busy processes on the policy's core",
            Expected(ALWAYS, may_stop=True),
            lambda stage: stage.starve(4),
            lambda stage: stage.feed(),
        ),
        Row(
            "clock-forward",
            "the system's clock is set 1 h ahead",
            Expected(ALWAYS, "clock was set"),
            clock(3600.0),
            heal,
        ),
        Row(
            "clock-back",
            "the system's clock is set 1 h back",
            Expected(ALWAYS, "clock was set"),
            clock(-3600.0),
            heal,
        ),
        Row(
            "bundle-gone",
            "the bundle's folder is removed while it runs",
            Expected(ALWAYS),
            lambda stage: stage.hide_bundle(),
            lambda stage: stage.show_bundle(),
        ),
        Row(
            "activated-twice",
            "activate is asked of an active node",
            Expected(ALWAYS),
            lambda stage: stage.transition("activate"),
            lasts=1.0,
        ),
        Row(
            "deactivated",
            "deactivated and activated again while it moves",
            Expected(GoesOn.ACTIVATE),
            lambda stage: stage.transition("deactivate"),
            lambda stage: None,
            lasts=1.5,
        ),
        Row(
            "policy-killed",
            "policy_node is killed (SIGKILL) and started again",
            Expected(GoesOn.RESTART),
            lambda stage: stage.kill("policy_node"),
            lambda stage: stage.start("policy_node"),
        ),
    ]


def rows() -> list[Row]:
    """All of them."""
    return [*messages(), *graph()]
