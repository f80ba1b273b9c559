"""One policy that can be computed in several ways, the dearest first; one of them is chosen at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.runner import Features, Inference, PolicyRunner


@dataclass(frozen=True)
class Rung:
    """One way.

    Attributes:
        name: for a person: sampler, mask source, and how often it succeeds.
        runner: that computes it.
        ms: what pruner, plan and denoising took on this machine, median.
    """

    name: str
    runner: PolicyRunner
    ms: float


class Ladder:
    """Behaves as the runner of the chosen rung; frames are encoded by that of the first one.

    Args:
        rungs: at least one; all of one bundle.
    """

    def __init__(self, rungs: Sequence[Rung]) -> None:
        if not rungs:
            raise ValueError("a ladder needs at least one rung")
        self.rungs = tuple(rungs)
        self._chosen = self.rungs[0]

    @property
    def chosen(self) -> Rung:
        """The rung that computes the next chunk."""
        return self._chosen

    def choose(self, index: int) -> None:
        """Let rung ``index`` compute from the next chunk on. To be called by the thread that infers."""
        self._chosen = self.rungs[index]

    def encode(self, camera: str, image: NDArray[np.uint8]) -> Features:
        """See PolicyRunner."""
        return self.rungs[0].runner.encode(camera, image)

    def features(self, frames: Sequence[Mapping[str, Features]], states: NDArray[np.floating]) -> Features:
        """See PolicyRunner."""
        return self.rungs[0].runner.features(frames, states)

    def infer(
        self,
        stamp: float,
        obs_features: Features,
        encode_ms: float = 0.0,
        observed: NDArray[np.floating] | None = None,
    ) -> Inference:
        """See PolicyRunner."""
        return self._chosen.runner.infer(stamp, obs_features, encode_ms, observed)

    def reset(self, seed: int) -> None:
        """Begin an episode on the first rung, the noise of all coming from ``seed``."""
        self._chosen = self.rungs[0]
        for rung in self.rungs:
            rung.runner.reset(seed)
