"""Doing less under pressure, and more again without."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.watch.pressure import Pressure, PressureSettings

SETTINGS = PressureSettings()
GOOD, BAD = (0.02, 0.01), (0.15, 0.12)  # s: latency, own part of it


class Chunks:
    """Chunks at 50 Hz."""

    def __init__(self, levels: int) -> None:
        self.pressure, self.now = Pressure(levels, SETTINGS), 0.0
        self.levels: list[int] = []

    def come(self, seconds: float, latency: float, own: float) -> int:
        for _ in range(round(50 * seconds)):
            self.now += 0.02
            self.levels.append(self.pressure.look(self.now, latency, own))
        return self.levels[-1]


def test_nothing_happens_without_pressure() -> None:
    chunks = Chunks(4)
    chunks.come(10.0, *GOOD)
    assert set(chunks.levels) == {0}


def test_it_steps_down_one_by_one_and_stays_at_the_last() -> None:
    chunks = Chunks(4)
    assert chunks.come(10.0, *BAD) == 3
    assert [b - a for a, b in pairwise(chunks.levels) if b != a] == [1, 1, 1]
    assert chunks.levels.index(1) + 1 == SETTINGS.window
    assert chunks.levels.index(2) - chunks.levels.index(1) == SETTINGS.window


def test_a_single_late_chunk_is_none() -> None:
    chunks = Chunks(3)
    for _ in range(20):
        chunks.come(0.1, *GOOD)
        chunks.come(0.02, *BAD)
    assert set(chunks.levels) == {0}


def test_frames_that_are_old_when_they_come_are_not_our_doing() -> None:
    chunks = Chunks(3)
    assert chunks.come(5.0, 0.2, 0.04) == 0


def test_it_climbs_when_there_is_time_again() -> None:
    chunks = Chunks(3)
    assert chunks.come(1.0, *BAD) == 2
    assert chunks.come(SETTINGS.patience - 0.1, *GOOD) == 2
    assert chunks.come(2 * SETTINGS.patience + 0.5, *GOOD) == 0


def test_it_does_not_climb_without_a_margin() -> None:
    chunks = Chunks(3)
    chunks.come(1.0, *BAD)
    assert chunks.come(60.0, 0.098, 0.09) == 2


def test_a_step_up_that_does_not_hold_is_tried_less_and_less() -> None:
    chunks = Chunks(2)
    for _ in range(6000):
        chunks.come(0.02, *(BAD if chunks.pressure.level == 0 else GOOD))
    ups = [number for number, (a, b) in enumerate(pairwise(chunks.levels)) if b < a]
    waits = [b - a for a, b in pairwise(ups)]
    assert waits == sorted(waits)
    assert waits[2] > 1.8 * waits[1] > 3.0 * waits[0]
    assert chunks.come(3 * SETTINGS.patience_most, *GOOD) == 0
    assert chunks.come(1.0, *BAD) == 1
    assert chunks.come(SETTINGS.patience + 0.3, *GOOD) == 0  # long ago is forgotten


def test_a_reset_begins_at_the_top() -> None:
    chunks = Chunks(3)
    chunks.come(1.0, *BAD)
    chunks.pressure.reset()
    assert chunks.come(1.0, *GOOD) == 0


@settings(max_examples=50, deadline=None)
@given(
    levels=st.integers(1, 5),
    chunks=st.lists(st.tuples(st.floats(0.001, 0.3), st.floats(0, 0.2), st.floats(0, 0.2)), max_size=200),
)
def test_the_level_is_one_that_exists_and_moves_by_one(
    levels: int, chunks: list[tuple[float, float, float]]
) -> None:
    pressure, now, before = Pressure(levels), 0.0, 0
    for after, latency, own in chunks:
        now += after
        level = pressure.look(now, latency, own)
        assert 0 <= level < levels
        assert abs(level - before) <= 1
        before = level


def test_no_level_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Pressure(0)
