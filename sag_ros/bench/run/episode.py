"""One closed-loop episode in lock step: the simulation waits while the policy thinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sag_ros.bench.run.records import EpisodeResult
from sag_ros.bench.run.smoothness import Agreement, Smoothness
from sag_ros.bench.run.statistics import mean
from sag_ros.control.gripper import GripperPlanner
from sag_ros.control.guard import Guard, guard_limits
from sag_ros.control.limits import check
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.splice import ChunkRefused, Splicer, SpliceSettings
from sag_ros.values import ActionChunk, Mask, Observation, Timing

SMOOTHING = 3.0  # of the splice, as in config/pick_release.yaml


class Inference(Protocol):
    """What a runner returns for one observation."""

    chunk: ActionChunk
    mask: Mask
    timing: Timing
    steps: int


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
class EpisodeSettings:
    """What every episode of a benchmark has in common.

    Attributes:
        cameras: names, in the order of the contract.
        period: control period of the policy, s.
        observation_steps: To.
        execute: actions executed of every chunk.
        time_limit: simulated seconds after which an episode has failed.
        blocks: K x 3L of the full sampler, which densities are shares of; None: of the method's own.
    """

    cameras: tuple[str, ...]
    period: float
    observation_steps: int
    execute: int
    time_limit: float
    blocks: int | None = None


class ControlPath:
    """The control path without ROS: splice, guard, trajectory controller, gripper."""

    def __init__(self, robot: Any) -> None:
        # No time passes between observation and command, so none has to be allowed for.
        limits = guard_limits(robot.arm)
        self._splicer = Splicer(limits, SpliceSettings(lead=0.0, smoothing=SMOOTHING))
        self._guard = Guard(limits)
        self._gripper = GripperPlanner(robot.arm.gripper, width=robot.gripper_width)
        self._robot, self._any = robot, robot.arm.gripper.width_max
        self._motion: Motion = of_command(at_rest(robot.time, robot.joint_positions))
        self.smoothness = Smoothness(robot.arm.limits.jerk)
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
        self.violations += len(check(command, self._robot.arm.limits))
        if not self._robot.controller.accept(command, now):
            self.refused += 1
            return
        self._motion = of_command(command)

    def moved(self, since: float) -> None:
        """Account for what the arm has done from time ``since`` until now."""
        self.smoothness.add(self._motion, since, self._robot.time)

    def grip(self, chunk: ActionChunk) -> None:
        """Move the gripper where the chunk has it from now on; call it once for each action."""
        now, gripper = self._robot.time, self._robot.gripper
        goal = self._gripper.on_chunk(chunk, now)
        if goal is None:
            return
        if goal.grasp:
            # An object of any width.
            gripper.grasp(goal.width, goal.speed, goal.force, now, self._any, self._any)
        else:
            gripper.move(goal.width, goal.speed, now)


Witness = Callable[[Observation], None]


def run_episode(
    robot: Any, runner: Runner, loop: EpisodeSettings, method: str, seed: int, witness: Witness | None = None
) -> EpisodeResult:
    """Run until success or the time limit.

    A chunk is inferred every ``execute`` actions from the newest ``To`` observations, ``period`` apart, as
    in training.

    Args:
        robot: a SimulatedRobot.
        runner: of the method.
        loop: common settings.
        method, seed: for the result; the seed draws the episode and the noise.
        witness: is shown the observation of every inference.
    """
    began = time.monotonic()
    robot.reset(seed)
    runner.reset(seed)
    arm, agreement = ControlPath(robot), Agreement(loop.execute)
    history: deque[Seen] = deque(maxlen=loop.observation_steps)
    _observe(robot, runner, loop, history)
    densities: list[float] = []
    status = robot.status()
    while not status.success and robot.time < loop.time_limit:
        since = robot.time
        if witness is not None:
            witness(_observation(since, loop, history))
        states = np.stack([seen.state for seen in history])
        inference = runner.infer(since, runner.features([seen.features for seen in history], states))
        densities.append(_density(inference, loop.blocks))
        agreement.add(inference.chunk)
        arm.take(inference.chunk)
        for step in range(loop.execute):
            arm.grip(inference.chunk)
            robot.advance(loop.period)
            status = robot.status()
            if status.success:
                break
            # Only the frames that the next inference sees are drawn.
            if loop.execute - step <= loop.observation_steps:
                _observe(robot, runner, loop, history)
        arm.moved(since)
    smoothness = arm.smoothness
    return EpisodeResult(
        method=method,
        seed=seed,
        success=bool(status.success),
        message=status.message,
        seconds=round(robot.time, 3),
        density=mean(densities) or 0.0,
        chunks=len(densities),
        rms_jerk=smoothness.rms_jerk,
        peak_jerk=smoothness.peak_jerk,
        rms_acceleration=smoothness.rms_acceleration,
        jump=mean(agreement.jumps),
        bend=mean(agreement.bends),
        clipped=arm.clipped,
        refused=arm.refused,
        violations=arm.violations,
        wall=round(time.monotonic() - began, 3),
    )


def _density(inference: Inference, blocks: int | None) -> float:
    """Blocks computed for a chunk, as a share of ``blocks``."""
    mask = inference.mask
    # Samplers with a state say how many steps they ran; the mask is for all of their table.
    return mask.density * inference.steps * mask.pruned.shape[1] / (blocks or mask.pruned.size)


@dataclass(frozen=True)
class Seen:
    """One moment: images (camera -> (H, W, 3)), their features (camera -> (F,)) and the (8,) state."""

    images: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    state: np.ndarray


def _observe(robot: Any, runner: Runner, loop: EpisodeSettings, history: deque[Seen]) -> None:
    """Append the present to ``history``; fill it at the beginning."""
    images = {name: robot.render(name) for name in loop.cameras}
    features = {name: runner.encode(name, image) for name, image in images.items()}
    history.append(Seen(images, features, robot.state))
    while len(history) < loop.observation_steps:
        history.append(history[-1])


def _observation(stamp: float, loop: EpisodeSettings, history: deque[Seen]) -> Observation:
    images = {name: np.stack([seen.images[name] for seen in history]) for name in loop.cameras}
    return Observation(stamp, images, np.stack([seen.state for seen in history]))
