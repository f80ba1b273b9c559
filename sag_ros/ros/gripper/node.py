"""Bridges the gripper command topic to the actions of franka_gripper, for the real robot.

``position`` = width / 2 (m), ``velocity`` = speed of a finger (m/s), ``effort`` = grasp force (N, 0 = move).
A new command preempts the running goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from sensor_msgs.msg import JointState

from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import read_gripper_command
from sag_ros.ros import executable, parameters, qos
from sag_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics
from sag_ros.ros.schema import GripperNode as GripperParameters

WIDTH_MAX = 0.08  # m
DIAGNOSTICS_PERIOD = 0.5  # s
ANY_WIDTH = 0.08  # epsilon with which a grasp of any object counts as a success, m


class MissingDependency(parameters.ParameterError):
    """franka_msgs is not installed."""


def franka_actions() -> tuple[Any, Any]:
    """The action types Move and Grasp. Raises MissingDependency saying what to install."""
    try:
        from franka_msgs.action import Grasp, Move
    except ImportError as error:
        raise MissingDependency(
            f"gripper_node needs franka_msgs of franka_ros2 ({error}); build franka_ros2 and source its "
            "install/setup.bash. With the simulated robot this node is not needed"
        ) from None
    return Move, Grasp


def goal(move: Any, grasp: Any, width: float, speed: float, force: float) -> tuple[str, Any]:
    """Action name and goal for a command; ``move`` and ``grasp`` are the action types."""
    width = min(max(width, 0.0), WIDTH_MAX)
    if force <= 0:
        return "move", move.Goal(width=width, speed=speed)
    request = grasp.Goal(width=width, speed=speed, force=force)
    request.epsilon.inner = request.epsilon.outer = ANY_WIDTH
    return "grasp", request


class GripperNode(Node):
    """See the module."""

    def __init__(self) -> None:
        super().__init__("gripper_node", automatically_declare_parameters_from_overrides=True)
        self._config = parameters.declare(self, GripperParameters)
        self._types = franka_actions()
        space = self._config.action_namespace
        self._actions = {
            name: ActionClient(self, kind, f"{space}/{name}")
            for name, kind in zip(("move", "grasp"), self._types, strict=True)
        }
        self.create_subscription(JointState, self._config.topics.gripper_command, self._on_command, qos.STATE)
        self._running: Any = None
        self._problem = ""  # of the last goal
        self._diagnostics = Diagnostics(self, part="hand")
        self.create_timer(DIAGNOSTICS_PERIOD, self._publish_diagnostics)

    def _publish_diagnostics(self) -> None:
        gone = [name for name, client in self._actions.items() if not client.server_is_ready()]
        message = self._no_server(", ".join(gone)) if gone else self._problem
        self._diagnostics.publish(ERROR if gone else WARN if message else OK, message or "ready", {})

    def _no_server(self, names: str) -> str:
        return f"{self._config.action_namespace} has no server for {names}; start franka_gripper"

    def _on_command(self, message: JointState) -> None:
        try:
            command = read_gripper_command(message, self._config.gripper.joints)
        except MessageError as error:
            self.get_logger().warning(f"command rejected: {error}")
            return
        name, request = goal(*self._types, *command)
        client = self._actions[name]
        if not client.server_is_ready():
            self.get_logger().error(self._no_server(name), throttle_duration_sec=2.0)
            return
        if self._running is not None:
            self._running.cancel_goal_async()
            self._running = None
        client.send_goal_async(request).add_done_callback(self._on_accepted)

    def _on_accepted(self, future: Any) -> None:
        handle = future.result()
        if not handle.accepted:
            self._problem = "the gripper rejected the goal"
            self.get_logger().error(self._problem)
            return
        self._problem = ""
        self._running = handle
        handle.get_result_async().add_done_callback(lambda result: self._on_result(handle, result))

    def _on_result(self, handle: Any, future: Any) -> None:
        if self._running is handle:
            self._running = None
        result = future.result().result
        if not result.success and result.error:
            self._problem = f"gripper: {result.error}"
            self.get_logger().warning(self._problem)

    def close(self) -> None:
        """Destroy the node."""
        self.destroy_node()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``gripper_node`` executable."""
    return executable.run(GripperNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
