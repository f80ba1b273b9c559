"""Statistics of two methods that play the same seeds, and of many that are compared with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb, sqrt
from statistics import NormalDist

import numpy as np


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of McNemar's exact test: are both methods equally likely to be the one that succeeds alone?

    The pairs in which one succeeds and the other fails are tosses of a fair coin under the null hypothesis;
    twice the smaller binomial tail, at most 1 (Fagerland, Lydersen and Laake 2013, BMC Medical Research
    Methodology 13:91).

    Args:
        only_first, only_second: pairs in which only the one, only the other succeeds.
    Raises:
        ValueError: a negative count.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts of pairs cannot be negative; got {only_first} and {only_second}")
    discordant = only_first + only_second
    tail = sum(comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**discordant)


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
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    estimate = (only_first - only_second) / pairs

    def excess(delta: float) -> float:
        return _tango_score(only_first, only_second, pairs, delta) - z

    def mirrored(delta: float) -> float:
        return -_tango_score(only_first, only_second, pairs, delta) - z

    # The score falls with delta: 0 at the estimate, z at the lower bound, -z at the upper one.
    return _root(excess, estimate, -1.0), _root(mirrored, estimate, 1.0)


def _tango_score(b: int, c: int, n: int, delta: float) -> float:
    """Tango's equation 5; infinite where ``delta`` leaves the data no variance."""
    # Restricted maximum likelihood of the share of pairs in which only the second succeeds.
    A = 2 * n
    B = -b - c + (2 * n - b + c) * delta
    C = -c * delta * (1 - delta)
    q = (sqrt(max(B * B - 4 * A * C, 0.0)) - B) / (2 * A)
    variance = n * (2 * q + delta * (1 - delta))
    numerator = b - c - n * delta
    if variance <= 0.0:
        return 0.0 if numerator == 0.0 else float(np.copysign(np.inf, numerator))
    return numerator / sqrt(variance)


def _root(function: Callable[[float], float], inside: float, outside: float) -> float:
    """Bisect for the border between ``inside``, where ``function`` <= 0, and ``outside``, where it is > 0."""
    if function(outside) <= 0.0:
        return outside
    for _ in range(60):
        middle = 0.5 * (inside + outside)
        if function(middle) <= 0.0:
            inside = middle
        else:
            outside = middle
    return inside


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979), in the given order.

    At a level of 5 % at most one such list in twenty then contains a false alarm.
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    out = [1.0] * len(values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        out[index] = largest
    return out


def bootstrap_mean(
    values: Sequence[float], confidence: float = 0.95, resamples: int = 5000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean (Efron 1979); NaN of nothing, and a point of one value.

    Args:
        values: independent, here one for each episode or pair of episodes.
        seed: of the resampling, fixed so that a report can be repeated to the digit.
    """
    if not len(values):
        return float("nan"), float("nan")
    data = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(len(data), size=(resamples, len(data)))
    low, high = np.quantile(data[picks].mean(axis=1), [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)
