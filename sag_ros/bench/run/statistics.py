"""The statistics that tables report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a success rate (Wilson 1927): sensible at 0 % and 100 %, unlike the normal one.

    Args:
        successes: in 0..trials.
        trials: number of independent trials; with 0 nothing is known and the interval is (0, 1).
        confidence: two-sided, in (0, 1).
    Returns:
        (lower, upper) as shares in [0, 1].
    Raises:
        ValueError: successes outside 0..trials.
    """
    from scipy.stats import binomtest  # the GPU's check needs the percentiles below, and has no scipy

    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be in 0..{trials}; got {successes}")
    if trials == 0:
        return 0.0, 1.0
    bounds = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(bounds.low), float(bounds.high)


def percentile(values: Sequence[float], q: float) -> float:
    """The ``q``-th percentile (0..100), linear between order statistics; NaN of nothing."""
    return float(np.percentile(np.asarray(values, dtype=np.float64), q)) if len(values) else float("nan")


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean, or None of nothing."""
    return float(np.mean(values)) if len(values) else None
