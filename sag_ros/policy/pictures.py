"""Whether a camera still shows what it should: pictures that stand still, or that show something else."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sag_ros.values import Float

CELLS = 8  # a picture is judged by the colours of 8 x 8 places
FLAT = 3.0  # of 255: the spread of a picture that shows nothing
KINDS = ("structure", "colour", "light")
# Added to how much pictures of training vary: exposure, noise, dust.
_FLOOR, _LIGHT_FLOOR = 0.02, 6.0  # share of the mean brightness; of 255
# So many times as far from the mean as any picture of training was is still believed: a policy sees what its
# teacher never did. Upside down or with swapped colours they are at 2.3 times and more.
_ROOM = 2.0
_PATIENCE = 8  # pictures in a row before anything is said
_PERIOD = 0.045  # s; of those that come quicker not all are looked at: it takes a tenth of what encoding does
_STILL, _MOVED = 5, 0.03  # the same picture so often, while a joint moved so far, rad


def thumbnail(image: NDArray[np.uint8]) -> Float:
    """(H, W, 3) uint8 RGB -> (8, 8, 3) mean colours, 0 to 255."""
    return cv2.resize(image, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float64)


def _features(small: Float) -> tuple[Float, float]:
    """(8, 8, 3) brightness, red and blue against green, by the mean brightness; and that, 0 to 255."""
    grey = small.mean(axis=2)
    light = max(float(grey.mean()), 1.0)
    green = small[..., 1]
    return np.stack((grey, small[..., 0] - green, small[..., 2] - green), axis=-1) / light, light


@dataclass(frozen=True)
class Likeness:
    """What the pictures of one camera looked like in training.

    Attributes:
        mean, spread: (8, 8, 3) of brightness and two colours in 8 x 8 places, by the mean brightness.
        light: mean and spread of the mean brightness, 0 to 255.
        limits: (3,) how far a picture may be from that in structure, colour and light, see ``KINDS``.
    """

    mean: Float
    spread: Float
    light: tuple[float, float]
    limits: Float

    @classmethod
    def of(cls, images: Iterable[NDArray[np.uint8]]) -> Likeness:
        """From (H, W, 3) uint8 RGB pictures of training. Raises ValueError for fewer than two."""
        small = [thumbnail(image) for image in images]
        if len(small) < 2:
            raise ValueError(f"{len(small)} pictures say nothing of what pictures look like")
        features, light = zip(*(_features(one) for one in small), strict=True)
        stack = np.stack(features)
        likeness = cls(
            stack.mean(axis=0),
            stack.std(axis=0),
            (float(np.mean(light)), float(np.std(light))),
            np.full(3, np.inf),
        )
        most = np.max([likeness.distances(one) for one in small], axis=0)
        return replace(likeness, limits=_ROOM * most)

    def distances(self, small: Float) -> Float:
        """(3,) of a thumbnail from those of training, in units of how much those vary."""
        features, light = _features(small)
        z = ((features - self.mean) / (self.spread + _FLOOR)) ** 2
        mean, spread = self.light
        return np.array(
            (
                np.sqrt(z[..., 0].mean()),
                np.sqrt(z[..., 1:].mean()),
                abs(light - mean) / (spread + _LIGHT_FLOOR),
            )
        )

    def describe(self, small: Float, distances: Float) -> str:
        """What is wrong with a thumbnail at these ``distances``, in words; empty if nothing is."""
        structure, colour, light = (distances > self.limits).tolist()
        if light:
            return f"{_features(small)[1] / self.light[0]:.2f} times as bright"
        if colour and (self.distances(small[..., ::-1])[:2] <= self.limits[:2]).all():
            return "red and blue swapped"
        if (structure or colour) and (self.distances(small[::-1, ::-1])[:2] <= self.limits[:2]).all():
            return "upside down"
        if structure or colour:
            kind = 0 if structure else 1
            what = ("something else to be seen", "other colours")[kind]
            return f"{what}, {distances[kind]:.1f} times as far as usual, allowed {self.limits[kind]:.1f}"
        return ""


class PictureWatch:
    """Watches the pictures of one camera.

    Args:
        likeness: of training; without, only pictures that show nothing or stand still are told.

    Attributes:
        furthest: how far any picture was from those of training, by what is allowed.
    """

    def __init__(self, likeness: Likeness | None = None) -> None:
        self._likeness = likeness
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._digest, self._count, self._since = -1, 0, 0.0
        self._joints: Float | None = None
        self._odd, self.furthest, self._looked = 0, 0.0, -np.inf
        self.still = self.unlike = ""

    @property
    def problem(self) -> str:
        """What is wrong, or an empty text."""
        return self.unlike or self.still

    def look(self, stamp: float, image: NDArray[np.uint8], joints: Float | None) -> None:
        """Take a picture, of quick cameras every second or third.

        Args:
            stamp: s.
            image: (H, W, 3) uint8 RGB.
            joints: (J,) positions when it was taken, rad; None where they are not known.
        """
        if 0.0 <= stamp - self._looked < _PERIOD:
            return
        self._looked = stamp
        if joints is None:  # whether anything moved cannot be said
            self._joints = None
            self._compare(image)
            return
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
        if float(cv2.meanStdDev(image)[1].max()) < FLAT:
            return f"nothing, all of it {small.mean():.0f} of 255"
        if self._likeness is None:
            return ""
        distances = self._likeness.distances(small)
        self.furthest = max(self.furthest, float((distances / self._likeness.limits).max()))
        found = self._likeness.describe(small, distances)
        return f"pictures unlike those of training: {found}" if found else ""

    def _compare(self, image: NDArray[np.uint8]) -> None:
        found = self.judge(image)
        self._odd = self._odd + 1 if found else 0
        if not found:
            self.unlike = ""
        elif self._odd >= _PATIENCE or self.unlike:
            self.unlike = found
