"""Numbers of the messages of a topic, as many as a policy observes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.errors import MessageError
from sag_ros.messages.fields import FieldPaths


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
        fields: paths, see :class:`sag_ros.messages.fields.FieldPaths`.
        size: how many numbers there have to be.
        scale: that they are multiplied with, to the unit that is wanted.

    Raises:
        ValueError: a type that does not exist, or a path that it does not have.
    """

    def __init__(self, kind: str, fields: Sequence[str], size: int, scale: float = 1.0) -> None:
        self.message = message_class(kind)
        self._size, self._scale = size, scale
        self._paths = FieldPaths(kind, fields)
        empty = self.message()
        self._paths.check(empty)
        self.stamped = hasattr(empty, "header")

    def values(self, message: Any) -> NDArray[np.float64]:
        """(size,) numbers.

        Raises:
            MessageError: too few, too many, or one that is not finite.
        """
        found = self._paths.numbers(message)
        if len(found) != self._size:
            raise MessageError(f"it has {len(found)} numbers, the policy observes {self._size}")
        values = self._scale * np.array(found, np.float64)
        if not np.isfinite(values).all():
            raise MessageError(f"its numbers are not finite: {found[:8]}")
        return values
