"""The states of the driver, with a robot that does what a test wants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sag_ros.control.motion import Motion, of_command
from sag_ros.fci.loop import Loop
from sag_ros.fci.report import Mode, Report
from sag_ros.fci.robot import ConnectionLost, RobotState, RobotStopped
from sag_ros.fci.settings import FciSettings
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

HOME = np.array(FR3.home)
ZERO = np.zeros(7)


class Robot:
    """Follows exactly; ``trouble`` is raised at the next read, ``elapsed`` is the next cycle's length."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(self) -> RobotState:
        self.world.now += 0.001
        if isinstance(self.world.trouble, ConnectionLost):
            trouble, self.world.trouble = self.world.trouble, None
            raise trouble
        return replace(self.world.state)

    def start(self) -> Session:
        self.world.state = replace(self.world.state, mode="Move", success_rate=1.0)
        return Session(self.world)

    def recover(self) -> None:
        self.world.recovered += 1
        self.world.state = replace(self.world.state, mode="Idle", errors="")


class Session:
    def __init__(self, world: World) -> None:
        self.world = world

    def read(self) -> tuple[RobotState, float]:
        world = self.world
        world.now += world.elapsed
        elapsed, world.elapsed = world.elapsed, 0.001
        if world.trouble is not None:
            trouble, world.trouble = world.trouble, None
            if isinstance(trouble, RobotStopped):
                world.state = replace(world.state, mode="Reflex", errors=str(trouble))
            raise trouble
        return replace(world.state), elapsed

    def write(self, position: np.ndarray, finished: bool = False) -> None:
        velocity = (position - self.world.state.commanded) / 0.001
        self.world.sent.append(position)
        self.world.finished = finished
        self.world.state = replace(
            self.world.state,
            position=position,
            velocity=velocity,
            commanded=position,
            commanded_velocity=velocity,
            mode="Idle" if finished else "Move",
        )

    def write_torque(self, torque: np.ndarray, finished: bool = False) -> None:
        self.world.torques.append(torque)
        self.world.finished = finished


class World:
    """Everything around a loop. ``script`` is called before every cycle with its number."""

    def __init__(self, script, settings: FciSettings | None = None) -> None:
        self.now, self.elapsed = 100.0, 0.001
        self.state = RobotState(HOME, ZERO, HOME, ZERO, ZERO, 0.0, "Idle", "")
        self.trouble: Exception | None = None
        self.sent: list[np.ndarray] = []
        self.torques: list[np.ndarray] = []
        self.finished = False
        self.recovered = 0
        self.connections = 0
        self.refusing = 0  # connections that fail first
        self.motion: Motion | None = None
        self.wish = ""
        self.parentless = False
        self.reports: list[Report] = []
        self.cycle = 0
        self.script = script
        self.loop = Loop(
            settings or FciSettings(),
            self.connect,
            self.take_motion,
            self.take_wish,
            lambda report: self.reports.append(replace(report)),
            lambda: self.now,
            self.pause,
            lambda: self.parentless,
        )

    def connect(self) -> Robot:
        self.connections += 1
        if self.connections <= self.refusing:
            raise ConnectionLost("nobody answers")
        return Robot(self)

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def take_motion(self) -> Motion | None:
        motion, self.motion = self.motion, None
        return motion

    def take_wish(self) -> str:
        self.cycle += 1
        assert self.cycle < 50_000, "the loop does not end"
        self.script(self, self.cycle)
        wish, self.wish = self.wish, ""
        return wish

    def run(self) -> Report:
        self.loop.run()
        return self.reports[-1]

    def modes(self) -> list[Mode]:
        """In order, each once."""
        found = [report.mode for report in self.reports]
        return [mode for mode, before in zip(found, [None, *found], strict=False) if mode is not before]


def way(start: np.ndarray, end: np.ndarray, at: float, seconds: float = 0.5) -> Motion:
    zero = np.zeros((2, 7))
    return of_command(JointCommand(np.array([at, at + seconds]), np.stack((start, end)), zero, zero))


def at(cycles: dict):
    """A script: cycle -> what happens then."""

    def script(world: World, cycle: int) -> None:
        if cycle in cycles:
            cycles[cycle](world)

    return script


def go(end: np.ndarray, seconds: float = 0.5):
    def act(world: World) -> None:
        world.motion = way(world.state.commanded, end, world.now, seconds)

    return act


def stop(world: World) -> None:
    world.wish = "stop"


def test_a_life() -> None:
    world = World(at({10: go(HOME + 0.1), 1000: stop}))
    report = world.run()
    assert world.modes() == [Mode.IDLE, Mode.RUNNING, Mode.IDLE, Mode.CLOSED]
    np.testing.assert_allclose(world.state.commanded, HOME + 0.1, atol=1e-6)
    assert (report.accepted, report.refused, report.lost, report.reflexes) == (1, 0, 0, 0)
    assert report.cycles == len(world.sent)
    assert world.finished


def test_asked_to_stop_in_motion_it_ends_at_rest() -> None:
    world = World(at({10: go(HOME + 0.1), 200: stop}))
    world.run()
    np.testing.assert_allclose(world.sent[-1], HOME + 0.1, atol=1e-6)
    np.testing.assert_allclose(world.sent[-1], world.sent[-2], atol=1e-6)


