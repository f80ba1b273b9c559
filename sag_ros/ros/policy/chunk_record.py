"""What is recorded about every chunk, and how it travels as a message."""

from __future__ import annotations

import array
import math
from dataclasses import dataclass, fields

from std_msgs.msg import Float64MultiArray, MultiArrayDimension


@dataclass(frozen=True)
class ChunkRecord:
    """Provenance and timing of one chunk; all numbers, so that no message type of its own is needed.

    Attributes:
        chunk: counts up from the activation.
        obs_stamp: of the newest camera frame, s since 1970 (ROS time).
        oldest_stamp: of the oldest camera frame used.
        publish_stamp: when the trajectory was published; 0 when the chunk was refused.
        latency_ms: camera stamp to published command.
        encode_ms, pruner_ms, denoise_ms: parts of the computation.
        inference_ms: from the arrival of the frames to the finished chunk.
        splice_ms: splice, guard and publishing.
        density: share of the K x 3L blocks computed.
        dropped: actions dropped because their time had passed.
        clipped: limits that the guard enforced on this chunk.
        refused: 1 when the chunk was not executed.
        missed: 1 when the latency was above the deadline.
        received_ms, encoded_ms, begun_ms, denoised_ms, spliced_ms: how long after the camera's stamp the
            newest frame was there, all frames were encoded, the pruner began, the chunk was finished, its
            command was ready to be published; NaN where that is not known.
        rung: of the policy's ladder that computed it; 0 is what was asked for.
        every: of so many sets of frames one was used.
    """

    chunk: int = 0
    obs_stamp: float = 0.0
    oldest_stamp: float = 0.0
    publish_stamp: float = 0.0
    latency_ms: float = 0.0
    encode_ms: float = 0.0
    pruner_ms: float = 0.0
    denoise_ms: float = 0.0
    inference_ms: float = 0.0
    splice_ms: float = 0.0
    density: float = 0.0
    dropped: int = 0
    clipped: int = 0
    refused: int = 0
    missed: int = 0
    received_ms: float = math.nan
    encoded_ms: float = math.nan
    begun_ms: float = math.nan
    denoised_ms: float = math.nan
    spliced_ms: float = math.nan
    rung: int = 0
    every: int = 1


NAMES = tuple(field.name for field in fields(ChunkRecord))
LABEL = ",".join(NAMES)
# Older recordings lack these.
_LATER = {"received_ms", "encoded_ms", "begun_ms", "denoised_ms", "spliced_ms", "rung", "every"}
_INTEGERS = {field.name for field in fields(ChunkRecord) if field.type == "int"}


def new_message() -> Float64MultiArray:
    """An empty timing message; the label of its only dimension names the values."""
    message = Float64MultiArray()
    message.layout.dim = [MultiArrayDimension(label=LABEL, size=len(NAMES), stride=len(NAMES))]
    return message


def write(record: ChunkRecord, message: Float64MultiArray) -> Float64MultiArray:
    """Write ``record`` into a message made by :func:`new_message`."""
    message.data = array.array("d", [float(getattr(record, name)) for name in NAMES])
    return message


def read(message: Float64MultiArray) -> ChunkRecord:
    """The inverse of :func:`write`; values are found by the names in the label.

    Raises:
        ValueError: a value is missing.
    """
    labels = message.layout.dim[0].label.split(",") if message.layout.dim else []
    values = dict(zip(labels, message.data, strict=False))
    missing = [name for name in NAMES if name not in values and name not in _LATER]
    if missing:
        raise ValueError(f"timing message lacks {', '.join(missing)}")
    known = {name: value for name, value in values.items() if name in NAMES}
    return ChunkRecord(**{name: int(value) if name in _INTEGERS else value for name, value in known.items()})
