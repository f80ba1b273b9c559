"""JointState to numbers, by the names of the joints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.errors import MessageError


def prefixed(prefix: str, names: Sequence[str]) -> list[str]:
    """Joints as messages name them: an arm that is one of several has a prefix."""
    return [prefix + name for name in names]


class JointReader:
    """Picks named joints out of JointState messages, whatever order and company they come in."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._seen: list[str] | None = None
        self._index: list[int] = []

    def _locate(self, message: Any) -> list[int]:
        # The order rarely changes between messages: look it up once and compare afterwards.
        names = message.name
        if names == self._seen:
            return self._index
        missing = [name for name in self.names if name not in names]
        if missing:
            raise MessageError(
                f"JointState lacks {', '.join(missing)}; it names {', '.join(names) if names else 'no joint'}"
            )
        self._index = [names.index(name) for name in self.names]
        self._seen = list(names)
        return self._index

    def concerns(self, message: Any) -> bool:
        """Whether the message names one of the joints at all."""
        return any(name in message.name for name in self.names)

    def positions(self, message: Any) -> NDArray[np.float64]:
        """(n,) positions, rad or m, in the order of ``names``.

        Raises:
            MessageError: a joint is missing, fewer positions than names, or a position that is not finite.
        """
        values = self._pick(message, message.position, "position")
        if not np.isfinite(values).all():
            bad = [f"{n} = {v}" for n, v in zip(self.names, values, strict=True) if not np.isfinite(v)]
            raise MessageError(f"JointState position is not finite: {', '.join(bad)}")
        return values

    def velocities(self, message: Any) -> NDArray[np.float64] | None:
        """(n,) velocities, or None when the message carries none or one that is not finite."""
        if len(message.velocity) != len(message.name):
            return None
        values = self._pick(message, message.velocity, "velocity")
        return values if np.isfinite(values).all() else None

    def _pick(self, message: Any, values: Sequence[float], field: str) -> NDArray[np.float64]:
        index = self._locate(message)
        if len(values) < len(message.name):
            raise MessageError(f"JointState has {len(message.name)} names and {len(values)} {field} values")
        return np.array([values[i] for i in index])


class GripperReader:
    """Gripper width from the finger joints: their sum, or twice the only one present."""

    def __init__(self, fingers: Sequence[str]) -> None:
        self._fingers = tuple(fingers)

    def concerns(self, message: Any) -> bool:
        """Whether the message names a finger joint at all."""
        return any(name in message.name for name in self._fingers)

    def width(self, message: Any) -> float:
        """Width between the fingers, m.

        Raises:
            MessageError: no finger joint in the message, or a position that is not finite.
        """
        present = [name for name in self._fingers if name in message.name]
        if not present:
            raise MessageError(
                f"JointState names none of {', '.join(self._fingers)}; it names "
                f"{', '.join(message.name) if message.name else 'no joint'}"
            )
        return float(JointReader(present).positions(message).sum() * len(self._fingers) / len(present))


def read_gripper_command(message: Any, joints: Sequence[str]) -> tuple[float, float, float]:
    """Width (m), speed (m/s) and force (N, 0 = move) of a gripper command; see ``write_gripper_command``.

    Raises:
        MessageError: another joint, missing or not finite values, or a speed that is not positive.
    """
    if len(message.name) != 1 or message.name[0] not in joints:
        raise MessageError(
            f"gripper command names {', '.join(message.name) or 'no joint'}; "
            f"expected one of {', '.join(joints)}"
        )
    values = [list(getattr(message, field)[:1]) for field in ("position", "velocity", "effort")]
    if not all(values) or not np.isfinite(values).all():
        raise MessageError("gripper command needs a finite position, velocity and effort")
    (position,), (velocity,), (effort,) = values
    if velocity <= 0:
        raise MessageError(f"gripper command has velocity {velocity} m/s; it must be positive")
    return 2 * position, 2 * velocity, effort
