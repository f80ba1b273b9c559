"""In which phase of pick and release an inference is made, from what only the simulator knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PHASES = ("approach", "grasp", "carry", "release")
NEAR = 0.08  # TCP to centre of the bag, m: the fingers are beside it or just above


@dataclass(frozen=True)
class Situation:
    """What the phase depends on.

    Attributes:
        lifted: the bag was lifted at some time before.
        held: a finger touches it.
        in_zone: it is over the zone, or stands in it.
        distance: from the TCP to the centre of the bag, m.
    """

    lifted: bool
    held: bool
    in_zone: bool
    distance: float


def phase(now: Situation) -> str:
    """One of ``PHASES``.

    A bag that was lifted and is over the zone is being released, until the end; one in the hand elsewhere is
    carried. Everything else happens before the lift (or after a loss): a grasp when the hand is near, else
    an approach.
    """
    if now.lifted and now.in_zone:
        return "release"
    if now.lifted and now.held:
        return "carry"
    return "grasp" if now.distance < NEAR else "approach"


def situation(robot: Any) -> Situation:
    """Of a SimulatedRobot whose task is pick_release or one like it, now."""
    status = robot.status()
    state = dict(zip(robot.task.privileged_columns, robot.privileged, strict=True))
    distance = np.linalg.norm([state[f"bag_from_tcp_{axis}"] for axis in "xyz"])
    return Situation(status.lifted, bool(state["held"]), status.in_zone, float(distance))


def runs(names: Sequence[str], times: Sequence[float], end: float) -> list[tuple[str, float, float]]:
    """Join equal neighbours: (phase, begin, end) in s, without gaps until ``end``."""
    found: list[tuple[str, float, float]] = []
    for index, (name, begin) in enumerate(zip(names, times, strict=True)):
        until = times[index + 1] if index + 1 < len(times) else max(end, begin)
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], until)
        else:
            found.append((name, begin, until))
    return found
