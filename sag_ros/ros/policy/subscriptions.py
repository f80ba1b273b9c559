"""The subscriptions of the policy node: callbacks that store the newest message and return.

They come in a thread of their own: nothing that the arm waits for waits for the executor.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool

from sag_ros.control.states import SupervisorSettings
from sag_ros.control.watch.causes import Cause, Rank
from sag_ros.control.watch.watchdog import implausible
from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import GripperReader, JointReader, prefixed
from sag_ros.policy.contract import Contract
from sag_ros.ros import qos
from sag_ros.ros.policy.inputs import STATE, Frame, JointHistory, NewestFrames
from sag_ros.ros.policy.pace import Pace
from sag_ros.ros.policy.rivals import listed, publishers
from sag_ros.ros.policy.signals.heard import Heard
from sag_ros.ros.receiver import Apart, Receiver
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import StampClock

_LOOK = 0.002  # s between two looks at what has come
_SILENT = 1.0  # s after which a controller does not tell any more what it follows
AT_REST = SupervisorSettings.at_rest  # rad/s; faster joints are moving


@dataclass(frozen=True)
class Input:
    """One input: its name, its topic, stamp of its newest message (s; None: none), largest age (s)."""

    what: str
    topic: str
    newest: float | None
    bound: float


class Subscriptions:
    """Cameras, joints, fingers, other signals and deadman.

    Args:
        node: that subscribes.
        config: topics and ages; the ages count of whatever is there, so it may be replaced.
        contract: of the policy: its joints, cameras and signals.
        clock: of the node.

    Attributes:
        frames: newest frame of each camera; without cameras, of ``STATE``.
        joints: as messages name them.
        problems: input -> what is wrong with its newest message; cleared by a good one.
        dropped: input -> how many of its messages were malformed or had a stamp that cannot be true.
        latest: input -> what was wrong with the last of those.
        on_joint_state, on_desired, on_sensor, on_deadman: called with what arrived; set while the node is
            active.
    """

    def __init__(self, node: Node, config: PolicyNode, contract: Contract, clock: StampClock) -> None:
        self._node, self.config, self._stamps = node, config, clock
        joints = self.joints = prefixed(config.joint_prefix, contract.joints)
        self._cameras = {name: config.cameras[name] for name in contract.cameras}
        self.frames = NewestFrames(self._cameras or (STATE,))
        self._pace = None if self._cameras else Pace(1.0 / config.rate)  # of states that are frames
        self._signals = {
            name: Heard(config.signals[name], one.size) for name, one in contract.signals.items()
        }
        self.problems: dict[str, str] = {}
        self.dropped: Counter[str] = Counter()
        self.latest: dict[str, str] = {}
        self.on_joint_state: Callable[[float, NDArray, NDArray], None] = lambda *_: None
        self.on_desired: Callable[[float, NDArray], None] = lambda *_: None
        self.on_sensor: Callable[[str, float], None] = lambda *_: None
        self.on_deadman: Callable[[bool], None] = lambda *_: None
        self._arm, self._fingers = JointHistory(len(joints)), JointHistory(1)
        self._velocity = np.zeros(len(joints))
        self._desired: float | None = None  # stamp of the last
        self._joint_reader, self._gripper_reader = JointReader(joints), GripperReader(config.gripper.joints)
        topics, camera_qos = config.topics, qos.camera(config.camera_qos)
        subscribe, apart = node.create_subscription, Apart()
        self._shared = topics.joint_states == topics.gripper_states
        arm = subscribe(JointState, topics.joint_states, self._guarded("joint_states", self._on_arm),
                        qos.NEWEST, callback_group=apart)  # fmt: skip
        self._all, frames, beside = [arm], [], [arm]
        if topics.desired_states:
            callback = self._guarded("desired_states", self._on_desired)
            desired = subscribe(JointState, topics.desired_states, callback, qos.NEWEST, callback_group=apart)
            self._all.append(desired)
            beside.append(desired)
        if not self._shared:
            callback = self._guarded("gripper_states", self._on_fingers)
            beside.append(
                subscribe(JointState, topics.gripper_states, callback, qos.NEWEST, callback_group=apart)
            )
            self._all.append(beside[-1])
        for name, signal in self._signals.items():
            callback = self._guarded(
                f"signal {name}", lambda message, name=name: self._on_signal(name, message)
            )
            beside.append(
                subscribe(signal.reader.message, signal.topic, callback, camera_qos, callback_group=apart)
            )
            self._all.append(beside[-1])
        for name, camera in self._cameras.items():
            kind = CompressedImage if camera.compressed else Image
            callback = self._guarded(
                f"camera {name}", lambda message, name=name: self._on_image(name, message)
            )
            frames.append(subscribe(kind, camera.topic, callback, camera_qos, callback_group=apart))
        # Where nothing paces the policy but joint states, these wake it.
        waking, self._all = frames or [arm], self._all + frames
        if topics.deadman:
            heard = subscribe(Bool, topics.deadman, lambda message: self.on_deadman(message.data),
                              qos.NEWEST, callback_group=apart)  # fmt: skip
            waking, self._all = [*waking, heard], [*self._all, heard]
        self._receiver = Receiver(node, waking, beside if frames else beside[1:])
        self._receiver.start()

    def _guarded(self, what: str, handle: Callable[[Any], None]) -> Callable[[Any], None]:
        """A bad message is remembered and reported; it must not end the node."""

        def callback(message: Any) -> None:
            try:
                handle(message)
            except Exception as error:
                text = str(error) if isinstance(error, MessageError) else f"{type(error).__name__}: {error}"
                self.problems[what] = text
                self.dropped[what] += 1
                self.latest[what] = text
                self._node.get_logger().warning(f"{what}: {text}", throttle_duration_sec=2.0)
            else:
                if what in self.problems:
                    del self.problems[what]

        return callback

    def _stamp(self, message: Any) -> float:
        stamp = message.header.stamp
        if not (stamp.sec or stamp.nanosec):
            raise MessageError("messages carry no stamp; their driver has to fill header.stamp")
        seconds = self._stamps.seconds(stamp)
        reason = implausible(seconds, self._stamps.now())
        if reason:
            raise MessageError(reason)
        return seconds

    def _on_arm(self, message: JointState) -> None:
        stamp = self._stamp(message)
        if self._shared and self._gripper_reader.concerns(message):
            self._fingers.put(stamp, np.array([self._gripper_reader.width(message)]))
            if not self._joint_reader.concerns(message):
                return  # arm and fingers take turns on this topic
        position = self._joint_reader.positions(message)
        velocity = self._joint_reader.velocities(message)
        if not self._arm.put(stamp, position):
            return
        self._velocity = np.zeros_like(position) if velocity is None else velocity
        self.on_joint_state(stamp, position, self._velocity)
        if self._pace is not None and self._pace.lets(stamp):
            self.frames.put(STATE, Frame(stamp, None, self._stamps.now()))

    def _on_desired(self, message: JointState) -> None:
        stamp = self._stamp(message)
        self.on_desired(stamp, self._joint_reader.positions(message))
        self._desired = stamp  # last: who waits for it finds it handed on

    def wait_for_measured(self, now: float) -> None:
        """Wait a little until joints were measured, and a controller told what it follows, after ``now``.

        What was heard before may be from before the arm was put somewhere else. The wait is as long as joint
        states may be old: when none came, :meth:`missing` says so.
        """
        end = time.monotonic() + self.config.watchdog.joint_state
        while time.monotonic() < end:
            told = self._desired is None or now - self._desired > _SILENT or self._desired >= now
            if told and self._arm.newest is not None and self._arm.newest >= now:
                return
            time.sleep(_LOOK)

    def _on_fingers(self, message: JointState) -> None:
        self._fingers.put(self._stamp(message), np.array([self._gripper_reader.width(message)]))

    def _on_image(self, camera: str, message: Any) -> None:
        stamp = self._stamp(message)
        self.frames.put(camera, Frame(stamp, message, self._stamps.now()))
        self.on_sensor(f"camera {camera}", stamp)

    def _on_signal(self, name: str, message: Any) -> None:
        signal = self._signals[name]
        stamp = self._stamp(message) if signal.reader.stamped else self._stamps.now()
        signal.history.put(stamp, signal.reader.values(message))
        self.on_sensor(f"signal {name}", stamp)

    def state_at(self, stamp: float) -> NDArray[np.float64]:
        """(J + 1 + ...,) joint positions (rad), gripper width (m) and the signals of the contract at
        ``stamp``; LookupError before the first."""
        signals = (signal.history.at(stamp) for signal in self._signals.values())
        return np.concatenate([self._arm.at(stamp), self._fingers.at(stamp), *signals])

    def joints_at(self, stamp: float) -> NDArray[np.float64] | None:
        """(J,) joint positions at ``stamp``, rad; None where the newest was measured long before."""
        newest = self._arm.newest
        if newest is None or stamp - newest > self.config.watchdog.joint_state:
            return None
        return self._arm.at(stamp)

    @property
    def watched(self) -> list[str]:
        """Names of cameras and signals, as ``on_sensor`` is told them."""
        return [f"camera {name}" for name in self._cameras] + [f"signal {name}" for name in self._signals]

    def inputs(self) -> list[Input]:
        """Every input as it is now."""
        topics, watchdog = self.config.topics, self.config.watchdog
        found = [Input("joint_states", topics.joint_states, self._arm.newest, watchdog.joint_state),
                 Input("gripper_states", topics.gripper_states, self._fingers.newest,
                       watchdog.gripper_state)]  # fmt: skip
        stamps = self.frames.stamps()
        for name, camera in self._cameras.items():
            found.append(Input(f"camera {name}", camera.topic, stamps[name], watchdog.camera))
        for name, signal in self._signals.items():
            found.append(Input(f"signal {name}", signal.topic, signal.history.newest, watchdog.signal))
        return found

    def gripper_stale(self, now: float) -> str:
        """Why the gripper width cannot be trusted, or an empty text."""
        bound, newest = self.config.watchdog.gripper_state, self._fingers.newest
        if newest is not None and now - newest <= bound:
            return ""
        return self._age(Input("gripper_states", self.config.topics.gripper_states, newest, bound), now)

    @property
    def width(self) -> float | None:
        """Of the hand, m, as it was measured last; None before the first."""
        return None if self._fingers.newest is None else float(self._fingers.at(np.inf)[0])

    def missing(self, now: float) -> list[str]:
        """What keeps the policy from starting: inputs that are absent, old or unusable, a moving arm."""
        inputs = self.inputs()
        found = [self._age(one, now) for one in inputs]
        fastest = float(np.abs(self._velocity).max())
        if fastest > AT_REST and not found[0]:
            found.append(f"the arm moves at {fastest:.2f} rad/s; wait until it is at rest")
        return [text for text in found if text]

    def _age(self, one: Input, now: float) -> str:
        place = f"{one.what} (topic {self._node.resolve_topic_name(one.topic)})"
        problem = self.problems.get(one.what)
        if one.newest is None:
            return f"{place}: {problem or 'nothing received yet'}"
        if now - one.newest > one.bound:
            why = f"; newest message: {problem}" if problem else ""
            return f"{place}: {now - one.newest:.2f} s old, allowed {one.bound:.2f} s{why}"
        return ""

    def causes(self, now: float) -> list[Cause]:
        """What is wrong with the inputs, those that explain most first where one has several."""
        found = []
        for one in self.inputs():
            topic = self._node.resolve_topic_name(one.topic)
            sources, problem = publishers(self._node, one.topic), self.problems.get(one.what)
            stale = self._age(one, now)
            if len(sources) > 1 and not (self._shared and one.topic == self.config.topics.joint_states):
                text = f"{len(sources)} nodes publish {topic}: {listed(sources)}"
                found.append(Cause(Rank.RIVAL, one.what, text, "let one alone publish it"))
            elif stale and not sources:
                text = f"nobody publishes {topic}, the topic of {one.what}"
                found.append(Cause(Rank.ABSENT, one.what, text, "start its driver, or correct the topic"))
            elif problem is not None:
                rank = Rank.CLOCK if problem.startswith("stamped") else Rank.MALFORMED
                text = f"{one.what} of {listed(sources)} (topic {topic}): {problem}"
                found.append(Cause(rank, one.what, text))
            elif stale:
                remedy = f"look at {listed(sources)}, and at the network"
                found.append(Cause(Rank.STALE, one.what, stale, remedy))
        return found

    def position(self) -> NDArray[np.float64]:
        """(J + 1,) newest joint positions (rad) and gripper width (m)."""
        return np.concatenate([self._arm.at(np.inf), self._fingers.at(np.inf)])

    def destroy(self) -> None:
        """Remove the subscriptions from the node."""
        self._receiver.stop()
        for subscription in self._all:
            self._node.destroy_subscription(subscription)
