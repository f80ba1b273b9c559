"""Whether a camera still shows what it should: pictures that stand still, or that show something else."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sag_ros.values import Float

CELLS = 8  # a picture is judged by the colours of 8 x 8 places
FLAT = 3.0  # of 255: the spread of a picture that shows nothing
_NOISE = 6.0  # of 255, added to how much a place varies: exposure, dust
_ROOM = 1.3  # times as unlike as any picture of training is still believed
_PATIENCE = 8  # pictures in a row before anything is said
_STILL, _MOVED = 5, 0.03  # the same picture so often, while a joint moved so far, rad


def thumbnail(image: NDArray[np.uint8]) -> Float:
    """(H, W, 3) uint8 RGB -> (8, 8, 3) mean colours, 0 to 255."""
    return cv2.resize(image, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float64)


@dataclass(frozen=True)
class Likeness:
    """What the pictures of one camera looked like in training.

    Attributes:
        mean, spread: (8, 8, 3) of the thumbnails, 0 to 255.
        limit: how unlike a picture may be; above what any picture of training is.
    """

    mean: Float
    spread: Float
    limit: float

    @classmethod
    def of(cls, images: Iterable[NDArray[np.uint8]]) -> Likeness:
        """From (H, W, 3) uint8 RGB pictures of training. Raises ValueError for fewer than two."""
        small = np.stack([thumbnail(image) for image in images])
        if len(small) < 2:
            raise ValueError(f"{len(small)} pictures say nothing of what pictures look like")
        mean, spread = small.mean(axis=0), small.std(axis=0)
        likeness = cls(mean, spread, np.inf)
        most = max(likeness.unlike(one) for one in small)
        return cls(mean, spread, _ROOM * most)

    def unlike(self, small: Float) -> float:
        """How far a thumbnail is from those of training: root mean square of deviation by variation."""
        return float(np.sqrt((((small - self.mean) / (self.spread + _NOISE)) ** 2).mean()))

    def describe(self, small: Float) -> str:
        """What is wrong with a thumbnail, in words; empty if it is like those of training."""
        distance = self.unlike(small)
        if distance <= self.limit:
            return ""
        if self.unlike(small[..., ::-1]) <= self.limit:
            return "with red and blue swapped"
        ratio = float(small.mean() / max(self.mean.mean(), 1.0))
        scaled = np.clip(small / max(ratio, 1e-3), 0.0, 255.0)
        if not 0.75 <= ratio <= 1.33 and self.unlike(scaled) <= 1.5 * self.limit:
            return f"{'darker' if ratio < 1.0 else 'brighter'}: {ratio:.2f} times as bright"
        for turned, name in ((small[::-1, ::-1], "upside down"), (small[:, ::-1], "mirrored")):
            if self.unlike(turned) <= self.limit:
                return name
        return f"of something else, {distance:.1f} times as far as usual, allowed {self.limit:.1f}"


class PictureWatch:
    """Watches the pictures of one camera.

    Args:
        likeness: of training; without, only pictures that show nothing or stand still are told.
    """

    def __init__(self, likeness: Likeness | None = None) -> None:
        self._likeness = likeness
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._digest, self._count, self._since = -1, 0, 0.0
        self._joints: Float | None = None
        self._odd = 0
        self.still = self.unlike = ""

    @property
    def problem(self) -> str:
        """What is wrong, or an empty text."""
        return self.still or self.unlike

    def look(self, stamp: float, image: NDArray[np.uint8], joints: Float) -> None:
        """Take a picture.

        Args:
            stamp: s.
            image: (H, W, 3) uint8 RGB.
            joints: (J,) positions when it was taken, rad.
        """
        digest = zlib.crc32(np.ascontiguousarray(image).data)
        if digest != self._digest or self._joints is None:
            self._digest, self._count, self._since, self._joints = digest, 1, stamp, joints
            self.still = ""
        else:
            self._look_again(stamp, joints)
        self._compare(image)

    def _look_again(self, stamp: float, joints: Float) -> None:
        # A simulated camera that sees nothing move does repeat its picture, a real one never does.
        assert self._joints is not None
        self._count += 1
        moved = np.abs(joints - self._joints)
        joint = int(moved.argmax())
        if self._count >= _STILL and moved[joint] > _MOVED:
            self.still = (
                f"the same picture for {stamp - self._since:.1f} s while joint {joint + 1} moved "
                f"{moved[joint]:.2f} rad"
            )

    def judge(self, image: NDArray[np.uint8]) -> str:
        """What is wrong with one picture, or an empty text."""
        small = thumbnail(image)
        if float(image.std(axis=(0, 1)).max()) < FLAT:
            return f"nothing, all of it {small.mean():.0f} of 255"
        found = "" if self._likeness is None else self._likeness.describe(small)
        return f"pictures unlike those of training: {found}" if found else ""

    def _compare(self, image: NDArray[np.uint8]) -> None:
        found = self.judge(image)
        self._odd = self._odd + 1 if found else 0
        if not found:
            self.unlike = ""
        elif self._odd >= _PATIENCE or self.unlike:
            self.unlike = found
