"""Episodes with a mask source that is watched, or with one of its masks kept throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode, decode_mask, digest, encode_mask
from sag_ros.bench.run.pool import run, worker_pool


@dataclass(frozen=True)
class Setting:
    """What every process of a study needs to know; see ``bench.masks.Options``."""

    bundle: str
    task: str
    mask_source: str
    engine: str
    precision: str


@dataclass(frozen=True)
class Job:
    """One episode; ``mask`` is the encoded mask to be kept, empty for ``adaptive`` and ``dense``."""

    method: str
    seed: int
    mask: str = ""


@dataclass
class RecordingRunner:
    """A runner that also notes when it is asked, in which phase, and with which mask it answers.

    ``states`` holds what is needed to draw the moments.
    """

    runner: Any
    robot: Any
    times: list[float] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    bits: dict[str, str] = field(default_factory=dict)
    states: list[Any] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.runner, name)

    def infer(self, stamp: float, obs_features: np.ndarray) -> Any:
        """As the runner's."""
        from sag_ros.bench.masks.phases import phase, situation

        inference = self.runner.infer(stamp, obs_features)
        text = encode_mask(inference.mask)
        self.times.append(round(self.robot.time, 3))
        self.phases.append(phase(situation(self.robot)))
        self.masks.append(digest(text))
        self.bits[digest(text)] = text
        self.states.append(self.robot.scene_state())
        return inference


class MaskWorker:
    """One robot and one engine for all masks; built in the process that uses it. Raises ValueError."""

    def __init__(self, setting: Setting) -> None:
        import torch

        torch.set_num_threads(1)
        from sag_ros.bench.run.episode import EpisodeSettings
        from sag_ros.bench.run.methods import parse_methods
        from sag_ros.engines.runner import PolicyRunner
        from sag_ros.paths import model_folder
        from sag_ros.policy.bundle import load_bundle
        from sag_ros.sim.robot import SimulatedRobot

        self.bundle = load_bundle(model_folder(setting.bundle))
        contract = self.bundle.contract
        (method,) = parse_methods(setting.mask_source)
        chosen = {} if setting.precision == "auto" else {"precision": setting.precision}
        self.runner = PolicyRunner(self.bundle, method.sampler, method.mask_source, setting.engine, **chosen)
        self.source = self.runner.mask_source
        camera = next(iter(contract.cameras.values()))
        self.robot = SimulatedRobot(setting.task, (camera.height, camera.width))
        limit, steps = self.robot.task.time_limit, contract.observation_steps
        self._loop = EpisodeSettings(
            tuple(contract.cameras), contract.control_period, steps, contract.action_steps, limit
        )

    def watch(self, job: Job) -> tuple[MaskEpisode, RecordingRunner]:
        """One episode and what was noted on the way."""
        from sag_ros.bench.run.episode import run_episode
        from sag_ros.pruning.mask_sources import FixedMask
        from sag_ros.pruning.static_masks import dense_mask

        steps, blocks = len(self.runner.table), self.bundle.dpt.config.blocks
        if job.method == ADAPTIVE:
            source: Any = self.source
        elif job.method == DENSE:
            source = FixedMask(dense_mask(steps, blocks), "type", DENSE)
        else:
            source = FixedMask(decode_mask(job.mask), self.source.reuse, job.method)
        self.runner.mask_source = source
        seen = RecordingRunner(self.runner, self.robot)
        result = run_episode(self.robot, seen, self._loop, job.method, job.seed)
        episode = MaskEpisode(
            method=job.method,
            seed=job.seed,
            success=result.success,
            message=result.message,
            seconds=result.seconds,
            distance=round(self.robot.status().distance, 5),
            density=result.density,
            times=seen.times,
            phases=seen.phases,
            masks=seen.masks if job.method == ADAPTIVE else [],
            bits=seen.bits if job.method == ADAPTIVE else {},
        )
        return episode, seen

    def run(self, job: Job) -> MaskEpisode:
        """One episode."""
        return self.watch(job)[0]


def play(setting: Setting, worker: MaskWorker, jobs: list[Job], processes: int) -> Iterator[MaskEpisode]:
    """Run the jobs; episodes in the order in which they end."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield worker.run(job)
        return
    with worker_pool(MaskWorker, setting, processes) as pool:
        yield from pool.imap_unordered(run, [(job,) for job in jobs])
