"""One closed-loop episode in lock step: the simulation waits while the policy thinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import numpy as np

from sag_ros.bench.journal import EpisodeResult
from sag_ros.control.fr3 import GRIPPER_WIDTH_MAX, HARD_LIMITS, guard_limits
from sag_ros.control.gripper import GripperPlanner
from sag_ros.control.guard import Guard
from sag_ros.control.limits import check
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.splice import ChunkRefused, Splicer, SpliceSettings
from sag_ros.values import ActionChunk, Mask, Timing

SMOOTHING = 3.0  # of the splice, as in config/pick_release.yaml


class Inference(Protocol):
    """What a runner returns for one observation."""

    chunk: ActionChunk
    mask: Mask
    timing: Timing


class Runner(Protocol):
    """The part of PolicyRunner that an episode needs."""

    def reset(self, seed: int) -> None:
        """Begin an episode whose noise comes from ``seed``."""

    def encode(self, camera: str, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB -> (F,) features."""

    def features(self, frames: Any, states: np.ndarray) -> np.ndarray:
        """To frames (camera -> features) oldest first and (To, 8) states -> (To, D)."""

    def infer(self, stamp: float, obs_features: np.ndarray) -> Inference:
        """One action chunk."""


@dataclass(frozen=True)
class Loop:
    """What every episode of a benchmark has in common.

    Attributes:
        cameras: names, in the order of the contract.
        period: control period of the policy, s.
        observation_steps: To.
        execute: actions executed of every chunk.
        time_limit: simulated seconds after which an episode has failed.
    """

    cameras: tuple[str, ...]
    period: float
    observation_steps: int
    execute: int
    time_limit: float


class Arm:
    """The control path without ROS: splice, guard, trajectory controller, gripper."""

    def __init__(self, robot: Any) -> None:
        # No time passes between observation and command, so none has to be allowed for.
        limits = guard_limits()
        self._splicer = Splicer(limits, SpliceSettings(lead=0.0, smoothing=SMOOTHING))
        self._guard = Guard(limits)
        self._gripper = GripperPlanner(width=robot.gripper_width)
        self._robot = robot
        self._motion: Motion = of_command(at_rest(robot.time, robot.joint_positions))
        self.clipped = self.refused = self.violations = 0

    def take(self, chunk: ActionChunk) -> None:
        """Execute a chunk from now on; one that is refused leaves the arm on its last motion."""
        now = self._robot.time
        try:
            command, clipped = self._guard(self._splicer.splice(self._motion, chunk, now).command)
        except ChunkRefused:
            self.refused += 1
            return
        self.clipped += len(clipped)
        self.violations += len(check(command, HARD_LIMITS))
        if not self._robot.controller.accept(command, now):
            self.refused += 1
            return
        self._motion = of_command(command)

    def grip(self, chunk: ActionChunk) -> None:
        """Move the gripper where the chunk has it from now on; call it once for each action."""
        now, gripper = self._robot.time, self._robot.gripper
        goal = self._gripper.on_chunk(chunk, now)
        if goal is None:
            return
        if goal.grasp:
            # An object of any width.
            gripper.grasp(goal.width, goal.speed, goal.force, now, GRIPPER_WIDTH_MAX, GRIPPER_WIDTH_MAX)
        else:
            gripper.move(goal.width, goal.speed, now)


def run_episode(robot: Any, runner: Runner, loop: Loop, method: str, seed: int) -> EpisodeResult:
    """Run until success or the time limit.

    A chunk is inferred every ``execute`` actions from the newest ``To`` observations, ``period`` apart, as
    in training. ``ms`` counts one new frame of every camera and the inference: in real time, too, a frame
    is encoded once, when it arrives.

    Args:
        robot: a SimulatedRobot.
        runner: of the method.
        loop: common settings.
        method, seed: for the result; the seed draws the episode and the noise.
    """
    robot.reset(seed)
    runner.reset(seed)
    arm = Arm(robot)
    history: deque[tuple[dict[str, np.ndarray], np.ndarray]] = deque(maxlen=loop.observation_steps)
    encode_ms = _observe(robot, runner, loop, history)
    densities, timings, encodes, totals = [], [], [], []
    status = robot.status()
    while not status.success and robot.time < loop.time_limit:
        start = time.perf_counter()
        states = np.stack([state for _, state in history])
        inference = runner.infer(robot.time, runner.features([frame for frame, _ in history], states))
        totals.append(encode_ms + 1e3 * (time.perf_counter() - start))
        encodes.append(encode_ms)
        densities.append(inference.mask.density)
        timings.append(inference.timing)
        arm.take(inference.chunk)
        for step in range(loop.execute):
            arm.grip(inference.chunk)
            robot.advance(loop.period)
            status = robot.status()
            if status.success:
                break
            # Only the frames that the next inference sees are drawn.
            if loop.execute - step <= loop.observation_steps:
                encode_ms = _observe(robot, runner, loop, history)
    return EpisodeResult(
        method=method,
        seed=seed,
        success=bool(status.success),
        message=status.message,
        seconds=round(robot.time, 3),
        density=float(np.mean(densities)) if densities else 0.0,
        ms=[round(value, 3) for value in totals],
        encode_ms=_median(encodes),
        pruner_ms=_median([timing.pruner_ms for timing in timings]),
        denoise_ms=_median([timing.denoise_ms for timing in timings]),
        clipped=arm.clipped,
        refused=arm.refused,
        violations=arm.violations,
    )


def _observe(robot: Any, runner: Runner, loop: Loop, history: deque[Any]) -> float:
    """Append the present to ``history`` (fill it at the beginning); returns the ms spent on encoding."""
    images: Mapping[str, np.ndarray] = {name: robot.render(name) for name in loop.cameras}
    start = time.perf_counter()
    frame = {name: runner.encode(name, image) for name, image in images.items()}
    elapsed = 1e3 * (time.perf_counter() - start)
    history.append((frame, robot.state))
    while len(history) < loop.observation_steps:
        history.append(history[-1])
    return elapsed


def _median(values: list[float]) -> float:
    return round(median(values), 3) if values else 0.0
