from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.control.limits import check
from sag_ros.control.motion import of_command
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros.policy.chunk_executor import ChunkExecutor
from sag_ros.ros.policy.inference import FinishedInference
from sag_ros.ros.policy.observation import PolicyObservation
from sag_ros.ros.policy.settings import gripper_settings, supervisor_settings
from sag_ros.ros.schema import PolicyNode
from sag_ros.values import ActionChunk, Mask, Timing

MASK = Mask(np.eye(6, dtype=bool))


class Recorder:
    def __init__(self, clock):
        self._clock = clock
        self.commands, self.grippers, self.masks, self.records, self.details = [], [], [], [], []

    def command(self, command):
        self.commands.append(command)
        return self._clock() + 0.001

    def gripper(self, *goal):
        self.grippers.append(goal)

    def mask(self, stamp, mask):
        self.masks.append(stamp)

    def record(self, record):
        self.records.append(record)

    def detail(self, finished, number, asked):
        self.details.append((number, asked))


class World:
    """An executor with a clock that is moved by hand."""

    def __init__(self, **changes):
        self.time, self.gate = 100.0, ""
        config = PolicyNode.model_validate(changes)
        self.out = Recorder(lambda: self.time)
        self.executor = ChunkExecutor(
            FR3, config, ["camera front"], self.out, lambda: self.time, epoch=1e9, gate=lambda now: self.gate
        )
        self.executor.start(FR3.home, 0.08)

    def inputs(self):
        motion = of_command(self.out.commands[-1]) if self.out.commands else None
        q = FR3.home if motion is None else motion.at(self.time)[0]
        self.executor.on_joint_state(self.time, q, np.zeros(7))
        self.executor.on_sensor("camera front", self.time)

    def chunk(self, offset=0.05, width=0.08, age=0.02):
        stamp = self.time - age
        slope = np.linspace(0, offset, 8)[:, None]
        chunk = ActionChunk(stamp, 0.05, FR3.home + slope, np.full(8, width))
        timing = Timing(1.0, 0.4, 12.0, 15.0)
        observation = PolicyObservation(stamp, (stamp - 0.05, stamp), np.zeros((2, 4), np.float32), 1.0)
        inference = SimpleNamespace(chunk=chunk, mask=MASK, timing=timing)
        self.executor.on_inference(FinishedInference(observation, inference, 16.0))

    def run(self, seconds, chunks=True, inputs=True, **options):
        end = self.time + seconds
        while self.time < end - 1e-9:
            self.time += 0.02
            if inputs:
                self.inputs()
            if chunks:
                self.chunk(**options)
            self.executor.tick()


@pytest.fixture
def world():
    return World()


def state(world):
    return world.executor.status().state.value


def test_a_chunk_is_published_with_its_record(world):
    world.run(0.02)
    assert state(world) == "running"
    record = world.out.records[0]
    assert record.latency_ms == pytest.approx(21.0)
    assert record.publish_stamp == pytest.approx(1e9 + world.time + 0.001)
    assert record.obs_stamp == pytest.approx(1e9 + world.time - 0.02)
    assert record.oldest_stamp == pytest.approx(record.obs_stamp - 0.05)
    assert (record.pruner_ms, record.denoise_ms, record.inference_ms) == (0.4, 12.0, 16.0)
    assert record.density == pytest.approx(MASK.density)
    assert (record.refused, record.missed) == (0, 0)
    assert world.out.masks == [world.time - 0.02]
    assert world.out.details == [(1, world.time)]


def test_latency_above_the_deadline_is_a_miss():
    world = World(deadline=0.03)
    world.run(0.1)
    assert world.executor.values()["deadline_misses"] == 0
    world.run(0.02, age=0.035)
    assert world.out.records[-1].missed == 1
    assert world.executor.values()["deadline_misses"] == 1


def test_rate_and_latency_are_reported(world):
    world.run(1.0)
    values = world.executor.values()
    assert values["chunk_rate_hz"] == pytest.approx(50.0)
    assert values["latency_p50_ms"] == pytest.approx(21.0)
    assert values["state"] == "running"


