"""In which phase of pick and release an inference is made, from what only the simulator knows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

PHASES = ("approach", "grasp", "carry", "release")
NEAR = 0.08  # TCP to centre of the bag, m: the fingers are beside it or just above


def phase(robot: Any) -> str:
    """The one of ``PHASES`` that a SimulatedRobot is in; its task is pick_release or one like it.

    A bag that was lifted and is over the zone is being released, until the end; one in the hand elsewhere is
    carried. Everything else happens before the lift (or after a loss): a grasp when the hand is near, else
    an approach.
    """
    status = robot.status()
    state = dict(zip(robot.task.privileged_columns, robot.privileged, strict=True))
    if status.lifted and status.in_zone:
        return "release"
    if status.lifted and state["held"]:
        return "carry"
    distance = np.linalg.norm([state[f"bag_from_tcp_{axis}"] for axis in "xyz"])
    return "grasp" if distance < NEAR else "approach"


def runs(names: Sequence[str], times: Sequence[float], end: float) -> list[tuple[str, float, float]]:
    """Join equal neighbours: (phase, begin, end) in s, without gaps until ``end``."""
    moments = groupby(zip(names, times, strict=True), key=lambda moment: moment[0])
    joined = [(name, next(group)[1]) for name, group in moments]
    ends = [*(begin for _, begin in joined[1:]), *[max(end, times[-1]) for _ in joined[:1]]]
    return [(name, begin, until) for (name, begin), until in zip(joined, ends, strict=True)]
