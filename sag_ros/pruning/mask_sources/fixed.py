"""The same mask for every observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.plan import Reuse
from sag_ros.values import Mask, frozen


class FixedMask:
    """The same mask for every observation: the base of all static schedules."""

    def __init__(self, mask: Mask, reuse: Reuse = "type", name: str = "fixed") -> None:
        self.name, self.reuse = name, reuse
        self.masks = (Mask(frozen(mask.pruned.copy())),)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """The fixed mask; ``obs_features`` are not looked at."""
        return self.masks[0]
