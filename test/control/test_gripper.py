"""Widths become few goals."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.gripper import GripperPlanner, GripperSettings
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk


def chunk(stamp: float, widths: np.ndarray | float) -> ActionChunk:
    return ActionChunk(stamp, 0.05, np.zeros((8, 7)), np.broadcast_to(np.asarray(widths, float), (8,)))


def test_one_goal_per_grasp_and_release() -> None:
    rng = np.random.default_rng(0)
    planner = GripperPlanner(FR3.gripper)
    sent = []
    for k in range(300):
        now = 0.02 * k
        wanted = 0.02 if 2.0 < now < 4.0 else 0.08
        command = planner.on_chunk(chunk(now - 0.04, wanted + 0.003 * rng.standard_normal(8)), now)
        if command is not None:
            sent.append((now, command))
    assert [command.grasp for _, command in sent] == [True, False]
    assert sent[0][0] == pytest.approx(2.0, abs=0.05)
    assert sent[1][1].width == pytest.approx(0.08, abs=0.01)


def test_hysteresis_between_the_thresholds() -> None:
    planner = GripperPlanner(FR3.gripper, GripperSettings(close_below=0.04, open_above=0.06, change=0.05))
    assert planner.on_chunk(chunk(0.0, 0.05), 0.04) is None
    assert planner.on_chunk(chunk(1.0, 0.03), 1.04).grasp
    assert planner.on_chunk(chunk(2.0, 0.055), 2.04) is None
    assert not planner.on_chunk(chunk(3.0, 0.065), 3.04).grasp


def test_one_outlier_decides_nothing() -> None:
    widths = np.full(8, 0.08)
    widths[2] = 0.0
    assert GripperPlanner(FR3.gripper).on_chunk(chunk(0.0, widths), 0.04) is None


def test_an_open_hand_follows_changes_but_not_often() -> None:
    planner = GripperPlanner(FR3.gripper)
    assert planner.on_chunk(chunk(0.0, 0.065), 0.04).width == pytest.approx(0.065)
    assert planner.on_chunk(chunk(0.1, 0.08), 0.14) is None
    assert planner.on_chunk(chunk(0.4, 0.08), 0.44).width == pytest.approx(0.08)
    assert planner.on_chunk(chunk(0.8, 0.079), 0.84) is None


def test_what_is_ahead_counts_and_widths_are_bounded() -> None:
    widths = np.array([0.08, 0.08, 0.08, -0.01, -0.01, -0.01, -0.01, -0.01])
    planner = GripperPlanner(FR3.gripper)
    assert planner.on_chunk(chunk(0.0, widths), 0.0) is None
    command = planner.on_chunk(chunk(0.0, widths), 0.15)
    assert command.grasp
    assert command.width == 0.0
    assert GripperPlanner(FR3.gripper).on_chunk(chunk(0.0, np.nan), 0.0) is None


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="close_below"):
        GripperPlanner(FR3.gripper, GripperSettings(close_below=0.06, open_above=0.05))
    with pytest.raises(ValueError, match="force"):
        GripperPlanner(FR3.gripper, GripperSettings(force=500.0))


HALF = GripperSettings(patience=0.5)


def put_off(now: float, steps: int = 5) -> ActionChunk:
    """A release that lies ``steps`` actions ahead, whenever one asks."""
    return chunk(now, np.where(np.arange(8) < steps, 0.04, 0.08))


def first_command(planner: GripperPlanner, chunks) -> float:
    """When the first goal is sent; ``chunks``: time -> chunk."""
    for k in range(200):
        if planner.on_chunk(chunks(0.02 * k), 0.02 * k) is not None:
            return 0.02 * k
    return np.inf


def test_a_release_that_every_chunk_puts_off_is_done_in_the_end() -> None:
    # First promised for 0.3 s (actions lie one period after the stamp), due 0.05 s earlier, and 0.5 s more.
    assert first_command(GripperPlanner(FR3.gripper, HALF, width=0.04), put_off) == pytest.approx(
        0.72, abs=0.03
    )
    soon = GripperSettings(patience=0.1)
    assert first_command(GripperPlanner(FR3.gripper, soon, width=0.04), put_off) == pytest.approx(
        0.32, abs=0.03
    )


def test_a_grasp_as_well() -> None:
    closing = first_command(
        GripperPlanner(FR3.gripper, HALF), lambda now: chunk(now, np.where(np.arange(8) < 5, 0.08, 0.02))
    )
    assert closing == pytest.approx(0.72, abs=0.03)


def test_a_promise_taken_back_counts_no_more() -> None:
    def unsure(now: float) -> ActionChunk:
        return chunk(now, 0.04) if round(now / 0.02) % 20 == 19 else put_off(now)

    assert first_command(GripperPlanner(FR3.gripper, HALF, width=0.04), unsure) == np.inf


def test_what_comes_in_time_is_not_changed() -> None:
    def at_one(now: float) -> ActionChunk:
        times = chunk(now, 0.04).times
        return chunk(now, np.where(times < 1.0, 0.04, 0.08))

    hasty = GripperPlanner(FR3.gripper, GripperSettings(patience=0.0), width=0.04)
    patient = GripperPlanner(FR3.gripper, GripperSettings(patience=9.0), width=0.04)
    assert first_command(hasty, at_one) == pytest.approx(first_command(patient, at_one), abs=0.021)


def test_what_was_promised_before_a_pause_counts_no_more() -> None:
    planner = GripperPlanner(FR3.gripper, HALF, width=0.04)
    for k in range(30):  # it would be done at 0.72
        assert planner.on_chunk(put_off(0.02 * k), 0.02 * k) is None
    sent = [k for k in range(100) if planner.on_chunk(put_off(10.0 + 0.02 * k), 10.0 + 0.02 * k) is not None]
    assert 0.02 * sent[0] == pytest.approx(0.72, abs=0.03)
