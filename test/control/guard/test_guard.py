"""What leaves the guard is inside the limits; what was inside is not touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.control.guard.guard import Guard, LimitStage, guard_limits, refuse_absurd
from sag_ros.control.guard.lead import Leader
from sag_ros.control.limits import broken, check
from sag_ros.control.motion import at_rest, of_command
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.splice import Splicer, SpliceSettings
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk, JointCommand, Violation

LIMITS = guard_limits(FR3)
GUARD = Guard(LIMITS, hard=FR3.limits)
SPLICER = Splicer(LIMITS, SpliceSettings(jump=np.inf, beyond=20.0, reach=100.0))  # the guard alone is asked
INSIDE = np.stack((FR3.limits.lower + 0.05, FR3.limits.upper - 0.05))

share = arrays(float, 7, elements=st.floats(0.0, 1.0))
actions = arrays(float, (8, 7), elements=st.floats(-1.0, 1.0))


def splice(start: np.ndarray, positions: np.ndarray, now: float = 5.0) -> JointCommand:
    executed = of_command(at_rest(now - 1.0, start))
    return SPLICER.splice(executed, ActionChunk(now - 0.04, 0.05, positions, np.zeros(8)), now).command


@given(share, actions, st.sampled_from([0.003, 0.03, 0.3, 3.0]), st.sampled_from([5.0, 1.7e9]))
@settings(max_examples=120)
def test_arbitrary_chunks_leave_it_inside_the_hard_limits(
    place: np.ndarray, noise: np.ndarray, size: float, now: float
) -> None:
    start = INSIDE[0] + place * (INSIDE[1] - INSIDE[0])
    wanted = splice(start, start + size * noise, now)
    try:
        command, violations = GUARD(wanted)
    except ChunkRefused:  # the arm stays where it is; only what would have left the limits may end so
        assert broken(of_command(wanted), LIMITS).any()
        return
    assert check(command, FR3.limits, tolerance=0.0) == []
    for name in ("position", "velocity", "acceleration"):
        np.testing.assert_allclose(getattr(command, name)[0], getattr(wanted, name)[0], atol=1e-12)
    assert not command.velocity[-1].any()
    assert not command.acceleration[-1].any()
    assert (np.diff(command.time) > 0.0).all()
    assert bool(violations) == broken(of_command(wanted), LIMITS).any()


@given(st.lists(st.tuples(actions, st.sampled_from([0.02, 0.2, 1.0])), min_size=3, max_size=12))
@settings(max_examples=25)
def test_chunk_after_chunk_from_moving_states(chunks: list[tuple[np.ndarray, float]]) -> None:
    now, motion, refused = 5.0, of_command(at_rest(4.0, FR3.home)), 0
    for noise, size in chunks:
        here = motion.at(now)[0]
        chunk = ActionChunk(now - 0.04, 0.05, here + size * noise, np.zeros(8))
        try:
            command, _ = GUARD(SPLICER.splice(motion, chunk, now).command)
        except ChunkRefused:  # then the old motion goes on, which is inside and ends at rest
            refused += 1
        else:
            assert check(command, FR3.limits, tolerance=0.0) == []
            for before, after in zip(
                motion.at(command.time[0]),
                (command.position[0], command.velocity[0], command.acceleration[0]),
                strict=True,
            ):
                np.testing.assert_allclose(after, before, atol=1e-9)
            motion = of_command(command)
        now += 0.02
    assert refused <= 1


@given(actions)
def test_a_command_inside_the_limits_is_returned_as_it_is(noise: np.ndarray) -> None:
    wanted = splice(FR3.home, FR3.home + 0.01 * np.cumsum(0.2 * noise, axis=0))
    assert not broken(of_command(wanted), LIMITS).any()
    command, violations = GUARD(wanted)
    assert command is wanted
    assert violations == []


def test_only_the_joint_that_breaks_a_limit_is_changed() -> None:
    positions = np.tile(FR3.home, (8, 1))
    positions[:, 2] += 0.02 * np.arange(8)
    positions[4, 5] += 0.15
    wanted = splice(FR3.home, positions)
    command, violations = GUARD(wanted)
    assert {violation.joint for violation in violations} == {5}
    assert {"acceleration"} <= {violation.kind for violation in violations}
    n = len(wanted.time)
    others = [0, 1, 2, 3, 4, 6]
    np.testing.assert_array_equal(command.position[:n, others], wanted.position[:, others])
    assert np.abs(command.position[:n, 5] - wanted.position[:, 5]).max() < 0.1


def test_a_target_outside_the_range_is_approached_and_not_crossed() -> None:
    start = FR3.home.copy()
    start[0] = 2.5
    positions = np.tile(start, (8, 1))
    positions[:, 0] += 0.1 * np.arange(1, 9)
    command, violations = GUARD(splice(start, positions))
    assert "position" in {violation.kind for violation in violations}
    assert 2.55 < command.position[-1, 0] < FR3.limits.upper[0]
    assert check(command, FR3.limits, tolerance=0.0) == []


def test_an_arm_outside_the_margin_can_come_back() -> None:
    start = FR3.home.copy()
    start[0] = FR3.limits.upper[0] - 0.001
    positions = np.tile(start, (8, 1))
    positions[:, 0] -= 0.01 * np.arange(1, 9)
    command, _ = GUARD(splice(start, positions))
    assert command.position[-1, 0] < start[0] - 0.05
    assert check(command, FR3.limits, tolerance=0.0) == []


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_at_a_hard_bound_the_only_way_is_back(side: float) -> None:
    start = FR3.limits.upper.copy() if side > 0.0 else FR3.limits.lower.copy()
    outward = start + side * 0.02 * np.arange(1, 9)[:, None]
    command, violations = GUARD(splice(start, outward))
    assert {violation.joint for violation in violations} == set(range(7))
    assert check(command, FR3.limits, tolerance=0.0) == []
    inward, _ = GUARD(splice(start, start - side * 0.01 * np.arange(1, 9)[:, None]))
    assert check(inward, FR3.limits, tolerance=0.0) == []
    assert (side * (start - inward.position[-1]) > 0.05).all()


def test_a_first_sample_outside_is_refused() -> None:
    wanted = splice(FR3.home, np.tile(FR3.home, (8, 1)))
    wanted.velocity[0, 1] = 3.0
    with pytest.raises(ChunkRefused) as caught:
        GUARD(wanted)
    assert caught.value.violation.joint == 1


@pytest.mark.parametrize("name", ["position", "velocity", "acceleration", "time"])
def test_values_that_are_not_finite_are_refused(name: str) -> None:
    wanted = splice(FR3.home, np.tile(FR3.home, (8, 1)))
    getattr(wanted, name)[3] = np.nan
    with pytest.raises(ChunkRefused, match=name):
        refuse_absurd(wanted)


def test_what_a_stage_makes_of_a_command_is_not_believed_either() -> None:
    def spoil(command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        wrong = command.position.copy()
        wrong[1, 0] = np.nan
        return replace(command, position=wrong), [Violation("velocity", 0, 1.0, 0.5, "clipped")]

    with pytest.raises(ChunkRefused, match="position of the command not finite"):
        Guard(LIMITS, [spoil])(splice(FR3.home, np.tile(FR3.home, (8, 1))))


def test_the_stages_are_pure() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.1, (8, 7))
    wanted = splice(FR3.home, FR3.home + noise)
    copy = [np.copy(x) for x in (wanted.time, wanted.position, wanted.velocity, wanted.acceleration)]
    stage = LimitStage(LIMITS)
    first, second = stage(wanted)[0], stage(wanted)[0]
    np.testing.assert_array_equal(first.position, second.position)
    for array, before in zip(
        (wanted.time, wanted.position, wanted.velocity, wanted.acceleration), copy, strict=True
    ):
        np.testing.assert_array_equal(array, before)


def test_a_calm_chunk_is_not_planned_again(monkeypatch) -> None:
    monkeypatch.setattr(Leader, "lead", lambda *_: pytest.fail("was planned"))
    rng = np.random.default_rng(0)
    executed = of_command(at_rest(4.0, FR3.home))
    for _ in range(60):
        chunk = ActionChunk(4.96, 0.05, FR3.home + 0.003 * rng.standard_normal((8, 7)), np.zeros(8))
        command = SPLICER.splice(executed, chunk, 5.0).command
        kept, found = GUARD(command)
        assert kept is command
        assert found == []
