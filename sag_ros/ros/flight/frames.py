"""What is kept of a camera's picture: as the policy sees it, to the last bit, and no more."""

from __future__ import annotations

import struct

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image

from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import image_to_rgb
from sag_ros.ros.images import rgb_to_image

_BODY, _STAMP = 4, 8  # bytes: what the encoding puts before a message, and the stamp in its header
_LITTLE = 1  # second byte of an encoding that is little-endian


def peek(data: bytes) -> tuple[int, int, str] | None:
    """Height, width and encoding of a serialised Image; None where they cannot be read at a glance."""
    if len(data) < _BODY or data[1] != _LITTLE:
        return None
    try:
        at = _BODY + _STAMP
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        at += -(at - _BODY) % 4
        height, width, size = struct.unpack_from("<III", data, at)
        return height, width, data[at + 12 : at + 12 + size - 1].decode("ascii")
    except (struct.error, UnicodeDecodeError):
        return None


class FrameKeeper:
    """Makes pictures as large as the policy wants them, as the policy node does it; rgb8.

    Those that are so already are not touched. One that cannot be used stays as it is: that is what the policy
    saw, too.

    Args:
        height, width: of the policy's pictures, px.
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width

    def __call__(self, data: bytes) -> bytes:
        """A serialised Image."""
        if peek(data) == (*self._size, "rgb8"):
            return data
        message = deserialize_message(data, Image)
        try:
            rgb = image_to_rgb(message, *self._size)
        except MessageError:
            return data
        return serialize_message(rgb_to_image(rgb, message))