def test_silence_of_the_policy_stops_the_arm_smoothly(world):
    world.run(0.4)
    count = len(world.out.commands)
    world.run(3.0, chunks=False)
    assert state(world) == "holding"
    assert "observation" in world.executor.values()["reason"]
    assert len(world.out.commands) == count + 1
    assert check(world.out.commands[-1], FR3.limits) == []
    assert not world.out.commands[-1].velocity[-1].any()


def test_a_stale_camera_stops_even_when_chunks_keep_coming(world):
    world.run(0.4)
    for _ in range(60):
        world.time += 0.02
        world.executor.on_joint_state(
            world.time, of_command(world.out.commands[-1]).at(world.time)[0], np.zeros(7)
        )
        world.chunk()
        world.executor.tick()
    assert state(world) == "holding"
    assert "camera front" in world.executor.values()["reason"]
    assert world.out.records[-1].refused == 1
    assert world.out.records[-1].publish_stamp == 0.0


def test_the_deadman_stops_and_lets_go_on():
    world = World(topics={"deadman": "deadman"})
    world.run(0.2)
    assert world.out.commands == []  # never pressed
    world.executor.on_deadman(True)
    world.run(0.2)
    moving = len(world.out.commands)
    assert moving > 0
    world.run(1.5)  # not renewed
    assert state(world) == "holding"
    assert "deadman" in world.executor.values()["reason"]
    stopped = len(world.out.commands)
    world.run(0.2)
    assert len(world.out.commands) == stopped
    world.executor.on_deadman(True)
    world.run(0.1)
    assert state(world) == "running"


def test_a_closed_gate_blocks_like_a_deadman(world):
    world.run(0.2)
    world.gate = "gripper_states: nothing received yet"
    world.run(1.0)
    assert state(world) == "holding"
    assert "gripper_states" in world.executor.values()["reason"]


def test_gripper_goals_are_few_and_grasp_with_force(world):
    world.run(0.5)
    world.run(0.5, width=0.03)
    world.run(0.5, width=0.08)
    forces = [force for _, _, force in world.out.grippers]
    assert forces == [PolicyNode().gripper.force, 0.0]
    assert world.out.grippers[0][0] == pytest.approx(0.03)


def test_stop_publishes_one_deceleration_and_refuses_what_follows(world):
    world.run(0.4)
    world.executor.stop()
    count = len(world.out.commands)
    world.run(1.0)
    assert len(world.out.commands) == count
    assert check(world.out.commands[-1], FR3.limits) == []
    assert not world.out.commands[-1].velocity[-1].any()
    world.executor.stop()
    assert len(world.out.commands) == count


def test_stopping_before_anything_moved_publishes_nothing(world):
    world.executor.stop()
    assert world.out.commands == []


def test_start_refuses_an_arm_outside_its_limits(world):
    with pytest.raises(ValueError, match="outside the limits"):
        world.executor.start(np.full(7, 3.0), 0.08)


def test_every_configured_number_arrives():
    config = PolicyNode.model_validate(
        {
            "deadline": 0.04,
            "watchdog": {"camera": 0.11, "joint_state": 0.12, "observation": 0.13},
            "limits": {"factor": 0.5, "position_margin": 0.1, "tracking_error": 0.2},
            "splice": {"lead": 0.03, "step": 0.02, "stop": 0.5},
            "gripper": {"force": 11.0, "close_below": 0.02},
        }
    )
    settings = supervisor_settings(config)
    assert (settings.camera_age, settings.joint_state_age, settings.observation_age) == (0.11, 0.12, 0.13)
    assert (settings.limit_factor, settings.position_margin, settings.tracking_error) == (0.5, 0.1, 0.2)
    assert (settings.splice.lead, settings.splice.step, settings.splice.stop) == (0.03, 0.02, 0.5)
    assert settings.deadline == 0.04
    assert (gripper_settings(config).force, gripper_settings(config).close_below) == (11.0, 0.02)


class Stopped:
    """A clock that stands still but once, as for a process that is stopped: after so many readings."""

    def __init__(self, world, after, seconds):
        self.world, self.left, self.seconds = world, after, seconds
        self.honest = world.executor._now
        world.executor._now = self

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            self.world.time += self.seconds
        return self.honest()


