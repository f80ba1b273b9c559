"""The stages from the camera's stamp to the first motion of the arm, and their statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sag_ros.values import Float

# Name of a stage -> what ends it; each begins where the one before ended.
STAGES = {
    "received": "the newest frame of all cameras is in the policy node",
    "encoded": "all frames are encoded",
    "begun": "the inference thread takes the features up",
    "pruned": "the mask is there",
    "denoised": "the chunk is there",
    "spliced": "the command is joined, guarded and ready",
    "published": "the command is published",
    "taken": "another process has the command, as the controller has",
    "moved": "the arm follows: the lag of its joints behind the command",
}
_ENOUGH = {90.0: 20, 99.0: 100, 99.9: 1000}  # samples from which a percentile says something
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True)
class Summary:
    """Of one stage, ms; NaN where there are too few samples for a percentile to say something.

    Attributes:
        count: samples.
        percentiles: at ``PERCENTILES``; largest: of all.
    """

    count: int
    percentiles: tuple[float, ...]
    largest: float

    @classmethod
    def of(cls, samples: Sequence[float] | Float) -> Summary:
        """Of samples in ms; those that are NaN do not count."""
        values = np.asarray(samples, dtype=float)
        values = values[np.isfinite(values)]
        if not len(values):
            return cls(0, (np.nan,) * len(PERCENTILES), np.nan)
        found = tuple(
            float(np.percentile(values, p)) if len(values) >= _ENOUGH.get(p, 1) else np.nan
            for p in PERCENTILES
        )
        return cls(len(values), found, float(values.max()))


def durations(ends: Mapping[str, Float]) -> dict[str, Float]:
    """(N,) ms that each stage took, from (N,) times after the camera's stamp at which stages ended.

    A stage that a graph does not report is left out, and the next one begins where the last known one ended.
    """
    out: dict[str, Float] = {}
    last: Float | None = None
    for name in STAGES:
        if name not in ends or not np.isfinite(ends[name]).any():
            continue
        end = np.asarray(ends[name], dtype=float)
        out[name] = end if last is None else end - last
        last = end
    return out
