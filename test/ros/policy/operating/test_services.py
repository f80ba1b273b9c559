"""What an operator asks of a policy node that moves a robot of messages."""

from __future__ import annotations

import numpy as np
import pytest
from fake_robot import Bench, FakeRobot
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.control.limits import check
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.policy.operating import services
from sag_ros.sim.trajectory_controller import JointTrajectoryController

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
# Commands wait for their turn on a busy machine, and the weights are random: that is not what is tried here.
PATIENT = {
    f"limits__{name}": 3.0 for name in ("tracking_error", "tracking_lag", "rest_error", "resume_error")
}
AWAY = FR3.home + np.r_[0.15, -0.1, 0.0, 0.1, 0.0, 0.0, 0.1]


@pytest.fixture
def bench(domain, bundle, request):
    """A policy node with a fake robot; parameters through ``request.param``."""
    bench = Bench(bundle, FakeRobot(), **PATIENT, **getattr(request, "param", {}))
    yield bench
    bench.close()


def running(bench) -> None:
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 3), bench.robot.message


def ask(bench, name: str, seconds: float = 20.0) -> Trigger.Response:
    client = bench.robot.create_client(Trigger, f"/policy_node/{name}")
    assert bench.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    assert bench.until(answer.done, seconds)
    bench.robot.destroy_client(client)
    return answer.result()


def value(bench, key: str) -> str:
    diagnostics = bench.robot.diagnostics
    return "" if diagnostics is None else {item.key: item.value for item in diagnostics.values}.get(key, "")


def told(bench, state: str, seconds: float = 20.0) -> bool:
    return bench.until(lambda: value(bench, "state") == state, seconds)


def silent(bench, seconds: float = 0.5) -> bool:
    """Whether nothing is commanded."""
    count = len(bench.robot.commands)
    bench.until(lambda: False, seconds)
    return len(bench.robot.commands) == count


def goes_on(bench) -> bool:
    count = len(bench.robot.commands)
    return bench.until(lambda: len(bench.robot.commands) > count + 1)


def safe(commands) -> bool:
    return all(check(command, FR3.limits) == [] and not command.velocity[-1].any() for command in commands)


def at_rest(robot) -> bool:
    return not robot.controller.sample(robot.now())[1].any()


def resumed(bench) -> bool:
    return bench.until(lambda: ask(bench, "resume").success or bench._pause())


# Pause and resume ----------------------------------------------------------------------------------------


def test_a_pause_is_at_rest_within_half_a_second_and_a_resume_goes_on_with_what_is_seen_then(bench):
    robot = bench.robot
    running(bench)
    answer = ask(bench, "pause")
    assert answer.success, answer.message
    assert told(bench, "paused"), robot.message
    stop = robot.commands[-1]
    # A stop begins with what is executed until its splice; by the trajectory's own times, not by the clock.
    assert stop.time[-1] - stop.time[0] <= 0.5
    assert "paused: an operator paused it" in robot.message
    assert "call ~/resume when the policy may go on" in robot.message
    assert ask(bench, "pause").success  # once more
    assert silent(bench)
    assert value(bench, "reason") == "an operator paused it"
    assembler, seen = bench.policy._policy.assembler, []
    observe = assembler.observe

    def spy(timeout):
        seen.append(observe(timeout))
        return seen[-1]

    assembler.observe = spy
    bench.robot.publish_joints()
    assert resumed(bench)
    since = bench.policy._chunk_executor._supervisor._held
    seen.clear()
    assert goes_on(bench), robot.message
    fresh = [one for one in seen if one is not None]
    assert min(min(one.stamps) for one in fresh) >= since
    assert safe(robot.commands)


def test_a_pause_while_it_holds(bench):
    running(bench)
    bench.robot.cameras["wrist"] = False
    assert told(bench, "holding")
    assert ask(bench, "pause").success
    assert told(bench, "paused")
    bench.robot.cameras["wrist"] = True
    assert silent(bench)
    assert resumed(bench)
    assert goes_on(bench), bench.robot.message


