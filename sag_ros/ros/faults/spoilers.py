"""What becomes of messages: silent, late, stamped wrongly, with another content."""

from __future__ import annotations

import array
import copy
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from sag_ros.ros.faults.relay import Spoiler, untouched


def silent(message: Any) -> list[tuple[float, Any]]:
    """None is sent on."""
    return []


def late(delay: float) -> Spoiler:
    """Each comes ``delay`` s later."""
    return lambda message: [(delay, message)]


def every(count: int) -> Spoiler:
    """One of ``count`` is sent on."""
    seen = [0]

    def spoil(message: Any) -> list[tuple[float, Any]]:
        seen[0] += 1
        return untouched(message) if seen[0] % count == 0 else []

    return spoil


def stamped(shift: float, every: int = 1) -> Spoiler:
    """The stamp is off by ``shift`` s, of one message in ``every``, the first among them."""
    count = itertools.count()

    def spoil(message: Any) -> list[tuple[float, Any]]:
        if next(count) % every:
            return untouched(message)
        total = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec + round(shift * 1e9)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(total, 10**9)
        return untouched(message)

    return spoil


def unstamped(message: Any) -> list[tuple[float, Any]]:
    """The stamp is zero."""
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    return untouched(message)


def swapped() -> Spoiler:
    """Each pair comes in reverse."""
    kept: list[Any] = []

    def spoil(message: Any) -> list[tuple[float, Any]]:
        kept.append(message)
        if len(kept) < 2:
            return []
        first, second = kept
        kept.clear()
        return [(0.0, second), (0.0, first)]

    return spoil


def stuck() -> Spoiler:
    """Content of the first, stamps of now."""
    first: list[Any] = []

    def spoil(message: Any) -> list[tuple[float, Any]]:
        if not first:
            first.append(copy.deepcopy(message))
        again = copy.copy(first[0])
        again.header = message.header
        return untouched(again)

    return spoil


def pixels(change: Callable[[np.ndarray], np.ndarray]) -> Spoiler:
    """The picture is changed."""

    def spoil(message: Any) -> list[tuple[float, Any]]:
        image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        message.data = array.array("B", np.ascontiguousarray(change(image), dtype=np.uint8).tobytes())
        return untouched(message)

    return spoil


def set_fields(**values: Any) -> Spoiler:
    """Fields of the message are replaced."""

    def spoil(message: Any) -> list[tuple[float, Any]]:
        for name, value in values.items():
            setattr(message, name, value)
        return untouched(message)

    return spoil


def position(joint: int, value: float, add: bool = False) -> Spoiler:
    """A joint is reported at ``value``, rad, or that much further."""

    def spoil(message: Any) -> list[tuple[float, Any]]:
        message.position[joint] = value + (message.position[joint] if add else 0.0)
        return untouched(message)

    return spoil


def without(name: str) -> Spoiler:
    """The joints do not include ``name``."""

    def spoil(message: Any) -> list[tuple[float, Any]]:
        message.name = [f"other_{one}" if one == name else one for one in message.name]
        return untouched(message)

    return spoil
