"""Camera pictures and masks as bytes for a browser; each is encoded once, whoever looks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import declared_size, to_rgb
from sag_ros.ros.images import image_to_mask


def to_jpeg(message: Image | CompressedImage, width: int, quality: int) -> bytes:
    """A camera message as JPEG, no wider than ``width`` pixels.

    A JPEG that is narrow enough already is handed on as it is.

    Raises:
        MessageError: an image that cannot be decoded.
    """
    if isinstance(message, CompressedImage):
        data = bytes(message.data)
        size = declared_size(data)
        if size is not None and size[0] <= width and data[:2] == b"\xff\xd8":
            return data
        columns, rows = size or (width, width)
    else:
        columns, rows = int(message.width), int(message.height)
    scale = min(1.0, width / max(1, columns))
    pixels = to_rgb(message, max(1, round(rows * scale)), max(1, round(columns * scale)))
    ok, found = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise MessageError("OpenCV could not write a JPEG of this picture")
    return found.tobytes()


def to_bits(message: Image) -> tuple[bytes, list[int]]:
    """A mask as packed bits (1 = computed), row by row, and its shape [K, 3L].

    Raises:
        MessageError: not a mask.
    """
    computed = ~image_to_mask(message).pruned
    return np.packbits(computed).tobytes(), list(computed.shape)


class Slot:
    """The newest picture of one source.

    Args:
        encode: message -> bytes and what is said about them.
    """

    def __init__(self, encode: Callable[[Image], tuple[bytes, object]]) -> None:
        self._encode = encode
        self.problem = ""
        self.heard: float | None = None

    def take(self, now: float, messages: list[Image]) -> tuple[bytes, object] | None:
        """Bytes of the last of ``messages``, if there is one that can be shown."""
        if not messages:
            return None
        self.heard = now
        try:
            found = self._encode(messages[-1])
        except MessageError as error:
            self.problem = str(error)
            return None
        self.problem = ""
        return found
