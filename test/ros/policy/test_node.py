from __future__ import annotations

import os
import threading

import fake_robot
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from fake_robot import Bench, FakeRobot
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.control.limits import check
from sag_ros.control.reach.kinematics import forward
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import pose_actions, random_bundle
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.policy.exchange import examination, successor
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import JointCommand

JPEG = {
    "robot": {"compressed": True},
    **{f"cameras__{name}__topic": f"{name}/image_raw" for name in ("front", "wrist")},
    **{f"cameras__{name}__compressed": True for name in ("front", "wrist")},
}
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@pytest.fixture
def bench(domain, bundle, request):
    """A policy node with a fake robot; arguments through ``request.param``."""
    options = dict(getattr(request, "param", {}))
    bench = Bench(bundle, FakeRobot(**options.pop("robot", {})), **options)
    yield bench
    bench.close()


# Activation ------------------------------------------------------------


def test_activation_names_every_missing_input(domain, bundle):
    bench = Bench(bundle)
    assert bench.policy.trigger_configure() == SUCCESS
    assert bench.trigger_activate() == FAILURE
    for text in (
        "joint_states (topic /franka/joint_states)",
        "gripper_states",
        "camera front",
        "camera wrist",
    ):
        assert text in bench.problem
    bench.close()


def test_activation_needs_every_camera(bench):
    bench.robot.cameras["wrist"] = False
    assert bench.policy.trigger_configure() == SUCCESS
    assert bench.until(lambda: bench.policy._inputs.frames.stamps()["front"] is not None)
    bench.until(lambda: bench.policy._inputs.missing(bench.policy._stamps.now()) == [], seconds=0.5)
    assert bench.trigger_activate() == FAILURE
    assert "camera wrist (topic /wrist/image_raw): nothing received yet" in bench.problem
    assert "front" not in bench.problem
    bench.robot.cameras["wrist"] = True
    assert bench.until(lambda: bench.trigger_activate() == SUCCESS or bench._pause())


def test_it_begins_from_where_the_arm_is_now_not_from_what_was_heard_before(bench):
    assert bench.policy.trigger_configure() == SUCCESS
    assert bench.until(lambda: bench.policy._inputs.missing(bench.policy._stamps.now()) == [])
    moved = FR3.home + np.r_[0.0, -0.8, np.zeros(5)]
    bench.robot.controller = JointTrajectoryController(moved)
    assert bench.trigger_activate() == SUCCESS, bench.problem
    np.testing.assert_allclose(bench.policy._chunk_executor._supervisor._command.position[0], moved)
    assert bench.until(lambda: bench.robot.commands)
    np.testing.assert_allclose(bench.robot.commands[0].position[0], moved, atol=1e-3)


@pytest.mark.parametrize("bench", [{"watchdog__joint_state": 0.3}], indirect=True)
def test_joint_states_that_ended_just_before_are_not_begun_from(bench):
    assert bench.policy.trigger_configure() == SUCCESS
    assert bench.until(lambda: bench.policy._inputs.missing(bench.policy._stamps.now()) == [])
    bench.robot.joints = False
    assert bench.trigger_activate() == FAILURE
    assert "joint_states" in bench.problem


@pytest.mark.parametrize("bench", [{"topics__desired_states": "desired"}], indirect=True)
def test_it_waits_for_what_the_controller_follows_too(bench):
    policy = bench.policy
    assert policy.trigger_configure() == SUCCESS
    inputs = policy._inputs
    assert bench.until(lambda: inputs.missing(policy._stamps.now()) == [])
    message = JointState(name=list(FR3.joints), position=FR3.home.tolist())
    heard = []
    inputs.on_desired = lambda stamp, q: heard.append(stamp)

    def tell() -> None:
        message.header.stamp = policy.get_clock().now().to_msg()
        inputs._on_desired(message)

    tell()
    asked = policy._stamps.now()
    later = threading.Timer(0.1, tell)
    later.start()
    bench.beside(lambda: inputs.wait_for_measured(asked))
    assert heard[-1] >= asked
    later.join()


