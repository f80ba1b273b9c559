from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from sag_ros.ros import executable
from sag_ros.ros.batching_executor import BatchingExecutor
from sag_ros.ros.domains import claim

NODE = """
import os, signal, threading
from rclpy.node import Node
from std_msgs.msg import String
from sag_ros.ros import executable
class Example(Node):
    failed = ""
    def __init__(self):
        super().__init__("example")
        self._out = self.create_publisher(String, "out", 1)
        self.create_timer(0.05, self.act)
    def act(self):
        ACTION
    def close(self):
        self._out.publish(String(data="last words"))  # the context must still be valid
        print("closed", flush=True)
        self.destroy_node()
raise SystemExit(executable.run(Example, []))
"""


def run(action):
    environment = {**os.environ, "ROS_DOMAIN_ID": str(claim())}
    return subprocess.run(
        [sys.executable, "-c", NODE.replace("ACTION", action)],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip


def test_a_signal_ends_with_zero_and_can_still_publish():
    for number in ("SIGINT", "SIGTERM"):
        result = run(f"os.kill(os.getpid(), signal.{number})")
        assert (result.returncode, result.stdout) == (0, "closed\n"), result.stderr
        assert result.stderr == ""


def test_an_impatient_second_signal_does_not_break_off_the_end():
    result = run("[os.kill(os.getpid(), signal.SIGINT) for _ in range(3)]")
    assert (result.returncode, result.stdout) == (0, "closed\n"), result.stderr


def test_a_failed_node_ends_with_one_and_says_why():
    result = run("self.failed = 'lost a thread'")
    assert result.returncode == 1
    assert "example: lost a thread" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_refused_parameter_ends_with_two_without_traceback():
    environment = {**os.environ, "ROS_DOMAIN_ID": str(claim())}
    result = subprocess.run(
        [sys.executable, "-m", "sag_ros.ros.gripper.node", "--ros-args", "-p", "gripper.forse:=3.0"],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert result.returncode == 2
    assert "unknown parameter 'gripper.forse': did you mean 'force'?" in result.stderr
    assert "Traceback" not in result.stderr


def count(executor, seconds=1.0):
    node, calls = Node("busy"), []
    node.create_timer(1e-4, lambda: calls.append(time.monotonic()))
    executor.add_node(node)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    node.destroy_node()
    return len(calls) / seconds


def test_pacing_bounds_the_number_of_looks(domain):
    assert count(BatchingExecutor(0.02)) <= 52
    assert count(SingleThreadedExecutor()) > 100


def test_what_the_system_refuses_is_said_and_the_node_runs(monkeypatch):
    said = []
    node = SimpleNamespace(punctuality=(7, True), get_logger=lambda: SimpleNamespace(warning=said.append))
    asked = []
    monkeypatch.setattr(executable, "take_priority", lambda *asks: asked.append(asks) or "no priority")
    monkeypatch.setattr(executable, "lock_memory", lambda on_use: "")
    executable._make_punctual(node)
    assert said == ["no priority"]
    assert asked[0][0] == 7
    assert threading.get_native_id() in asked[0][1]
    executable._make_punctual(SimpleNamespace(get_logger=node.get_logger))
    assert asked[1][0] == 0
