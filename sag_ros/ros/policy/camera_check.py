"""Whether the cameras show what the policy knows, before the arm moves and while it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.pictures import Likeness, PictureWatch


class CameraCheck:
    """A watch for each camera.

    Args:
        cameras: names.
        likeness: of those whose pictures in training are known.
    """

    def __init__(self, cameras: Iterable[str], likeness: Mapping[str, Likeness]) -> None:
        self.watches = {name: PictureWatch(likeness.get(name)) for name in cameras}

    def reset(self) -> None:
        """Forget what was seen."""
        for watch in self.watches.values():
            watch.reset()

    def judge(self, images: Mapping[str, NDArray[np.uint8]]) -> list[str]:
        """What is wrong with single pictures, (H, W, 3) uint8 RGB each."""
        found = []
        for name, image in images.items():
            problem = self.watches[name].judge(image)
            if problem:
                found.append(f"camera {name} shows {problem}; look at it, or set pictures to warn")
        return found
