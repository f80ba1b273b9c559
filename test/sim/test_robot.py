import numpy as np
import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.robot import SimulatedRobot
from sag_ros.values import JointCommand


@pytest.fixture(scope="module")
def robot() -> SimulatedRobot:
    return SimulatedRobot()


def test_an_episode_is_a_function_of_its_seed(robot: SimulatedRobot) -> None:
    def episode(seed: int) -> tuple[np.ndarray, ...]:
        robot.reset(seed)
        robot.advance(0.2)
        return robot.state, robot.privileged, robot.render("front")

    first, again, other = episode(3), episode(3), episode(4)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.allclose(first[1], other[1])


def test_holds_where_it_starts_and_carries_the_given_clock(robot: SimulatedRobot) -> None:
    robot.reset(1, time=100.0)
    start = robot.joint_positions
    assert np.abs(start - FR3.home).max() <= 0.06 + 1e-9
    robot.advance(0.5)
    assert robot.time == pytest.approx(100.5)
    assert robot.joint_positions == pytest.approx(start, abs=2e-3)


def test_tracks_a_moving_reference_without_lag(robot: SimulatedRobot) -> None:
    robot.reset(2)
    time = np.linspace(0.0, 2.0, 201)
    start = robot.joint_positions
    wave = 0.15 * (1 - np.cos(np.pi * time))
    command = JointCommand(
        time,
        start + wave[:, None],
        np.repeat(0.15 * np.pi * np.sin(np.pi * time)[:, None], 7, axis=1),
        np.repeat(0.15 * np.pi**2 * np.cos(np.pi * time)[:, None], 7, axis=1),
    )
    assert robot.controller.accept(command, 0.0)
    for n in range(1, 20):
        robot.advance(0.1)
        assert robot.joint_positions == pytest.approx(command.position[10 * n], abs=0.01)


def test_hand_opens_and_closes(robot: SimulatedRobot) -> None:
    robot.reset(2)
    robot.gripper.move(0.02, 0.1, robot.time)
    robot.advance(1.0)
    assert robot.gripper_width == pytest.approx(0.02, abs=0.002)
    robot.gripper.move(0.08, 0.1, robot.time)
    robot.advance(1.0)
    assert robot.gripper_width == pytest.approx(0.08, abs=0.002)


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_cameras_see_the_bag_and_the_zone(robot: SimulatedRobot, camera: str) -> None:
    robot.reset(0)
    image = robot.render(camera).astype(int)
    assert image.shape == (84, 84, 3)
    red = (image[..., 0] > 100) & (image[..., 0] > 2 * image[..., 1])
    green = (image[..., 1] > 70) & (image[..., 1] > 1.5 * image[..., 0])
    assert red.sum() >= 10
    assert green.sum() >= 30


def test_a_recorded_state_is_drawn_in_any_size(robot: SimulatedRobot) -> None:
    robot.reset(0)
    state = robot.scene_state()
    image = robot.render_video_frame(state.qpos, state.mocap_pos, 120, 160)
    assert image.shape == (120, 160, 3)
    assert image.std() > 20
