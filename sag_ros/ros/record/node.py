"""Records what cameras and joints tell while somebody moves the arm: teleoperation or hand guiding.

Services, for buttons or a foot switch: ``~/begin`` an episode, ``~/keep`` it, or ``~/discard`` it. A frame is
taken each control period. When an input is missing or late, the episode is given up with the reason: a gap
would be a jump of the demonstration.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from sag_ros.data.demonstrations import DemonstrationWriter
from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import to_rgb
from sag_ros.messages.joints import read_gripper_command
from sag_ros.policy.contract import Contract
from sag_ros.ros import qos
from sag_ros.ros.policy.inputs import STATE
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.record.tape import Tape
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import clock_of

Actions = Literal["commanded", "measured"]
_LATE = 0.5  # s: of what a controller follows; older, it is not known


class Recorder(Node):
    """See the module.

    Args:
        config: topics, cameras and ages, as of policy_node.
        contract: of the policy that is to learn from it: its joints, cameras and rate.
        out: zarr folder; an existing one is continued.
        actions: what the controller was told to follow (``topics.desired_states``), or where the arm was.
        task: name, for the store.
    """

    def __init__(
        self, config: PolicyNode, contract: Contract, out: Path, actions: Actions, task: str
    ) -> None:
        super().__init__("recorder")
        self._stamps = clock_of(self)
        self._contract, self._actions, self._config = contract, actions, config
        self._writer = DemonstrationWriter(out, self._attributes(task))
        self._tape: Tape | None = None
        self._wanted: tuple[float, np.ndarray] | None = None
        self._width: float | None = None
        self.last = ""
        self._inputs = Subscriptions(self, config, contract, self._stamps)
        self._inputs.on_desired = self._on_desired
        hand = config.topics.gripper_command
        self.create_subscription(JointState, hand, self._on_hand, qos.STATE)
        for name, act in (("begin", self.begin), ("keep", self.keep), ("discard", self.discard)):
            self.create_service(Trigger, f"~/{name}", self._answering(act))
        self.create_timer(contract.control_period, self.look)

    def _attributes(self, task: str) -> dict[str, Any]:
        return {
            "period": self._contract.control_period,
            "task": task,
            "joints": list(self._contract.joints),
            "arm": self._config.arm,
            "action": f"absolute joint positions (rad), gripper width (m), {self._actions} one period later",
            "privileged": [],
        }

    @property
    def episodes(self) -> int:
        """Of the store."""
        return self._writer.episodes

    def _on_desired(self, stamp: float, q: np.ndarray) -> None:
        self._wanted = stamp, q

    def _on_hand(self, message: JointState) -> None:
        try:
            self._width = read_gripper_command(message, self._config.gripper.joints)[0]
        except MessageError as error:
            self.get_logger().warning(f"gripper command: {error}", throttle_duration_sec=2.0)

    def _answering(self, act: Callable[[], tuple[bool, str]]) -> Callable[..., Trigger.Response]:
        def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            response.success, response.message = act()
            self._say(response.message)
            return response

        return answer

    def _say(self, text: str) -> None:
        self.last = text
        self.get_logger().info(text)

    def begin(self) -> tuple[bool, str]:
        """Start an episode; whether that was possible, and a sentence."""
        if self._tape is not None:
            return False, f"an episode of {len(self._tape)} frames is being recorded: keep or discard it"
        reasons = self._missing()
        if reasons:
            return False, f"cannot begin: {'; '.join(reasons)}"
        self._tape = Tape()
        return True, f"recording episode {self.episodes + 1}"

    def keep(self) -> tuple[bool, str]:
        """Write the episode."""
        tape, self._tape = self._tape, None
        if tape is None:
            return False, "nothing is being recorded: begin an episode"
        try:
            episode = tape.episode()
        except ValueError as error:
            return False, f"not kept: {error}"
        self._writer.append(episode)
        seconds = len(episode) * self._contract.control_period
        return True, f"kept episode {self.episodes}: {len(episode)} frames, {seconds:.1f} s"

    def discard(self) -> tuple[bool, str]:
        """Forget the episode."""
        tape, self._tape = self._tape, None
        if tape is None:
            return False, "nothing is being recorded"
        return True, f"discarded {len(tape)} frames"

    def _missing(self) -> list[str]:
        now = self._stamps.now()
        found = [cause.text for cause in self._inputs.causes(now)]
        if self._actions == "commanded" and (self._wanted is None or now - self._wanted[0] > _LATE):
            topic = self.resolve_topic_name(self._config.topics.desired_states or "desired states")
            found.append(
                f"nobody tells on {topic} what the controller follows; record --actions measured for an arm "
                "that is guided by hand"
            )
        return found

    def look(self) -> None:
        """Take a frame, if an episode is being recorded; called each control period."""
        tape = self._tape
        if tape is None:
            return
        reasons = self._missing()
        try:
            if not reasons:
                tape.add(*self._frame())
        except (MessageError, LookupError) as error:
            reasons = [str(error)]
        if reasons:
            self._tape = None
            self._say(f"gave up an episode of {len(tape)} frames: {'; '.join(reasons)}")

    def _frame(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        frames = self._inputs.frames.newest()
        sizes = self._contract.cameras
        images = {
            name: to_rgb(frame.message, sizes[name].height, sizes[name].width)
            for name, frame in frames.items()
            if name != STATE
        }
        stamp = max((frame.stamp for frame in frames.values()), default=self._stamps.now())
        joints = len(self._contract.joints)
        state = self._inputs.state_at(stamp)[: joints + 1]
        wanted = state.copy()
        if self._actions == "commanded" and self._wanted is not None:
            wanted[:joints] = self._wanted[1]
        if self._width is not None:
            wanted[joints] = self._width
        return images, state, wanted

    def close(self) -> None:
        """An episode that is being recorded is lost, and said so."""
        if self._tape is not None:
            self._say(self.discard()[1])
        self._inputs.destroy()
        self.destroy_node()
