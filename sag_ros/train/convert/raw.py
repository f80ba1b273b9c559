"""An episode as another project has recorded it, and what a source of them promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class ConversionError(ValueError):
    """A file that cannot be converted; the text names it, what was found, and what to do."""


@dataclass(frozen=True)
class RawEpisode:
    """One demonstration of n frames.

    Attributes:
        name: in its file.
        stamps: (n,) s, rising.
        numbers: key -> (n, k).
        action: (n, A), each for one period after its stamp.
        images: key -> (n, H, W, 3) uint8, RGB.
    """

    name: str
    stamps: Values
    numbers: Mapping[str, Values]
    action: Values
    images: Mapping[str, NDArray[np.uint8]]


class Source(Protocol):
    """Where episodes come from.

    Attributes:
        period: s from frame to frame, as it says; NaN where it does not.
    """

    period: float

    def __len__(self) -> int:
        """How many episodes there are."""
        ...

    def episodes(self) -> Iterator[RawEpisode]:
        """One after the other. Raises ConversionError."""
        ...
