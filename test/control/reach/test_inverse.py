"""Joint positions for rows of poses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.reach.inverse import follow
from sag_ros.control.reach.kinematics import forward
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import Float

CHAIN, LIMITS = FR3.chain, FR3.limits
FAR = 0.1 * LIMITS.velocity


def poses_of(joints: Float) -> Float:
    return np.stack([np.column_stack(forward(CHAIN, q)[::-1]) for q in joints])


def found(start: Float, poses: Float, iterations: int = 4) -> tuple[Float, Float]:
    joints, left = np.empty((len(poses), 7)), np.empty((len(poses), 3))
    follow(
        np.array(start), poses, CHAIN.frames, np.array(CHAIN.tool), np.array(LIMITS.lower),
        np.array(LIMITS.upper), FAR, np.array(FR3.home), iterations, joints, left,
    )  # fmt: skip
    return joints, left


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_what_an_arm_did_is_found_within_its_bounds(seed: int, speed: float) -> None:
    rng = np.random.default_rng(seed)
    start = np.clip(FR3.home + rng.normal(0.0, 0.3, 7), LIMITS.lower, LIMITS.upper)
    step = 0.05 * speed * rng.uniform(-1.0, 1.0, 7)
    path = np.clip(start + step * np.arange(1, 9)[:, None], LIMITS.lower, LIMITS.upper)
    joints, left = found(start, poses_of(path))
    assert (joints >= LIMITS.lower).all()
    assert (joints <= LIMITS.upper).all()
    moved = np.abs(np.diff(np.vstack([start, joints]), axis=0))
    assert (moved <= FAR + 1e-9).all()
    assert left[:, 0].max() < 1e-3
    assert left[:, 1].max() < 1e-2
    np.testing.assert_allclose(poses_of(joints), poses_of(path), atol=1e-2)


def test_half_a_turn_is_no_trap() -> None:
    position, rotation = forward(CHAIN, FR3.home)
    turned = rotation @ np.diag([-1.0, -1.0, 1.0])
    target = np.column_stack([turned, position])
    joints, left = found(FR3.home, np.repeat(target[None], 30, axis=0))
    assert left[-1, :2].max() < 1e-4
    assert (np.abs(np.diff(joints, axis=0)) <= FAR + 1e-9).all()


def test_far_outside_it_stretches_and_stays_within_its_bounds() -> None:
    position, rotation = forward(CHAIN, FR3.home)
    away = np.column_stack([rotation, position + np.array([2.0, 0.0, 0.0])])
    joints, left = found(FR3.home, np.repeat(away[None], 40, axis=0))
    assert np.isfinite(joints).all()
    assert (joints >= LIMITS.lower).all()
    assert (joints <= LIMITS.upper).all()
    reached = forward(CHAIN, joints[-1])[0]
    assert reached[0] > position[0] + 0.2
    assert left[-1, 0] > 1.0


def test_the_redundant_joint_drifts_towards_home() -> None:
    away = FR3.home + np.array([0.4, 0.0, -0.4, 0.0, 0.0, 0.0, 0.0])
    pose = poses_of(away[None])
    joints, left = found(away, np.repeat(pose, 200, axis=0))
    assert left[:, 0].max() < 1e-4
    assert np.linalg.norm(joints[-1] - FR3.home) < np.linalg.norm(away - FR3.home)
