"""Splices are C2, drop actions by time only, and end at rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.splice import Splicer, SpliceSettings
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk, JointCommand

LIMITS = guard_limits(FR3)
SPLICER = Splicer(LIMITS)


def chunk(stamp: float, positions: np.ndarray) -> ActionChunk:
    return ActionChunk(stamp, 0.05, positions, np.zeros(len(positions)))


def moving(start: float, velocity: np.ndarray) -> Motion:
    """A motion that passes HOME at ``start`` and goes on."""
    t = np.arange(-0.1, 1.0, 0.01)[:, None]
    w = 2.0
    q, v, a = np.sin(w * t) / w, np.cos(w * t), -w * np.sin(w * t)
    return of_command(JointCommand(start + t[:, 0], FR3.home + q * velocity, v * velocity, a * velocity))


def straight(velocity: np.ndarray, offset: np.ndarray | float = 0.0, age: float = 0.04) -> np.ndarray:
    return FR3.home + offset + (0.05 * np.arange(1, 9) - age)[:, None] * velocity


joint = arrays(float, 7, elements=st.floats(-1.0, 1.0))
starts = st.sampled_from([0.0, 12.3456789, 1.7e9 + 0.123])


@given(joint, joint, joint, starts, st.floats(0.0, 0.2))
def test_position_velocity_and_acceleration_are_continuous(
    old: np.ndarray, new: np.ndarray, offset: np.ndarray, now: float, age: float
) -> None:
    executed = moving(now, old)
    splice = SPLICER.splice(executed, chunk(now - age, straight(new, 0.1 * offset, age)), now)
    command = splice.command
    assert command.time[0] == splice.time
    assert 0.005 - 1e-6 <= splice.time - now <= 0.015 + 1e-6
    assert np.diff(command.time) == pytest.approx(0.01, abs=1e-6)
    for before, after in zip(
        executed.at(splice.time), (command.position, command.velocity, command.acceleration), strict=True
    ):
        np.testing.assert_allclose(after[0], before, atol=1e-9)
    assert not command.velocity[-1].any()
    assert not command.acceleration[-1].any()
    # The samples are those of one smooth motion: velocities are the slope of positions.
    slope = np.diff(command.position, axis=0) / 0.01
    mean = 0.5 * (command.velocity[1:] + command.velocity[:-1])
    np.testing.assert_allclose(slope, mean, atol=0.04)


@given(st.floats(0.0, 0.5), starts)
def test_actions_are_dropped_by_time_only(age: float, now: float) -> None:
    arrived = chunk(now - age, np.tile(FR3.home, (8, 1)))
    executed = of_command(at_rest(now - 1.0, FR3.home))
    begin = SPLICER.splice_time(now)
    late = int((arrived.times <= begin + 5e-4).sum())
    if arrived.times[-1] - begin < 0.0099:
        with pytest.raises(ChunkRefused, match="before the splice"):
            SPLICER.splice(executed, arrived, now)
    elif arrived.times[-1] - begin > 0.0101:
        assert SPLICER.splice(executed, arrived, now).dropped == late


def test_remaining_actions_are_reached_on_time() -> None:
    velocity = np.array([0.3, -0.3, 0.2, 0.1, 0.25, -0.1, 0.0])
    executed = of_command(at_rest(0.0, FR3.home))
    arrived = chunk(4.96, straight(velocity))
    motion = of_command(SPLICER.splice(executed, arrived, 5.0).command)
    for time, action in zip(arrived.times, arrived.positions, strict=True):
        if time > 5.01 + 0.24:  # after the blend
            np.testing.assert_allclose(motion.at(time - 1e-6)[0], action, atol=1e-4)


def test_a_motion_that_agrees_is_not_changed() -> None:
    velocity = np.linspace(-0.5, 0.5, 7)
    t = np.arange(-0.1, 1.0, 0.01)
    executed = of_command(
        JointCommand(
            5.0 + t, FR3.home + t[:, None] * velocity, np.tile(velocity, (len(t), 1)), np.zeros((len(t), 7))
        )
    )
    command = SPLICER.splice(executed, chunk(4.96, straight(velocity)), 5.0).command
    during = command.time < 5.3
    np.testing.assert_allclose(command.position[during], executed.sample(command.time[during])[0], atol=1e-6)


def test_a_large_difference_is_blended_longer() -> None:
    executed = of_command(at_rest(0.0, FR3.home))
    for offset in (0.01, 0.05, 0.1):
        command = SPLICER.splice(executed, chunk(4.96, straight(np.zeros(7), offset)), 5.0).command
        assert np.abs(command.acceleration).max() < 5.5


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda q: np.where(np.arange(7) == 3, np.nan, q), "non_finite"),
        (lambda q: q + np.where(np.arange(7) == 2, 0.6, 0.0), "jump"),
        (lambda q: q[0], "malformed"),
        (lambda q: q[:0], "malformed"),
    ],
)
def test_refusals(change, kind: str) -> None:
    executed = of_command(at_rest(0.0, FR3.home))
    with pytest.raises(ChunkRefused) as caught:
        SPLICER.splice(executed, chunk(4.96, change(straight(np.zeros(7)))), 5.0)
    assert caught.value.violation.kind == kind


def test_an_older_observation_than_the_executed_one_is_refused() -> None:
    executed = of_command(at_rest(0.0, FR3.home))
    arrived = chunk(4.96, straight(np.zeros(7)))
    SPLICER.splice(executed, arrived, 5.0, newest=4.96)
    with pytest.raises(ChunkRefused, match="older than the executed"):
        SPLICER.splice(executed, arrived, 5.0, newest=4.98)


@pytest.mark.parametrize(("now", "begins"), [(5.0, 5.1), (5.07, 5.1), (5.12, 5.14)])
def test_a_chunk_takes_over_no_earlier_than_it_should(now: float, begins: float) -> None:
    splicer = Splicer(LIMITS, SpliceSettings(lead=0.02, delay=0.14))
    executed = of_command(at_rest(0.0, FR3.home))
    splice = splicer.splice(executed, chunk(4.96, straight(np.zeros(7))), now)
    assert splice.time == pytest.approx(begins)
    assert splicer.splice_time(now) == pytest.approx(now + 0.02)  # of stops, which do not wait


def test_settings_are_followed() -> None:
    splicer = Splicer(LIMITS, SpliceSettings(step=0.02, lead=0.03))
    executed = of_command(at_rest(0.0, FR3.home))
    splice = splicer.splice(executed, chunk(4.96, straight(np.zeros(7))), 5.0)
    assert splice.time == pytest.approx(5.04)
    assert np.diff(splice.command.time) == pytest.approx(0.02)
