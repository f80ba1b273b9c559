"""Interpolation as the trajectory controller does it."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.motion import at_rest, of_command, through

TIME = np.array([0.0, 0.3, 0.5, 1.1])
POWERS = np.arange(6)


def polynomial(degree: int):
    """Position, velocity and acceleration of two joints at TIME."""
    rng = np.random.default_rng(degree)
    joints = [np.polynomial.Polynomial(rng.normal(size=degree + 1)) for _ in range(2)]
    q, v, a = (np.stack([p.deriv(k)(TIME) if k else p(TIME) for p in joints], axis=1) for k in range(3))
    return q, v, a, joints


@pytest.mark.parametrize(("given", "degree"), [(0, 1), (1, 3), (2, 5)])
def test_reproduces_polynomials_of_its_degree(given: int, degree: int) -> None:
    q, v, a, joints = polynomial(degree)
    motion = through(TIME, q, v if given > 0 else None, a if given > 1 else None)
    for t in (0.0, 0.1, 0.29999, 0.3, 0.77, 1.0999):
        for order, value in enumerate(motion.at(t)):
            if order <= given:
                expected = [p.deriv(order)(t) if order else p(t) for p in joints]
                np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-8)


def test_many_times_agree_with_one_by_one() -> None:
    q, v, a, _ = polynomial(5)
    motion = through(TIME, q, v, a)
    times = np.linspace(-0.2, 1.3, 61)
    for array, one in zip(
        motion.sample(times), zip(*(motion.at(t) for t in times), strict=True), strict=True
    ):
        assert array.shape == (61, 2)
        np.testing.assert_allclose(array, one, atol=1e-12)


def test_rests_before_and_after() -> None:
    q, v, a, _ = polynomial(5)
    motion = through(TIME, q, v, a)
    for t, expected in ((-1.0, q[0]), (1.1, q[-1]), (9.0, q[-1])):
        position, velocity, acceleration = motion.at(t)
        np.testing.assert_allclose(position, expected, atol=1e-12)
        assert not velocity.any()
        assert not acceleration.any()


def test_one_sample_is_a_hold() -> None:
    motion = of_command(at_rest(5.0, np.array([1.0, 2.0])))
    assert motion.at(0.0)[0].tolist() == motion.at(9.0)[0].tolist() == [1.0, 2.0]
