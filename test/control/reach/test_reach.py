"""What an arm can do of a chunk of poses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sag_ros.control.reach.kinematics import forward
from sag_ros.control.reach.reach import Reach
from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import Float, PoseChunk, in_frames

REACH = Reach(FR3, margin=0.01)
HOME = np.array(FR3.home)
STEPS = np.linspace(0.0, 0.1, 9)[1:, None] * np.array([1.0, 0.5, -0.5, 0.8, 0.3, -0.6, 1.0])


def chunk_of(joints: Float, relative: str = "no", frame: str = "base", observed: Float = HOME) -> PoseChunk:
    poses = [forward(FR3.chain, q) for q in joints]
    positions, rotations = (np.stack(part) for part in zip(*poses, strict=True))
    if relative != "no":
        before = [forward(FR3.chain, observed), *poses[:-1]]
        for i in range(len(poses)):
            position, rotation = before[0 if relative == "observed" else i]
            moved, turned = positions[i] - position, rotations[i] @ rotation.T
            if frame == "tool":
                moved, turned = rotation.T @ moved, rotation.T @ poses[i][1]
            positions[i], rotations[i] = moved, turned
    width = np.full(len(positions), 0.04)
    return PoseChunk(3.0, 0.1, positions, rotations, width, relative, frame, observed)


@pytest.mark.parametrize("frame", ["base", "tool"])
@pytest.mark.parametrize("relative", ["no", "observed", "step"])
def test_each_way_to_say_where_the_tool_goes_leads_there(relative: str, frame: str) -> None:
    path = HOME + STEPS
    chunk = chunk_of(path, relative, frame)
    found, remarks = REACH.joints(chunk)
    assert remarks == ()
    assert (found.stamp, found.period) == (3.0, 0.1)
    np.testing.assert_array_equal(found.times, chunk.times)
    for q, wanted in zip(found.positions, path, strict=True):
        for one, other in zip(forward(FR3.chain, q), forward(FR3.chain, wanted), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def frame(*numbers: float) -> Float:
    """(4, 4) of x, y, z and three turns about the axes."""
    found = np.eye(4)
    for axis, angle in enumerate(numbers[3:]):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(4)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[b, a], turn[a, b] = np.sin(angle), -np.sin(angle)
        found = found @ turn
    found[:3, 3] = numbers[:3]
    return found


BASE, TOOL = frame(0.5, -0.2, 0.9, 0.3, -0.4, 1.2), frame(0.01, 0.02, 0.1, 0.5, 1.0, -0.7)


@pytest.mark.parametrize("axes", ["base", "tool"])
@pytest.mark.parametrize("relative", ["no", "observed", "step"])
@pytest.mark.parametrize(("base", "tool"), [(BASE, None), (None, TOOL), (BASE, TOOL)])
def test_poses_in_frames_of_the_policy(relative: str, axes: str, base, tool) -> None:
    path = HOME + 0.5 * STEPS
    own = [in_frames(*forward(FR3.chain, q), base, tool) for q in (HOME, *path)]
    positions, rotations = [], []
    for number, pose in enumerate(own[1:]):
        before = own[0 if relative == "observed" else number]
        moved, turned = pose[:3, 3] - before[:3, 3], pose[:3, :3] @ before[:3, :3].T
        if axes == "tool":
            moved, turned = before[:3, :3].T @ moved, before[:3, :3].T @ pose[:3, :3]
        positions.append(pose[:3, 3] if relative == "no" else moved)
        rotations.append(pose[:3, :3] if relative == "no" else turned)
    width = np.full(len(path), 0.04)
    chunk = PoseChunk(
        3.0, 0.1, np.stack(positions), np.stack(rotations), width, relative, axes, HOME, base, tool
    )
    found, remarks = REACH.joints(chunk)
    assert remarks == ()
    for q, wanted in zip(found.positions, path, strict=True):
        for one, other in zip(forward(FR3.chain, q), forward(FR3.chain, wanted), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_out_of_reach_is_refused_with_the_action_and_how_far() -> None:
    chunk = chunk_of(HOME + STEPS)
    far = chunk.positions.copy()
    far[5:] += [1.0, 0.0, 0.0]
    with pytest.raises(ChunkRefused, match=r"action 6 is \d+ mm and \d+ degrees out of reach: joint \d") as e:
        REACH.joints(replace(chunk, positions=far))
    assert (e.value.violation.kind, e.value.violation.bound) == ("unreachable", 0.03)


def test_joints_that_cannot_be_so_fast_let_the_tool_lag_and_that_is_said() -> None:
    quick = HOME + np.linspace(0.0, 1.0, 9)[1:, None] * np.array([3.8, 0, 0, 0, 0, 0, 0])
    found, remarks = REACH.joints(chunk_of(quick))
    assert np.abs(np.diff(found.positions, axis=0)).max() <= 0.95 * 0.1 * 2.62 + 1e-9
    (remark,) = remarks
    assert remark.kind == "unreachable"
    assert "mm and" in remark.message
    assert "beside action 8: joint" in remark.message


def test_a_bound_of_a_joint_is_kept_and_named() -> None:
    start = HOME.copy()
    start[3] = FR3.limits.upper[3] - 0.2
    stretched = np.repeat(start[None], 8, axis=0)
    chunk = chunk_of(stretched, observed=start)
    position, _ = forward(FR3.chain, start)
    out = position / np.linalg.norm(position)
    further = chunk.positions + np.linspace(0.0, 0.5, 8)[:, None] * out
    with pytest.raises(ChunkRefused, match="out of reach"):
        REACH.joints(replace(chunk, positions=further))


@pytest.mark.parametrize("what", ["positions", "rotations", "observed"])
def test_what_is_not_finite_is_refused(what: str) -> None:
    chunk = chunk_of(HOME + STEPS)
    wrong = np.array(getattr(chunk, what))
    wrong[2] = np.nan
    with pytest.raises(ChunkRefused, match=r"action 3 is no pose|no arm was observed") as error:
        REACH.joints(replace(chunk, **{what: wrong}))
    assert error.value.violation.kind == "non_finite"


def test_an_arm_without_a_chain_is_refused() -> None:
    chunk = chunk_of(HOME + STEPS)
    joints, _ = REACH.joints(chunk)
    without = Reach(replace(FR3, chain=None))
    assert without.joints(joints) == (joints, ())
    with pytest.raises(ChunkRefused, match="nothing is known of the arm's chain"):
        without.joints(chunk)
