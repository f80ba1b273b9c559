"""A tip that is too fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sag_ros.control.guard.guard import Guard
from sag_ros.control.guard.tip_stage import SHARE, TipStage
from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

# Stretched out, so that joints 1 and 2 have the whole arm as their lever.
STRETCHED = np.array([0.0, 1.4, 0.0, -0.3, 0.0, 1.9, 0.0])


def swing(speed: float) -> JointCommand:
    """Joint 1 from rest to rest within 2 s, and the speed that it reaches, rad/s."""
    times = 0.01 * np.arange(201)
    phase = np.pi * times / times[-1]
    q = np.repeat(STRETCHED[None], len(times), axis=0)
    v, a = np.zeros_like(q), np.zeros_like(q)
    q[:, 0] += speed * times[-1] / np.pi * (phase - 0.5 * np.sin(2.0 * phase)) / 2.0 - 0.5 * speed
    v[:, 0] = speed * np.sin(phase) ** 2
    a[:, 0] = speed * np.pi / times[-1] * np.sin(2.0 * phase)
    return JointCommand(times, q, v, a)


def test_slow_commands_pass_unchanged_and_fast_ones_are_refused() -> None:
    stage = TipStage(FR3, 0.95)
    slow = swing(1.0)
    assert stage(slow)[0] is slow
    said = r"tip of fr3 would move at 3\.\d\d m/s, allowed 2\.70 m/s"
    with pytest.raises(ChunkRefused, match=said) as refused:
        stage(swing(4.0))
    assert refused.value.violation.kind == "tip_speed"
    assert TipStage(FR3, 0.5).allowed == 1.5
    assert stage.allowed == SHARE * FR3.tip_speed


def test_it_is_part_of_an_arms_guard_where_the_arm_has_a_chain() -> None:
    slow_arm = replace(FR3, tip_speed=0.5)
    with pytest.raises(ChunkRefused, match="tip"):
        Guard.of(slow_arm)(swing(1.0))
    command, _ = Guard.of(replace(FR3, chain=None))(swing(1.0))
    assert command.velocity.max() > 0.9
    with pytest.raises(ValueError, match="chain"):
        TipStage(replace(FR3, chain=None), 1.0)
