"""An FR3 through libfranka as a node: the topics of franka_ros2's driver, without ros2_control.

Subscribes a JointTrajectory and the gripper command, publishes joint states and /diagnostics, offers
``~/recover`` (after a reflex or a user stop, which are never left otherwise), ``~/go_home`` and
``~/home_gripper``. The 1 kHz loop is a process of its own, see :mod:`sag_ros.fci`. Every trajectory ends at
rest, so if the policy dies the arm comes to rest where the last one ends; if this node dies, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.control.refusal import ChunkRefused
from sag_ros.fci.driver import Driver
from sag_ros.fci.hand import Hand
from sag_ros.fci.report import Mode, Report
from sag_ros.fci.settings import FciSettings
from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import prefixed, read_gripper_command
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.robots.registry import find_arm
from sag_ros.ros import executable, parameters, qos
from sag_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics
from sag_ros.ros.joints import write_fingers, write_joint_state
from sag_ros.ros.schema import FciNode as FciParameters
from sag_ros.ros.stamps import clock_of

_STALE = 0.1  # s without a new state from the loop: joint states stop
_MOVING = 1e-3  # rad/s
_BUSY = 0.9  # success rate below which it is worth a warning


class FciNode(Node):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a Node. Raises ParameterError."""
        super().__init__("fci_node", automatically_declare_parameters_from_overrides=True, **arguments)
        config = self._config = parameters.declare(self, FciParameters)
        self.failed = ""
        if not config.robot_ip:
            raise parameters.ParameterError("robot_ip is empty; it needs the robot's address")
        arm = self._arm = find_arm(config.arm)
        try:
            import pylibfranka  # noqa: F401
        except ImportError as error:
            raise parameters.ParameterError(
                f"fci_node needs libfranka's Python binding ({error}): pip install 'sag_ros[fci]'"
            ) from None
        self._stamps = clock_of(self)
        try:
            self._shift = self._stamps.to_steady
        except ValueError as error:
            raise parameters.ParameterError(f"a robot is no simulation: {error}") from None
        settings = FciSettings.of({"address": config.robot_ip, **config.fci.model_dump()})
        self._driver = Driver(settings, arm)
        self._hand = Hand(config.robot_ip) if config.hand else None
        if self._hand is not None and config.homing:
            self._hand.homing()
        self._published = 0.0
        self._refused, self._mode = 0, Mode.CONNECTING
        self._note = ""
        self._arm_state = JointState(name=prefixed(config.joint_prefix, arm.joints))
        self._finger_state = JointState(name=list(config.gripper.joints))
        topics = config.topics
        self._arm_publisher = self.create_publisher(JointState, topics.joint_states, qos.STATE)
        if self._hand is not None:  # whoever else moves fingers publishes them
            self._finger_publisher = self.create_publisher(JointState, topics.gripper_states, qos.STATE)
            self.create_timer(1.0 / config.gripper_state_rate, self._publish_fingers)
        self._diagnostics = Diagnostics(self, f"{arm.name} at {config.robot_ip}", "robot")
        # Each goes on from the one before, so none may be missed while this node is busy.
        self.create_subscription(JointTrajectory, topics.trajectory, self._on_trajectory, qos.STATE)
        self.create_subscription(JointState, topics.gripper_command, self._on_gripper, qos.STATE)
        for name, answer in (
            ("recover", self._on_recover),
            ("go_home", self._on_go_home),
            ("home_gripper", self._on_home_gripper),
        ):
            self.create_service(Trigger, f"~/{name}", answer)
        self.create_timer(1.0 / config.joint_state_rate, self._publish_arm)
        self.create_timer(1.0 / config.diagnostics_rate, self._publish_diagnostics)

    def _publish_arm(self) -> None:
        report = self._driver.report
        self._say(report)
        if report.stamp <= self._published or time.monotonic() - report.stamp > _STALE:
            return
        self._published = report.stamp
        self._stamps.write(report.stamp - self._shift, self._arm_state.header.stamp)
        self._arm_publisher.publish(write_joint_state(self._arm_state, report.position, report.velocity))

    def _say(self, report: Report) -> None:
        """Log what changed."""
        logger = self.get_logger()
        if report.mode is not self._mode:
            text = f"{report.mode.name.lower()}{f': {report.error}' if report.error else ''}"
            if report.mode in (Mode.REFLEX, Mode.USER_STOP):
                logger.error(f"{text}; call ~/recover to go on")
            else:
                logger.info(text)
            self._mode = report.mode
        if report.refused != self._refused:
            self._refused = report.refused
            logger.warning(f"trajectory refused: {report.refusal}", throttle_duration_sec=1.0)
        if not self._driver.alive and not self.failed:
            self.failed = "the process of the 1 kHz loop ended; the robot holds. Start the node again"

    def _publish_fingers(self) -> None:
        hand = self._hand.state if self._hand is not None else None
        if hand is None or hand.width is None:
            return
        self._stamps.write(self._stamps.now(), self._finger_state.header.stamp)
        self._finger_publisher.publish(write_fingers(self._finger_state, hand.width))

    def _publish_diagnostics(self) -> None:
        report = self._driver.report
        hand = self._hand.state if self._hand is not None else None
        level, message = OK, report.mode.name.lower()
        if report.mode in (Mode.REFLEX, Mode.USER_STOP, Mode.CONNECTING) or not self._driver.alive:
            level, message = ERROR, f"{message}: {report.error or 'no answer from the robot yet'}"
        elif self._note or (report.mode is Mode.RUNNING and report.success_rate < _BUSY):
            level, rate = WARN, f"only {report.success_rate:.0%} of the commands arrive in time"
            message = self._note or f"{message}: {rate}"
        values = {
            "mode": report.mode.name.lower(),
            "error": report.error,
            "control_command_success_rate": report.success_rate,
            "cycles": report.cycles,
            "lost_cycles": report.lost,
            "longest_gap_cycles": report.longest_gap,
            "reflexes": report.reflexes,
            "trajectories": report.accepted,
            "refused": report.refused,
            "last_refusal": report.refusal,
            "real_time": report.remark or "yes",
            "hand": "none" if hand is None else hand.error or "ok",
        }
        self._diagnostics.publish(level, message, values)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        try:
            command = command_from_trajectory(message, self._arm_state.name, self._stamps, self._stamps.now())
            reason = self._driver.follow(command, self._shift)
        except MessageError as error:
            reason = str(error)
        self._note = f"trajectory refused: {reason}" if reason else ""
        if reason:
            self.get_logger().warning(self._note, throttle_duration_sec=1.0)

    def _on_gripper(self, message: JointState) -> None:
        try:
            command = read_gripper_command(message, self._config.gripper.joints)
        except MessageError as error:
            self.get_logger().warning(f"gripper command rejected: {error}", throttle_duration_sec=1.0)
            return
        if self._hand is not None:
            self._hand.move(*command)

    def _on_recover(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        mode = self._driver.report.mode
        response.success = mode in (Mode.REFLEX, Mode.USER_STOP)
        response.message = f"the robot was in {mode.name.lower()}"
        if response.success:
            self._driver.recover()
        return response

    def _on_go_home(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        report = self._driver.report
        if report.mode not in (Mode.IDLE, Mode.RUNNING) or np.abs(report.velocity).max() > 10 * _MOVING:
            response.message = f"the robot is {report.mode.name.lower()} and must be at rest; try again then"
            return response
        try:
            seconds = self._driver.go_to(np.array(self._arm.home), time.monotonic())
        except (ChunkRefused, ValueError) as error:
            response.message = str(error)
            return response
        response.success, response.message = True, f"{seconds:.1f} s"
        return response

    def _on_home_gripper(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._hand is not None
        response.message = "homing" if response.success else "the node runs without a hand"
        if self._hand is not None:
            self._hand.homing()
        return response

    def close(self) -> None:
        """Let the arm come to rest and end the processes."""
        self._driver.close()
        if self._hand is not None:
            self._hand.close()
        self.destroy_node()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``fci_node`` executable."""
    return executable.run(FciNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