def test_a_command_that_would_come_too_late_is_not_sent(world):
    world.run(0.5)
    sent, before = len(world.out.commands), world.executor.values()
    Stopped(world, 3, 1.5)  # between the splice and the publisher
    world.chunk()
    assert len(world.out.commands) == sent
    record = world.out.records[-1]
    assert (record.refused, record.publish_stamp) == (1, 0.0)
    assert world.executor.values()["chunks"] == before["chunks"]
    ended = of_command(world.out.commands[-1])
    world.inputs()
    world.executor.tick()  # it holds where the motion that was sent has ended
    assert state(world) == "stopping"
    held = world.out.commands[-1].position
    np.testing.assert_allclose(held, np.tile(ended.at(world.time)[0], (len(held), 1)), atol=1e-9)


def test_a_short_wait_makes_a_new_command_from_the_same_chunk(world):
    world.run(0.5)
    running = of_command(world.out.commands[-1])
    sent = len(world.out.commands)
    Stopped(world, 3, 0.09)
    world.chunk(age=0.01)
    assert len(world.out.commands) == sent + 1
    command = world.out.commands[-1]
    assert command.time[0] >= world.time - 0.011  # made after the wait
    np.testing.assert_allclose(command.position[0], running.at(command.time[0])[0], atol=1e-9)


def test_a_stop_that_would_come_too_late_is_made_again(world):
    world.run(0.5)
    sent = len(world.out.commands)
    Stopped(world, 2, 0.09)
    world.executor.stop()
    assert len(world.out.commands) == sent + 1
    assert world.out.commands[-1].time[0] >= world.time - 0.011
    assert state(world) in ("stopping", "inactive")


# What an operator asks for -------------------------------------------------------------------------------


def test_a_pause_is_one_stop_and_then_silence_until_resume(world):
    world.run(0.4)
    count = len(world.out.commands)
    world.executor.pause("an operator")
    assert world.executor.paused
    assert 0.0 < world.executor.rest_in() <= 0.5
    world.run(1.0)
    assert state(world) == "paused"
    assert len(world.out.commands) == count + 1
    assert world.executor.values()["reason"] == "an operator"
    assert world.executor.home()[0] == ""
    world.executor.pause("an operator")
    assert state(world) == "paused"  # it had not begun to move
    assert len(world.out.commands) == count + 1
    world.inputs()
    assert world.executor.resume() == ""
    world.run(0.1)
    assert state(world) == "running"


@pytest.mark.parametrize("human", [False, True])
def test_a_pause_that_would_come_too_late_is_made_again(world, human):
    world.run(0.5)
    sent = len(world.out.commands)
    Stopped(world, 2, 0.09)
    world.executor.pause("an operator", human)
    assert world.executor.paused
    assert len(world.out.commands) == sent + 1
    assert world.out.commands[-1].time[0] >= world.time - 0.011


def test_a_stop_that_comes_when_the_arm_is_at_rest_already_publishes_nothing(world):
    world.run(0.5)
    sent = len(world.out.commands)
    Stopped(world, 2, 3.0)
    world.executor.stop()
    assert state(world) == "inactive"
    assert len(world.out.commands) == sent


def test_the_way_home_needs_the_deadman_and_one_source_of_joint_states_but_no_camera():
    world = World(topics={"deadman": "deadman"})
    world.executor.on_deadman(True)
    world.run(0.2)
    world.executor.pause("an operator")
    world.run(0.6)
    assert world.executor.home()[0] == "the deadman was silent for 0.80 s"
    world.executor.on_deadman(True)
    world.gate = "camera front shows nothing"
    reason, seconds = world.executor.home()
    assert reason == ""
    assert seconds > 0.0
    world.executor._rival = lambda: "2 nodes publish joint_states"
    world.run(0.1)
    assert state(world) in ("stopping", "paused")
    assert "2 nodes publish" in world.executor.status().reason
    world.run(0.5)
    world.executor.on_deadman(True)
    assert "2 nodes publish" in world.executor.home()[0]
