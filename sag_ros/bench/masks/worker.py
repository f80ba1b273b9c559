"""Episodes with a mask source that is watched, or with one of its masks kept throughout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.masks.options import Options
from sag_ros.bench.masks.phases import phase
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode, decode_mask, digest, encode_mask
from sag_ros.bench.run.episode import EpisodeSettings, robot_for, run_episode
from sag_ros.bench.run.methods import parse_methods


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

    def infer(self, stamp: float, obs_features: np.ndarray, *more: Any) -> Any:
        """As the runner's."""
        inference = self.runner.infer(stamp, obs_features, *more)
        text = encode_mask(inference.mask)
        self.times.append(round(self.robot.time, 3))
        self.phases.append(phase(self.robot))
        self.masks.append(digest(text))
        self.bits[digest(text)] = text
        self.states.append(self.robot.scene_state())
        return inference


class MaskWorker:
    """One robot and one engine for all masks; built in the process that uses it. Raises ValueError."""

    def __init__(self, options: Options) -> None:
        import torch

        torch.set_num_threads(1)
        from sag_ros.engines.runner import PolicyRunner
        from sag_ros.paths import model_folder
        from sag_ros.policy.bundle import load_bundle

        self.bundle = load_bundle(model_folder(options.bundle))
        contract = self.bundle.contract
        (method,) = parse_methods(options.mask_source)
        chosen = {} if options.precision == "auto" else {"precision": options.precision}
        self.runner = PolicyRunner(self.bundle, method.sampler, method.mask_source, options.engine, **chosen)
        self.source = self.runner.mask_source
        self.robot = robot_for(options.task, contract)
        self._loop = EpisodeSettings.of(contract, contract.action_steps, self.robot.task.time_limit)

    def watch(self, method: str, seed: int, mask: str = "") -> tuple[MaskEpisode, RecordingRunner]:
        """One episode, see :class:`Job`, and what was noted on the way."""
        from sag_ros.pruning.mask_sources import FixedMask
        from sag_ros.pruning.static_masks import dense_mask

        adaptive = method == ADAPTIVE
        if adaptive:
            source: Any = self.source
        elif method == DENSE:
            every = dense_mask(len(self.runner.table), self.bundle.dpt.config.blocks)
            source = FixedMask(every, "type", DENSE)
        else:
            source = FixedMask(decode_mask(mask), self.source.reuse, method)
        self.runner.mask_source = source
        seen = RecordingRunner(self.runner, self.robot)
        result = run_episode(self.robot, seen, self._loop, method, seed)
        episode = MaskEpisode(
            method=method,
            seed=seed,
            success=result.success,
            message=result.message,
            seconds=result.seconds,
            distance=round(self.robot.status().distance, 5),
            density=result.density,
            times=seen.times,
            phases=seen.phases,
            masks=seen.masks if adaptive else [],
            bits=seen.bits if adaptive else {},
        )
        return episode, seen

    def run(self, method: str, seed: int, mask: str = "") -> MaskEpisode:
        """One episode, see :class:`Job`."""
        return self.watch(method, seed, mask)[0]