def test_when_the_node_dies_the_motion_ends_at_rest_and_so_does_the_process() -> None:
    world = World(at({10: go(HOME + 0.1), 200: lambda world: setattr(world, "parentless", True)}))
    assert world.run().mode is Mode.CLOSED
    np.testing.assert_allclose(world.sent[-1], HOME + 0.1, atol=1e-6)
    assert len(world.sent) < 800


def test_a_policy_that_dies_leaves_the_arm_at_rest_and_held() -> None:
    world = World(at({10: go(HOME + 0.1), 3000: stop}))
    world.run()
    assert (np.ptp(world.sent[-2000:], axis=0) < 1e-9).all()


def test_a_reflex_is_named_held_and_left_on_request_alone() -> None:
    def trouble(world: World) -> None:
        world.trouble = RobotStopped('motion aborted by reflex! ["communication_constraints_violation"]')

    def recover(world: World) -> None:
        world.wish = "recover"

    world = World(
        at({10: go(HOME + 0.1), 100: trouble, 300: go(HOME), 500: recover, 600: go(HOME), 1500: stop})
    )
    report = world.run()
    assert world.modes() == [
        Mode.IDLE,
        Mode.RUNNING,
        Mode.REFLEX,
        Mode.IDLE,
        Mode.RUNNING,
        Mode.IDLE,
        Mode.CLOSED,
    ]
    held = [report for report in world.reports if report.mode is Mode.REFLEX]
    assert "communication_constraints_violation" in held[-1].error
    assert held[-1].refused == 1
    assert "call recover" in held[-1].refusal
    assert world.recovered == 1
    assert (report.reflexes, report.error) == (1, "")
    np.testing.assert_allclose(world.sent[-1], HOME, atol=1e-6)


def test_a_user_stop_stays_until_recover() -> None:
    def press(world: World) -> None:
        world.trouble = RobotStopped("user stop pressed")

    def pressed(world: World) -> None:
        world.state = replace(world.state, mode="UserStopped")

    def release(world: World) -> None:
        world.state = replace(world.state, mode="Idle")

    def recover(world: World) -> None:
        world.wish = "recover"

    script = {
        10: go(HOME + 0.1),
        100: press,
        101: pressed,
        300: release,
        400: go(HOME),
        500: recover,
        600: stop,
    }
    world = World(at(script))
    world.run()
    assert Mode.USER_STOP in world.modes()
    assert world.reports[450].mode is Mode.USER_STOP  # released, but nobody asked
    assert world.reports[-1].refused == 1
    assert world.reports[-2].mode is Mode.IDLE


def test_lost_cycles_are_counted() -> None:
    def lose(cycles: int):
        return lambda world: setattr(world, "elapsed", 0.001 * (cycles + 1))

    world = World(at({10: go(HOME + 0.1), 100: lose(3), 200: lose(7), 1000: stop}))
    report = world.run()
    assert (report.lost, report.longest_gap) == (10, 7)
    np.testing.assert_allclose(world.sent[-1], HOME + 0.1, atol=1e-6)


def test_a_command_that_would_come_too_late_is_not_sent_and_counts_as_lost() -> None:
    """The robot goes on by itself; then we go on from there."""
    lost = []
    for number in range(400, 404):  # some of these readings of the clock are between a state and its command
        world = World(at({10: go(HOME + 0.1), 1000: stop}))
        interrupt(world, number)
        report = world.run()
        assert report.cycles == len(world.sent) + report.lost
        np.testing.assert_allclose(world.sent[-1], HOME + 0.1, atol=1e-6)
        lost.append(report.lost)
    assert set(lost) == {0, 1}


def interrupt(world: World, number: int) -> None:
    """Let 2 ms pass before the clock is read for the ``number``-th time."""
    clock, calls = world.loop._clock, iter(range(10**6))

    def late() -> float:
        if next(calls) == number:
            world.now += 0.002
        return clock()

    world.loop._clock = late


def test_a_robot_that_is_gone_is_waited_for() -> None:
    def gone(world: World) -> None:
        world.trouble = ConnectionLost("server closed connection")

    world = World(at({10: go(HOME + 0.1), 100: gone, 2000: stop}))
    world.refusing = 2
    world.run()
    assert world.connections >= 4
    modes = world.modes()
    assert modes[:2] == [Mode.CONNECTING, Mode.IDLE]
    assert modes[2:5] == [Mode.RUNNING, Mode.CONNECTING, Mode.IDLE]
    assert any("server closed connection" in report.error for report in world.reports)


@pytest.mark.parametrize("where", [HOME + 0.2, HOME * np.nan])
def test_a_trajectory_from_elsewhere_is_refused(where: np.ndarray) -> None:
    def jump(world: World) -> None:
        world.motion = way(where, HOME, world.now)

    world = World(at({10: jump, 20: go(HOME + 0.1), 100: jump, 1000: stop}))
    report = world.run()
    assert (report.accepted, report.refused) == (1, 2)
    np.testing.assert_allclose(world.sent[-1], HOME + 0.1, atol=1e-6)


def test_torques_pull_towards_the_motion_and_change_slowly() -> None:
    world = World(at({10: go(HOME + 0.1), 800: stop}), FciSettings(interface="torque"))
    world.run()
    torques = np.stack(world.torques)
    assert np.abs(np.diff(torques, axis=0)).max() <= 1.0
    assert (torques[-1] > 0.0).all()  # this arm does not move, so it is pulled
    np.testing.assert_allclose(torques[-1], 0.1 * np.array(FciSettings().stiffness), rtol=1e-6)
