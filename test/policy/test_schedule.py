from __future__ import annotations

import numpy as np
import pytest

from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod


def test_step_is_the_stated_rule() -> None:
    table = CoefficientTable(np.array([5]), np.array([[2.0, 3.0, 5.0, 7.0, 11.0, 13.0]]), clip=4.0)
    x, eps, noise = np.array([1.0, 0.1]), np.array([1.0, 0.2]), np.array([1.0, -1.0])
    expected = [5 * 4.0 + 7 + 11 + 13, 5 * 0.8 + 0.7 + 2.2 - 13]
    np.testing.assert_allclose(table.step(0, x, eps, noise), expected)


def test_table_is_frozen() -> None:
    table = CoefficientTable(np.array([5]), np.zeros((1, 6)))
    for array in (table.timesteps, table.coefficients):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("timesteps", "coefficients", "clip"),
    [
        (np.arange(0), np.zeros((0, 6)), 1.0),
        (np.arange(2), np.zeros((3, 6)), 1.0),
        (np.arange(2), np.zeros((2, 5)), 1.0),
        (np.arange(2), np.full((2, 6), np.nan), 1.0),
        (np.arange(2), np.zeros((2, 6)), 0.0),
        (np.arange(2), np.zeros((2, 6)), np.nan),
    ],
)
def test_wrong_tables_are_refused(timesteps: np.ndarray, coefficients: np.ndarray, clip: float) -> None:
    with pytest.raises(ValueError, match=r"timesteps \(n,\)|finite"):
        CoefficientTable(timesteps, coefficients, clip)


def test_schedule_needs_a_step() -> None:
    with pytest.raises(ValueError, match="at least 1 step; got 0"):
        cosine_alphas_cumprod(0)
