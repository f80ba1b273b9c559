"""Every encoding that OpenCV can convert, against a picture."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from sag_ros.messages.encodings import ENCODINGS
from sag_ros.messages.images import to_rgb

H, W = 48, 64


def picture() -> np.ndarray:
    """Smooth colours, none like another, so that halved colour planes and Bayer mosaics lose little."""
    y, x = np.mgrid[0:H, 0:W]
    channels = (40 + 160 * x / W, 220 - 150 * y / H, 60 + 60 * np.sin(3.0 * x / W + 2.0 * y / H) + 40)
    return np.stack(channels, axis=-1).round().astype(np.uint8)


RGB = picture()


def mosaic(pattern: str) -> np.ndarray:
    """(H, W) what a sensor under a Bayer filter sees; ``pattern``: two rows of two, as ROS spells them."""
    out = np.empty((H, W), np.uint8)
    for place, colour in enumerate(pattern):
        row, column = divmod(place, 2)
        out[row::2, column::2] = RGB[row::2, column::2, "rgb".index(colour)]
    return out


def packed(first_luma: int) -> np.ndarray:
    """(H, W, 2) YUV 4:2:2 by BT.601; luma in byte 0 (yuyv) or 1 (uyvy) of each pair."""
    r, g, b = (RGB[..., i].astype(float) for i in range(3))
    luma = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    out = np.empty((H, W, 2))
    out[..., first_luma] = luma
    colour = 1 - first_luma
    out[:, 0::2, colour], out[:, 1::2, colour] = u[:, 0::2], v[:, 0::2]
    return out.round().astype(np.uint8)


def planar(second: str) -> np.ndarray:
    """(1.5 H, W) a plane of luma, then one of interleaved colours, ``u`` or ``v`` first."""
    yuyv = packed(0)
    u, v = yuyv[0::2, 0::2, 1], yuyv[0::2, 1::2, 1]
    colours = np.empty((H // 2, W), np.uint8)
    colours[:, 0::2], colours[:, 1::2] = (v, u) if second == "v" else (u, v)
    return np.concatenate((yuyv[..., 0], colours))


GREY = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)
ALPHA = np.full((H, W, 1), 9, np.uint8)
BYTES = {
    "rgb8": RGB, "bgr8": RGB[..., ::-1], "8UC3": RGB[..., ::-1], "mono8": GREY, "8UC1": GREY,
    "rgba8": np.dstack([RGB, ALPHA]), "bgra8": np.dstack([RGB[..., ::-1], ALPHA]),
    "8UC4": np.dstack([RGB[..., ::-1], ALPHA]),
    "uyvy": packed(1), "yuv422": packed(1), "yuyv": packed(0), "yuv422_yuy2": packed(0),
    "nv12": planar("u"), "nv21": planar("v"),
    **{f"bayer_{pattern}8": mosaic(pattern) for pattern in ("rggb", "bggr", "gbrg", "grbg")},
}  # fmt: skip


def message(encoding: str, padding: int, big_endian: bool) -> Image:
    eight = encoding.replace("16", "8") if encoding not in BYTES else encoding
    pixels = np.ascontiguousarray(BYTES[eight])
    if eight != encoding:
        kind = ">u2" if big_endian else "<u2"
        pixels = (pixels.astype(np.uint16) * 256 + 33).astype(kind).view(np.uint8)
    rows = pixels.reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=H, width=W, encoding=encoding, step=rows.shape[1], is_bigendian=int(big_endian),
        data=array.array("B", rows.tobytes()),
    )  # fmt: skip


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_it_gives_the_picture(encoding: str, padding: int, big_endian: bool) -> None:
    seen = to_rgb(message(encoding, padding, big_endian), H, W).astype(int)
    wanted = np.repeat(GREY[..., None], 3, axis=2) if "mono" in encoding or encoding == "8UC1" else RGB
    error = np.abs(seen - wanted)
    loses = "bayer" in encoding or encoding.startswith(("yu", "uy", "nv"))
    assert error.mean() <= (2.0 if loses else 0.0)
    assert error[2:-2, 2:-2].max() <= (8 if loses else 0)
