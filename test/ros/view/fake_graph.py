"""A policy node, a robot and cameras as the page sees them: messages, parameters and services, no policy."""

from __future__ import annotations

import json
import math
import threading

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.images import mask_to_image, rgb_to_image
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.values import Mask

PARAMETERS = {
    "arm": "fr3", "joint_prefix": "", "deadline": 0.05, "gripper.joints": list(FR3.gripper.joints),
    "topics.joint_states": "joint_states", "topics.gripper_states": "joint_states",
    "topics.trajectory": "command", "cameras.front.topic": "front", "cameras.front.compressed": False,
    "cameras.wrist.topic": "wrist", "cameras.wrist.compressed": False,
    "policies.careful.bundle": "b", "policies.fast.bundle": "c", "next.policy": "", "next.bundle": "x",
    "next.sampler": "", "next.mask_source": "",
}  # fmt: skip
STEPS, BLOCKS = 20, 12


class FakeGraph(Node):
    """Moves joint 1 to and fro while it is neither paused nor stopped.

    Attributes:
        state, message, error, causes: what /diagnostics says.
        silent: whether it says nothing at all.
        lifecycle, refusals: its state, and how often it will not be activated.
        calls: services that were called.
    """

    def __init__(self, services: tuple[str, ...] = ("pause", "resume", "stop", "load", "swap")) -> None:
        super().__init__("policy_node", allow_undeclared_parameters=True)
        for name, value in PARAMETERS.items():
            self.declare_parameter(name, value)
        self.state, self.message, self.error = "running", "running", False
        self.causes: list[tuple[str, str]] = []
        self.silent, self.phase, self.chunk = False, 0.0, 0
        self.calls: list[str] = []
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.STATE)
        self._timing = self.create_publisher(Float64MultiArray, "~/timing", qos.STATE)
        self._mask = self.create_publisher(Image, "~/mask", qos.STATE)
        self._policy = self.create_publisher(DiagnosticStatus, "~/policy", qos.LATCHED)
        self._joints = self.create_publisher(JointState, "joint_states", qos.STATE)
        self._command = self.create_publisher(JointTrajectory, "command", qos.STATE)
        self._cameras = {name: self.create_publisher(Image, name, qos.NEWEST) for name in ("front", "wrist")}
        self._status = self.create_publisher(String, "/sim_node/task_status", qos.STATE)
        for name in services:
            self.create_service(Trigger, f"~/{name}", lambda _, answer, name=name: self._on(name, answer))
        runs = {"next": "", "policies.careful": "b ddpm+dense", "policies.fast": "c ddim5+sag"}
        status = DiagnosticStatus(message="careful: b ddpm+dense")
        status.values = [KeyValue(key=key, value=value) for key, value in runs.items()]
        self._policy.publish(status)
        self.lifecycle, self.refusals = State.PRIMARY_STATE_ACTIVE, 0
        self.create_service(ChangeState, "~/change_state", self._on_transition)
        self.create_service(GetState, "~/get_state", self._on_state)
        self.create_timer(0.05, self._tick)
        self.create_timer(0.2, self._say)

    def _on(self, name: str, answer: Trigger.Response) -> Trigger.Response:
        self.calls.append(name)
        self.state = {"pause": "paused", "stop": "fault", "resume": "running"}.get(name, self.state)
        self.message, self.error = self.state, self.state == "fault"
        answer.success, answer.message = True, f"{name}: the arm is {self.state}"
        return answer

    def _on_transition(
        self, asked: ChangeState.Request, answer: ChangeState.Response
    ) -> ChangeState.Response:
        configures = asked.transition.id == Transition.TRANSITION_CONFIGURE
        self.calls.append("configure" if configures else "activate")
        answer.success = configures or self.refusals == 0
        if configures:
            self.lifecycle = State.PRIMARY_STATE_INACTIVE
        elif answer.success:
            self.lifecycle, self.state = State.PRIMARY_STATE_ACTIVE, "running"
        else:
            self.refusals -= 1
        return answer

    def _on_state(self, _: GetState.Request, answer: GetState.Response) -> GetState.Response:
        answer.current_state.id = self.lifecycle
        return answer

    @property
    def q(self) -> np.ndarray:
        """(7,) rad."""
        return FR3.home + 0.4 * math.sin(self.phase) * np.eye(7)[0]

    def _tick(self) -> None:
        if self.silent:
            return
        if self.state == "running":
            self.phase += 0.08
        now = self.get_clock().now().to_msg()
        fingers = list(FR3.gripper.joints)
        message = JointState(name=[*FR3.joints, *fingers], position=[*self.q.tolist(), 0.02, 0.02])
        message.header.stamp = now
        self._joints.publish(message)
        self._images(now)
        if self.state != "running":
            return
        self.chunk += 1
        stamp = now.sec + now.nanosec / 1e9
        latency = 20.0 + self.chunk % 40
        record = ChunkRecord(self.chunk, stamp, stamp, stamp, latency_ms=latency, density=0.25)
        self._timing.publish(chunk_record.write(record, chunk_record.new_message()))
        pruned = np.random.default_rng(self.chunk).random((STEPS, BLOCKS)) > 0.25
        pruned[0] = False
        self._mask.publish(mask_to_image(Mask(pruned)))
        trajectory = JointTrajectory(joint_names=list(FR3.joints))
        trajectory.header.stamp = now
        for n in range(8):
            point = JointTrajectoryPoint(positions=self.q.tolist())
            point.time_from_start.nanosec = 80_000_000 * n
            trajectory.points.append(point)
        self._command.publish(trajectory)

    def _images(self, now) -> None:
        y, x = np.mgrid[0:84, 0:84]
        pixels = np.stack([2 * x, 2 * y, 100 + 100 * np.sin(x / 9 + 10 * self.phase)], -1).astype(np.uint8)
        for publisher in self._cameras.values():
            image = rgb_to_image(pixels)
            image.header.stamp = now
            publisher.publish(image)

    def _say(self) -> None:
        if self.silent:
            return
        values = {"lifecycle": "active", "state": self.state, "clipped": "3", "refused": "0", "stops": "1",
                  "largest_tracking_error_rad": "0.01"}  # fmt: skip
        for n, (text, remedy) in enumerate(self.causes):
            values |= {f"cause {n}": text, f"remedy {n}": remedy}
        level = DiagnosticStatus.ERROR if self.error else DiagnosticStatus.OK
        status = DiagnosticStatus(name="policy_node: policy", message=self.message, level=level)
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        self._diagnostics.publish(DiagnosticArray(status=[status]))
        told = {"episode": 2, "seed": 5, "time": self.chunk / 20, "success": True, "message": "bag released"}
        self._status.publish(String(data=json.dumps(told)))

    def parameter(self, name: str) -> object:
        """Value of one of its parameters."""
        value: Parameter = self.get_parameter(name)
        return value.value


class Spinning:
    """Spins nodes in a thread; a context manager that closes them."""

    def __init__(self, *nodes: Node) -> None:
        self._nodes, self._executor = nodes, SingleThreadedExecutor()
        for node in nodes:
            self._executor.add_node(node)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def _spin(self) -> None:
        while not self._over.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def __enter__(self) -> Spinning:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for node in self._nodes:
            node.close() if hasattr(node, "close") else node.destroy_node()
        self._executor.shutdown()
