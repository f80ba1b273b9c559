import mujoco
import numpy as np
import pytest

from sag_ros.sim.experts.pick_release import CLOSED, PickReleaseExpert
from sag_ros.sim.experts.plan import Plan, apply_width
from sag_ros.sim.robot import SimulatedRobot
from sag_ros.sim.tasks.protocol import TaskStatus
from sag_ros.sim.tasks.registry import TASKS, make_task


@pytest.fixture(scope="module")
def robot() -> SimulatedRobot:
    return SimulatedRobot()


@pytest.fixture(scope="module")
def expert() -> PickReleaseExpert:
    return PickReleaseExpert(disturbance=0.012)


def run(robot: SimulatedRobot, plan: Plan, width: np.ndarray) -> TaskStatus:
    robot.controller.accept(plan.motion(robot.time), robot.time)
    last = None
    for value in width:
        if value != last:
            last = value
            apply_width(robot, value)
        robot.advance(0.05)
        status = robot.status()
    return status


def place_bag_in_zone(robot: SimulatedRobot) -> None:
    task, data = robot.task, robot._data
    data.qpos[task._bag_qpos : task._bag_qpos + 2] = task.zone_position(data)
    mujoco.mj_forward(robot.scene.model, data)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_names_its_privileged_state(name: str) -> None:
    robot = SimulatedRobot(name)
    assert robot.privileged.shape == (len(make_task(name).privileged_columns),)


@pytest.mark.parametrize("seed", range(4))
def test_expert_succeeds_under_disturbance(
    robot: SimulatedRobot, expert: PickReleaseExpert, seed: int
) -> None:
    robot.reset(seed)
    plan = expert.plan(robot, np.random.default_rng(seed))
    status = run(robot, plan, plan.width)
    assert status.success, status
    assert status.message == "released in the zone"


def test_without_closing_nothing_is_lifted(robot: SimulatedRobot, expert: PickReleaseExpert) -> None:
    robot.reset(0)
    plan = expert.plan(robot, np.random.default_rng(0))
    status = run(robot, plan, np.full_like(plan.width, 0.08))
    assert not status.lifted and not status.success


def test_holding_on_is_no_success(robot: SimulatedRobot, expert: PickReleaseExpert) -> None:
    robot.reset(0)
    plan = expert.plan(robot, np.random.default_rng(0))
    first = int(np.argmax(plan.width == CLOSED))
    status = run(robot, plan, np.where(np.arange(len(plan.width)) >= first, CLOSED, 0.08))
    assert status.lifted and not status.released and not status.success


def test_a_bag_that_was_never_lifted_does_not_count(robot: SimulatedRobot) -> None:
    robot.reset(0)
    place_bag_in_zone(robot)
    for _ in range(20):
        robot.advance(0.05)
        status = robot.status()
    assert status.in_zone and status.at_rest and status.released
    assert not status.success


def test_unknown_task_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="pick_release"):
        make_task("juggle")
