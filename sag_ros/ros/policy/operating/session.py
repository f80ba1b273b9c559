"""The time in which the arm may be commanded."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

from sag_ros.ros.policy.operating.commander import Commander
from sag_ros.ros.policy.publishers import PolicyPublishers
from sag_ros.ros.policy.rivals import CommandWatch
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.schema import PolicyNode


class Session:
    """Inputs go to the commander, it ticks, and whoever else commands the arm is heard.

    Args:
        node, config: of the policy.
        commander, inputs, outputs: see there.
        on_foreign: called for a trajectory that we did not send.
        tick: called ``tick_rate`` times a second.
    """

    def __init__(
        self,
        node: LifecycleNode,
        config: PolicyNode,
        commander: Commander,
        inputs: Subscriptions,
        outputs: PolicyPublishers,
        on_foreign: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        self._node, self._commander, self._outputs = node, commander, outputs
        inputs.on_joint_state, inputs.on_sensor = commander.on_joint_state, commander.on_sensor
        inputs.on_desired = commander.on_desired
        self._commands = CommandWatch(node, config.topics.trajectory, on_foreign)
        outputs.on_command = self._commands.sending
        outputs.enable_commands(True)
        self._timer = node.create_timer(1.0 / config.tick_rate, tick)

    def end(self) -> None:
        """Publish the stop; nothing moves the arm until the next one."""
        self._node.destroy_timer(self._timer)
        self._commander.stop()
        self._outputs.enable_commands(False)
        self._commands.destroy()
