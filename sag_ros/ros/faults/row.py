"""One fault, and what has to happen after it: written down before it is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sag_ros.bench.faults.outcome import Expected, GoesOn

if TYPE_CHECKING:
    from sag_ros.ros.faults.stage import Stage

ALWAYS, ITSELF, RESUME = GoesOn.ALWAYS, GoesOn.ITSELF, GoesOn.RESUME
FRONT, WRIST, ARM, HAND = (
    "front/image_raw",
    "wrist/image_raw",
    "franka/joint_states",
    "franka_gripper/joint_states",
)
COMMAND, GRIPPER = "fr3_arm_controller/joint_trajectory", "franka_gripper/command"


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        name, what: for the table.
        expected: what has to happen.
        begin: brings it about; end: undoes it.
        lasts: s.
        reaches: whether commands reach the arm meanwhile.
    """

    name: str
    what: str
    expected: Expected
    begin: Callable[[Stage], None]
    end: Callable[[Stage], None] = lambda stage: stage.relay.mend()
    lasts: float = 2.0
    reaches: bool = True
