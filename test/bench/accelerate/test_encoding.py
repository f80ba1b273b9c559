from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.bench.accelerate import encoding
from sag_ros.bench.accelerate.encoding import LEAST, encodable


class Clock:
    """A call takes 32 frames 0.32 s: 10 ms a frame."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()

    def features(encoder, images):
        assert all(len(own) == 32 for own in images.values())
        clock.time += 0.32

    monkeypatch.setattr(encoding, "camera_features", features)
    return clock


class Demonstrations:
    """100 episodes of 50 frames."""

    ends = 50 * np.arange(1, 101)

    def __len__(self):
        return 5000

    def images(self, camera, start, end):
        return np.zeros((end - start, 2, 2, 3), np.uint8)


ENCODER = SimpleNamespace(cameras=("front",))


@pytest.mark.parametrize(("seconds", "episodes"), [(60.0, None), (50.0, None), (30.0, 60), (5.0, LEAST)])
def test_as_many_as_there_is_time_for(clock, seconds, episodes):
    assert encodable(ENCODER, Demonstrations(), seconds, clock) == episodes


def test_all_of_them_where_there_is_no_camera(clock):
    assert encodable(SimpleNamespace(cameras=()), Demonstrations(), 0.0, clock) is None
