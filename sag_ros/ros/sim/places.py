"""Where bag and zone are, which only a simulator knows, as topics: for policies that observe no pictures."""

from __future__ import annotations

from collections.abc import Mapping

from geometry_msgs.msg import PointStamped
from rclpy.node import Node

from sag_ros.ros import qos
from sag_ros.ros.sections import Place
from sag_ros.ros.stamps import StampClock
from sag_ros.sim.robot import SimulatedRobot


class PlacePublishers:
    """A PointStamped for each place, in the frame of the arm's base, m.

    Args:
        node: that publishes.
        places: name -> topic; names as the task has them.
        rate: messages of each, Hz.
        robot: that is asked where they are.
        clock: of the node.

    Raises:
        ValueError: a place that the task does not know.
    """

    def __init__(
        self, node: Node, places: Mapping[str, Place], rate: float, robot: SimulatedRobot, clock: StampClock
    ) -> None:
        for name in places:
            robot.place(name)
        self._robot, self._clock, self._period, self._due = robot, clock, 1.0 / rate, 0.0
        self._publishers = {
            name: node.create_publisher(PointStamped, place.topic, qos.STATE)
            for name, place in places.items()
        }

    def publish(self, stamp: float) -> None:
        """Publish, if it is time; from the thread that moves the robot."""
        if not self._publishers or stamp < self._due:
            return
        self._due = max(self._due + self._period, stamp - 0.1)
        for name, publisher in self._publishers.items():
            message = PointStamped()
            message.header.frame_id = "base"
            self._clock.write(stamp, message.header.stamp)
            where = self._robot.place(name)
            for axis, value in zip("xyz", where, strict=False):
                setattr(message.point, axis, float(value))
            publisher.publish(message)
