"""The simulated robot as a node: the topics of the real one's driver and of its cameras.

Subscribes a JointTrajectory and the gripper command, publishes joint states, images and the task's status,
offers ``~/reset``. Exchanged for the real robot by configuration.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import prefixed, read_gripper_command
from sag_ros.robots.registry import find_arm
from sag_ros.ros import executable, parameters, qos
from sag_ros.ros.joints import TrajectoryReceiver, write_fingers, write_joint_state
from sag_ros.ros.receiver import Apart, Receiver
from sag_ros.ros.schema import SimNode as SimParameters
from sag_ros.ros.sim.cameras import CameraThread
from sag_ros.ros.sim.episode_log import log_name
from sag_ros.ros.sim.loop import JointSample, SimLoop
from sag_ros.ros.sim.places import PlacePublishers
from sag_ros.ros.stamps import clock_of
from sag_ros.sim.robot import SimulatedRobot

INTERVAL = 0.02  # s: what must not wait comes through the receiver, and each look costs half a millisecond


_NO_SPEED = np.empty(0)


class SimNode(Node):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a Node. Raises ParameterError."""
        super().__init__("sim_node", automatically_declare_parameters_from_overrides=True, **arguments)
        config = self._config = parameters.declare(self, SimParameters)
        self.failed = ""
        self._stamps = clock_of(self)
        self._episode = -1
        self._drawing = threading.Lock()
        topics = config.topics
        # One joint state topic may carry both arm and fingers; then each message names its own joints.
        arm = find_arm(config.arm)
        names = prefixed(config.joint_prefix, arm.joints)
        self._arm_state = JointState(name=list(names))
        self._finger_state = JointState(name=list(config.gripper.joints))
        self._commands = TrajectoryReceiver(names)
        self._arm_publisher = self.create_publisher(JointState, topics.joint_states, qos.STATE)
        self._finger_publisher = self.create_publisher(JointState, topics.gripper_states, qos.STATE)
        self._status_publisher = self.create_publisher(String, "~/task_status", qos.STATE)
        self._desired_state = JointState(name=list(names))
        self._desired_publisher = None
        if topics.desired_states:
            self._desired_publisher = self.create_publisher(JointState, topics.desired_states, qos.STATE)
        self._due = {"arm": 0.0, "desired": 0.0, "fingers": 0.0}

        robot = SimulatedRobot(config.task, config.image_size, arm)
        robot.at_home = config.at_home
        self._places = PlacePublishers(self, config.signals, config.signal_rate, robot, self._stamps)
        self._loop = SimLoop(robot, self._stamps, config.slice, config.log_rate, self._on_slice)
        self._loop.reset(config.seed)
        self._cameras = CameraThread(
            self, config.cameras, config.camera_qos, robot.scene, lambda: self._loop.scene(2 * config.slice),
            self._stamps, config.image_size, config.camera_rate, self._drawing,
        )  # fmt: skip
        self._viewer = self._open_viewer(robot) if self._wants_viewer() else None

        # A command that waits is executed late, and then with a jump; so is one after one that was missed.
        commands = self.create_subscription(
            JointTrajectory,
            topics.trajectory,
            self._on_trajectory,
            qos.STATE,
            callback_group=Apart(),
            raw=True,
        )
        hand = self.create_subscription(
            JointState, topics.gripper_command, self._on_gripper, qos.STATE, callback_group=Apart()
        )
        self._receiver = Receiver(self, [commands, hand])
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_timer(1.0 / config.status_rate, self._publish_status)
        self._receiver.start()
        self._loop.start()
        self._cameras.start()
        self.get_logger().info(f"simulating {config.task}; call ~/reset to begin an episode")

    def _on_slice(self, sample: JointSample) -> None:
        """In the physics thread."""
        config, clock = self._config, self._stamps
        if sample.stamp >= self._due["arm"]:
            self._due["arm"] = max(self._due["arm"] + 1 / config.joint_state_rate, sample.stamp - 0.1)
            clock.write(sample.stamp, self._arm_state.header.stamp)
            self._arm_publisher.publish(write_joint_state(self._arm_state, sample.position, sample.velocity))
        if self._desired_publisher is not None and sample.stamp >= self._due["desired"]:
            self._due["desired"] = max(
                self._due["desired"] + 1 / config.desired_state_rate, sample.stamp - 0.1
            )
            clock.write(sample.stamp, self._desired_state.header.stamp)
            self._desired_publisher.publish(write_joint_state(self._desired_state, sample.desired, _NO_SPEED))
        self._places.publish(sample.stamp)
        if sample.stamp >= self._due["fingers"]:
            self._due["fingers"] = max(
                self._due["fingers"] + 1 / config.gripper_state_rate, sample.stamp - 0.1
            )
            clock.write(sample.stamp, self._finger_state.header.stamp)
            self._finger_publisher.publish(write_fingers(self._finger_state, sample.width))

    def _on_trajectory(self, data: bytes) -> None:
        try:
            command = self._commands.read(data, self._stamps, self._stamps.now())
            reason = self._loop.accept(command)
        except MessageError as error:
            reason = str(error)
        if reason:
            self.get_logger().warning(f"trajectory rejected: {reason}", throttle_duration_sec=1.0)

    def _on_gripper(self, message: JointState) -> None:
        try:
            self._loop.move_gripper(*read_gripper_command(message, self._config.gripper.joints))
        except MessageError as error:
            self.get_logger().warning(f"gripper command rejected: {error}", throttle_duration_sec=1.0)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._save_log()
        self._episode += 1
        seed = self._config.seed + self._episode
        with self._drawing:
            self._loop.reset(seed)
        response.success = True
        response.message = json.dumps({"episode": self._episode, "seed": seed})
        return response

    def _publish_status(self) -> None:
        loop = self._loop
        for part in (loop, self._cameras):
            if part.error is not None:
                self.failed = f"{type(part).__name__} ended: {type(part.error).__name__}: {part.error}"
        status, monitor = loop.status, loop.monitor
        now = self._stamps.now()
        self._status_publisher.publish(
            String(
                data=json.dumps(
                    {
                        "episode": self._episode,
                        "seed": loop.log.seed,
                        "time": round(now - loop.started, 3),
                        "stamp": self._stamps.nanoseconds(now),
                        "success": status.success,
                        **status.conditions,
                        "message": status.message,
                        "limit_violations": monitor.total,
                        "limits": {kind: n for kind, n in monitor.counts.items() if n},
                        "worst": {kind: text for kind, text in monitor.worst.items() if text},
                        "rejected": loop.rejected,
                        "worst_delay_ms": round(1e3 * loop.worst_delay, 1),
                        "real_time_factor": round(loop.real_time_factor, 3),
                        "frames": self._cameras.frames,
                        "render_ms": round(self._cameras.render_ms, 2),
                    }
                )
            )
        )

    def _save_log(self) -> None:
        if self._config.log_folder and self._episode >= 0:
            self._loop.log.save(Path(self._config.log_folder) / log_name(self._episode))

    def _wants_viewer(self) -> bool:
        wish = self._config.viewer
        return wish == "on" or (wish == "auto" and bool(os.environ.get("DISPLAY")))

    def _open_viewer(self, robot: SimulatedRobot):
        try:
            from sag_ros.ros.sim.viewer import Viewer

            return Viewer(robot.scene, self._loop.scene)
        except Exception as error:  # a missing window must not stop the robot
            self.get_logger().warning(f"no viewer window: {error}")
            return None

    def close(self) -> None:
        """Stop the threads and write the log of the running episode."""
        self._receiver.stop()
        self._cameras.stop()
        self._loop.stop()
        if self._viewer is not None:
            self._viewer.close()
        self._save_log()
        self.destroy_node()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``sim_node`` executable."""
    return executable.run(SimNode, arguments, INTERVAL)


if __name__ == "__main__":
    raise SystemExit(main())