def test_there_is_nothing_to_pause_and_nobody_to_go_home_before_it_is_configured(bench):
    for name, reason in (("pause", "unconfigured; there is nothing to pause"), ("home", "configure it"),
                         ("resume", "activate it")):  # fmt: skip
        answer = ask(bench, name)
        assert not answer.success
        assert reason in answer.message
    assert ask(bench, "stop").success
    assert bench.policy.trigger_configure() == SUCCESS
    answer = ask(bench, "pause")
    assert not answer.success
    assert "the node is inactive" in answer.message


def test_a_pause_after_a_swap_says_nothing_of_the_new_policy(bench):
    running(bench)
    policy, heard = bench.policy, []
    policy._exchange.after = lambda *result: heard.append(result)
    assert bench.until(lambda: heard)
    ask(bench, "pause")
    heard.clear()
    bench.until(lambda: False, 0.5)
    assert not any(record.refused for _, record, _ in heard)


# Stop ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", [{"autostart": True}], indirect=True)
def test_a_stop_is_answered_when_the_arm_rests_and_nothing_starts_it_again(bench):
    robot = bench.robot
    assert bench.beside(lambda: bench.until(lambda: len(robot.commands) >= 2)), bench.problem
    answer = ask(bench, "stop")
    assert answer.success, answer.message
    assert answer.message == "inactive; the arm is at rest"
    now = robot.now()
    assert bench.until(lambda: at_rest(robot))
    assert now >= robot.commands[-1].time[-1] - 0.02
    assert safe(robot.commands)
    assert silent(bench, 1.5)
    assert bench.policy._phase == "inactive"
    assert ask(bench, "stop").success


def test_a_stop_while_it_is_paused_commands_nothing(bench):
    robot = bench.robot
    running(bench)
    ask(bench, "pause")
    assert told(bench, "paused")
    robot.controller = JointTrajectoryController(AWAY)
    count = len(robot.commands)
    assert ask(bench, "stop").success
    bench.until(lambda: False, 0.3)
    assert len(robot.commands) == count


# Home ----------------------------------------------------------------------------------------------------


def at_home(bench) -> bool:
    robot = bench.robot
    return bench.until(lambda: np.abs(robot.controller.sample(robot.now())[0] - FR3.home).max() < 1e-3)


def test_it_goes_home_when_it_is_paused_and_stays_paused(bench):
    robot = bench.robot
    running(bench)
    answer = ask(bench, "home")
    assert not answer.success
    assert "pause it first" in answer.message
    ask(bench, "pause")
    assert told(bench, "paused")
    robot.controller = JointTrajectoryController(AWAY)  # somebody moved it
    bench.until(lambda: False, 0.1)
    count = len(robot.commands)
    answer = ask(bench, "home")
    assert answer.success, answer.message
    assert "on the way home" in answer.message
    assert told(bench, "homing"), robot.message
    assert at_home(bench)
    assert told(bench, "paused"), robot.message
    assert value(bench, "reason") == "the arm is at home"
    way = robot.commands[count:]
    assert safe(way)
    assert max(np.abs(command.velocity).max() for command in way) <= 0.31
    np.testing.assert_allclose(way[0].position[0], AWAY, atol=1e-6)
    assert resumed(bench)
    assert goes_on(bench)


def test_an_inactive_node_brings_the_arm_home_and_is_inactive_again(bench):
    robot, policy = bench.robot, bench.policy
    robot.controller = JointTrajectoryController(AWAY)
    assert policy.trigger_configure() == SUCCESS
    assert bench.until(lambda: policy._inputs.joints_at(policy._stamps.now()) is not None)
    assert bench.until(lambda: not policy._diagnosis.unheard())
    done, message = bench.beside(policy._operating.home)
    assert done, message
    assert told(bench, "homing")
    assert bench.trigger_activate() == FAILURE
    assert "the arm goes home" in bench.problem
    bench.until(lambda: len(robot.commands) >= 2)
    answer = ask(bench, "pause")
    assert answer.success, answer.message
    assert bench.until(lambda: not policy._operating.in_session)
    assert bench.until(lambda: at_rest(robot))
    done, message = bench.beside(policy._operating.home)
    assert done, message
    assert at_home(bench)
    assert bench.until(lambda: not policy._operating.in_session)
    assert safe(robot.commands)
    assert silent(bench)
    assert bench.until(lambda: bench.trigger_activate() == SUCCESS or bench._pause()), bench.problem


