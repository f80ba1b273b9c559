"""A policy without cameras: joint states pace it, and it observes what another topic tells."""

from __future__ import annotations

import numpy as np
import pytest
from fake_robot import Bench, FakeRobot
from geometry_msgs.msg import PointStamped
from rclpy.lifecycle import TransitionCallbackReturn

from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.ros import qos

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
SIGNAL = {
    "signals__bag__topic": "bag/point",
    "signals__bag__type": "geometry_msgs/msg/PointStamped",
    "signals__bag__fields": ["point"],
    "watchdog__signal": 1.0,
}


class Robot(FakeRobot):
    """Tells where a bag is, and has no cameras."""

    def __init__(self) -> None:
        super().__init__()
        self.cameras = {}
        self.bag, self.at = True, 0.0
        self._bag = self.create_publisher(PointStamped, "bag/point", qos.STATE)
        self.create_timer(0.02, self.publish_bag)

    def publish_bag(self) -> None:
        message = PointStamped()
        message.header.stamp = self.get_clock().now().to_msg()
        message.point.x = self.at
        if self.bag:
            self._bag.publish(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lowdim")
    state = ["joint_position", "gripper_width", "bag"]
    save_bundle(path, random_bundle(0, cameras={}, signals={"bag": {"size": 3, "unit": "m"}}, state=state))
    return path


@pytest.fixture
def bench(domain, folder, request):
    bench = Bench(folder, Robot(), **{**SIGNAL, **getattr(request, "param", {})})
    yield bench
    bench.close()


def test_it_runs_at_its_rate_and_sees_the_signal(bench) -> None:
    bench.robot.at = 0.25
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 5), bench.robot.message
    seen = bench.policy._inputs.state_at(np.inf)
    np.testing.assert_allclose(seen[-3:], [0.25, 0.0, 0.0])
    assert len(seen) == 11
    first, last = bench.robot.records[1], bench.robot.records[-1]
    period, chunks = 1.0 / bench.policy._config.rate, last.chunk - first.chunk
    assert last.obs_stamp - first.obs_stamp >= period * (chunks - 1) - 1e-6  # what a Pace promises of any two
    assert last.obs_stamp > last.oldest_stamp


def test_a_signal_that_ends_stops_the_arm_by_its_name(bench) -> None:
    bench.activate()
    assert bench.until(lambda: len(bench.robot.commands) >= 3), bench.robot.message
    bench.robot.bag = False
    assert bench.until(lambda: "signal bag" in bench.robot.message and "holding" in bench.robot.message)
    bench.robot.bag = True
    count = len(bench.robot.commands)
    assert bench.until(lambda: len(bench.robot.commands) > count + 1), bench.robot.message


def test_it_does_not_begin_without_the_signal(bench) -> None:
    bench.robot.bag = False
    assert bench.policy.trigger_configure() == SUCCESS, bench.problem
    assert bench.trigger_activate() == FAILURE
    assert "signal bag (topic /bag/point): nothing received yet" in bench.problem
    assert "camera" not in bench.problem


@pytest.mark.parametrize("bench", [{"signals__bag__fields": ["point.x"]}], indirect=True)
def test_a_signal_of_another_size_is_told(bench) -> None:
    assert bench.policy.trigger_configure() == SUCCESS, bench.problem

    def told() -> bool:
        bench.trigger_activate()
        return "signal bag" in bench.problem and "has 1 numbers, the policy observes 3" in bench.problem

    assert bench.until(told), bench.problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signals__bag__fields": ["place"]}, "has no place; it has header, point"),
        ({"signals__bag__type": "geometry_msgs/msg/Nothing"}, "has no message Nothing"),
        (dict.fromkeys(SIGNAL), "observes signal 'bag' (3 numbers, m); set signals.bag.topic"),
        (
            {name.replace("bag", "zone"): value for name, value in SIGNAL.items()},
            "signal 'zone' is configured, the policy knows bag",
        ),
        ({"cameras__front__topic": "front/image_raw"}, "camera 'front' is configured, the policy knows none"),
    ],
)
def test_what_does_not_fit_is_refused(domain, folder, change, said) -> None:
    bench = Bench(folder, **{**SIGNAL, **change})
    assert bench.policy.trigger_configure() == FAILURE
    assert said in bench.problem
    bench.close()
