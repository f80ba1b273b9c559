"""How long the joints follow behind their command."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.values import Float

STEP = 1e-3  # s
_EARLIEST, _LONGEST = -0.02, 0.25  # s; stamps that are a little early make a lag that is below zero
_BLOCK = 0.5  # s: shorter stretches of a motion are not independent of each other
_DRAWS = 400
_UNEXPLAINED = 0.02  # rad: where no shift comes closer, the arm followed something else, or was put back
_LEAST = 0.02  # rad/s: a slower motion has no lag that could be seen


@dataclass(frozen=True)
class Lag:
    """ms, with a 95 % interval; all NaN where nothing moved."""

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan


def lag(commanded: Float, measured: Float) -> Lag:
    """The shift at which measured positions fit the commanded ones best.

    Least squares over shifts of whole milliseconds, refined by a parabola; the interval is a bootstrap over
    blocks of half a second.

    Args:
        commanded, measured: (N, J) rad at the same instants, ``STEP`` apart; NaN where nothing is known.
    """
    least, most, size = round(_EARLIEST / STEP), round(_LONGEST / STEP), int(_BLOCK / STEP)
    blocks = []
    for first in range(most, len(measured) - size + least + 1, size):
        now = measured[first : first + size]
        around = commanded[first - most : first + size - least]
        speed = np.abs(np.diff(around, axis=0)).max() / STEP
        if np.isfinite(now).all() and speed > _LEAST:  # NaN compares as false
            shifted = (around[most - k : most - k + size] for k in range(least, most))
            block = [((now - command) ** 2).sum() for command in shifted]
            if min(block) < size * _UNEXPLAINED**2:
                blocks.append(block)
    if len(blocks) < 3:
        return Lag()
    sums = np.array(blocks)
    rng = np.random.default_rng(0)
    drawn = [_minimum(sums[rng.integers(len(sums), size=len(sums))].sum(axis=0)) for _ in range(_DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Lag(_minimum(sums.sum(axis=0)), float(low), float(high))


def _minimum(errors: Float) -> float:
    """Where a curve over shifts is lowest, ms."""
    best = int(errors.argmin())
    early = round(_EARLIEST / STEP)
    if not 0 < best < len(errors) - 1:
        return (best + early) * STEP * 1e3
    before, here, after = errors[best - 1 : best + 2]
    bend = before - 2.0 * here + after
    return float((best + early + (0.5 * (before - after) / bend if bend > 0.0 else 0.0)) * STEP * 1e3)
