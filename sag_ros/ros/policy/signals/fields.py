"""Numbers out of messages of any type, by the path to their fields."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.ros.images import MessageError

_STEP = re.compile(r"^([a-z][a-z0-9_]*)(?:\[(\d+)(?:(:)(\d+))?\])?$")


def message_class(name: str) -> type:
    """The class of ``geometry_msgs/msg/PoseStamped`` (or ``geometry_msgs/PoseStamped``).

    Raises:
        ValueError: no such type, or one that is not installed.
    """
    parts = name.split("/")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[1] != "msg") or not all(parts):
        raise ValueError(f"'{name}' is no message type; one is geometry_msgs/msg/PoseStamped")
    try:
        found = getattr(importlib.import_module(f"{parts[0]}.msg"), parts[-1], None)
    except ImportError:
        raise ValueError(f"messages of the package {parts[0]} are not installed") from None
    if found is None or not hasattr(found, "get_fields_and_field_types"):
        raise ValueError(f"the package {parts[0]} has no message {parts[-1]}")
    return found


class FieldReader:
    """Picks numbers out of messages.

    Args:
        kind: of the messages, as ``message_class`` takes it.
        fields: paths: names joined by dots, ``[2]`` or ``[0:3]`` behind an array; one that leads to a
            message means all that is in it, in its order (x, y, z, w of a quaternion).
        size: how many numbers there have to be.
        scale: that they are multiplied with, to the unit that is wanted.

    Raises:
        ValueError: a type that does not exist, or a path that it does not have.
    """

    def __init__(self, kind: str, fields: Sequence[str], size: int, scale: float = 1.0) -> None:
        self.message = message_class(kind)
        self._size, self._scale, self._kind = size, scale, kind
        self._paths = [_parse(path) for path in fields]
        empty = self.message()
        for path in self._paths:  # names are known before the first message; lengths are not
            _walk(empty, path, kind, only_names=True)
        self.stamped = hasattr(empty, "header")

    def values(self, message: Any) -> NDArray[np.float64]:
        """(size,) numbers.

        Raises:
            MessageError: too few, too many, or one that is not finite.
        """
        found = []
        for path in self._paths:
            found += list(_numbers(_walk(message, path, self._kind)))
        if len(found) != self._size:
            raise MessageError(f"it has {len(found)} numbers, the policy observes {self._size}")
        values = self._scale * np.array(found, np.float64)
        if not np.isfinite(values).all():
            raise MessageError(f"its numbers are not finite: {found[:8]}")
        return values


_Path = list[tuple[str, "slice | int | None"]]


def _parse(path: str) -> _Path:
    found: _Path = []
    for step in path.split("."):
        match = _STEP.match(step)
        if match is None:
            raise ValueError(f"'{path}' is no path to a field; one is pose.position, or data[0:3]")
        name, first, colon, last = match.groups()
        place = None if first is None else slice(int(first), int(last)) if colon else int(first)
        found.append((name, place))
    return found


def _walk(message: Any, path: _Path, kind: str, only_names: bool = False) -> Any:
    for name, place in path:
        names = getattr(message, "get_fields_and_field_types", dict)()
        if name not in names:
            there = ", ".join(names) or "no fields there"
            raise (ValueError if only_names else MessageError)(f"{kind} has no {name}; it has {there}")
        message = getattr(message, name)
        if place is None:
            continue
        if only_names:
            return None
        if isinstance(place, int):
            if place >= len(message):
                raise MessageError(f"{name} has {len(message)} numbers; {name}[{place}] is wanted")
            message = message[place]
        else:
            if place.stop > len(message):
                raise MessageError(f"{name} has {len(message)} numbers; the first {place.stop} are wanted")
            message = message[place]
    return message


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (bool, int, float)):
        yield float(value)
    elif hasattr(value, "get_fields_and_field_types"):
        for name in value.get_fields_and_field_types():
            yield from _numbers(getattr(value, name))
    elif isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
        raise MessageError(f"{value!r:.40} is no number")
    else:
        for one in value:
            yield from _numbers(float(one) if isinstance(one, np.generic) else one)
