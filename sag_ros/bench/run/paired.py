"""Statistics of two methods that play the same seeds, and of many that are compared with one."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import optimize, stats


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of McNemar's exact test: are both methods equally likely to be the one that succeeds alone?

    The pairs in which one succeeds and the other fails are tosses of a fair coin under the null hypothesis
    (Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91).

    Args:
        only_first, only_second: pairs in which only the one, only the other succeeds.
    Raises:
        ValueError: a negative count.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts of pairs cannot be negative; got {only_first} and {only_second}")
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def tango(only_first: int, only_second: int, pairs: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a difference of paired success rates, first minus second.

    Tango 1998 (Statistics in Medicine 17:891): all differences that a score test does not reject. Unlike the
    normal interval it has a width when no pair is discordant, and covers well with few that are.

    Args:
        only_first, only_second: pairs in which only the one, only the other succeeds.
        pairs: all pairs; with 0 nothing is known and the interval is (-1, 1).
        confidence: two-sided, in (0, 1).
    Returns:
        (lower, upper) as shares in [-1, 1].
    Raises:
        ValueError: counts that are negative or exceed ``pairs``.
    """
    if min(only_first, only_second) < 0 or only_first + only_second > pairs:
        raise ValueError(f"{only_first} and {only_second} discordant pairs do not fit into {pairs} pairs")
    if pairs == 0:
        return -1.0, 1.0
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    lower = _tango_lower(only_first, only_second, pairs, z)
    return lower, -_tango_lower(only_second, only_first, pairs, z)


def _tango_lower(b: int, c: int, n: int, z: float) -> float:
    """Where Tango's score (equation 5) is ``z``; it falls with the difference, and is 0 at the estimate."""

    def excess(delta: float) -> float:
        # Restricted maximum likelihood of the share of pairs in which only the second succeeds.
        B = -b - c + (2 * n - b + c) * delta
        C = -c * delta * (1 - delta)
        q = (sqrt(max(B * B - 8 * n * C, 0.0)) - B) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        # Not divided by the deviation, which may vanish at -1 and at the estimate.
        return b - c - n * delta - z * sqrt(max(variance, 0.0))

    # Just below the estimate: there both terms may vanish.
    return -1.0 if c == n else float(optimize.brentq(excess, -1.0, (b - c) / n - 1e-9, xtol=1e-13))


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979), in the given order.

    At a level of 5 % at most one such list in twenty then contains a false alarm.
    """
    raw = np.asarray(values, np.float64)
    order = np.argsort(raw)
    corrected = np.empty_like(raw)
    corrected[order] = np.maximum.accumulate(np.arange(len(raw), 0, -1) * raw[order])
    return [float(p) for p in np.minimum(corrected, 1.0)]


def bootstrap_mean(
    values: Sequence[float], confidence: float = 0.95, resamples: int = 5000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean (Efron 1979); NaN of nothing, and a point of one value.

    Args:
        values: independent, here one for each episode or pair of episodes.
        seed: of the resampling, fixed so that a report can be repeated to the digit.
    """
    if len(values) < 2:
        point = float(values[0]) if len(values) else float("nan")
        return point, point
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=resamples, confidence_level=confidence, method="percentile",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
