"""A UR5e does the task that was made for another arm."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.bench.fuzz.play import play
from sag_ros.bench.run.episode import EpisodeSettings, run_episode
from sag_ros.control.reach.kinematics import forward
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.random_bundle import pose_actions, random_bundle
from sag_ros.robots.ur5e import ARM as UR5E
from sag_ros.sim.experts.pick_release import PickReleaseExpert
from sag_ros.sim.experts.plan import apply_width
from sag_ros.sim.kinematics import DOWN
from sag_ros.sim.robot import SimulatedRobot


def test_at_home_its_tool_points_down_above_the_table():
    position, rotation = forward(UR5E.chain, UR5E.home)
    np.testing.assert_allclose(position, [0.42, 0.0, 0.42], atol=1e-3)
    np.testing.assert_allclose(rotation, DOWN, atol=1e-3)


def test_the_expert_picks_and_releases_with_it():
    robot = SimulatedRobot("pick_release", 32, UR5E)
    robot.reset(3)
    plan = PickReleaseExpert(0.05, 0.012, UR5E).plan(robot, np.random.default_rng(0))
    assert robot.controller.accept(plan.motion(robot.time), robot.time)
    width = None
    for wanted in plan.width:
        if wanted != width:
            width = wanted
            apply_width(robot, width)
        robot.advance(0.05)
        status = robot.status()
    assert status.success, status.message


def test_a_policy_of_poses_moves_it_without_a_word_of_it():
    bundle = random_bundle(
        0, joints=list(UR5E.joints), action=pose_actions("axis_angle"),
        tcp={"rotation": "axis_angle", "relative": "observed", "frame": "base"},
    )  # fmt: skip
    robot = SimulatedRobot("pick_release", 28, UR5E)
    try:
        loop = EpisodeSettings.of(bundle.contract, 8, 0.8)
        runner = PolicyRunner(bundle, "ddim2", "dense", "reference")
        result = run_episode(robot, runner, loop, "random", 0)
    finally:
        robot.close()
    assert (result.refused, result.violations) == (0, 0)
    assert result.chunks == 2
    assert np.abs(robot.joint_positions - UR5E.home).max() > 1e-3


@pytest.mark.parametrize("seed", [13, 64, 82, 87, 90, 98, 55, 275, 732])
def test_chunks_that_once_broke_its_limits(seed):
    outcome, _ = play(UR5E, seed)
    assert outcome.failures == []
