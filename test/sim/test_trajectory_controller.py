"""The semantics of a joint_trajectory_controller."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import JointCommand


def sine(start: float, end: float, phase: float = 0.0) -> JointCommand:
    t = np.arange(start, end + 1e-9, 0.01)
    s = (t - phase)[:, None] * np.ones(2)
    return JointCommand(t, np.sin(s), np.cos(s), -np.sin(s))


def line(start: float, to: float) -> JointCommand:
    """Positions only, from 0 to ``to`` in one second."""
    none = np.empty((0, 2))
    return JointCommand(np.array([start, start + 1.0]), np.array([[0.0, 0.0], [to, to]]), none, none)


@pytest.fixture
def controller() -> JointTrajectoryController:
    return JointTrajectoryController(np.zeros(2))


def test_holds_until_told_otherwise(controller: JointTrajectoryController) -> None:
    for array in controller.sample(3.0):
        assert array.tolist() == [0.0, 0.0]


def test_follows_and_holds_at_the_end(controller: JointTrajectoryController) -> None:
    assert controller.accept(sine(1.0, 2.0), 1.0)
    for t in (1.0, 1.004, 1.5555):
        q, v, a = controller.sample(t)
        np.testing.assert_allclose(q, np.sin(t), atol=1e-9)
        np.testing.assert_allclose(v, np.cos(t), atol=1e-7)
        np.testing.assert_allclose(a, -np.sin(t), atol=1e-4)
    q, v, a = controller.sample(2.5)
    np.testing.assert_allclose(q, np.sin(2.0))
    assert not v.any()
    assert not a.any()


@pytest.mark.parametrize(("orders", "middle"), [(0, 0.5), (1, 0.5 - 1.0 / 8.0), (2, 0.5 - 5.0 / 32.0)])
def test_interpolation_by_what_is_given(
    controller: JointTrajectoryController, orders: int, middle: float
) -> None:
    none = np.empty((0, 2))
    v = np.array([[0.0, 0.0], [1.0, 1.0]])
    command = JointCommand(
        np.array([0.0, 1.0]),
        np.array([[0.0, 0.0], [1.0, 1.0]]),
        v if orders > 0 else none,
        np.zeros((2, 2)) if orders > 1 else none,
    )
    assert controller.accept(command, 0.0)
    np.testing.assert_allclose(controller.sample(0.5)[0], middle)


def test_the_old_one_continues_until_the_first_stamp_of_the_new(
    controller: JointTrajectoryController,
) -> None:
    controller.accept(line(0.0, 1.0), 0.0)
    assert controller.accept(sine(0.6, 1.5), 0.5)
    np.testing.assert_allclose(controller.sample(0.59)[0], 0.59)
    np.testing.assert_allclose(controller.sample(0.6)[0], np.sin(0.6))


def test_of_a_past_start_only_the_rest_is_followed(controller: JointTrajectoryController) -> None:
    assert controller.accept(sine(0.0, 1.0), 0.4)
    np.testing.assert_allclose(controller.sample(0.4)[0], np.sin(0.4), atol=1e-9)


def test_a_newer_trajectory_replaces_one_that_has_not_begun(controller: JointTrajectoryController) -> None:
    controller.accept(line(1.0, 1.0), 0.0)
    controller.accept(line(0.5, 3.0), 0.1)
    np.testing.assert_allclose(controller.sample(1.2)[0], 2.1)
    assert controller.end == 1.5


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (sine(0.0, 0.5), "in the past"),
        (
            JointCommand(np.array([2.0, 2.0]), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))),
            "increase",
        ),
        (JointCommand(np.array([2.0]), np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3))), "positions"),
        (
            JointCommand(np.array([2.0]), np.full((1, 2), np.nan), np.zeros((1, 2)), np.zeros((1, 2))),
            "finite",
        ),
        (
            JointCommand(np.array([2.0, 3.0]), np.zeros((2, 2)), np.zeros((1, 2)), np.zeros((2, 2))),
            "velocity",
        ),
    ],
)
def test_rejections_change_nothing(
    controller: JointTrajectoryController, command: JointCommand, reason: str
) -> None:
    controller.accept(line(0.0, 3.0), 0.0)
    answer = controller.accept(command, 1.0)
    assert not answer
    assert reason in answer.reason
    assert (controller.accepted, controller.rejected) == (1, 1)
    np.testing.assert_allclose(controller.sample(5.0)[0], 3.0)


def test_many_samples_across_a_switch_equal_single_ones(controller: JointTrajectoryController) -> None:
    other = JointTrajectoryController(np.zeros(2))
    for one in (controller, other):
        one.accept(line(0.0, 1.0), 0.0)
        one.accept(sine(0.5, 0.7), 0.1)
    times = np.arange(0.4, 0.9, 0.001)
    many = controller.sample_many(times)
    single = zip(*(other.sample(float(t)) for t in times), strict=True)
    for array, rows in zip(many, single, strict=True):
        np.testing.assert_allclose(array, rows, atol=1e-9)


def test_leaving_the_path_tolerance_aborts_and_holds() -> None:
    controller = JointTrajectoryController(np.zeros(2), path_tolerance=0.1)
    controller.accept(line(0.0, 1.0), 0.0)
    assert controller.watch(0.2, np.array([0.15, 0.2]))
    assert not controller.watch(0.5, np.array([0.45, 0.3]))
    assert "joint 2" in controller.aborted
    np.testing.assert_allclose(controller.sample(2.0)[0], [0.45, 0.3])
    assert controller.accept(line(2.0, 1.0), 2.0)
    assert controller.aborted == ""


def test_hold_drops_everything(controller: JointTrajectoryController) -> None:
    controller.accept(line(0.0, 1.0), 0.0)
    controller.accept(line(0.5, 9.0), 0.0)
    controller.hold(0.3)
    np.testing.assert_allclose(controller.sample(4.0)[0], 0.3)
