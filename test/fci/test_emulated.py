"""The driver and Franka's own libfranka against an emulated FR3 that judges as the real one does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from sag_ros.control.motion import of_command
from sag_ros.fci import message
from sag_ros.fci.driver import Driver
from sag_ros.fci.emulator import ADDRESS, Emulator, adapted_model
from sag_ros.fci.report import Mode
from sag_ros.fci.settings import FciSettings
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

HOME = np.array(FR3.home)
DEADLINE = 30.0  # s, generous


@pytest.fixture
def driver(emulated_fr3: Emulator) -> Iterator[Driver]:
    driver = Driver(FciSettings(address=ADDRESS), FR3)
    until(lambda: driver.report.mode is not Mode.CONNECTING)
    if driver.report.mode is Mode.REFLEX:
        driver.recover()
    until(lambda: driver.report.mode is Mode.IDLE)
    yield driver
    driver.close()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < deadline, "nothing within the deadline"
        time.sleep(0.01)


def arrive(driver: Driver, goal: np.ndarray) -> None:
    driver.go_to(goal, time.monotonic())
    until(lambda: bool(np.abs(driver.report.commanded - goal).max() < 1e-9))


def test_a_motion_is_kept_and_ends_where_it_should(driver: Driver) -> None:
    goal = HOME + 0.1
    arrive(driver, goal)
    until(lambda: bool(np.abs(driver.report.position - goal).max() < 2e-3))
    report = driver.report
    assert report.mode is Mode.RUNNING
    assert (report.reflexes, report.refused) == (0, 0)
    assert report.success_rate > 0.5
    arrive(driver, HOME)


def test_twenty_lost_cycles_are_named_held_and_recovered_from_on_request(driver: Driver) -> None:
    driver.go_to(HOME + 0.3, time.monotonic())
    until(lambda: bool(np.abs(driver.report.velocity).max() > 0.1))
    os.kill(driver._process.pid, signal.SIGSTOP)
    time.sleep(0.15)
    os.kill(driver._process.pid, signal.SIGCONT)
    until(lambda: driver.report.mode is Mode.REFLEX)
    assert "communication_constraints_violation" in driver.report.error
    held = driver.report.position
    time.sleep(0.5)
    until(lambda: bool(np.abs(driver.report.velocity).max() < 1e-2))
    assert driver.report.mode is Mode.REFLEX  # never by itself
    driver.go_to(HOME, time.monotonic())
    until(lambda: driver.report.refused == 1)
    assert "call recover" in driver.report.refusal
    assert np.abs(driver.report.position - held).max() < 0.2
    driver.recover()
    until(lambda: driver.report.mode is Mode.IDLE)
    arrive(driver, HOME)
    assert driver.report.mode is Mode.RUNNING


def test_what_would_be_a_jump_is_refused_and_the_robot_does_not_notice(driver: Driver) -> None:
    arrive(driver, HOME)
    now = time.monotonic()
    zero = np.zeros((2, 7))
    jump = JointCommand(np.array([now, now + 2.0]), np.stack((HOME + 0.05, HOME)), zero, zero)
    assert driver.follow(jump, 0.0) == ""  # inside the limits by itself
    until(lambda: driver.report.refused == 1)
    assert "joint 1" in driver.report.refusal
    linear = JointCommand(np.array([now, now + 2.0]), np.stack((HOME, HOME + 0.2)), None, None)
    assert "rad/s" in driver.follow(linear, 0.0)
    assert driver.report.mode is Mode.RUNNING
    assert driver.report.reflexes == 0


def test_a_reflex_is_named_as_the_robot_names_it(driver: Driver) -> None:
    arrive(driver, HOME)
    now = time.monotonic()
    position = np.stack((HOME, HOME + 0.5))
    zero = np.zeros((2, 7))
    # 0.5 rad in a tenth of a second; handed over past every check.
    lunge = of_command(JointCommand(np.array([now + 0.05, now + 0.15]), position, zero, zero))
    driver._trajectories.write(message.pack(lunge))
    until(lambda: driver.report.mode is Mode.REFLEX)
    assert "joint_motion_generator" in driver.report.error or "joint_velocity" in driver.report.error
    assert driver.report.reflexes == 1


def test_the_robot_goes_away_and_comes_back(emulated_fr3: Emulator) -> None:
    driver = Driver(FciSettings(address=ADDRESS), FR3)
    try:
        until(lambda: driver.report.mode in (Mode.IDLE, Mode.REFLEX))
        emulated_fr3.stop()
        until(lambda: driver.report.mode is Mode.CONNECTING)
        assert driver.report.error
        emulated_fr3.start()
        until(lambda: driver.report.mode is Mode.IDLE)
        arrive(driver, driver.report.commanded + 0.05)
        assert driver.report.reflexes == 0
    finally:
        driver.close()


def test_our_torques_hold_and_move_the_arm_too(emulated_fr3: Emulator) -> None:
    driver = Driver(FciSettings(address=ADDRESS, interface="torque"), FR3)
    try:
        until(lambda: driver.report.mode in (Mode.IDLE, Mode.REFLEX))
        if driver.report.mode is Mode.REFLEX:
            driver.recover()
            until(lambda: driver.report.mode is Mode.IDLE)
        start = driver.report.commanded
        arrive(driver, start + 0.05)
        until(lambda: bool(np.abs(driver.report.position - start - 0.05).max() < 5e-3))
        assert driver.report.mode is Mode.RUNNING
    finally:
        driver.close()


def test_the_model_is_adapted_or_it_is_said_that_it_cannot_be() -> None:
    text = '<mujoco><compiler angle="radian"/><default><joint armature="0.1"/></default></mujoco>'
    adapted = adapted_model(text)
    assert 'armature="0.2"' in adapted
    assert 'contact="disable"' in adapted
    with pytest.raises(ValueError, match="armature"):
        adapted_model("<mujoco/>")
