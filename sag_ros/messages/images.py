"""Camera messages to RGB arrays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.encodings import ENCODINGS
from sag_ros.messages.errors import MessageError

PIXELS = 20_000_000  # that a message may hold: more than such cameras have, and decoded 60 MB


def resize(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 -> (height, width, 3) uint8 by area interpolation; unchanged when the size fits."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def image_to_rgb(message: Any, height: int, width: int) -> NDArray[np.uint8]:
    """Return a raw image as (height, width, 3) uint8 RGB.

    Rows may be padded (``step`` larger than the pixels need). An rgb8 image of the right size is not copied.

    Raises:
        MessageError: unknown encoding, a size that is zero, odd where pixels come in pairs, or absurd,
            ``step`` too small, or less data than it needs.
    """
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise MessageError(
            f"image encoding '{message.encoding[:40]}' is not supported; use one of {', '.join(ENCODINGS)}"
        )
    rows, columns = int(message.height), int(message.width)
    _check_size(columns, rows)
    if encoding.even and (columns % 2 or (encoding.rows_per_pixel != 1.0 and rows % 2)):
        raise MessageError(f"image of size {columns}x{rows}: {message.encoding} needs even numbers")
    used = columns * encoding.bytes
    step = int(message.step) or used  # some drivers leave it zero
    if step < used:
        raise MessageError(f"image step {step} is smaller than {columns} x {encoding.bytes} bytes = {used}")
    rows = encoding.rows(rows)
    data = np.frombuffer(message.data, np.uint8)
    if data.size < (rows - 1) * step + used:
        raise MessageError(f"image holds {data.size} bytes, needs {rows} rows of {step}")
    if data.size < rows * step:  # the last row may come without its padding
        data = np.concatenate([data, np.zeros(rows * step - data.size, np.uint8)])
    bytes_of_rows = data[: rows * step].reshape(rows, step)[:, :used]
    pixels = encoding.to_rgb(bytes_of_rows, columns, bool(message.is_bigendian))
    return np.ascontiguousarray(resize(pixels, height, width))


def _check_size(columns: int, rows: int) -> None:
    if rows <= 0 or columns <= 0:
        raise MessageError(f"image of size {columns}x{rows} holds no pixels")
    if rows * columns > PIXELS:
        raise MessageError(f"image of size {columns}x{rows} is larger than {PIXELS} pixels")


def compressed_to_rgb(message: Any, height: int, width: int) -> NDArray[np.uint8]:
    """Return a JPEG or PNG image as (height, width, 3) uint8 RGB.

    Its size is read and bounded before it is decoded: a few kilobytes may claim to be gigabytes.

    Raises:
        MessageError: the data cannot be decoded, or claims to be absurdly large.
    """
    data = np.frombuffer(message.data, np.uint8)
    pixels, size = None, declared_size(data.tobytes())
    if size is not None:
        _check_size(*size)
        try:
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            pixels = None
    if pixels is None:
        raise MessageError(
            f"compressed image of format '{message.format[:40]}' ({data.size} bytes) cannot be decoded; "
            "send JPEG or PNG"
        )
    return resize(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), height, width)


def declared_size(head: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG or PNG states before its pixels; None where it states none."""
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def to_rgb(message: Any, height: int, width: int) -> NDArray[np.uint8]:
    """Return any camera message as (height, width, 3) uint8 RGB; see the two functions above."""
    if hasattr(message, "encoding"):
        return image_to_rgb(message, height, width)
    return compressed_to_rgb(message, height, width)
