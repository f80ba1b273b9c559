from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.bench.run import episode
from sag_ros.bench.run.episode import EpisodeSettings, run_episode
from sag_ros.control.reach.kinematics import forward
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.gripper import SimulatedGripper
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import ActionChunk, Mask, PoseChunk, Timing

LOOP = EpisodeSettings(("front", "wrist"), 0.05, observation_steps=2, execute=4, time_limit=2.0, blocks=60)


class Robot:
    """A robot that follows its controller perfectly; success once joint 1 has reached ``goal``."""

    def __init__(self, goal=np.inf):
        self.goal = goal
        self.resets, self.rendered = [], []

    def reset(self, seed):
        self.resets.append(seed)
        self.time = 0.0
        self.arm = FR3
        self.controller = JointTrajectoryController(FR3.home)
        self.gripper = SimulatedGripper(FR3.gripper)

    def advance(self, duration):
        self.time = round(self.time + duration, 9)
        self.gripper.update(self.time, self.gripper_width)

    def render(self, camera):
        self.rendered.append((camera, self.time))
        return np.full((2, 2, 3), round(self.time * 100), np.uint8)

    @property
    def joint_positions(self):
        return self.controller.sample(self.time)[0].copy()

    @property
    def gripper_width(self):
        return self.gripper.width_target(self.time)

    @property
    def state(self):
        return np.r_[self.joint_positions, self.gripper_width]

    def status(self):
        done = self.joint_positions[0] >= self.goal
        return SimpleNamespace(success=done, message="there" if done else "on the way")


class Runner:
    """A policy that moves joint 1 by ``speed`` rad per action and wants the hand at ``width``."""

    def __init__(self, speed=0.02, width=0.08):
        self.speed, self.width = speed, width
        self.seeds, self.seen, self.stamps = [], [], []

    def reset(self, seed):
        self.seeds.append(seed)

    def encode(self, camera, image):
        return np.array([image[0, 0, 0]], np.float32)

    def features(self, frames, states):
        self.seen.append([(float(frame["front"][0]), float(frame["wrist"][0])) for frame in frames])
        self.position = states[-1, :7]
        return np.zeros((2, 1), np.float32)

    def infer(self, stamp, features, *more):
        self.stamps.append(stamp)
        positions = np.tile(self.position, (8, 1))
        positions[:, 0] += self.speed * np.arange(1, 9)
        chunk = ActionChunk(stamp, 0.05, positions, np.full(8, self.width))
        mask = Mask(np.array([[False, True, True], [True, True, True]]))
        return SimpleNamespace(chunk=chunk, mask=mask, timing=Timing(pruner_ms=1.0, denoise_ms=2.0), steps=2)


def test_succeeds_and_stops_there():
    robot, runner = Robot(goal=FR3.home[0] + 0.23), Runner()
    result = run_episode(robot, runner, LOOP, "sag", 11)
    assert (result.method, result.seed, result.success, result.message) == ("sag", 11, True, "there")
    assert 0.4 < result.seconds < 1.2
    assert robot.joint_positions[0] - robot.goal < 0.025  # not a whole chunk beyond
    assert robot.resets == runner.seeds == [11]
    assert result.density == pytest.approx(1 / 60)  # of the full sampler, which has ten times the steps
    assert (result.refused, result.violations) == (0, 0)


def test_density_of_a_sampler_that_ran_fewer_steps_than_its_table_has():
    class Streaming(Runner):
        def infer(self, stamp, features, *more):
            return SimpleNamespace(**{**vars(super().infer(stamp, features)), "steps": 1})

    result = run_episode(Robot(), Streaming(), LOOP, "streaming", 0)
    assert result.density == pytest.approx(1 / 6 * 1 * 3 / 60)
    own = run_episode(Robot(), Runner(), replace(LOOP, blocks=None), "sag", 0)
    assert own.density == pytest.approx(1 / 6)


def test_fails_at_the_time_limit():
    result = run_episode(Robot(), Runner(speed=0.0), LOOP, "sag", 0)
    assert (result.success, result.message) == (False, "on the way")
    assert result.seconds == pytest.approx(LOOP.time_limit, abs=LOOP.period * LOOP.execute)


def test_one_chunk_every_few_actions():
    runner = Runner()
    result = run_episode(Robot(), runner, LOOP, "sag", 0)
    assert runner.stamps == pytest.approx(0.2 * np.arange(10))
    assert result.chunks == 10


def test_witness_sees_what_the_policy_sees():
    seen, runner = [], Runner()
    run_episode(Robot(), runner, LOOP, "sag", 0, seen.append)
    assert [observation.stamp for observation in seen] == runner.stamps
    pairs = [
        [(int(front), int(wrist)) for front, wrist in zip(*shades, strict=True)]
        for shades in (
            [observation.images[name][:, 0, 0, 0] for name in ("front", "wrist")] for observation in seen
        )
    ]
    assert pairs == runner.seen
    assert seen[1].images["front"].shape == (2, 2, 2, 3)
    assert seen[1].state.shape == (2, 8)


def test_smoothness_is_of_the_motion_that_was_executed():
    still = run_episode(Robot(), Runner(speed=0.0), LOOP, "sag", 0)
    assert still.rms_jerk == pytest.approx(0.0, abs=1e-6)
    assert still.jump == pytest.approx(0.0, abs=1e-6)
    moving = run_episode(Robot(), Runner(), LOOP, "sag", 0)
    faster = run_episode(Robot(), Runner(speed=0.04), LOOP, "sag", 0)
    assert 0 < moving.rms_jerk < faster.rms_jerk
    assert 0 < moving.peak_jerk < 1
    assert 0 < moving.rms_acceleration < 10
    assert moving.bend == pytest.approx(0.0, abs=1e-9)  # each chunk is a straight line