@pytest.mark.parametrize("bench", [{"joint_prefix": "left_"}], indirect=True)
def test_an_arm_among_others_has_a_prefix(bench, monkeypatch):
    names = [f"left_{name}" for name in FR3.joints]
    monkeypatch.setattr(fake_robot, "JOINTS", names)
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 2), bench.robot.message


# Running ------------------------------------------------------------


@pytest.mark.parametrize("bench", [{}, JPEG], indirect=True, ids=["raw", "jpeg"])
def test_it_publishes_safe_trajectories_with_provenance(bench):
    robot = bench.robot
    robot.order = [6, 2, 4, 0, 1, 5, 3]
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 5 and len(robot.records) >= 5 and len(robot.masks) >= 5)
    for command in robot.commands:
        assert check(command, FR3.limits) == []
        assert len(command.velocity) == len(command.time)
        np.testing.assert_allclose(command.velocity[-1], 0, atol=1e-9)
    # On a busy machine a chunk may come too late and be refused; that has a record, too.
    record = next(record for record in reversed(robot.records) if not record.refused)
    assert record.publish_stamp > record.obs_stamp >= record.oldest_stamp > 1.6e9
    assert record.latency_ms == pytest.approx(1e3 * (record.publish_stamp - record.obs_stamp), abs=0.01)
    assert 0 < record.encode_ms < record.inference_ms < record.latency_ms
    assert record.density == pytest.approx(robot.masks[-1].density, abs=1e-6)
    assert robot.masks[-1].pruned.shape == (2, 6)


def test_a_policy_of_poses_moves_the_arm_within_its_limits(domain, tmp_path):
    state = ["joint_position", "tcp_position", "tcp_rotation", "gripper_width"]
    tcp = {"rotation": "sixd_rows", "relative": "observed", "frame": "tool"}
    save_bundle(tmp_path, random_bundle(0, state=state, tcp=tcp, action=pose_actions("sixd_rows")))
    bench = Bench(tmp_path, FakeRobot())
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 5), robot.message
    for command in robot.commands:
        assert check(command, FR3.limits) == []
    ends = [forward(FR3.chain, command.position[-1])[0] for command in robot.commands]
    assert 1e-4 < np.linalg.norm(ends[-1] - forward(FR3.chain, FR3.home)[0]) < 0.1
    bench.close()


def ask(bench, name: str) -> Trigger.Response:
    client = bench.robot.create_client(Trigger, f"/policy_node/{name}")
    assert bench.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    assert bench.until(answer.done)
    return answer.result()


def test_another_policy_takes_over_while_it_runs_and_the_one_before_comes_back(bench, monkeypatch):
    monkeypatch.setattr(successor, "examine_apart", lambda config, stopped: examination.examine(config))
    policy, robot = bench.policy, bench.robot
    told = []
    assert not ask(bench, "load").success  # nothing is configured
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 2)
    policy.set_parameters([Parameter("next.mask_source", value="other")])
    assert ask(bench, "load").success
    assert bench.until(lambda: "is refused" in policy._exchange.text)
    assert "other" in ask(bench, "swap").message
    policy.set_parameters([Parameter("next.mask_source", value="dense")])
    assert ask(bench, "load").success
    assert bench.until(lambda: "is ready" in policy._exchange.text), policy._exchange.text
    former = policy._policy
    answer = ask(bench, "swap")
    assert answer.success, answer.message
    assert bench.until(lambda: robot.records[-1].density == 1.0)
    executed = len(robot.commands)
    assert bench.until(lambda: len(robot.commands) > executed)
    assert policy._config.mask_source == "dense"
    robot.create_subscription(DiagnosticStatus, "policy_node/policy", told.append, qos.LATCHED)
    assert bench.until(lambda: told and told[-1].message.endswith("+dense"))

    def fail(*_):
        raise RuntimeError("broken after all")

    policy._policy.runner.infer = fail
    assert bench.until(lambda: policy._policy is former)
    assert "broken after all" in policy._exchange.text
    executed = len(robot.commands)
    assert bench.until(lambda: len(robot.commands) > executed)
    assert all(check(command, FR3.limits) == [] for command in robot.commands)


