from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.sim.episode_log import EpisodeLog, load_episode
from sag_ros.ros.sim.loop import CATCH_UP, SimLoop
from sag_ros.ros.stamps import StampClock
from sag_ros.sim.robot import SceneState, SimulatedRobot
from sag_ros.values import JointCommand


class HandClock:
    """ROS time that is moved by hand."""

    def __init__(self):
        self.ns = 1_700_000_000 * SECOND

    def __call__(self):
        return self.ns

    def advance(self, seconds):
        self.ns += round(seconds * SECOND)


@pytest.fixture(scope="module")
def robot():
    return SimulatedRobot()


@pytest.fixture
def world(robot):
    source, samples = HandClock(), []
    loop = SimLoop(robot, StampClock(source), 0.005, 25.0, samples.append)
    return loop, source, samples


def run(loop, source, seconds):
    for _ in range(round(seconds / 0.005)):
        source.advance(0.005)
        while loop.step() == 0.0:
            pass


def catch_up(loop):
    loop.step()  # commands come first
    while loop.step() == 0.0:
        pass


def test_simulated_time_follows_the_clock(world):
    loop, source, samples = world
    run(loop, source, 1.2)
    assert samples[-1].stamp == pytest.approx(1.2)
    assert np.diff([s.stamp for s in samples]) == pytest.approx(0.005)
    assert loop.real_time_factor == pytest.approx(1.0, abs=0.02)
    assert loop.slipped == 0.0


def test_it_waits_when_it_is_ahead(world):
    loop, _source, _ = world
    assert 0 < loop.step() <= 0.005


def test_a_short_delay_is_caught_up_and_a_long_one_slips(world):
    loop, source, samples = world
    source.advance(0.6 * CATCH_UP)
    catch_up(loop)
    assert samples[-1].stamp == pytest.approx(0.6 * CATCH_UP, abs=0.006)
    assert loop.slipped == 0.0
    source.advance(3.0)
    catch_up(loop)
    assert loop.slipped == pytest.approx(3.0, abs=0.02)
    assert samples[-1].stamp == pytest.approx(3.0 + 0.6 * CATCH_UP, abs=0.006)  # stamps stay on the clock


def test_after_it_stood_still_commands_come_before_time_goes_on(world):
    loop, source, samples = world
    run(loop, source, 0.1)
    source.advance(0.15)
    before = samples[-1].stamp
    assert loop.step() > 0.0  # once, for whoever has a command
    assert samples[-1].stamp == before
    assert loop.step() == 0.0
    assert loop.step() == 0.0
    assert samples[-1].stamp == pytest.approx(before + 0.01)


def test_a_trajectory_is_executed_at_its_stamps_also_after_a_slip(world):
    loop, source, samples = world
    source.advance(2.0)
    catch_up(loop)
    q = samples[-1].position
    begin = samples[-1].stamp
    time = begin + np.linspace(0, 0.5, 51)
    u = np.linspace(0, 1, 51)[:, None]
    shape = u**3 * (10 - 15 * u + 6 * u**2)
    position = q + 0.1 * shape
    velocity = np.gradient(position, 0.01, axis=0)
    command = JointCommand(time, position, velocity, np.gradient(velocity, 0.01, axis=0))
    assert loop.accept(command) == ""
    run(loop, source, 0.25)
    assert loop.robot.controller.sample(loop.robot.time)[0] == pytest.approx(q + 0.05, abs=0.003)
    run(loop, source, 0.5)
    assert samples[-1].position == pytest.approx(q + 0.1, abs=0.02)


def test_a_jump_is_seen_by_the_monitor(world):
    loop, source, samples = world
    run(loop, source, 0.1)
    q = samples[-1].position + 0.2
    loop.accept(JointCommand(np.array([0.15]), q[None], np.zeros((1, 7)), np.zeros((1, 7))))
    assert loop.monitor.total == 0
    run(loop, source, 0.1)
    assert loop.monitor.counts["velocity"] == 1


def test_a_trajectory_of_the_past_is_rejected_with_its_reason(world):
    loop, source, samples = world
    run(loop, source, 0.5)
    q = samples[-1].position[None]
    reason = loop.accept(JointCommand(np.array([0.1]), q, 0 * q, 0 * q))
    assert "past" in reason
    assert loop.rejected == reason


def test_a_reset_starts_over_and_seeds_differ(world):
    loop, source, samples = world
    run(loop, source, 0.2)
    loop.reset(5)
    first = loop.robot.scene_state().qpos
    loop.reset(6)
    assert not np.allclose(loop.robot.scene_state().qpos, first)
    loop.reset(5)
    np.testing.assert_array_equal(loop.robot.scene_state().qpos, first)
    assert loop.monitor.total == 0
    run(loop, source, 0.1)
    assert samples[-1].stamp == pytest.approx(0.3)


def test_force_makes_a_grasp(world):
    loop, source, _ = world
    loop.move_gripper(0.02, 0.1, 30.0)
    assert loop.robot.gripper.goal == "grasp"
    run(loop, source, 1.0)
    assert loop.robot.gripper_width < 0.03
    loop.move_gripper(0.08, 0.1, 0.0)
    assert loop.robot.gripper.goal == "move"
    run(loop, source, 1.2)
    assert loop.robot.gripper_width > 0.07


def test_the_log_keeps_25_states_a_second_and_survives_the_disk(world, tmp_path):
    loop, source, _ = world
    loop.reset(9)
    run(loop, source, 1.0)
    path = tmp_path / "logs" / "episode_000.npz"
    loop.log.save(path)
    episode = load_episode(path)
    assert episode.seed == 9
    assert len(episode.stamp) == pytest.approx(25, abs=1)
    assert np.diff(episode.stamp) == pytest.approx(0.04 * SECOND, rel=0.15)
    assert episode.qpos.shape == (len(episode.stamp), loop.robot.scene.model.nq)


def test_an_empty_log_writes_nothing_and_a_long_one_is_bounded(tmp_path):
    log = EpisodeLog(0, limit=3)
    log.save(tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()
    for i in range(5):
        log.add(i, SceneState(0.0, np.zeros(3), np.zeros((1, 3))))
    log.save(tmp_path / "a.npz")
    assert len(load_episode(tmp_path / "a.npz").stamp) == 3


def test_cameras_can_wait_for_the_next_slice(world):
    """A picture of a state that is already a slice old would be late from the start."""
    loop, source, _ = world
    before = loop.scene()[0]
    seen = []
    camera = threading.Thread(target=lambda: seen.append(loop.scene(wait=30.0)[0]))
    camera.start()
    while camera.is_alive():  # whenever it begins to wait, a later slice ends that
        run(loop, source, 0.005)
        time.sleep(0.001)
    assert before < seen[0] <= loop.scene()[0]


def test_cameras_do_not_wait_for_ever(world):
    loop, _, _ = world
    assert loop.scene(wait=0.01)[0] == loop.scene()[0]
