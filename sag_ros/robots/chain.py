"""Where the joints of an arm are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sag_ros.values import Float, frozen


@dataclass(frozen=True)
class Chain:
    """The frames of J joints, each relative to the one before; every joint turns about its own z axis.

    Attributes:
        offsets: (J, 3) origin of each, in the frame before, m.
        rolls: (J,) its rotation about the x axis of the frame before, rad.
        tips: (P, 3) points of what the last joint carries, in its frame, m, whose speed is bounded.
        tool: (3, 4) rotation and position, m, of the tool centre point in that frame: what policies mean that
            observe or command poses.
    """

    offsets: Float
    rolls: Float
    tips: Float
    tool: Float = field(default_factory=lambda: frozen(np.eye(3, 4)))

    def __post_init__(self) -> None:
        joints = len(self.rolls)
        shapes = self.offsets.shape, self.rolls.shape, self.tips.shape[1:]
        if np.shape(self.tool) != (3, 4) or not np.allclose(self.tool[:, :3] @ self.tool[:, :3].T, np.eye(3)):
            raise ValueError(f"the tool of a chain is a rotation and a position, (3, 4); got {self.tool}")
        if shapes != ((joints, 3), (joints,), (3,)) or not len(self.tips):
            raise ValueError(
                f"a chain of {joints} joints has offsets ({joints}, 3), rolls ({joints},) and tips (P, 3), "
                f"P > 0; got {self.offsets.shape}, {self.rolls.shape} and {self.tips.shape}"
            )

    @cached_property
    def frames(self) -> Float:
        """(J, 4) offsets and rolls in one table."""
        return np.ascontiguousarray(np.column_stack((self.offsets, self.rolls)))