@pytest.mark.parametrize(("encoding", "size"), [("bgr8", (48, 64)), ("mono8", (28, 28))])
def test_images_of_other_encodings_and_sizes_work(bench, encoding, size):
    bench.robot.encoding, bench.robot.size = encoding, size
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 3), bench.robot.message


def at_rest(robot) -> bool:
    _, v, a = robot.controller.sample(robot.now())
    return not v.any() and not a.any()


def holding(bench, text: str) -> bool:
    robot = bench.robot
    return bench.until(
        lambda: robot.message.startswith("holding") and text in robot.message and at_rest(robot)
    )


@pytest.mark.parametrize("bench", [{"watchdog__camera": 0.5, "watchdog__observation": 0.5}], indirect=True)
def test_a_camera_that_stops_decelerates_and_holds_and_resumes(bench):
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 3)
    robot.cameras["wrist"] = False
    assert holding(bench, "old"), robot.message
    assert all(check(command, FR3.limits) == [] for command in robot.commands)
    held = robot.controller.sample(robot.now())[0].copy()
    bench.until(lambda: False, seconds=0.5)
    np.testing.assert_array_equal(robot.controller.sample(robot.now())[0], held)
    count = len(robot.commands)
    robot.cameras["wrist"] = True
    assert bench.until(lambda: len(robot.commands) > count), robot.message


def test_an_unusable_image_is_reported_and_survived(bench):
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 1)
    robot.encoding = "32FC1"
    assert bench.until(lambda: "32FC1" in robot.message or any(
        "32FC1" in item.value for item in robot.diagnostics.values))  # fmt: skip
    assert holding(bench, "32FC1"), robot.message
    robot.encoding = "rgb8"
    count = len(robot.commands)
    assert bench.until(lambda: len(robot.commands) > count), robot.message


@pytest.mark.parametrize("bench", [{"watchdog__joint_state": 0.3}], indirect=True)
def test_nan_in_a_joint_state_holds_and_names_the_joint(bench):
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 1)
    robot.nan = True
    assert holding(bench, "joint_state"), robot.message
    values = {item.key: item.value for item in robot.diagnostics.values}
    assert "fr3_joint3 = nan" in values["problem joint_states"]


def test_deactivation_brings_the_arm_to_rest_and_nothing_follows(bench):
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 3)
    assert bench.policy.trigger_deactivate() == SUCCESS
    assert bench.until(lambda: at_rest(robot))
    bench.until(lambda: False, seconds=0.3)
    count = len(robot.commands)
    np.testing.assert_allclose(robot.commands[-1].velocity[-1], 0, atol=1e-9)
    bench.until(lambda: False, seconds=0.5)
    assert len(robot.commands) == count
    # and once more from the start
    assert bench.until(lambda: bench.trigger_activate() == SUCCESS or bench._pause())
    assert bench.until(lambda: len(robot.commands) > count)


@pytest.mark.parametrize("bench", [{"autostart": True}], indirect=True)
def test_autostart_waits_for_the_inputs_and_runs(bench):
    robot = bench.robot
    robot.cameras["front"] = False
    assert bench.until(lambda: "camera front" in bench.problem)
    robot.cameras["front"] = True
    assert bench.beside(lambda: bench.until(lambda: len(robot.commands) >= 2)), bench.problem


def test_closing_an_active_node_stops_the_arm(bench):
    robot = bench.robot
    bench.activate()
    assert bench.until(lambda: len(robot.commands) >= 3)
    executor = bench.policy._chunk_executor
    assert executor.status().stops == 0
    bench.policy._halt()  # what close() does first; the node is still there to be heard
    assert executor.status().stops == 1
    assert bench.until(lambda: at_rest(robot))
    assert check(robot.commands[-1], FR3.limits) == []


