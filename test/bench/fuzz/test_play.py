"""Stories: drawn, played, kept as JSON, judged and made short."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sag_ros.bench.fuzz import shrink as shrink_module
from sag_ros.bench.fuzz.author import Author
from sag_ros.bench.fuzz.judge import Executed, judge
from sag_ros.bench.fuzz.kinds import KINDS
from sag_ros.bench.fuzz.play import Failure, Outcome, play, replay
from sag_ros.bench.fuzz.shrink import shrink
from sag_ros.bench.fuzz.story import ACTS, Event, Story
from sag_ros.control.motion import Motion, at_rest, of_command, through
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk


def test_a_story_is_the_same_again_also_from_json() -> None:
    outcome, story = play(FR3, 3)
    assert outcome.chunks == 25
    assert outcome.accepted > 0
    again = replay(FR3, Story.from_json(json.loads(json.dumps(story.to_json()))))
    for name in ("chunks", "accepted", "clipped", "refusals", "acts", "failures"):
        assert getattr(again, name) == getattr(outcome, name)


def test_every_kind_is_drawn_and_most_chunks_are_executed() -> None:
    drawn, accepted, chunks = set(), 0, 0
    for seed in range(60):
        outcome, story = play(FR3, seed)
        assert outcome.failures == []
        drawn |= {event.kind for event in story.events}
        accepted, chunks = accepted + outcome.accepted, chunks + outcome.chunks
    assert drawn == {*KINDS, *ACTS}
    assert accepted > 0.5 * chunks


def constant(speed: float, start: float = 0.0, seconds: float = 0.2) -> Motion:
    """A motion of joint 1 that sets off at once, from home."""
    position = np.tile(FR3.home, (2, 1))
    position[:, 0] = start, start + speed * seconds
    return through(np.array([0.0, seconds]), position, None, None)


def test_the_judge_sees_what_a_motion_that_sets_off_at_once_breaks() -> None:
    before = Executed(of_command(at_rest(0.0, np.r_[0.0, FR3.home[1:]])))
    found = {excess.kind: excess for excess in judge(before, constant(0.5), 0.0, FR3)}
    assert set(found) == {"acceleration", "jerk"}
    assert found["acceleration"].joint == 0
    assert np.isclose(abs(found["acceleration"].value), 500.0)
    assert np.isclose(abs(found["jerk"].value), 5e5)


def test_the_judge_knows_the_envelope_and_the_bounds() -> None:
    start = FR3.limits.upper[0] - 0.05
    before = Executed(of_command(at_rest(0.0, np.r_[start, FR3.home[1:]])))
    kinds = {excess.kind for excess in judge(before, constant(0.5, start), 0.0, FR3)}
    assert {"position", "velocity"} <= kinds


def test_the_judge_knows_how_fast_the_tip_may_be() -> None:
    before = Executed(of_command(at_rest(0.0, FR3.home)))
    kinds = {excess.kind for excess in judge(before, constant(0.5), 0.0, replace(FR3, tip_speed=0.1))}
    assert "tip_speed" in kinds


def test_the_judge_is_silent_about_a_slow_start() -> None:
    supervisor = Supervisor(FR3)
    supervisor.start(0.0, FR3.home)
    supervisor.on_joint_state(0.02, FR3.home, np.zeros(7))
    ahead = FR3.home + 0.002 * np.arange(1.0, 9.0)[:, None] ** 2
    motion = of_command(supervisor.on_chunk(ActionChunk(0.0, 0.05, ahead, np.zeros(8)), 0.02))
    before = Executed(of_command(at_rest(0.0, FR3.home)))
    assert judge(before, motion, 0.02, FR3) == []


def test_an_exception_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "on_chunk", lambda *_: 1 / 0)
    outcome, _ = play(FR3, 0)
    assert [failure.what for failure in outcome.failures] == ["exception"]
    assert "ZeroDivisionError" in outcome.failures[0].text


def test_a_failing_story_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One action of joint 3 is to blame; everything else goes."""
    author = Author(FR3, 1)
    positions = np.tile(FR3.home, (8, 1))
    events = [
        Event(0.1 * k, "calm", ActionChunk(0.1 * k, 0.05, positions + 0.001 * k, np.zeros(8)))
        for k in range(9)
    ]
    guilty = positions.copy()
    guilty[1, 2] = 9.0
    events[5] = replace(events[5], chunk=replace(events[5].chunk, positions=guilty))

    def fake(arm: object, story: Story) -> Outcome:
        blamed = any((event.chunk.positions[:, 2] == 9.0).any() for event in story.events)
        return Outcome(failures=[Failure("position", "")] if blamed else [])

    monkeypatch.setattr(shrink_module, "replay", fake)
    story = shrink(FR3, replace(author.story(), start=FR3.home, events=tuple(events)), "position")
    assert len(story.events) == 1
    chunk = story.events[0].chunk
    assert len(chunk.positions) == 2
    np.testing.assert_array_equal(np.delete(chunk.positions, 2, axis=1), np.delete(positions[:2], 2, axis=1))
