"""One closed-loop episode in lock step: the simulation waits while the policy thinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sag_ros.bench.run.records import EpisodeResult
from sag_ros.bench.run.smoothness import Agreement, Smoothness
from sag_ros.bench.run.statistics import mean
from sag_ros.control.gripper import GripperPlanner
from sag_ros.control.guard.guard import Guard
from sag_ros.control.limits import check
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.reach.kinematics import forward_of
from sag_ros.control.reach.reach import Reach
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.splice import Splicer, SpliceSettings
from sag_ros.policy.state import StateBuilder
from sag_ros.values import ActionChunk, Observation, PoseChunk

if TYPE_CHECKING:
    from sag_ros.engines.runner import PolicyRunner
    from sag_ros.robots.arm import Arm
    from sag_ros.sim.robot import SimulatedRobot

SMOOTHING = 3.0  # of the splice, as in config/pick_release.yaml


@dataclass(frozen=True)
class EpisodeSettings:
    """What every episode of a benchmark has in common.

    Attributes:
        cameras: names, in the order of the contract.
        period: control period of the policy, s.
        observation_steps: To.
        execute: actions executed of every chunk.
        time_limit: simulated seconds after which an episode has failed.
        contract: of the policy; None: its state is joints and gripper.
        blocks: K x 3L of the full sampler, which densities are shares of; None: of the method's own.
        delay: control periods from an observation until the arm follows the chunk made of it; it goes on with
            those before meanwhile, as where inference takes that long. More than chunks are apart: several
            are under way, as where the arm follows none before it is that old (``splice.delay``).

    Raises:
        ValueError: a negative delay.
    """

    cameras: tuple[str, ...]
    period: float
    observation_steps: int
    execute: int
    time_limit: float
    blocks: int | None = None
    contract: Any = None
    delay: int = 0

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise ValueError(f"a delay is 0 periods or more; got {self.delay}")

    @classmethod
    def of(
        cls, contract: Any, execute: int, time_limit: float, blocks: int | None = None, delay: int = 0
    ) -> EpisodeSettings:
        """Those of a policy's contract. Raises ValueError: a delay after which nothing is left of a chunk."""
        actions = contract.action_steps
        if not 0 <= delay < actions:
            raise ValueError(
                f"a delay is 0 to {actions - 1} periods where a chunk has {actions} actions; got {delay}"
            )
        cameras, steps = tuple(contract.cameras), contract.observation_steps
        return cls(cameras, contract.control_period, steps, execute, time_limit, blocks, contract, delay)

    @property
    def signals(self) -> tuple[str, ...]:
        """What the policy observes besides cameras, arm and hand: places of the task."""
        return () if self.contract is None else tuple(self.contract.signals)

    def state(self, arm: Arm) -> Callable[[np.ndarray], np.ndarray]:
        """(J + 1 + ...,) what ``arm`` and signals tell -> (S,) the policy's state."""
        if self.contract is None:
            return lambda own: own
        return StateBuilder(self.contract, forward_of(arm))


class ControlPath:
    """The control path without ROS: splice, guard, trajectory controller, gripper.

    Attributes:
        motion: what the arm follows now; smoothness: of what it has done.
        clipped, refused, violations: see :class:`EpisodeResult`.
    """

    def __init__(self, robot: SimulatedRobot) -> None:
        # No time passes between observation and command, so none has to be allowed for.
        self._guard = Guard.of(robot.arm)
        limits = self._guard.limits
        self._splicer = Splicer(limits, SpliceSettings(lead=0.0, smoothing=SMOOTHING), robot.arm.limits)
        self._reach = Reach(robot.arm)
        self._gripper = GripperPlanner(robot.arm.gripper, width=robot.gripper_width)
        self._robot, self._any = robot, robot.arm.gripper.width_max
        self.motion: Motion = of_command(at_rest(robot.time, robot.joint_positions))
        self.smoothness = Smoothness(robot.arm.limits.jerk)
        self.clipped = self.refused = self.violations = 0

    def joints(self, chunk: ActionChunk | PoseChunk) -> ActionChunk | None:
        """The chunk in joint positions; None for poses that the arm cannot reach, which count as refused."""
        try:
            return self._reach.joints(chunk)[0]
        except ChunkRefused:
            self.refused += 1
            return None

    def take(self, chunk: ActionChunk) -> None:
        """Execute a chunk from now on; one that is refused leaves the arm on its last motion."""
        now = self._robot.time
        try:
            command, clipped = self._guard(self._splicer.splice(self.motion, chunk, now).command)
        except ChunkRefused:
            self.refused += 1
            return
        self.clipped += len(clipped)
        self.violations += len(check(command, self._robot.arm.limits))
        if not self._robot.controller.accept(command, now):
            self.refused += 1
            return
        self.motion = of_command(command)

    def grip(self, chunk: ActionChunk | PoseChunk) -> None:
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


