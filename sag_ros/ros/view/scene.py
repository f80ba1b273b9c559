"""What is subscribed while somebody looks, and one look at all of it."""

from __future__ import annotations

import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float64MultiArray, String
from trajectory_msgs.msg import JointTrajectory

from sag_ros.ros.diagnostics import told_as
from sag_ros.ros.sections import ViewNode
from sag_ros.ros.stamps import StampClock
from sag_ros.ros.view.board import Board
from sag_ros.ros.view.paths import Paths
from sag_ros.ros.view.pictures import Slot, to_bits, to_jpeg
from sag_ros.ros.view.policy_facts import Facts
from sag_ros.ros.view.taps import Tap

_CHUNKS, _STATUSES, _DIAGNOSTICS = 50, 40, 20  # messages kept between two looks
_TRAJECTORY = 0.3  # s between two: to unpack one costs more than all the rest


class Scene:
    """Taps of the policy's topics, and the board they are gathered on.

    Args:
        node: that subscribes.
        config: of it.
        clock: of it.
    """

    def __init__(self, node: Node, config: ViewNode, clock: StampClock) -> None:
        self._node, self._config, self._clock = node, config, clock
        self._board = Board(told_as(node, config.policy))
        self._facts: Facts | None = None
        self._open = False
        self._taps: dict[str, Tap] = {}
        self._slots: dict[str, Slot] = {}
        self._paths: Paths | None = None
        self._trajectory_due = 0.0
        # The only one that stays: successes are counted whether somebody looks or not.
        self._status = Tap(node, String, f"{config.simulator}/task_status", _STATUSES)

    def open(self) -> None:
        """Subscribe what is shown whatever the policy is."""
        self._open = True
        policy, node = self._config.policy, self._node
        self._taps = {
            "diagnostics": Tap(node, DiagnosticArray, "/diagnostics", _DIAGNOSTICS),
            "policy": Tap(node, DiagnosticStatus, f"{policy}/policy", latched=True),
            "timing": Tap(node, Float64MultiArray, f"{policy}/timing", _CHUNKS),
            "mask": Tap(node, Image, f"{policy}/mask"),
        }
        self._slots = {"mask": Slot(to_bits)}
        if self._facts is not None:
            self.become(self._facts)

    def become(self, facts: Facts) -> None:
        """Show a policy node with these topics and cameras."""
        self._facts = facts
        self._board.deadline = facts.deadline
        if not self._open:
            return
        for name in [name for name in self._taps if name.startswith(("camera ", "joints "))]:
            self._taps.pop(name).destroy()
            self._slots.pop(name, None)
        node, config = self._node, self._config
        self._paths = Paths(list(facts.joints), list(facts.fingers), self._clock)
        for topic in {facts.joint_states, facts.gripper_states}:
            self._taps[f"joints {topic}"] = Tap(node, JointState, topic, depth=2)
        self._taps["joints planned"] = Tap(node, JointTrajectory, facts.trajectory)
        for name, topic, compressed in facts.cameras:
            self._taps[f"camera {name}"] = Tap(node, CompressedImage if compressed else Image, topic)
            self._slots[f"camera {name}"] = Slot(
                lambda message: (to_jpeg(message, config.width, config.quality), None)
            )

    def close(self) -> None:
        """Hear nothing but the task status any more."""
        self._open = False
        for tap in self._taps.values():
            tap.destroy()
        self._taps, self._slots, self._paths = {}, {}, None
        self._board.forget()

    def count(self) -> None:
        """Take the task statuses that have come."""
        now = time.monotonic()
        for message in self._status.take():
            self._board.on_status(now, message)

    def look(self, now: float, slow: bool) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
        """Everything that is new.

        Args:
            now: monotonic s.
            slow: whether to tell what is told twice a second, too.

        Returns:
            Values for JSON, and pictures: camera or ``mask``, and bytes.
        """
        board = self._board
        for message in self._taps["timing"].take():
            board.on_timing(now, message)
        if slow:
            self._listen(now)
        values: dict[str, Any] = {"joints": self._joints(now)}
        parts = []
        for name, slot in self._slots.items():
            found = slot.take(now, self._taps[name].take())
            if slot.heard is not None:
                board.heard[name] = slot.heard
            if found is not None:
                parts.append((name, found[0]))
                if name == "mask":
                    values["mask"] = found[1]
        values |= board.quick(now)
        if slow:
            values["slow"] = board.slow(now)
            facts = self._facts
            values["slow"]["cameras"] = [] if facts is None else [name for name, *_ in facts.cameras]
            values["slow"]["arm"] = "" if facts is None else facts.arm
            values["slow"]["problems"] = {name: slot.problem for name, slot in self._slots.items()}
        return values, parts

    def _listen(self, now: float) -> None:
        self._board.present = self._config.policy in self._node.get_node_names()
        self.count()
        for message in self._taps["diagnostics"].take():
            self._board.on_diagnostics(now, message)
        for message in self._taps["policy"].take():
            self._board.on_policy(now, message)

    def _joints(self, now: float) -> dict[str, Any] | None:
        paths = self._paths
        if paths is None:
            return None
        for name, tap in self._taps.items():
            if not name.startswith("joints ") or name == "joints planned":
                continue
            for message in tap.take():
                if paths.on_state(message):
                    self._board.heard["joints"] = now
        if now >= self._trajectory_due:
            for message in self._taps["joints planned"].take():
                self._trajectory_due = now + _TRAJECTORY
                paths.on_trajectory(message)
        return paths.snapshot()
