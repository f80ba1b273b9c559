"""From the times of a recording to one rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.train.convert.raw import Film, LeftOut, RawEpisode, Track
from sag_ros.train.convert.resample import nearest, resampled


@given(
    st.lists(st.floats(0.0, 10.0), min_size=1, max_size=20, unique=True),
    st.lists(st.floats(-1.0, 11.0), min_size=1, max_size=20),
)
def test_nearest(stamps, times):
    stamps, times = np.sort(stamps), np.sort(times)
    found = nearest(stamps, times)
    distance = np.abs(stamps[:, None] - times[None])
    np.testing.assert_array_equal(np.abs(stamps[found] - times), distance.min(axis=0))


def episode(stamps, action, held=False, span=(0.0, 1.0)) -> RawEpisode:
    numbers = Track(stamps, stamps[:, None] * [1.0, -2.0], "/numbers")
    pictures = np.arange(11, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    film = Film(np.linspace(0.0, 1.0, 11), pictures.__getitem__, "/film")
    return RawEpisode("a", span, {"q": numbers}, {"u": Track(*action, "/action", held)}, {"front": film})


def test_each_input_at_its_own_stamps():
    raw = episode(np.array([-0.1, 0.3, 0.35, 1.2]), (np.array([0.0, 0.42]), np.array([[1.0], [2.0]])), True)
    found = resampled(raw, float("nan"), 0.25, gap=0.9)
    times = np.arange(5) * 0.25
    np.testing.assert_allclose(found.numbers["q"], times[:, None] * [1.0, -2.0], atol=1e-12)
    np.testing.assert_array_equal(found.action["u"][:, 0], [1.0, 2.0, 2.0, 2.0, 2.0])  # at 0.25, 0.5, …
    np.testing.assert_array_equal(found.images["front"][:, 0, 0, 0], [0, 2, 5, 7, 10])


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([0.0, 0.4, 0.9, 1.0], "/numbers has no message for 0.500 s at 0.40 s; --gap allows 0.45"),
        ([0.5, 0.9, 1.0], "/numbers has no message for 0.500 s at 0.00 s"),
        ([0.0, 0.4], "/numbers has no message for 0.600 s at 0.40 s"),
        ([2.0, 2.1], "/numbers has no message for 2.000 s at 0.00 s"),
        ([-2.0, -1.0], "/numbers has no message for 2.000 s at -1.00 s"),
    ],
)
def test_an_input_that_is_missing(stamps, said):
    action = np.linspace(0.0, 1.3, 14), np.zeros((14, 1))
    with pytest.raises(LeftOut, match=said):
        resampled(episode(np.array(stamps), action), float("nan"), 0.25, gap=0.45)
    resampled(episode(np.array([0.0, 0.4, 0.8, 1.0]), action), float("nan"), 0.25, gap=0.45)