def test_an_arm_that_moves_is_not_taken_over(bench):
    robot = bench.robot
    assert bench.policy.trigger_configure() == SUCCESS
    now = robot.now()
    q = np.stack([FR3.home, FR3.home + np.r_[0.9, np.zeros(6)]])
    robot.controller.accept(
        JointCommand(np.array([now, now + 3.0]), q, np.zeros((2, 7)), np.zeros((2, 7))), now
    )
    inputs = bench.policy._inputs
    assert bench.until(lambda: any("the arm moves" in text for text in inputs.missing(robot.now())))
    assert bench.trigger_activate() == FAILURE
    assert "the arm moves" in bench.problem


def test_a_unet_moves_the_arm_like_any_other_policy(domain, tmp_path):
    size = {"down_dims": [16, 32], "kernel_size": 3, "groups": 8, "step_dim": 16, "film_scale": True}
    save_bundle(tmp_path / "unet", random_bundle(0, unet=size))
    bench = Bench(tmp_path / "unet", FakeRobot(), mask_source="dense")
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 3), bench.robot.message
    bench.close()
    pruned = Bench(tmp_path / "unet", mask_source="uniform5")
    assert pruned.policy.trigger_configure() == FAILURE
    assert "masks are of transformer blocks" in pruned.problem
    pruned.close()


# Faults and what follows ---------------------------------------------------------------------------------


def resume(bench) -> Trigger.Response:
    success, message = bench.policy._operating.resume()
    return Trigger.Response(success=success, message=message)


def values(robot) -> dict[str, str]:
    return {item.key: item.value for item in robot.diagnostics.values}


def running(bench) -> None:
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 3), bench.robot.message


def goes_on(bench) -> bool:
    count = len(bench.robot.commands)
    return bench.until(lambda: len(bench.robot.commands) > count + 1)


@pytest.mark.parametrize("shift", [3600.0, -3600.0, 0.5])
def test_a_stamp_that_cannot_be_true_is_named_and_forgotten(bench, shift):
    robot = bench.robot
    running(bench)

    def dropped() -> bool:  # one among many good ones; a queue of one may lose it
        robot.shift = shift
        robot.publish_joints()
        robot.publish_images()
        robot.shift = 0.0
        return {"dropped joint_states", "dropped camera front"} <= values(robot).keys()

    assert bench.until(dropped)
    assert any("stamped" in text for key, text in values(robot).items() if key.startswith("history"))
    assert goes_on(bench), robot.message


def test_a_foreign_trajectory_is_a_fault_until_resume(bench):
    robot = bench.robot
    running(bench)
    rival = Node("rival")
    publisher = rival.create_publisher(JointTrajectory, "fr3_arm_controller/joint_trajectory", qos.COMMAND)
    message = JointTrajectory(joint_names=list(FR3.joints))
    message.header.stamp.sec = 1

    def told() -> bool:
        publisher.publish(message)
        return robot.message.startswith(("stopping", "fault"))

    assert bench.until(told)
    assert bench.until(lambda: robot.message.startswith("fault") and at_rest(robot)), robot.message
    assert "a trajectory of /rival came on /fr3_arm_controller/joint_trajectory, not ours" in robot.message
    assert "call ~/resume" in robot.message
    bench.until(lambda: False, seconds=0.3)
    count = len(robot.commands)
    bench.until(lambda: False, seconds=0.5)
    assert len(robot.commands) == count
    rival.destroy_node()
    assert bench.until(lambda: resume(bench).success or bench._pause())
    assert goes_on(bench), robot.message


def test_resume_says_why_not(bench):
    assert not resume(bench).success
    assert "activate it" in resume(bench).message
    running(bench)
    assert bench.until(lambda: "running" in resume(bench).message or bench._pause())


def test_pictures_that_stand_still_hold_the_arm(bench):
    robot = bench.robot
    running(bench)
    robot.stuck = True
    assert holding(bench, "the same picture for"), robot.message
    robot.stuck = False
    assert goes_on(bench), robot.message


