"""RGB arrays and masks as camera messages; the other direction is :mod:`sag_ros.messages.images`."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from sag_ros.messages.errors import MessageError
from sag_ros.values import Mask


def rgb_to_image(rgb: NDArray[np.uint8], message: Image | None = None) -> Image:
    """Write (H, W, 3) uint8 RGB into ``message`` (or a new one) as rgb8; header untouched."""
    message = Image() if message is None else message
    message.height, message.width = int(rgb.shape[0]), int(rgb.shape[1])
    message.encoding, message.step = "rgb8", int(rgb.shape[1]) * 3
    message.data = array.array("B", rgb.tobytes())
    return message


def mask_to_image(mask: Mask, message: Image | None = None) -> Image:
    """Write a mask into ``message`` (or a new one) as mono8: a row per denoising step, a column per block.

    255 = computed, 0 = pruned (its cached residual is reused).
    """
    message = Image() if message is None else message
    steps, blocks = mask.pruned.shape
    message.height, message.width = steps, blocks
    message.encoding, message.step = "mono8", blocks
    message.data = array.array("B", np.where(mask.pruned, 0, 255).astype(np.uint8).tobytes())
    return message


def image_to_mask(message: Image) -> Mask:
    """The inverse of :func:`mask_to_image`."""
    if message.encoding != "mono8":
        raise MessageError(f"a mask image is mono8, not '{message.encoding}'")
    pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    return Mask(pixels[:, : message.width] < 128)