def test_a_deadman_that_is_released_keeps_it_from_going_home(domain, bundle):
    bench = Bench(bundle, FakeRobot(), topics__deadman="deadman")
    bench.activate()
    assert ask(bench, "pause").success
    answer = ask(bench, "home")
    assert not answer.success
    assert "the deadman is released" in answer.message
    bench.close()


# Taking over ---------------------------------------------------------------------------------------------


def test_who_moves_a_paused_arm_is_no_fault_and_has_to_end_before_the_policy_goes_on(bench, monkeypatch):
    monkeypatch.setattr(services, "QUIET", 3.0)
    robot = bench.robot
    running(bench)
    ask(bench, "pause")
    assert told(bench, "paused")
    rival = Node("teleop")
    publisher = rival.create_publisher(JointTrajectory, "fr3_arm_controller/joint_trajectory", qos.COMMAND)
    message = JointTrajectory(joint_names=list(FR3.joints))
    message.header.stamp.sec = 1
    operating = bench.policy._operating

    def heard() -> bool:
        publisher.publish(message)
        return operating._foreign > 0.0

    assert bench.until(heard)
    robot.controller = JointTrajectoryController(AWAY)
    assert silent(bench)
    assert value(bench, "state") == "paused"
    answer = ask(bench, "resume")
    assert not answer.success
    assert "a trajectory of /teleop came on /fr3_arm_controller/joint_trajectory" in answer.message
    rival.destroy_node()
    operating._foreign = -1e9  # that is long ago
    count = len(robot.commands)
    assert resumed(bench)
    assert goes_on(bench)
    np.testing.assert_allclose(robot.commands[count].position[0], AWAY, atol=1e-6)
    assert safe(robot.commands[count:])


class Human(Node):
    """Says whether it has the arm."""

    def __init__(self, bench) -> None:
        super().__init__("human")
        self._bench = bench
        self._publisher = self.create_publisher(Bool, "takeover", qos.STATE)
        assert bench.until(lambda: self._publisher.get_subscription_count() == 1)

    def says(self, taken: bool) -> None:
        operating = self._bench.policy._operating

        def arrived() -> bool:
            self._publisher.publish(Bool(data=taken))
            return operating._taken == taken

        assert self._bench.until(arrived)


TAKEOVER = {"topics__takeover": "takeover"}


@pytest.mark.parametrize("bench", [TAKEOVER], indirect=True)
def test_a_human_takes_the_arm_and_gives_it_back(bench):
    robot, human = bench.robot, Human(bench)
    running(bench)
    human.says(True)
    assert told(bench, "taken over"), robot.message
    assert "a human has the arm (/takeover)" in robot.message
    robot.controller = JointTrajectoryController(AWAY)
    assert silent(bench)  # silence of the topic changes nothing
    assert value(bench, "state") == "taken over"
    for name in ("resume", "home"):
        answer = ask(bench, name)
        assert not answer.success
        assert "a human has the arm" in answer.message
    human.says(False)
    assert told(bench, "paused"), robot.message
    assert silent(bench)
    count = len(robot.commands)
    assert resumed(bench)
    assert goes_on(bench)
    np.testing.assert_allclose(robot.commands[count].position[0], AWAY, atol=1e-6)
    ask(bench, "stop")
    human.says(True)
    assert bench.trigger_activate() == FAILURE
    assert "the last on /takeover was true" in bench.problem
    human.destroy_node()


@pytest.mark.parametrize("bench", [TAKEOVER | {"operator__resume_after_takeover": True}], indirect=True)
def test_where_it_is_told_to_it_goes_on_by_itself_but_not_after_a_pause(bench):
    robot, human = bench.robot, Human(bench)
    running(bench)
    human.says(True)
    assert told(bench, "taken over"), robot.message
    human.says(False)
    assert goes_on(bench), robot.message
    ask(bench, "pause")
    assert told(bench, "paused")
    human.says(True)
    assert told(bench, "taken over")
    human.says(False)
    assert told(bench, "paused")
    assert silent(bench, 0.8)
    human.destroy_node()
