"""Record scripted demonstrations of a simulated task, in several processes, resumable."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sag_ros.data.demonstrations import DemonstrationWriter, Episode


@dataclass(frozen=True)
class Recording:
    """Arguments of ``sag record``.

    Attributes:
        output: folder of the zarr store; an existing one is continued.
        task: name of the task.
        arm: name of the arm that is simulated.
        episodes: number of successful demonstrations in the store when done.
        seed: of the first episode; episode i is simulated with seed + i.
        disturbance: amplitude of the smooth TCP disturbance while the undisturbed path is the label, m.
        image_size: height and width of the camera images, pixels.
        period: control period, s.
        processes: simulations at a time.
    """

    output: Path = Path("data/pick_release.zarr")
    task: str = "pick_release"
    arm: str = "fr3"
    episodes: int = 400
    seed: int = 0
    disturbance: float = 0.012
    image_size: int = 84
    period: float = 0.05
    processes: int = 2

    def run(self) -> int:
        """Record until the store holds ``episodes`` demonstrations; returns how many attempts failed."""
        writer = DemonstrationWriter(self.output, self._attributes())
        failures = 0
        with (
            multiprocessing.get_context("spawn").Pool(self.processes, prepare, (self,)) as pool,
            tqdm(total=self.episodes, initial=writer.episodes, unit="episode", mininterval=5) as progress,
        ):
            for episode in pool.imap(demonstrate, self._seeds(writer.last_seed)):
                if episode is None:
                    failures += 1
                    continue
                writer.append(episode)
                progress.update()
                if writer.episodes >= self.episodes:
                    pool.terminate()
                    break
        return failures

    def _seeds(self, last: int | None) -> Iterator[int]:
        first = self.seed if last is None else last + 1
        # Bounded, because a pool reads its input ahead; failures are rare.
        yield from range(first, first + 2 * self.episodes)

    def _attributes(self) -> dict[str, object]:
        from sag_ros.robots.registry import find_arm
        from sag_ros.sim.tasks.registry import make_task

        arguments = asdict(self) | {"output": self.output.name}
        return {
            "period": self.period,
            "joints": list(find_arm(self.arm).joints),
            "action": "absolute joint positions (rad), gripper width (m), to be reached one period later",
            "privileged": list(make_task(self.task).privileged_columns),
            "recorder": arguments,
        }


_worker: tuple = ()


def prepare(recording: Recording) -> None:
    """Build simulator and expert once in each process of the pool."""
    global _worker
    from sag_ros.robots.registry import find_arm
    from sag_ros.sim.experts.registry import make_expert
    from sag_ros.sim.robot import SimulatedRobot

    arm = find_arm(recording.arm)
    robot = SimulatedRobot(recording.task, recording.image_size, arm)
    _worker = recording, robot, make_expert(recording.task, recording.period, recording.disturbance, arm)


def demonstrate(seed: int) -> Episode | None:
    """One demonstration, or None if the expert failed."""
    from sag_ros.sim.experts.plan import apply_width

    recording, robot, expert = _worker
    robot.reset(seed)
    plan = expert.plan(robot, np.random.default_rng([seed, 1]))
    robot.controller.accept(plan.motion(robot.time), robot.time)
    images: dict[str, list[np.ndarray]] = {"front": [], "wrist": []}
    state, action, privileged, width = [], [], [], None
    for n in range(len(plan.time) - 1):
        for camera, frames in images.items():
            frames.append(robot.render(camera))
        state.append(robot.state)
        privileged.append(robot.privileged)
        action.append(np.r_[plan.reference[n + 1], plan.width[n + 1]])
        if plan.width[n] != width:
            width = plan.width[n]
            apply_width(robot, width)
        robot.advance(recording.period)
        status = robot.status()
    if not status.success:
        return None
    return Episode(
        images={camera: np.stack(frames) for camera, frames in images.items()},
        state=np.array(state, np.float32),
        action=np.array(action, np.float32),
        privileged=np.array(privileged, np.float32),
        seed=seed,
    )
