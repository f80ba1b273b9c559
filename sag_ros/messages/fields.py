"""Numbers out of messages of any type, by the path to their fields."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sag_ros.messages.errors import MessageError

_STEP = re.compile(r"^([a-z][a-z0-9_]*)(?:\[(\d+)(?:(:)(\d+))?\])?$")
_Path = list[tuple[str, "slice | int | None"]]


class FieldPaths:
    """Picks numbers out of messages of one type.

    Args:
        kind: of the messages, for what is said of them.
        paths: names joined by dots, ``[2]`` or ``[0:3]`` behind an array; one that leads to a message means
            all that is in it, in its order (x, y, z, w of a quaternion).

    Raises:
        ValueError: a path that is none.
    """

    def __init__(self, kind: str, paths: Sequence[str]) -> None:
        self._kind, self._paths = kind, [_parse(path) for path in paths]

    def check(self, empty: Any) -> None:
        """Raise ValueError for a name that ``empty``, any message of the type, has not; lengths may vary."""
        for path in self._paths:
            _walk(empty, path, self._kind, only_names=True)

    def numbers(self, message: Any) -> list[float]:
        """All of them, in the order of the paths. Raises MessageError where one is missing or no number."""
        return [one for path in self._paths for one in _numbers(_walk(message, path, self._kind))]


def field_names(message: Any) -> Sequence[str]:
    """Of a message of rclpy or of rosbags, in their order; of everything else none."""
    if hasattr(message, "get_fields_and_field_types"):
        return list(message.get_fields_and_field_types())
    if not dataclasses.is_dataclass(message):
        return []
    return [one.name for one in dataclasses.fields(message) if not one.name.startswith("_")]


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
        names = field_names(message)
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
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float)):
        yield float(value)
    elif names := field_names(value):
        for name in names:
            yield from _numbers(getattr(value, name))
    elif isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
        raise MessageError(f"{value!r:.40} is no number")
    else:
        for one in value:
            yield from _numbers(one)
