"""How the pixels of a raw camera message are laid out, and how they become RGB.

The names are those of ``sensor_msgs/image_encodings`` and the plain types of OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoding:
    """One encoding.

    Attributes:
        channels: samples of a pixel.
        conversion: OpenCV's to RGB; None for what is RGB already.
        bits: of a sample.
        rows_per_pixel: rows of the message for a row of pixels; more where colour has a plane of its own.
        even: whether the width has to be even, and with such planes the height, too.
    """

    channels: int
    conversion: int | None
    bits: int = 8
    rows_per_pixel: float = 1.0
    even: bool = False

    @property
    def bytes(self) -> int:
        """Of a pixel in a row."""
        return self.channels * self.bits // 8

    def rows(self, height: int) -> int:
        """Rows of bytes of a message with ``height`` rows of pixels."""
        return round(height * self.rows_per_pixel)

    def to_rgb(self, rows: NDArray[np.uint8], width: int, big_endian: bool) -> NDArray[np.uint8]:
        """(R, width * bytes) uint8 as they came -> (H, W, 3) uint8 RGB; a copy only where needed."""
        samples: NDArray = rows
        if self.bits == 16:
            # The eight bits that count come first or last.
            samples = rows[:, 0 if big_endian else 1 :: 2]
        pixels = samples.reshape(len(rows), width, self.channels)
        if self.conversion is None:
            return pixels
        if self.channels == 1:
            pixels = pixels[:, :, 0]
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), self.conversion), np.uint8)


def _bayer(bits: int) -> dict[str, Encoding]:
    patterns = {
        "rggb": cv2.COLOR_BayerRGGB2RGB,
        "bggr": cv2.COLOR_BayerBGGR2RGB,
        "gbrg": cv2.COLOR_BayerGBRG2RGB,
        "grbg": cv2.COLOR_BayerGRBG2RGB,
    }
    return {f"bayer_{name}{bits}": Encoding(1, code, bits, even=True) for name, code in patterns.items()}


def _colours(bits: int) -> dict[str, Encoding]:
    return {
        f"rgb{bits}": Encoding(3, None, bits),
        f"bgr{bits}": Encoding(3, cv2.COLOR_BGR2RGB, bits),
        f"rgba{bits}": Encoding(4, cv2.COLOR_RGBA2RGB, bits),
        f"bgra{bits}": Encoding(4, cv2.COLOR_BGRA2RGB, bits),
        f"mono{bits}": Encoding(1, cv2.COLOR_GRAY2RGB, bits),
        # OpenCV's order, as cv_bridge publishes it.
        f"{bits}UC3": Encoding(3, cv2.COLOR_BGR2RGB, bits),
        f"{bits}UC4": Encoding(4, cv2.COLOR_BGRA2RGB, bits),
    }


ENCODINGS: dict[str, Encoding] = {
    **_colours(8),
    **_colours(16),
    **_bayer(8),
    **_bayer(16),
    "8UC1": Encoding(1, cv2.COLOR_GRAY2RGB),  # 16UC1 is depth, not brightness
    "yuv422": Encoding(2, cv2.COLOR_YUV2RGB_UYVY, even=True),  # the older name of uyvy
    "uyvy": Encoding(2, cv2.COLOR_YUV2RGB_UYVY, even=True),
    "yuv422_yuy2": Encoding(2, cv2.COLOR_YUV2RGB_YUY2, even=True),
    "yuyv": Encoding(2, cv2.COLOR_YUV2RGB_YUY2, even=True),
    "nv21": Encoding(1, cv2.COLOR_YUV2RGB_NV21, rows_per_pixel=1.5, even=True),
    "nv12": Encoding(1, cv2.COLOR_YUV2RGB_NV12, rows_per_pixel=1.5, even=True),
}
