"""The semantics of the Franka Hand."""

from __future__ import annotations

import math

import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.gripper import SimulatedGripper


def run(gripper: SimulatedGripper, start: float, duration: float, stop_at: float = 0.0) -> float:
    """Advance at 100 Hz with fingers that follow the target but cannot close below ``stop_at``."""
    width = 0.0
    for k in range(round(duration * 100) + 1):
        t = start + 0.01 * k
        width = max(2.0 * gripper.target(t).position, stop_at)
        gripper.update(t, width)
    return width


def test_moves_at_the_given_speed() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    assert gripper.move(0.02, 0.05, now=1.0)
    assert gripper.width_target(1.4) == pytest.approx(0.06)
    assert gripper.target(1.4).position == pytest.approx(0.03)
    assert gripper.width_target(9.0) == 0.02


def test_the_speed_is_bounded() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.move(0.0, 5.0, now=0.0)
    assert gripper.width_target(0.4) == pytest.approx(0.04)


def test_a_move_succeeds_when_the_fingers_arrive() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.move(0.04, 0.1, now=0.0)
    run(gripper, 0.0, 0.2)
    assert not gripper.done
    run(gripper, 0.2, 0.3)
    assert gripper.done
    assert gripper.success


def test_a_grasp_holds_what_it_meets() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    assert gripper.grasp(0.03, 0.1, 40.0, now=0.0, epsilon_outer=0.04)
    run(gripper, 0.0, 1.0, stop_at=0.055)
    assert gripper.done
    assert gripper.success
    assert gripper.target(2.0).force == 40.0
    assert gripper.width_target(2.0) < 0.055  # the force goes on closing


def test_a_grasp_of_nothing_fails() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.grasp(0.05, 0.1, 40.0, now=0.0)
    run(gripper, 0.0, 2.0, stop_at=0.07)
    assert gripper.done
    assert not gripper.success
    assert "0.0700" in gripper.message


def test_a_new_goal_preempts_from_where_the_target_is() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.move(0.0, 0.1, now=0.0)
    gripper.move(0.08, 0.1, now=0.3)
    assert gripper.width_target(0.3) == pytest.approx(0.05)
    assert gripper.width_target(0.4) == pytest.approx(0.06)


def test_stop_stays() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.move(0.0, 0.1, now=0.0)
    gripper.stop(0.3)
    assert gripper.width_target(5.0) == pytest.approx(0.05)
    assert gripper.done
    assert not gripper.success


def test_homing_opens() -> None:
    gripper = SimulatedGripper(FR3.gripper, width=0.0)
    gripper.homing(0.0)
    assert gripper.width_target(10.0) == 0.08


@pytest.mark.parametrize(("width", "speed"), [(0.1, 0.1), (-0.01, 0.1), (math.nan, 0.1), (0.04, 0.0)])
def test_goals_that_make_no_sense_are_rejected(width: float, speed: float) -> None:
    gripper = SimulatedGripper(FR3.gripper)
    assert not gripper.move(width, speed, now=0.0)
    assert gripper.message
    assert gripper.width_target(1.0) == 0.08


def test_the_force_is_bounded() -> None:
    gripper = SimulatedGripper(FR3.gripper)
    gripper.grasp(0.0, 0.1, 900.0, now=0.0)
    assert gripper.target(0.5).force == FR3.gripper.force_max
