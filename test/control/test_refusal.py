"""Chunks that once raised, hung or drove a joint away: refused by name; the last motion goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sag_ros.control.limits import check
from sag_ros.control.motion import of_command
from sag_ros.control.splice import SpliceSettings
from sag_ros.control.states import State, SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk

CASES = json.loads((Path(__file__).parent / "refused_chunks.json").read_text())["cases"]
ZERO = np.zeros(7)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["once"])
def test_chunks_that_once_raised(case: dict) -> None:
    supervisor = Supervisor(FR3, SupervisorSettings(splice=SpliceSettings(**case["splice"])))
    start = np.array(case["start"])
    supervisor.start(0.0, start)
    motion, refused = None, []
    for entry in case["chunks"]:
        now = entry["now"]
        q, v = (start, ZERO) if motion is None else motion.at(now)[:2]
        supervisor.on_joint_state(now, q, v)
        positions = np.array(entry["positions"])
        chunk = ActionChunk(entry["stamp"], entry["period"], positions, np.zeros(len(positions)))
        command = supervisor.on_chunk(chunk, now)
        if command is None:
            refused.append(supervisor.status().violations[0])
        else:
            assert check(command, FR3.limits, tolerance=0.0) == []
            motion = of_command(command)
    assert refused
    for violation in refused:
        assert violation.kind in ("position", "jump")
        assert f"joint {violation.joint + 1}" in violation.message


def calm(count: int = 8, stamp: float = 1.0) -> ActionChunk:
    ahead = 0.05 * np.arange(1, count + 1)
    return ActionChunk(stamp, 0.05, FR3.home + 0.05 * ahead[:, None], np.zeros(count))


def with_action(chunk: ActionChunk, action: int, joint: int, value: float) -> ActionChunk:
    positions = chunk.positions.copy()
    positions[action, joint] = value
    return replace(chunk, positions=positions)


@pytest.mark.parametrize(("count", "action", "value"), [(64, 40, 1e30), (8, 5, FR3.home[2] + 50.0)])
def test_one_absurd_action_late_in_a_calm_chunk(count: int, action: int, value: float) -> None:
    supervisor = Supervisor(FR3)
    supervisor.start(0.98, FR3.home)
    supervisor.on_joint_state(1.0, FR3.home, ZERO)
    command = supervisor.on_chunk(calm(), 1.03)
    assert command is not None
    motion = of_command(command)
    supervisor.on_joint_state(1.05, *motion.at(1.05)[:2])
    assert supervisor.on_chunk(with_action(calm(count, 1.02), action, 2, value), 1.05) is None
    violation = supervisor.status().violations[0]
    assert (violation.kind, violation.joint, violation.value) == ("position", 2, value)
    assert f"action {action + 1} of joint 3" in violation.message
    # The last safe motion goes on, and if nothing better comes it ends at rest.
    assert supervisor.status().state is State.RUNNING
    _, v, a = motion.at(motion.end)
    assert not v.any()
    assert not a.any()
    supervisor.on_joint_state(1.07, *motion.at(1.07)[:2])
    assert supervisor.on_chunk(calm(8, 1.04), 1.07) is not None


def test_an_error_of_our_own_is_a_refusal_that_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(FR3)
    supervisor.start(0.98, FR3.home)
    supervisor.on_joint_state(1.0, FR3.home, ZERO)
    monkeypatch.setattr(supervisor, "_guard", lambda *_: 1 / 0)
    assert supervisor.on_chunk(calm(), 1.03) is None
    violation = supervisor.status().violations[0]
    assert violation.kind == "internal"
    assert "report" in violation.message
    assert "ZeroDivisionError" in violation.message


def test_a_stop_that_cannot_be_planned_leaves_the_last_command(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(FR3)
    supervisor.start(0.98, FR3.home)
    supervisor.on_joint_state(1.0, FR3.home, ZERO)
    command = supervisor.on_chunk(calm(), 1.03)
    monkeypatch.setattr(supervisor, "_guard", lambda *_: 1 / 0)
    assert supervisor.hold(1.06, "the deadman was released") is command
    assert supervisor.status().state is State.STOPPING
