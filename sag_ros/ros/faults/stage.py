"""The running graph with a relay in its middle, and the hands that bring faults about."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.bench.run.interrupt import interruptible
from sag_ros.control.motion import Motion, at_rest, fading, of_command
from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import prefixed
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.paths import model_folder
from sag_ros.realtime import settle
from sag_ros.robots.registry import find_arm
from sag_ros.ros.demo.command import CONFIGURE_SECONDS
from sag_ros.ros.demo.monitor import GraphTimeout, Monitor
from sag_ros.ros.demo.processes import POLICY_NODE, Processes, private_environment
from sag_ros.ros.demo.run_record import Episode
from sag_ros.ros.faults.faulty import Control
from sag_ros.ros.faults.relay import CLEAN, Relay
from sag_ros.ros.faults.spoilers import silent
from sag_ros.ros.faults.strain import Strain
from sag_ros.ros.faults.strangers import Strangers
from sag_ros.ros.graph import Graph, GraphNode, pick_release
from sag_ros.ros.parameters import load_file
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand

_MOVING = 0.25  # rad/s
TAKEOVER = "takeover"  # topic by which a human takes the arm
CLOCK_SET = 3600.0  # s by which a fault sets the clock


@dataclass(frozen=True)
class _Faulty(GraphNode):
    """A node whose clock and engine can be spoilt through the file ``control``."""

    control: Path = Path()

    def command(self, parameter_file: Path) -> list[str]:
        """See GraphNode."""
        _, option, module, *rest = super().command(parameter_file)
        return [sys.executable, option, "sag_ros.ros.faults.faulty", str(self.control), module, *rest]


class Stage:
    """A context manager: the graph runs, the policy is configured.

    Args:
        out: folder for logs and what is made on the way.
        environment: of the nodes, see ``private_environment``.
        bundle: of the policy; the default is that of the parameter file.

    Attributes:
        relay, control, monitor, strain, strangers: see there.
        joints: of the arm, as messages name them.
        source: the bundle that :attr:`bundle` is a copy of.
        restarted: whether a node was started once more.
        left_over: what the policy holds that it did not before, see ``repeated``.
        commands: (when, motion) of every trajectory that went to the arm, on :attr:`clock`.
    """

    def __init__(self, out: Path, environment: dict[str, str], bundle: str = "") -> None:
        graph = pick_release()
        config: Any = load_file(graph.parameter_file, POLICY_NODE)
        self.out, topics = out, config.topics
        self.bundle = out / "bundle"  # a copy, which may be removed
        self.source = model_folder(bundle or config.bundle)
        self.control = Control(_fresh(out / "control"))
        inputs = {topics.joint_states: JointState, topics.gripper_states: JointState}
        inputs[topics.desired_states] = JointState
        inputs |= {camera.topic: Image for camera in config.cameras.values()}
        outputs = {topics.trajectory: JointTrajectory, topics.gripper_command: JointState}
        remaps = {topic: f"{CLEAN}/{topic}" for topic in inputs | outputs}
        self._arm = find_arm(config.arm)
        self.joints = prefixed(config.joint_prefix, self._arm.joints)
        self._topics = topics
        own = {"bundle": str(self.bundle.resolve()), "diagnostics_rate": 5.0, "topics.takeover": TAKEOVER}
        self.graph = replace(
            graph, nodes=(self._faulty(graph, "sim_node", {"seed": 1100}, remaps),
                          self._faulty(graph, POLICY_NODE, own, {})),
        )  # fmt: skip
        self._environment = environment
        self._kinds = (inputs, outputs)
        self.clock = StampClock(lambda: time.time_ns() + self.control.clock_ns, steady=time.monotonic_ns)
        self.commands: list[tuple[float, Motion]] = []
        zero = np.zeros(self._arm.dof)
        fading((zero, zero, zero), 0.0, 1.0)  # what is compiled is loaded now, not when a message waits
        self.restarted, self._killed = False, False
        self.left_over: list[str] = []
        self._services: dict[str, Any] = {}

    def _faulty(self, graph: Graph, name: str, parameters: dict[str, Any], remaps: dict[str, str]) -> _Faulty:
        executable, lifecycle = graph.node(name).executable, graph.node(name).lifecycle
        return _Faulty(name, executable, parameters, remaps, lifecycle, control=self.control.file)

    def __enter__(self) -> Stage:
        shutil.rmtree(self.bundle, ignore_errors=True)
        shutil.copytree(self.source, self.bundle)
        self.processes = Processes(self.graph, self.out / "logs", self._environment)
        self.processes.__enter__()
        self.strain = Strain(lambda: self.processes.process(POLICY_NODE).pid)
        self.monitor = Monitor(check=self._check)
        self.relay = Relay(*self._kinds)
        self.relay.hear(self._topics.trajectory, self._on_command)
        self.strangers = Strangers(self.relay, self.wait)
        sys.setswitchinterval(5e-4)  # the relay must not wait for whoever computes in this process
        settle()
        gc.disable()  # the relay is a part of the graph; begin_episode collects, when nothing moves
        self._parameters = self.monitor.create_client(SetParameters, f"{POLICY_NODE}/set_parameters")
        self._services = {
            name: self.monitor.create_client(Trigger, f"{POLICY_NODE}/{name}")
            for name in ("resume", "load", "swap", "pause", "home")
        }
        self.transition("configure")
        self.monitor.wait(lambda: self.relay.matched, 20.0, "the relay between robot and policy")
        return self

    def __exit__(self, *exception: object) -> None:
        gc.enable()
        self.strain.feed()
        self.strangers.end()
        for name in ("sim_node", POLICY_NODE):
            self.thaw(name)
        self.relay.stop()
        self.processes.stop()
        self.relay.destroy_node()
        self.monitor.close()

    def _check(self) -> None:
        """A node that ends by itself ends everything, except where that is the fault."""
        if not self._killed:
            self.processes.check()

    def _on_command(self, message: JointTrajectory) -> None:
        now = self.clock.now()
        try:
            command = command_from_trajectory(message, self.joints, self.clock, now)
        except MessageError:
            return
        # What was on its way while the clock was set has a stamp of before.
        jump = round((float(command.time[0]) - now) / CLOCK_SET) * CLOCK_SET
        self.commands.append((now, of_command(replace(command, time=command.time - jump))))

    # Hands -------------------------------------------------------------------------------------------------

    def wait(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Listen for so long, or until ``done()``."""
        return self.monitor.wait(done, seconds)

    def transition(self, name: str) -> None:
        """Ask the policy for a lifecycle transition; a refusal is no error here."""
        try:
            if name == "configure":  # one that was killed is still listed, and may be asked
                self.monitor.transition(name, CONFIGURE_SECONDS, retry=30.0)
            else:
                self.monitor.transition(name, 10.0)
        except GraphTimeout:
            if name == "configure":
                raise

    def resume(self) -> str:
        """Call ~/resume; what it says."""
        return str(self.ask("resume").message)

    def ask(self, name: str) -> Trigger.Response:
        """Call resume, pause, home, load or swap of the policy."""
        return self.monitor.call(self._services[name], Trigger.Request(), 5.0, name)

    def begin_episode(self) -> None:
        """Everything mended, a new episode, the policy active and the arm on its way."""
        self.relay.mend()
        self.control.set()
        self.transition("deactivate")
        self.wait(0.5)  # a command that is on its way must not move the arm of the next episode
        number = self.monitor.reset()
        self.monitor.episode = Episode(number["episode"], number["seed"])
        self.commands.clear()
        gc.collect()
        self.monitor.wait(
            lambda: self.monitor.status.get("episode") == number["episode"],
            10.0,
            "task status of the new episode",
        )
        self.wait(0.2)  # joint states from before are on their way
        self.monitor.transition("activate", 15.0, retry=15.0)
        begin = self.clock.now()
        if not self.wait(8.0, lambda: self.clock.now() - begin >= 1.0 and self.moving()):
            raise GraphTimeout(f"the arm does not move: {self.monitor.message}")

    def moving(self) -> bool:
        """Whether a joint is commanded to move at more than a quarter of a radian a second."""
        return bool(self.commands) and bool(
            np.abs(self.commands[-1][1].at(self.clock.now())[1]).max() > _MOVING
        )

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.processes.process(name).send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        if self.processes.process(name).poll() is None:
            self.processes.process(name).send_signal(signal.SIGCONT)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self._killed = True
        self.processes.process(name).kill()
        self.processes.process(name).wait()

    def start(self, name: str) -> None:
        """Start a node that was killed; the policy is configured and activated."""
        self.processes.restart(name)
        self.restarted, self._killed = True, False
        self.transition("configure")
        self.monitor.transition("activate", 15.0, retry=15.0)

    def rival(self) -> None:
        """Somebody commands the arm to stay where it is."""

        def stay() -> JointCommand:
            now = self.clock.now()
            return at_rest(now, self.commands[-1][1].at(now)[0])

        self.strangers.rival(self._topics.trajectory, self.joints, stay, self.clock)

    def part(self) -> None:
        """Let nothing pass between robot and policy."""
        for topic in self.relay.types:
            self.relay.spoil(topic, silent)

    def set_parameter(self, name: str, value: bool | str) -> bool:
        """Set a parameter of the policy; whether it was taken."""
        wanted = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[wanted])
        answer = self.monitor.call(self._parameters, request, 5.0, f"set {name}")
        return bool(answer.results[0].successful)

    def forget_next(self) -> None:
        """The engine is well again, and no policy is named to come next."""
        self.control.set()
        for part in ("bundle", "mask_source"):
            self.set_parameter(f"next.{part}", "")

    def interrupt_configuring(self) -> None:
        """Ask the policy, while it configures, to deactivate."""
        for name in ("deactivate", "cleanup"):
            self.transition(name)
        asked = [self.monitor.ask("configure")]
        self.wait(0.5)
        asked.append(self.monitor.ask("deactivate"))
        self.monitor.wait(lambda: all(one.done() for one in asked), CONFIGURE_SECONDS, "configure")
        self.monitor.transition("activate", 15.0, retry=15.0)

    def hide_bundle(self) -> None:
        """Remove the bundle."""
        self.bundle.rename(self.bundle.with_name("gone"))

    def show_bundle(self) -> None:
        """Put it back."""
        self.bundle.with_name("gone").rename(self.bundle)


def _fresh(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    return file


@contextmanager
def on_stage(out: Path, bundle: str) -> Iterator[Stage]:
    """A :class:`Stage` in a ROS domain of its own; SIGINT and SIGTERM end the block by KeyboardInterrupt."""
    environment = private_environment()
    os.environ.update(environment)
    rclpy.init()
    try:
        with interruptible(), Stage(out, environment, bundle) as stage:
            yield stage
    finally:
        rclpy.try_shutdown()
