"""Rotations as policies give them, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sag_ros.policy.meanings import ROTATIONS
from sag_ros.policy.rotations import from_matrix, to_matrix

RANDOM = Rotation.random(50, random_state=0).as_matrix()


@pytest.mark.parametrize("kind", sorted(ROTATIONS))
def test_there_and_back(kind: str) -> None:
    numbers = from_matrix(RANDOM, kind)
    assert numbers.shape == (50, ROTATIONS[kind])
    np.testing.assert_allclose(to_matrix(numbers, kind), RANDOM, atol=1e-9)


def test_which_number_is_which() -> None:
    quarter = Rotation.from_rotvec([0.0, 0.0, np.pi / 2]).as_matrix()[None]
    half = np.sqrt(0.5)
    np.testing.assert_allclose(from_matrix(quarter, "quaternion_xyzw")[0], [0, 0, half, half], atol=1e-12)
    np.testing.assert_allclose(from_matrix(quarter, "quaternion_wxyz")[0], [half, 0, 0, half], atol=1e-12)
    np.testing.assert_allclose(from_matrix(quarter, "axis_angle")[0], [0, 0, np.pi / 2], atol=1e-12)
    np.testing.assert_allclose(from_matrix(quarter, "sixd_rows")[0], [0, -1, 0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(from_matrix(quarter, "sixd_columns")[0], [0, 1, 0, -1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("kind", sorted(set(ROTATIONS) - {"axis_angle"}))
def test_what_a_network_gives_is_made_a_rotation(kind: str) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.05, (50, ROTATIONS[kind]))
    matrices = to_matrix(1.3 * (from_matrix(RANDOM, kind) + noise), kind)
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)
    turned = Rotation.from_matrix(matrices) * Rotation.from_matrix(RANDOM).inv()
    assert turned.magnitude().max() < 0.4


@pytest.mark.parametrize("kind", sorted(ROTATIONS))
def test_what_is_no_rotation_is_not_a_number(kind: str) -> None:
    numbers = from_matrix(RANDOM[:4], kind)
    numbers[1] = np.nan
    if kind != "axis_angle":
        numbers[2] = 0.0
    if kind.startswith("sixd"):
        numbers[3, 3:] = numbers[3, :3]  # two axes that are one
    bad = np.isnan(to_matrix(numbers, kind)).any(axis=(1, 2))
    assert bad.tolist() == [False, True, kind != "axis_angle", kind.startswith("sixd")]
