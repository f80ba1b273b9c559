"""The curve through a chunk: smooth, without lag."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.curve import curve
from sag_ros.values import ActionChunk

TIMES = 0.05 * np.arange(1, 9)


def chunk(positions: np.ndarray, stamp: float = 10.0) -> ActionChunk:
    return ActionChunk(stamp, 0.05, positions, np.zeros(len(positions)))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 3.0])
def test_constant_acceleration_is_followed_exactly(smoothing: float) -> None:
    path = np.array([0.3, -0.1])
    motion = curve(chunk((1.0 + TIMES * 2.0 - 3.0 * TIMES**2)[:, None] * path), smoothing)
    for t in (0.01, 0.05, 0.12, 0.39, 0.4):
        q, v, a = motion.at(10.0 + t)
        np.testing.assert_allclose(q, (1.0 + 2.0 * t - 3.0 * t * t) * path, atol=1e-6)
        np.testing.assert_allclose(v, (2.0 - 6.0 * t) * path, atol=1e-5)
        np.testing.assert_allclose(a, -6.0 * path, atol=1e-3)


def test_without_smoothing_it_passes_through_every_action() -> None:
    positions = np.random.default_rng(0).normal(0.0, 0.1, (8, 7))
    motion = curve(chunk(positions), 0.0)
    np.testing.assert_allclose(motion.sample(10.0 + TIMES)[0], positions, atol=1e-4)


def test_smoothing_calms_independent_noise() -> None:
    positions = np.random.default_rng(0).normal(0.0, 0.003, (8, 7))
    times = 10.0 + np.arange(0.05, 0.4, 0.01)
    rough, calm = (np.abs(curve(chunk(positions), s).sample(times)[2]).mean() for s in (0.0, 0.1))
    assert calm < 0.3 * rough


def test_second_derivative_is_continuous_at_the_knots() -> None:
    motion = curve(chunk(np.random.default_rng(1).normal(size=(8, 7))))
    for t in 10.0 + TIMES[:-1]:
        for before, after in zip(motion.at(t - 1e-9), motion.at(t + 1e-9), strict=True):
            np.testing.assert_allclose(before, after, atol=1e-4)


def test_one_and_two_actions() -> None:
    np.testing.assert_allclose(curve(chunk(np.array([[0.7]]))).at(10.03)[0], [0.7], atol=1e-6)
    q, v, _ = curve(chunk(np.array([[0.0], [0.1]]))).at(10.075)
    np.testing.assert_allclose(q, [0.05], atol=1e-4)
    np.testing.assert_allclose(v, [2.0], atol=1e-3)
