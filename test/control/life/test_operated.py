"""Pausing, a human who takes the arm, and the way home, with a clock of our own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.limits import check
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.states import State, SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.ur5e import ARM as UR5E
from sag_ros.values import ActionChunk, Float, JointCommand

TICK = 0.01  # s


class Arm:
    """An arm that does what it is commanded, unless somebody else moves it, and its supervisor."""

    def __init__(self, arm=FR3, start: Float | None = None, **options: float) -> None:
        self.arm, self.now = arm, 10.0
        self.supervisor = Supervisor(arm, SupervisorSettings(**options))
        self.motion: Motion = of_command(at_rest(self.now, arm.home if start is None else start))
        self.supervisor.start(self.now, self.position)
        self.commands: list[JointCommand] = []
        self.speed = 0.0  # that is measured beside the commanded one
        self.silent = False  # whether joint states do not come
        self.look()

    @property
    def position(self) -> Float:
        return self.motion.at(self.now)[0]

    @property
    def state(self) -> State:
        return self.supervisor.state

    @property
    def reason(self) -> str:
        return self.supervisor.status().reason

    def look(self) -> None:
        q, v, _ = self.motion.at(self.now)
        if not self.silent:
            self.supervisor.on_joint_state(self.now, q, v + self.speed)

    def take(self, command: JointCommand | None) -> None:
        """It has to begin on what is executed, to be inside the limits, and to end at rest."""
        if command is None:
            return
        motion = of_command(command)
        where = max(self.now, motion.start)
        for old, new in zip(self.motion.at(where), motion.at(where), strict=True):
            np.testing.assert_allclose(new, old, atol=1e-6)
        assert check(command, self.arm.limits) == []
        assert not command.velocity[-1].any()
        assert not command.acceleration[-1].any()
        self.motion = motion
        self.commands.append(command)

    def tick(self, seconds: float = TICK) -> None:
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += TICK
            self.look()
            self.take(self.supervisor.tick(self.now))

    def chunk(self, speed: float = 0.4, age: float = 0.03) -> bool:
        """A chunk that goes on from here; whether it was executed."""
        stamp = self.now - age
        times = 0.05 * np.arange(1, 9)[:, None]
        ahead = np.clip(self.position + speed * times, self.arm.limits.lower, self.arm.limits.upper)
        command = self.supervisor.on_chunk(ActionChunk(stamp, 0.05, ahead, np.zeros(8)), self.now)
        self.take(command)
        return command is not None

    def run(self, seconds: float = 0.3, speed: float = 0.4) -> None:
        end = self.now + seconds
        while self.now < end:
            self.tick(0.02)
            self.chunk(speed)

    def pause(self, human: bool = False) -> None:
        self.take(self.supervisor.pause(self.now, "somebody said so", human))

    def moved(self, by: float) -> None:
        """Somebody else moved the arm."""
        self.motion = of_command(at_rest(self.now, self.position + by))
        self.look()


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.run()
    assert arm.state is State.RUNNING
    return arm


def paused(human: bool = False) -> Arm:
    arm = Arm()
    arm.run()
    arm.pause(human)
    arm.tick(0.6)
    return arm


# Pause ---------------------------------------------------------------------------------------------------


def test_a_pause_stops_at_once_and_lasts(arm: Arm) -> None:
    arm.pause()
    assert arm.state is State.STOPPING
    assert arm.supervisor.rest_in(arm.now) <= 0.5
    assert arm.supervisor.soon is State.PAUSED
    count = len(arm.commands)
    arm.pause()  # once more: nothing else
    arm.tick(0.6)
    assert arm.state is State.PAUSED
    assert arm.reason == "somebody said so"
    for _ in range(20):
        arm.tick(0.05)
        assert not arm.chunk()
    assert "paused: somebody said so" in arm.supervisor.status().violations[0].message
    assert len(arm.commands) == count


def test_a_resume_goes_on_with_what_was_seen_since(arm: Arm) -> None:
    arm.pause()
    assert "stopping" in arm.supervisor.resume(arm.now)
    arm.tick(0.6)
    assert arm.supervisor.resume(arm.now) == ""
    assert arm.state is State.WAITING
    arm.tick(0.02)
    assert not arm.chunk(age=0.03)
    assert arm.chunk(age=0.015)
    assert arm.state is State.RUNNING


def test_there_is_nothing_to_pause_before_the_start_and_after_the_end(arm: Arm) -> None:
    with pytest.raises(RuntimeError, match="inactive"):
        Supervisor(FR3).pause(1.0, "why not")
    arm.take(arm.supervisor.stop(arm.now))
    with pytest.raises(RuntimeError, match="inactive"):
        arm.pause()


def test_a_pause_while_it_waits_or_holds_publishes_nothing() -> None:
    arm = Arm()
    arm.pause()
    assert arm.state is State.PAUSED
    arm = Arm()
    arm.run()
    arm.take(arm.supervisor.hold(arm.now, "a deadman"))
    count = len(arm.commands)
    arm.pause()
    assert arm.state is State.STOPPING
    arm.tick(0.6)
    assert arm.state is State.PAUSED
    assert len(arm.commands) == count


def test_a_fault_stays_one_but_a_human_may_have_the_arm(arm: Arm) -> None:
    arm.take(arm.supervisor.fault(arm.now, "it does not follow"))
    arm.pause()
    arm.tick(0.6)
    assert (arm.state, arm.reason) == (State.FAULT, "it does not follow")
    arm.pause(human=True)
    assert arm.state is State.TAKEN
    assert arm.reason == "somebody said so; before that: it does not follow"


def test_a_stop_of_a_paused_arm_commands_nothing_it_may_be_elsewhere(arm: Arm) -> None:
    arm.pause()
    arm.tick(0.6)
    arm.moved(0.3)
    assert arm.supervisor.rest_in(arm.now) == 0.0
    arm.supervisor.stop(arm.now)
    assert arm.state is State.INACTIVE
    assert not arm.supervisor.retract(arm.now + 1.0)


# A human has the arm -------------------------------------------------------------------------------------


@pytest.mark.parametrize("human", [False, True])
def test_whoever_moves_the_arm_meanwhile_is_no_fault(human: bool) -> None:
    arm = paused(human)
    for _ in range(20):
        arm.moved(0.03)
        arm.tick(0.02)
        assert arm.supervisor.fault(arm.now, "a trajectory of another came, not ours") is None
    assert arm.state is (State.TAKEN if human else State.PAUSED)
    if human:
        assert "given back" in arm.supervisor.resume(arm.now)
        arm.supervisor.give_back(arm.now, "given back")
        assert (arm.state, arm.reason) == (State.PAUSED, "given back")
    arm.speed = 0.2
    arm.tick()
    assert "moves at 0.20 rad/s" in arm.supervisor.resume(arm.now)
    arm.speed = 0.0
    arm.tick()
    assert arm.supervisor.resume(arm.now) == ""
    there = arm.position.copy()
    arm.tick(0.05)
    assert arm.chunk()
    np.testing.assert_allclose(arm.commands[-1].position[0], there, atol=1e-9)


def test_a_human_takes_and_returns_it_while_it_still_stops(arm: Arm) -> None:
    arm.pause()
    arm.pause(human=True)
    assert arm.supervisor.soon is State.TAKEN
    arm.supervisor.give_back(arm.now, "given back")
    arm.tick(0.6)
    assert (arm.state, arm.reason) == (State.PAUSED, "given back")


def test_an_arm_that_is_elsewhere_is_still_a_fault_while_it_runs(arm: Arm) -> None:
    arm.supervisor.on_joint_state(arm.now, arm.position + 0.5, np.zeros(7))
    arm.take(arm.supervisor.tick(arm.now))
    arm.tick(0.6)
    assert arm.state is State.FAULT


# Home ----------------------------------------------------------------------------------------------------


def fastest(commands: list[JointCommand]) -> float:
    return max(float(np.abs(command.velocity).max()) for command in commands)


@pytest.mark.parametrize("description", [FR3, UR5E], ids=lambda arm: arm.name)
@pytest.mark.parametrize("speed", [0.1, 0.3])
def test_it_goes_home_slowly_and_is_paused_there(description, speed: float) -> None:
    away = description.home + 0.25 * np.linspace(-1.0, 1.0, description.dof)
    arm = Arm(description, away, home_speed=speed)
    arm.pause()
    assert arm.supervisor.home(arm.now) == ""
    assert arm.state is State.HOMING
    assert arm.supervisor.home(arm.now) == ""  # once more: it is on the way
    expected = arm.supervisor.way
    assert 0.25 / speed < expected < 0.25 / speed + 2.0
    arm.tick(0.5)
    assert not arm.chunk()
    arm.tick(expected - 0.4)
    assert (arm.state, arm.reason) == (State.PAUSED, "the arm is at home")
    np.testing.assert_allclose(arm.position, description.home, atol=1e-4)
    assert fastest(arm.commands) <= speed + 1e-6
    # If nothing followed a stretch, the arm would soon be at rest.
    assert max(command.time[-1] - command.time[0] for command in arm.commands) < 1.5
    assert arm.supervisor.resume(arm.now) == ""


def homing() -> Arm:
    arm = Arm(start=FR3.home + 0.4)
    arm.pause()
    assert arm.supervisor.home(arm.now) == ""
    arm.tick(0.7)
    assert fastest(arm.commands) > 0.2
    return arm


def test_a_pause_stops_it() -> None:
    arm = homing()
    arm.pause()
    assert arm.supervisor.rest_in(arm.now) <= 0.5
    arm.tick(0.5)
    assert (arm.state, arm.reason) == (State.PAUSED, "somebody said so")
    assert arm.supervisor.home(arm.now) == ""
    arm.tick(3.0)
    np.testing.assert_allclose(arm.position, FR3.home, atol=1e-4)


def test_a_deadman_and_joint_states_that_do_not_come_stop_it() -> None:
    arm = homing()
    arm.take(arm.supervisor.hold(arm.now, "the deadman is released"))
    arm.tick(0.5)
    assert (arm.state, arm.reason) == (State.PAUSED, "it did not get home: the deadman is released")
    arm = homing()
    arm.silent = True
    arm.tick(0.5)
    assert arm.state is State.PAUSED
    assert "joint_state is 0.1" in arm.reason


def test_an_arm_that_does_not_follow_on_the_way_is_a_fault() -> None:
    arm = homing()
    arm.supervisor.on_joint_state(arm.now, arm.position + 0.3, np.zeros(7))
    arm.take(arm.supervisor.tick(arm.now))
    arm.tick(0.5)
    assert arm.state is State.FAULT
    arm = homing()
    arm.take(arm.supervisor.fault(arm.now, "a trajectory of another came, not ours"))
    arm.tick(0.5)
    assert arm.state is State.FAULT


def test_joint_states_that_never_come_end_it_at_once() -> None:
    arm = paused()
    arm.silent = True
    assert arm.supervisor.home(arm.now) == ""
    arm.tick(0.3)
    assert "no joint_state yet" in arm.reason


def test_when_it_does_not_go_home(arm: Arm) -> None:
    assert "running; pause it first" in arm.supervisor.home(arm.now)
    arm.pause()
    assert "stopping; pause it first" in arm.supervisor.home(arm.now)
    arm.tick(0.6)
    arm.speed = 0.3
    arm.tick()
    assert "0.30 rad/s" in arm.supervisor.home(arm.now)
    arm.speed = 0.0
    arm.tick()
    assert "joint_state is" in arm.supervisor.home(arm.now + 1.0)
    arm.pause(human=True)
    assert "given back" in arm.supervisor.home(arm.now)
    assert "inactive; pause it first" in Supervisor(FR3).home(0.0)
    outside = paused()
    outside.supervisor.on_joint_state(outside.now, FR3.limits.upper + 0.01, np.zeros(7))
    assert "outside the limits" in outside.supervisor.home(outside.now)
    assert outside.state is State.PAUSED


def test_home_after_a_hold_and_after_a_fault(arm: Arm) -> None:
    arm.take(arm.supervisor.hold(arm.now, "a camera"))
    arm.tick(0.6)
    assert arm.state is State.HOLDING
    assert arm.supervisor.home(arm.now) == ""
    arm.take(arm.supervisor.fault(arm.now, "somebody"))
    arm.tick(0.6)
    assert arm.state is State.FAULT
    arm.moved(0.05)
    arm.tick()
    assert arm.supervisor.home(arm.now) == ""
    arm.tick(4.0)
    np.testing.assert_allclose(arm.position, FR3.home, atol=1e-4)


def test_a_home_that_its_limits_do_not_let_it_reach_is_approached() -> None:
    beside = dataclasses.replace(FR3, home=np.r_[FR3.limits.upper[0], FR3.home[1:]])
    arm = Arm(beside, np.r_[FR3.limits.upper[0] - 0.2, FR3.home[1:]])
    arm.pause()
    assert arm.supervisor.home(arm.now) == ""
    arm.tick(20.0)
    assert arm.state is State.PAUSED
    assert "as near to home as its limits allow" in arm.reason
    assert 0.0 < FR3.limits.upper[0] - arm.position[0] < 0.1
    assert fastest(arm.commands) <= 0.303


def test_a_stretch_that_comes_too_late_begins_again_from_rest() -> None:
    """From the hard deceleration at its end, a gentle way on would swing far back."""
    for late in (0.7, 0.8, 0.9, 1.0):
        arm = homing()
        arm.now += late  # the process was stopped
        arm.look()
        arm.tick(5.0)
        assert arm.state is State.PAUSED
        assert fastest(arm.commands) <= 0.303
        np.testing.assert_allclose(arm.position, FR3.home, atol=1e-4)


# Anything at any time ------------------------------------------------------------------------------------

ACTS = ["chunk", "chunk", "chunk", "pause", "take", "give back", "resume", "home", "hold", "fault", "move"]
SILENT = (State.PAUSED, State.TAKEN, State.FAULT)
WAITS = st.sampled_from([0.01, 0.02, 0.05, 0.3, 1.1])
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), WAITS, st.floats(-1.0, 1.0)), max_size=25)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_whatever_is_asked_every_command_is_safe_and_a_silent_arm_is_let_alone(steps) -> None:
    """:meth:`Arm.take` judges every command."""
    arm = Arm()
    for act, wait, value in steps:
        supervisor, count = arm.supervisor, len(arm.commands)
        if act == "chunk":
            before = arm.state
            executed = arm.chunk(speed=value)
            assert not (
                executed and before not in (State.WAITING, State.RUNNING, State.HOLDING, State.STOPPING)
            )
        elif act in ("pause", "take"):
            arm.pause(human=act == "take")
            assert supervisor.soon in SILENT
        elif act == "give back":
            supervisor.give_back(arm.now, "given back")
            assert supervisor.soon is not State.TAKEN
        elif act == "resume":
            supervisor.resume(arm.now)
        elif act == "home":
            supervisor.home(arm.now)
        elif act == "hold":
            arm.take(supervisor.hold(arm.now, "a deadman"))
        elif act == "fault":
            arm.take(supervisor.fault(arm.now, "somebody"))
        elif arm.state in SILENT:
            arm.moved(0.2 * value)
            assert len(arm.commands) == count
        silent, count = arm.state in SILENT, len(arm.commands)
        arm.tick(wait)
        assert not silent or len(arm.commands) == count