def test_motion_is_measured_as_the_controller_samples_it():
    class Sampled(Robot):
        def advance(self, duration):
            times = self.time + np.arange(0.0, duration - 1e-9, 0.001)
            self.accelerations += [self.controller.sample(t)[2].copy() for t in times]
            super().advance(duration)

    robot = Sampled()
    robot.accelerations = []
    result = run_episode(robot, Runner(speed=0.03), LOOP, "sag", 0)
    expected = np.sqrt(np.mean(np.square(robot.accelerations)))
    assert result.rms_acceleration == pytest.approx(expected, rel=2e-2)


def test_sees_the_newest_frames_one_period_apart():
    robot, runner = Robot(), Runner()
    run_episode(robot, runner, LOOP, "sag", 0)
    assert runner.seen[0] == [(0, 0), (0, 0)]  # in the beginning there is only one
    assert runner.seen[1] == [(15, 15), (20, 20)]
    assert runner.seen[2] == [(35, 35), (40, 40)]
    assert len(set(robot.rendered)) == len(robot.rendered)


def test_gripper_follows_the_chunk():
    robot = Robot()
    run_episode(robot, Runner(width=0.02), LOOP, "sag", 0)
    assert robot.gripper.goal == "grasp"


def test_refused_chunks_are_counted_and_leave_the_arm_where_it_is():
    robot, runner = Robot(), Runner(speed=np.nan)
    result = run_episode(robot, runner, LOOP, "sag", 0)
    assert result.refused == result.chunks == 10
    assert result.jump is None
    assert np.array_equal(robot.joint_positions, FR3.home)


def test_what_the_guard_clips_is_counted_and_stays_inside():
    result = run_episode(Robot(), Runner(speed=0.2), LOOP, "sag", 0)  # 4 rad/s on a joint that can do 2.62
    assert result.clipped > 0
    assert result.violations == 0


def test_without_the_guard_the_violations_show(monkeypatch):
    monkeypatch.setattr(episode.Guard, "__call__", lambda self, command: (command, []))
    result = run_episode(Robot(), Runner(speed=0.2), LOOP, "sag", 0)
    assert result.violations > 0


class Poses(Runner):
    """The same in poses of the tool; ``further`` m ahead of that."""

    further = 0.0

    def infer(self, stamp, features, encode_ms, observed):
        made = super().infer(stamp, features)
        found = [forward(FR3.chain, q) for q in made.chunk.positions]
        positions, rotations = (np.stack(part) for part in zip(*found, strict=True))
        positions[:, 0] += self.further
        chunk = PoseChunk(stamp, 0.05, positions, rotations, made.chunk.gripper, "no", "base", observed)
        return SimpleNamespace(**{**vars(made), "chunk": chunk})


def test_poses_move_the_tool_as_joints_would():
    joints, poses = Robot(), Robot()
    for robot, runner in ((joints, Runner()), (poses, Poses())):
        assert run_episode(robot, runner, LOOP, "sag", 0).refused == 0
    one, other = (forward(FR3.chain, robot.joint_positions)[0] for robot in (joints, poses))
    np.testing.assert_allclose(one, other, atol=5e-3)
    assert np.linalg.norm(one - forward(FR3.chain, FR3.home)[0]) > 0.1


def test_poses_out_of_reach_count_as_refused():
    robot, runner = Robot(), Poses()
    runner.further = 3.0
    result = run_episode(robot, runner, LOOP, "sag", 0)
    assert result.refused == result.chunks > 1
    np.testing.assert_array_equal(robot.joint_positions, FR3.home)


def test_a_late_chunk_moves_the_arm_late():
    in_time, late = (
        run_episode(robot, Runner(), replace(LOOP, delay=delay), "sag", 0).chunks
        for robot, delay in ((Robot(), 0), (Robot(), 2))
    )
    assert in_time == late
    robot = Robot()
    run_episode(robot, Runner(), replace(LOOP, delay=3, time_limit=0.2), "sag", 0)
    moved = Robot()
    run_episode(moved, Runner(), replace(LOOP, time_limit=0.2), "sag", 0)
    assert robot.joint_positions[0] - FR3.home[0] < 0.5 * (moved.joint_positions[0] - FR3.home[0])


def test_several_chunks_may_be_under_way():
    """Asked after each action, the arm follows what was seen three actions ago, and so from then on only."""
    robot, runner = Robot(), Runner()
    run_episode(robot, runner, replace(LOOP, execute=1, delay=3, time_limit=0.15), "sag", 0)
    assert len(runner.stamps) == 3
    np.testing.assert_array_equal(robot.joint_positions, FR3.home)
    speeds = []
    for delay in (0, 3):
        robot, runner = Robot(), Runner()
        run_episode(robot, runner, replace(LOOP, execute=1, delay=delay, time_limit=1.5), "sag", 0)
        speeds.append(robot.joint_positions[0] - FR3.home[0])
        assert len(runner.stamps) == 30
    # Each chunk goes on from where the arm is, at one speed, whenever it is followed.
    assert speeds[1] > 0.5 * speeds[0]


@pytest.mark.parametrize("delay", [-1, 8])
def test_a_delay_that_leaves_nothing_of_a_chunk_is_refused(delay):
    contract = SimpleNamespace(action_steps=8, cameras={}, control_period=0.05, observation_steps=2)
    with pytest.raises(ValueError, match="0 to 7 periods where a chunk has 8 actions"):
        EpisodeSettings.of(contract, 8, 1.0, delay=delay)
    with pytest.raises(ValueError, match="0 periods or more; got -1"):
        replace(LOOP, delay=-1)
