"""What the loop says of itself a thousand times a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from sag_ros.values import Float

JOINTS = 7
_TEXT = 240  # bytes of each text


class Mode(IntEnum):
    """States of the driver."""

    CONNECTING = 0  # no robot has answered yet, or none does any more
    IDLE = 1  # connected; the first trajectory starts control
    RUNNING = 2  # controls: follows trajectories, holds between them
    REFLEX = 3  # the robot stopped itself; it moves again only after recover
    USER_STOP = 4  # the user stop was pressed; after its release, only after recover
    CLOSED = 5  # the loop has ended


@dataclass
class Report:
    """A snapshot; texts are for a person.

    Attributes:
        mode: state of the driver.
        stamp: monotonic clock at which the state arrived, s.
        cycles: of control since the start; lost: those in which no command of ours arrived.
        longest_gap: cycles lost in a row, at most.
        success_rate: of the last 100 commands, as the robot counts.
        accepted, refused: trajectories.
        reflexes: how often control was ended by the robot.
        position, velocity: (7,) measured, rad, rad/s; commanded: (7,) rad; torque: (7,) measured, N m.
        error: names of what ended control last; refusal: of the last trajectory; remark: on real time.
    """

    mode: Mode = Mode.CONNECTING
    stamp: float = 0.0
    cycles: int = 0
    lost: int = 0
    longest_gap: int = 0
    success_rate: float = 0.0
    accepted: int = 0
    refused: int = 0
    reflexes: int = 0
    position: Float = field(default_factory=lambda: np.zeros(JOINTS))
    velocity: Float = field(default_factory=lambda: np.zeros(JOINTS))
    commanded: Float = field(default_factory=lambda: np.zeros(JOINTS))
    torque: Float = field(default_factory=lambda: np.zeros(JOINTS))
    error: str = ""
    refusal: str = ""
    remark: str = ""

    def pack(self) -> bytes:
        """As bytes of fixed length."""
        numbers = (self.mode, self.stamp, self.cycles, self.lost, self.longest_gap, self.success_rate)
        counts = (self.accepted, self.refused, self.reflexes)
        arrays = (self.position, self.velocity, self.commanded, self.torque)
        head = np.concatenate((numbers, counts, *arrays)).astype(np.float64).tobytes()
        texts = (self.error, self.refusal, self.remark)
        return head + b"".join(_padded(text) for text in texts)

    @classmethod
    def unpack(cls, message: bytes) -> Report:
        """What :meth:`pack` made."""
        count = 9 + 4 * JOINTS
        values = np.frombuffer(message, np.float64, count)
        mode, stamp, cycles, lost, gap, rate, accepted, refused, reflexes = values[:9].tolist()
        arrays = values[9:].reshape(4, JOINTS).copy()
        tail = message[8 * count :]
        texts = [
            tail[i : i + _TEXT].rstrip(b"\0").decode(errors="replace") for i in range(0, 3 * _TEXT, _TEXT)
        ]
        counts = int(accepted), int(refused), int(reflexes)
        return cls(Mode(int(mode)), stamp, int(cycles), int(lost), int(gap), rate, *counts, *arrays, *texts)


SIZE = 8 * (9 + 4 * JOINTS) + 3 * _TEXT  # bytes of a packed report


def _padded(text: str) -> bytes:
    return text.encode()[:_TEXT].ljust(_TEXT, b"\0")
