"""All that a chunk was computed from and became, as a message: ``~/chunk``.

One ``Float64MultiArray``, since every float32 and every word of 32 bits is a float64 exactly. Its dimensions
are its parts, one after the other: the label names a part, ``size`` is how many numbers it has, ``stride``
how many of them make a row.
"""

from __future__ import annotations

import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Float64MultiArray, MultiArrayDimension

from sag_ros.engines.origin import Origin
from sag_ros.messages.errors import MessageError
from sag_ros.values import ActionChunk, PoseChunk

Float64 = NDArray[np.float64]
SECOND = 1_000_000_000
HEAD = ("chunk", "clock_s", "clock_ns", "stamp", "asked", "period", "rung", "first_step")
PARTS = (
    ",".join(HEAD),
    "noise",
    "frames",
    "states",
    "features",
    "positions",
    "rotations",
    "gripper",
    "sample",
)


@dataclass(frozen=True)
class ChunkDetail:
    """One chunk.

    Attributes:
        chunk: number, as in ``~/timing``.
        clock: ns since 1970 at second zero of the node's clock, which the times below are on.
        stamp: of the observation, s.
        asked: when the supervisor was asked for the command, s; NaN where it was not asked.
        period: between two actions, s.
        rung: of the policy's ladder.
        origin: chance; see there.
        frames: (To, C) stamps of the frames, oldest first, C cameras in the contract's order, s.
        states: (To, J + 1 + ...) joint positions (rad), width (m) and signals at the frames.
        features: (To, D) that went to the network.
        positions: (Ta, J) rad, or (Ta, 3) m: the actions.
        rotations: (Ta, 9) of a policy that commands poses, else (0, 9).
        gripper: (Ta,) m.
    """

    chunk: int
    clock: int
    stamp: float
    asked: float
    period: float
    rung: int
    origin: Origin
    frames: Float64
    states: Float64
    features: NDArray[np.float32]
    positions: Float64
    rotations: Float64
    gripper: Float64

    def nanoseconds(self, seconds: float) -> int:
        """s on the node's clock as ns since 1970."""
        return self.clock + round(seconds * SECOND)


class DetailWriter:
    """Writes details into one message in place; it is built again only when a size changes."""

    def __init__(self) -> None:
        self.message = Float64MultiArray()
        self._shapes: tuple[tuple[int, ...], ...] = ()
        self._views: list[Float64] = []

    def _build(self, parts: list[np.ndarray]) -> None:
        self._shapes = tuple(part.shape for part in parts)
        self.message.layout.dim = [
            MultiArrayDimension(label=label, size=part.size, stride=part.shape[-1])
            for label, part in zip(PARTS, parts, strict=True)
        ]
        self.message.data = array.array("d", bytes(8 * sum(part.size for part in parts)))
        # What the message holds may be a copy of what it was given.
        whole, self._views = np.frombuffer(self.message.data, np.float64), []
        for part in parts:
            self._views.append(whole[: part.size].reshape(part.shape))
            whole = whole[part.size :]

    def write(
        self,
        number: int,
        clock: int,
        asked: float,
        rung: int,
        origin: Origin,
        observed: tuple[Float64, Float64, NDArray[np.float32]],
        chunk: ActionChunk | PoseChunk,
    ) -> Float64MultiArray:
        """Return the message; valid until the next call.

        Args:
            number, clock, asked, rung, origin: see ChunkDetail.
            observed: its frames, states and features.
            chunk: with its stamp, period, positions, rotations and widths.
        """
        seconds, rest = divmod(clock, SECOND)
        rotations = getattr(chunk, "rotations", None)
        parts = [
            np.array((number, seconds, rest, chunk.stamp, asked, chunk.period, rung, origin.first_step)),
            np.array(origin.noise),
            *observed,
            chunk.positions,
            np.empty((0, 9)) if rotations is None else rotations.reshape(-1, 9),
            chunk.gripper,
            np.empty((0, 1)) if origin.sample is None else origin.sample,
        ]
        if tuple(part.shape for part in parts) != self._shapes:
            self._build(parts)
        for view, part in zip(self._views, parts, strict=True):
            view[...] = part
        return self.message


def read(message: Float64MultiArray) -> ChunkDetail:
    """The inverse of :meth:`DetailWriter.write`.

    Raises:
        MessageError: a part is missing or has another size than stated.
    """
    data, found = np.array(message.data, np.float64), {}
    for dim in message.layout.dim:
        part, data = data[: dim.size], data[dim.size :]
        if part.size != dim.size or not dim.stride:
            raise MessageError(
                f"a chunk's part {dim.label!r} should have {dim.size} numbers, has {part.size}"
            )
        found[dim.label] = part.reshape(-1, dim.stride)
    missing = [label for label in PARTS if label not in found]
    if missing:
        raise MessageError(f"a chunk lacks {', '.join(missing)}")
    head = dict(zip(HEAD, found[PARTS[0]][0].tolist(), strict=True))
    sample = found["sample"].astype(np.float32) if found["sample"].size else None
    noise = tuple(int(word) for word in found["noise"][0])
    return ChunkDetail(
        chunk=int(head["chunk"]),
        clock=int(head["clock_s"]) * SECOND + int(head["clock_ns"]),
        stamp=head["stamp"],
        asked=head["asked"],
        period=head["period"],
        rung=int(head["rung"]),
        origin=Origin(noise, int(head["first_step"]), sample),
        frames=found["frames"],
        states=found["states"],
        features=found["features"].astype(np.float32),
        positions=found["positions"],
        rotations=found["rotations"],
        gripper=found["gripper"][0],
    )