def robot_for(task: str, contract: Any) -> SimulatedRobot:
    """The simulated arm that a policy moves, with its cameras, which have one size, if it has any.

    Raises:
        ValueError: joints of an arm that is not known.
    """
    from sag_ros.robots.registry import arm_of
    from sag_ros.sim.robot import SimulatedRobot

    camera, arm = next(iter(contract.cameras.values()), None), arm_of(contract.joints)
    size = {} if camera is None else {"image_size": (camera.height, camera.width)}
    return SimulatedRobot(task, arm=arm, **size)


class Seen(NamedTuple):
    """One moment: images (camera -> (H, W, 3)), their features (camera -> (F,)), and joint positions (rad),
    gripper width (m) and signals of the contract, (J + 1 + ...,)."""

    images: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    state: np.ndarray


def run_episode(
    robot: SimulatedRobot,
    runner: PolicyRunner,
    loop: EpisodeSettings,
    method: str,
    seed: int,
    witness: Callable[[Observation], None] | None = None,
) -> EpisodeResult:
    """Run until success or the time limit.

    A chunk is inferred every ``execute`` actions from the newest ``To`` observations, ``period`` apart, as
    in training.

    Args:
        method, seed: for the result; the seed draws the episode and the noise.
        witness: is shown the observation of every inference.
    """
    began = time.monotonic()
    robot.reset(seed)
    runner.reset(seed)
    arm, agreement = ControlPath(robot), Agreement(loop.execute)
    history = deque([_see(robot, runner, loop)] * loop.observation_steps, loop.observation_steps)
    densities: list[float] = []
    state = loop.state(robot.arm)
    status, followed, done = robot.status(), None, 0
    under_way: deque[tuple[int, ActionChunk | PoseChunk, ActionChunk | None]] = deque()
    while not status.success and robot.time < loop.time_limit:
        since = robot.time
        states = np.stack([state(seen.state) for seen in history])
        if witness is not None:
            images = {name: np.stack([seen.images[name] for seen in history]) for name in loop.cameras}
            witness(Observation(since, images, states))
        features = runner.features([seen.features for seen in history], states)
        inference = runner.infer(since, features, 0.0, history[-1].state[: robot.arm.dof])
        densities.append(computed_share(inference, loop.blocks))
        chunk = arm.joints(inference.chunk)
        if chunk is not None:
            agreement.add(chunk)
        under_way.append((done + loop.delay, inference.chunk, chunk))
        for step in range(loop.execute):
            if under_way and under_way[0][0] == done:
                arm.smoothness.add(arm.motion, since, robot.time)
                since = robot.time
                _, followed, joints = under_way.popleft()
                if joints is not None:
                    arm.take(joints)
            if followed is not None:
                arm.grip(followed)
            robot.advance(loop.period)
            done += 1
            status = robot.status()
            if status.success:
                break
            # Only the frames that the next inference sees are drawn.
            if loop.execute - step <= loop.observation_steps:
                history.append(_see(robot, runner, loop))
        arm.smoothness.add(arm.motion, since, robot.time)
    return EpisodeResult(
        method=method,
        seed=seed,
        success=bool(status.success),
        message=status.message,
        seconds=round(robot.time, 3),
        density=mean(densities) or 0.0,
        chunks=len(densities),
        rms_jerk=arm.smoothness.rms_jerk,
        peak_jerk=arm.smoothness.peak_jerk,
        rms_acceleration=arm.smoothness.rms_acceleration,
        jump=mean(agreement.jumps),
        bend=mean(agreement.bends),
        clipped=arm.clipped,
        refused=arm.refused,
        violations=arm.violations,
        wall=round(time.monotonic() - began, 3),
    )


def _see(robot: SimulatedRobot, runner: PolicyRunner, loop: EpisodeSettings) -> Seen:
    images = {name: robot.render(name) for name in loop.cameras}
    features = {name: runner.encode(name, image) for name, image in images.items()}
    places = [robot.place(name) for name in loop.signals]
    return Seen(images, features, np.concatenate([robot.state, *places]))


def computed_share(inference: Any, blocks: int | None) -> float:
    """Blocks computed for a chunk, as a share of ``blocks``."""
    mask = inference.mask
    # Samplers with a state say how many steps they ran; the mask is for all of their table.
    return mask.density * inference.steps * mask.pruned.shape[1] / (blocks or mask.pruned.size)