def test_a_black_camera_is_told_before_the_arm_moves(bench):
    robot = bench.robot
    robot.black = True
    assert bench.policy.trigger_configure() == SUCCESS
    assert bench.until(lambda: bench.policy._inputs.missing(robot.now()) == [])
    bench._pause()
    assert bench.trigger_activate() == FAILURE
    assert "shows nothing, all of it 0 of 255" in bench.problem
    robot.black = False
    assert bench.until(lambda: bench.trigger_activate() == SUCCESS or bench._pause())


def test_a_dead_driver_comes_before_a_stale_stamp(bench):
    robot = bench.robot
    running(bench)
    robot.destroy_publisher(robot._images.pop("wrist"))
    robot.cameras.pop("wrist")
    assert holding(bench, "nobody publishes /wrist/image_raw"), robot.message
    assert "start its driver" in robot.message


def test_a_second_publisher_is_named(bench):
    robot = bench.robot
    running(bench)
    twin = Node("twin")
    publisher = twin.create_publisher(JointState, "franka/joint_states", qos.STATE)
    assert holding(bench, "2 nodes publish /franka/joint_states: /fake_robot, /twin"), robot.message
    twin.destroy_publisher(publisher)
    twin.destroy_node()
    assert goes_on(bench), robot.message


@pytest.mark.parametrize("wanted", [Transition(id=4), Transition(label="deactivate"), Transition(id=99)])
def test_an_impossible_transition_is_refused_and_survived(bench, wanted):
    client = bench.robot.create_client(ChangeState, "policy_node/change_state")
    assert bench.until(client.service_is_ready)
    future = client.call_async(ChangeState.Request(transition=wanted))
    assert bench.until(future.done)
    assert not future.result().success
    bench.activate()
    future = client.call_async(ChangeState.Request(transition=Transition(id=4)))
    assert bench.until(future.done)
    assert future.result().success


def set_parameters(bench, **values):
    return bench.policy.set_parameters_atomically(
        [Parameter(name.replace("__", "."), value=value) for name, value in values.items()]
    )


def test_what_an_operator_tunes_may_be_set_while_it_runs_all_or_none(bench):
    running(bench)
    executor, before = bench.policy._chunk_executor, bench.policy._config
    answer = set_parameters(bench, deadline=0.2, splice__smoothing=0.7, watchdog__camera=0.9)
    assert answer.successful, answer.reason
    settings = executor._supervisor.settings
    assert (settings.deadline, settings.splice.smoothing, settings.camera_age) == (0.2, 0.7, 0.9)
    assert bench.policy._inputs.config.watchdog.camera == 0.9
    assert goes_on(bench), bench.robot.message
    for wrong, said in (
        ({"deadline": 0.3, "splice__smoothing": -1.0}, "splice.smoothing = -1.0"),
        ({"deadline": 0.3, "gripper__speed": 9.0}, "speed 9.0 m/s"),
        ({"splice__step": 0.02}, "read-only"),
        ({"bundle": "elsewhere"}, "read-only"),
        ({"use_sim_time": True}, "use_sim_time cannot be changed while the node runs"),
    ):
        answer = set_parameters(bench, **wrong)
        assert not answer.successful
        assert said in answer.reason
    assert bench.policy._config.deadline == 0.2
    assert bench.policy.get_parameter("deadline").value == 0.2
    assert executor._supervisor.settings == settings
    assert before.deadline != 0.2
    assert not bench.policy.get_parameter("use_sim_time").value


def left_over(bench) -> tuple[int, ...]:
    node = bench.policy
    entities = (node.subscriptions, node.publishers, node.timers, node.services, node.clients)
    return threading.active_count(), *(len(list(each)) for each in entities), len(os.listdir("/proc/self/fd"))


def test_many_lifecycle_cycles_leave_nothing_over(bench):
    seen = []
    for _ in range(12):
        bench.activate()
        assert bench.policy.trigger_deactivate() == SUCCESS
        assert bench.until(lambda: bench.trigger_activate() == SUCCESS or bench._pause())
        assert bench.policy.trigger_deactivate() == SUCCESS
        assert bench.policy.trigger_cleanup() == SUCCESS
        seen.append(left_over(bench))
    assert seen[-1] == seen[3], seen
