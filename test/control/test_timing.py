"""Latency percentiles, the warm-up, and missed deadlines."""

from __future__ import annotations

import math

import pytest

from sag_ros.control.timing import LatencyStats


def test_percentiles_and_misses() -> None:
    stats = LatencyStats(capacity=1000, deadline=95.5)
    for ms in range(1, 101):
        stats.add(float(ms))
    latency = stats.snapshot()
    assert latency.p50 == pytest.approx(50.5)
    assert latency.p95 == pytest.approx(95.05)
    assert (latency.max, latency.count, latency.misses) == (100.0, 100, 5)


def test_the_warm_up_never_stays_in_the_maximum() -> None:
    stats = LatencyStats(warm_up=2)
    for ms in (900.0, 500.0, 3.0, 4.0):
        stats.add(ms)
    assert (stats.snapshot().max, stats.snapshot().count) == (4.0, 2)
    stats.reset()
    assert stats.snapshot().count == 0
    assert math.isnan(stats.snapshot().p50)


def test_the_ring_keeps_the_last_samples() -> None:
    stats = LatencyStats(capacity=4)
    for ms in (100.0, 1.0, 1.0, 1.0, 1.0):
        stats.add(ms)
    latency = stats.snapshot()
    assert (latency.p99, latency.max, latency.count) == (1.0, 100.0, 5)


def test_nan_is_ignored_and_an_empty_ring_refused() -> None:
    stats = LatencyStats()
    stats.add(math.nan)
    assert stats.snapshot().count == 0
    with pytest.raises(ValueError, match="capacity 0"):
        LatencyStats(0)
