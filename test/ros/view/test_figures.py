from __future__ import annotations

import itertools

import pytest

from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.view.episodes import Episodes
from sag_ros.ros.view.figures import BINS, RATE_WINDOW, WINDOW, Figures


def records(latencies, begin=100.0, rate=50.0, **more):
    return [
        (begin + n / rate, ChunkRecord(n, publish_stamp=1e9 + begin + n / rate, latency_ms=latency, **more))
        for n, latency in enumerate(latencies)
    ]


def filled(*lists):
    figures = Figures()
    for when, record in itertools.chain(*lists):
        figures.add(when, record)
    return figures


def test_nothing_is_no_figure():
    figures = Figures()
    assert figures.rate(0.0) == 0.0
    assert figures.last is None
    told = figures.latency(0.0, 0.05)
    assert (told["total"], told["late"], told["p50"], sum(told["counts"])) == (0, 0, None, 0)


def test_rate_and_percentiles_are_of_executed_chunks():
    refused = [(104.0, ChunkRecord(999, latency_ms=900.0, refused=1))]
    figures = filled(records([20.0] * 198 + [60.0, 5000.0]), refused)
    assert figures.rate(104.0) == pytest.approx(50.0)
    told = figures.latency(104.0, 0.05)
    assert (told["total"], told["late"], told["p50"]) == (200, 2, 20.0)
    assert (told["deadline"], told["top"], len(told["counts"])) == (50.0, 100.0, BINS)
    assert sum(told["counts"]) == 200
    assert told["counts"][-1] == 1  # what is later than the axis counts in its last bin
    assert told["counts"][8] == 198
    assert figures.last.refused == 1


def test_what_is_old_is_forgotten():
    figures = filled(records([20.0] * 50))
    assert figures.rate(101.0 + RATE_WINDOW) == 0.0
    assert figures.latency(101.0 + WINDOW, 0.05)["total"] == 0


def test_a_success_stays_one_and_a_simulator_may_start_anew():
    episodes = Episodes()
    assert episodes.told() is None
    for number, seed, success in [
        (-1, 0, False),
        (0, 7, False),
        (0, 7, True),
        (0, 7, False),
        (1, 8, False),
        (0, 9, True),
    ]:
        episodes.take({"episode": number, "seed": seed, "success": success, "time": 1.5, "message": "m"})
    told = episodes.told()
    assert (told["total"], told["successes"], told["number"], told["success"]) == (3, 2, 0, True)
    assert (told["seconds"], told["message"]) == (1.5, "m")
