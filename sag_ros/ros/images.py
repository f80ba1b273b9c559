"""Camera messages to RGB arrays and masks to images."""

from __future__ import annotations

import array

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.values import Mask

# encoding -> (channels, OpenCV conversion to RGB or None)
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),  # OpenCV's order, as cv_bridge publishes it
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
}


class MessageError(ValueError):
    """A message that cannot be used; the text says which, why, and what would be accepted."""


def resize(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 -> (height, width, 3) uint8 by area interpolation; unchanged when the size fits."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def image_to_rgb(message: Image, height: int, width: int) -> NDArray[np.uint8]:
    """Return a raw image as (height, width, 3) uint8 RGB.

    Rows may be padded (``step`` larger than the pixels need). An rgb8 image of the right size is not copied.

    Raises:
        MessageError: unknown encoding, ``step`` too small, or less data than ``height * step``.
    """
    try:
        channels, conversion = _ENCODINGS[message.encoding]
    except KeyError:
        raise MessageError(
            f"image encoding '{message.encoding}' is not supported; use one of {', '.join(_ENCODINGS)}"
        ) from None
    rows, columns = int(message.height), int(message.width)
    if rows == 0 or columns == 0:
        raise MessageError(f"image of size {columns}x{rows} holds no pixels")
    used = columns * channels
    step = int(message.step) or used  # some drivers leave it zero
    if step < used:
        raise MessageError(f"image step {step} is smaller than {columns} x {channels} bytes = {used}")
    data = np.frombuffer(message.data, np.uint8)
    if data.size < (rows - 1) * step + used:
        raise MessageError(f"image holds {data.size} bytes, needs {rows} rows of {step}")
    if data.size < rows * step:  # the last row may come without its padding
        data = np.concatenate([data, np.zeros(rows * step - data.size, np.uint8)])
    pixels = data[: rows * step].reshape(rows, step)[:, :used].reshape(rows, columns, channels)
    if conversion is not None:
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels), conversion)
    return np.ascontiguousarray(resize(pixels, height, width))


def compressed_to_rgb(message: CompressedImage, height: int, width: int) -> NDArray[np.uint8]:
    """Return a JPEG or PNG image as (height, width, 3) uint8 RGB.

    Raises:
        MessageError: the data cannot be decoded.
    """
    data = np.frombuffer(message.data, np.uint8)
    pixels = None
    if data.size:
        try:
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            pixels = None
    if pixels is None:
        raise MessageError(
            f"compressed image of format '{message.format}' ({data.size} bytes) cannot be decoded; "
            "send JPEG or PNG"
        )
    return resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), height, width)


def to_rgb(message: Image | CompressedImage, height: int, width: int) -> NDArray[np.uint8]:
    """Return any camera message as (height, width, 3) uint8 RGB; see the two functions above."""
    if isinstance(message, CompressedImage):
        return compressed_to_rgb(message, height, width)
    return image_to_rgb(message, height, width)


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
