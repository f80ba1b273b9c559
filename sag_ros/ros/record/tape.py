"""One episode while it is recorded. No ROS."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sag_ros.data.demonstrations import Episode

_LEAST = 3  # frames of an episode


class Tape:
    """Frames of one episode, a control period apart.

    The action of a frame is what was commanded, or where the arm was, one period later; so the last frame has
    none and is left out.
    """

    def __init__(self) -> None:
        self._images: list[Mapping[str, NDArray[np.uint8]]] = []
        self._states: list[NDArray[np.float64]] = []
        self._wanted: list[NDArray[np.float64]] = []

    def __len__(self) -> int:
        """How many frames it has."""
        return len(self._states)

    def add(
        self,
        images: Mapping[str, NDArray[np.uint8]],
        state: NDArray[np.float64],
        wanted: NDArray[np.float64],
    ) -> None:
        """One more frame.

        Args:
            images: camera -> (H, W, 3) uint8, RGB.
            state: (J + 1,) joint positions (rad) and gripper width (m), measured.
            wanted: the same as it was to be at this moment.
        """
        self._images.append(images)
        self._states.append(state)
        self._wanted.append(wanted)

    def episode(self) -> Episode:
        """What was recorded. Raises ValueError where that is nearly nothing."""
        if len(self) < _LEAST:
            raise ValueError(f"{len(self)} frames are no episode; at least {_LEAST} are")
        cameras = list(self._images[0])
        count = len(self) - 1
        return Episode(
            {name: np.stack([images[name] for images in self._images[:-1]]) for name in cameras},
            np.stack(self._states[:-1]).astype(np.float32),
            np.stack(self._wanted[1:]).astype(np.float32),
            np.zeros((count, 0), np.float32),
        )
