"""An episode as another project has recorded it, and what a source of them promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Pictures = NDArray[np.uint8]


class ConversionError(ValueError):
    """A file that cannot be converted; the text names it, what was found, and what to do."""


class LeftOut(ConversionError):
    """An episode that cannot be used, while others may be; the text names it and says why."""


@dataclass(frozen=True)
class Track:
    """Numbers of one input at its own stamps.

    Attributes:
        stamps: (n,) s, rising.
        values: (n, k).
        source: what it is called where it was recorded: a topic, or nothing.
        held: whether each value counts until the next, as a command that is sent once does; otherwise
            numbers are interpolated.
    """

    stamps: Values
    values: Values
    source: str = ""
    held: bool = False


@dataclass(frozen=True)
class Film:
    """Pictures of one camera at their own stamps.

    Attributes:
        stamps: (n,) s, rising.
        pictures: places (m,), rising -> (m, H, W, 3) uint8, RGB.
        source: as of Track.
    """

    stamps: Values
    pictures: Callable[[NDArray[np.intp]], Pictures]
    source: str = ""


@dataclass(frozen=True)
class RawEpisode:
    """One demonstration as it was recorded.

    Attributes:
        name: in its file.
        span: s of its first and its last frame.
        numbers: key -> of the state.
        action: its parts in their order; stamps say when each value is to be reached.
        images: key -> of cameras.
        frames: (n,) s, where all inputs were recorded together, once a frame; None: each at its own times.
        interventions: (begin, end) s each, in which a human had the arm; None: nobody tells.
    """

    name: str
    span: tuple[float, float]
    numbers: Mapping[str, Track]
    action: Mapping[str, Track]
    images: Mapping[str, Film]
    frames: Values | None = None
    interventions: Sequence[tuple[float, float]] | None = None


@dataclass(frozen=True)
class Frames:
    """One demonstration at one rate, n frames.

    Attributes:
        name: in its file.
        numbers: key -> (n, k), of the state.
        action: its parts in their order, (n, k) each, to be reached one period later.
        images: key -> (n, H, W, 3) uint8, RGB.
        intervention: (n,) whether a human had the arm; None: nobody tells.
    """

    name: str
    numbers: Mapping[str, Values]
    action: Mapping[str, Values]
    images: Mapping[str, Pictures]
    intervention: NDArray[np.bool_] | None = None


def together(
    name: str,
    stamps: Values,
    period: float,
    numbers: Mapping[str, Values],
    action: Values,
    images: Mapping[str, Pictures],
) -> RawEpisode:
    """An episode whose inputs have all been recorded at ``stamps`` (n,), s.

    Args:
        period: s, so long after its stamp an action is to be reached.
        numbers, action, images: n rows each.
    """
    return RawEpisode(
        name,
        (float(stamps[0]), float(stamps[-1])),
        {key: Track(stamps, values) for key, values in numbers.items()},
        {"action": Track(stamps + period, action)},
        {key: Film(stamps, pictures.__getitem__) for key, pictures in images.items()},
        stamps,
    )


class Source(Protocol):
    """Where episodes come from.

    Attributes:
        period: s from frame to frame, as it says; NaN where it does not, or where inputs have rates of
            their own.
        left_out: grows while episodes are read: which could not be, and why.
    """

    period: float
    left_out: list[str]

    def episodes(self) -> Iterator[RawEpisode]:
        """One after the other; each is to be used before the next is asked for. Raises ConversionError."""
        ...

    def found(self) -> dict[str, Any]:
        """More for the report, JSON-ready, after the episodes were read: ``notes`` are for a person."""
        ...
