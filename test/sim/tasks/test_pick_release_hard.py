import numpy as np
import pytest

from sag_ros.sim.experts.pick_release import PickReleaseExpert
from sag_ros.sim.experts.plan import apply_width
from sag_ros.sim.robot import SimulatedRobot
from sag_ros.sim.tasks import pick_release_hard as hard
from sag_ros.sim.tasks.pick_release import ZONE_AREA


@pytest.fixture(scope="module")
def robot() -> SimulatedRobot:
    return SimulatedRobot(hard.PickReleaseHard.name)


@pytest.fixture(scope="module")
def easy() -> SimulatedRobot:
    return SimulatedRobot("pick_release")


def zone(robot: SimulatedRobot) -> np.ndarray:
    return robot.task.zone_position(robot._data)


def test_starts_as_the_easy_task_with_the_same_seed(robot: SimulatedRobot, easy: SimulatedRobot) -> None:
    for seed in (0, 7):
        robot.reset(seed)
        easy.reset(seed)
        np.testing.assert_array_equal(robot.state, easy.state)
        np.testing.assert_array_equal(robot.privileged, easy.privileged)
        np.testing.assert_array_equal(robot.scene.model.light_dir, easy.scene.model.light_dir)


def test_the_bag_is_wider_and_as_high_and_heavy(robot: SimulatedRobot, easy: SimulatedRobot) -> None:
    wide, narrow = robot.scene.model.geom("bag"), easy.scene.model.geom("bag")
    assert wide.size[0] == pytest.approx(hard.BAG_RADIUS)
    assert wide.size[1] == narrow.size[1]
    assert robot.scene.model.body("bag").mass > 0
    assert wide.rbound > narrow.rbound


def test_the_zone_moves_while_the_arm_does_and_then_rests(robot: SimulatedRobot) -> None:
    robot.reset(3)
    start, end = zone(robot), robot.task.release_position(robot._data)
    robot.advance(hard.ZONE_BEGIN)
    np.testing.assert_allclose(zone(robot), start, atol=1e-6)
    robot.advance(0.5 * (hard.ZONE_END - hard.ZONE_BEGIN))
    np.testing.assert_allclose(zone(robot), 0.5 * (start + end), atol=1e-3)
    robot.advance(hard.ZONE_END - robot.time + 0.05)
    np.testing.assert_allclose(zone(robot), end, atol=1e-6)
    assert robot.scene_state().mocap_pos[0, :2] == pytest.approx(end)
    robot.reset(3)
    np.testing.assert_array_equal(zone(robot), start)


@pytest.mark.parametrize("seed", range(20))
def test_the_zone_stays_where_it_was_seen_in_training(robot: SimulatedRobot, seed: int) -> None:
    robot.reset(seed)
    end = robot.task.release_position(robot._data)
    assert np.linalg.norm(end - zone(robot)) == pytest.approx(hard.ZONE_SHIFT)
    assert (ZONE_AREA[0] <= end).all() and (end <= ZONE_AREA[1]).all()


def test_other_seeds_other_directions(robot: SimulatedRobot) -> None:
    directions = set()
    for seed in range(3):
        robot.reset(seed)
        directions.add(tuple((robot.task.release_position(robot._data) - zone(robot)).round(6)))
    assert len(directions) == 3


def test_expert_succeeds_in_time_and_the_distance_says_how_well(robot: SimulatedRobot) -> None:
    robot.reset(0)
    plan = PickReleaseExpert().plan(robot, np.random.default_rng(0))
    robot.controller.accept(plan.motion(robot.time), robot.time)
    last = None
    first = robot.status()
    for value in plan.width:
        if value != last:
            last = value
            apply_width(robot, value)
        robot.advance(0.05)
        status = robot.status()
        if status.success:
            break
    assert status.success and robot.time < robot.task.time_limit
    assert status.distance < hard.ZONE_TOLERANCE < first.distance
    bag = robot.task.bag_position(robot._data)
    assert status.distance == pytest.approx(np.linalg.norm(bag[:2] - zone(robot)))


def test_the_foot_of_the_bag_must_stand_on_the_zone(robot: SimulatedRobot) -> None:
    robot.reset(0)
    task, data = robot.task, robot._data
    for offset, inside in ((hard.ZONE_TOLERANCE - 0.002, True), (hard.ZONE_TOLERANCE + 0.002, False)):
        data.xpos[task._bag, :2] = zone(robot) + np.array([offset, 0.0])
        assert robot.status().in_zone == inside


def test_the_camera_sees_the_zone_move(robot: SimulatedRobot) -> None:
    robot.reset(1)
    before = robot.render("front").astype(int)
    state = robot.scene_state()
    state.mocap_pos[0, :2] = robot.task.release_position(robot._data)
    robot._cameras.pose(state.qpos, state.mocap_pos)
    after = robot._cameras.render("front").astype(int)
    assert (np.abs(before - after).max(axis=2) > 40).sum() > 20
