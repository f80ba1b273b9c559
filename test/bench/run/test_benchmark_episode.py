from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.bench.run.benchmark_episode import run_benchmark_episode
from sag_ros.bench.run.episode import EpisodeSettings
from sag_ros.values import ActionChunk, Mask, Timing

LOOP = EpisodeSettings((), 0.05, observation_steps=2, execute=4, time_limit=1.0, blocks=60)


class Runner:
    """Moves by ``speed`` an action."""

    def __init__(self, speed):
        self.speed, self.seeds, self.states, self.stamps = speed, [], [], []

    def reset(self, seed):
        self.seeds.append(seed)

    def features(self, frames, states):
        assert frames == [{}, {}]
        self.states.append(states)
        return states

    def infer(self, stamp, features):
        self.stamps.append(stamp)
        moves = features[-1, 1] + self.speed * np.arange(1, 9)
        chunk = ActionChunk(stamp, 0.05, np.stack([moves, np.zeros(8)], 1), np.empty((8, 0)))
        mask = Mask(np.array([[False, True, True], [True, True, True]]))
        return SimpleNamespace(chunk=chunk, mask=mask, timing=Timing(), steps=2)


def test_succeeds_and_stops_there(fake_benchmark):
    runner = Runner(speed=0.1)
    result = run_benchmark_episode(fake_benchmark, runner, LOOP, "sag", 7)
    assert (result.method, result.seed, result.success, result.completed) == ("sag", 7, True, 1)
    assert len(fake_benchmark.actions) == 10  # in the middle of the third chunk
    assert result.seconds == pytest.approx(0.5)
    assert result.chunks == 3
    assert fake_benchmark.seeds == runner.seeds == [7]
    assert result.density == pytest.approx(1 / 60)
    assert result.peak_jerk is None
    assert result.rms_acceleration == pytest.approx(0.0, abs=1e-6)  # at constant speed


def test_each_chunk_sees_the_newest_states(fake_benchmark):
    runner = Runner(speed=0.1)
    run_benchmark_episode(fake_benchmark, runner, LOOP, "sag", 0)
    assert runner.states[0][:, 1] == pytest.approx([0.0, 0.0])  # nothing is known of before
    assert runner.states[1][:, 1] == pytest.approx([0.3, 0.4])
    assert runner.stamps == pytest.approx([0.0, 0.2, 0.4])


def test_fails_when_the_steps_are_used_up_and_not_later(fake_benchmark):
    fake_benchmark.steps = 10  # two chunks of four, and half of one
    result = run_benchmark_episode(fake_benchmark, Runner(speed=0.0), LOOP, "sag", 0)
    assert (result.success, result.completed, len(fake_benchmark.actions)) == (False, 0, 10)
    assert result.message == "at 0.00"


def test_a_witness_sees_what_the_policy_sees(fake_benchmark):
    seen, runner = [], Runner(speed=0.1)
    run_benchmark_episode(fake_benchmark, runner, LOOP, "sag", 0, seen.append)
    assert [one.stamp for one in seen] == runner.stamps
    assert all((one.state == states).all() for one, states in zip(seen, runner.states, strict=True))


def test_a_late_chunk_is_followed_from_then_on(fake_benchmark):
    """With speed alternating from chunk to chunk it shows whose actions are executed."""
    runner = Runner(speed=0.01)
    infer = runner.infer

    def alternating(stamp, features):
        runner.speed = 0.01 if len(runner.stamps) % 2 == 0 else 0.02
        return infer(stamp, features)

    runner.infer = alternating
    fake_benchmark.steps = 12
    run_benchmark_episode(fake_benchmark, runner, replace(LOOP, delay=2), "sag", 0)
    moves = np.array([action[0] for action in fake_benchmark.actions])
    assert moves[:4] == pytest.approx(0.01 * np.arange(1, 5))  # nothing to go on with
    assert moves[4:6] == pytest.approx([0.05, 0.06])  # of the first chunk
    # The second one saw the arm at .04 and meant these for now.
    assert moves[6:8] == pytest.approx([0.04 + 0.06, 0.04 + 0.08])
    assert moves[8:10] == pytest.approx([0.04 + 0.10, 0.04 + 0.12])


def test_a_delay_longer_than_a_chunk_is_followed_is_refused(fake_benchmark):
    loop = replace(LOOP, execute=3, delay=3)
    with pytest.raises(ValueError, match="0 to 2 periods where a chunk comes every 3; got 3"):
        run_benchmark_episode(fake_benchmark, Runner(speed=0.0), loop, "sag", 0)
