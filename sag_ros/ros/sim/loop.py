"""The simulated robot in real time: a physics thread, and cameras that draw from copies of its state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sag_ros.ros.sim.episode_log import EpisodeLog
from sag_ros.ros.sim.limit_monitor import LimitMonitor, RecordedController
from sag_ros.ros.stamps import StampClock
from sag_ros.ros.worker import Worker
from sag_ros.sim.robot import SceneState, SimulatedRobot
from sag_ros.sim.trajectory_controller import load_compiled
from sag_ros.values import JointCommand

# s; further behind, the simulation slips. Before that it catches up (physics takes a tenth of the time):
# a slip shifts what is being executed against the clock that the commands are stamped with.
CATCH_UP = 1.0
_CHECKED = 25  # samples of the reference whose limits are looked at together: twice for each status
_STOOD, _LET_IN = 0.03, 0.01  # s: so far behind, the process stood still; for what came meanwhile


@dataclass(frozen=True)
class JointSample:
    """Measured joints: stamp (s, node clock), (J,) positions and velocities, gripper width (m); and where the
    controller wants them, (J,)."""

    stamp: float
    position: np.ndarray
    velocity: np.ndarray
    width: float
    desired: np.ndarray


class SimLoop(Worker):
    """Advances a SimulatedRobot with the clock; every access goes through one lock.

    The simulated clock follows the node's clock. When the machine is too slow the simulation slips behind,
    and ``real_time_factor`` tells.

    Args:
        robot: the simulated robot.
        clock: of the node.
        slice_s: physics advanced at once, s.
        log_rate: states kept for the video, Hz.
        on_slice: called in the physics thread after every slice.
    """

    def __init__(
        self,
        robot: SimulatedRobot,
        clock: StampClock,
        slice_s: float,
        log_rate: float,
        on_slice: Callable[[JointSample], None],
    ) -> None:
        self.robot, self._clock, self._slice = robot, clock, slice_s
        self._log_period, self._on_slice = 1.0 / log_rate, on_slice
        self._lock = threading.Lock()
        self._advanced = threading.Condition(self._lock)
        super().__init__("physics")
        self._let_in = False  # whether that was waited for
        self.error: BaseException | None = None
        self.real_time_factor = 1.0
        self.slipped = 0.0
        # Compiling for seconds while time goes on would shift the motion against the clock.
        load_compiled(robot.arm.home)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode from ``seed``."""
        with self._lock:
            now = self._clock.now()
            self.robot.reset(seed, time=now)
            self._offset = 0.0  # node clock minus simulated clock
            self.started = now
            self.monitor = LimitMonitor(self.robot.arm, _CHECKED)
            self.robot.controller = RecordedController(self.robot.controller, self.monitor.see)
            self.log = EpisodeLog(seed)
            self.status = self.robot.status()
            self.rejected, self.worst_delay = "", 0.0
            self._next_log = now
            self._window = (now, now)

    def accept(self, command: JointCommand) -> str:
        """Give a trajectory (node clock) to the controller; the reason when it is rejected, else empty."""
        with self._lock:
            shifted = JointCommand(
                command.time - self._offset, command.position, command.velocity, command.acceleration
            )
            # The lead of a splice has to cover this; the worst of an episode is worth knowing.
            self.worst_delay = max(self.worst_delay, self.robot.time - float(shifted.time[0]))
            answer = self.robot.controller.accept(shifted, self.robot.time)
            if not answer:
                self.rejected = answer.reason
            return answer.reason

    def move_gripper(self, width: float, speed: float, force: float) -> None:
        """Move the fingers to ``width`` (m), or grasp there when ``force`` (N) is positive."""
        with self._lock:
            gripper, now = self.robot.gripper, self.robot.time
            if force > 0:
                gripper.grasp(width, speed, force, now, epsilon_inner=0.08, epsilon_outer=0.08)
            else:
                gripper.move(width, speed, now)

    def scene(self, wait: float = 0.0) -> tuple[float, SceneState]:
        """Stamp (s, node clock) and a copy of what the cameras draw.

        Args:
            wait: s up to which the next slice is waited for; without, the state is up to a slice old.
        """
        with self._advanced:
            if wait:
                self._advanced.wait(wait)
            return self.robot.time + self._offset, self.robot.scene_state()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                ahead = self.step()
                if ahead > 0:
                    time.sleep(ahead)
        except BaseException as error:  # the node ends on it; a silent thread would look like a held arm
            self.error = error

    def step(self) -> float:
        """Advance one slice if it is due. Returns how long to wait for the next one, s."""
        with self._lock:
            now = self._clock.now()
            behind = now - self._offset - self.robot.time
            if behind < self._slice - 1e-6:  # rounding
                return self._slice - behind
            if behind > _STOOD and not self._let_in:
                # This process did not run for a while: what came meanwhile, before time goes on.
                self._let_in = True
                return _LET_IN
            self._let_in = behind > _STOOD
            if behind > CATCH_UP:
                self._offset += behind - self._slice
                self.slipped += behind - self._slice
            self.robot.advance(self._slice)
            stamp = self.robot.time + self._offset
            sample = JointSample(
                stamp, self.robot.joint_positions, self.robot.joint_velocities, self.robot.gripper_width,
                self.robot.desired,
            )  # fmt: skip
            if stamp >= self._next_log:
                self._next_log += self._log_period
                self.status = self.robot.status()
                self.log.add(self._clock.nanoseconds(stamp), self.robot.scene_state())
            if now - self._window[0] >= 1.0:
                begin, simulated = self._window
                self.real_time_factor = (self.robot.time - simulated) / (now - begin)
                self._window = (now, self.robot.time)
            self._advanced.notify_all()
        self._on_slice(sample)
        return 0.0
