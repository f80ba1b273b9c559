"""Streaming Diffusion Policy (arXiv 2406.04806): the horizon is a queue of segments at rising noise levels.

A query denoises every segment by K / h levels, h being the number of segments: the first one becomes clean
and is executed, the others move up, and pure noise is appended. Needs weights trained for it.

Where this departs from the paper: DP-T has one time token, so the levels of all tokens follow from one
number, the phase (the level of the first segment), which is what the network is told; the paper tells it one
level for each token. In the first chunk of an episode the segments behind the first one wait as pure noise
until their turn comes, which takes K steps and ends at exactly the levels of all later chunks; the paper's
code denoises the whole horizon and noises it again. And where fewer than Ta actions were executed, what is
too clean for its place in the queue is noised to the level there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.samplers.ddpm import ddpm_table
from sag_ros.policy.samplers.protocol import Estimate, Float32, Start, with_sample
from sag_ros.policy.samplers.spec import SamplerSpec
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod
from sag_ros.values import frozen

WAIT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)  # the row that leaves a token as it is


@dataclass(frozen=True)
class Segments:
    """How a horizon is cut into h segments, and the noise levels of their tokens.

    Segment 0 is the To - 1 tokens of the past and the Ta executed ones, each further segment is Ta tokens.
    A level is the index of the cumulated alpha that a sample has; -1 is clean, K - 1 pure noise.

    Attributes:
        steps: K.
        horizon, observation_steps, action_steps: T, To, Ta with T = To - 1 + h Ta.

    Raises:
        ValueError: not at least two whole segments, or K is no multiple of h.
    """

    steps: int
    horizon: int
    observation_steps: int
    action_steps: int

    def __post_init__(self) -> None:
        past, length = self.observation_steps - 1, self.action_steps
        count, rest = divmod(self.horizon - past, length)
        if rest or count < 2:
            raise ValueError(
                f"streaming needs a horizon of To - 1 + h Ta = {past} + h * {length} tokens, h >= 2; the "
                f"policy has {self.horizon}; train with horizon {past + max(count, 2) * length} "
                "(sag train streaming)"
            )
        if self.steps % count:
            raise ValueError(
                f"{self.steps} diffusion steps are no multiple of the {count} segments; change one of them"
            )

    @property
    def count(self) -> int:
        """h."""
        return (self.horizon - self.observation_steps + 1) // self.action_steps

    @property
    def stride(self) -> int:
        """K / h: steps of one query, and levels between neighbouring segments."""
        return self.steps // self.count

    @property
    def of_token(self) -> NDArray[np.int64]:
        """(T,) segment of each token."""
        tokens = np.arange(self.horizon, dtype=np.int64)
        return np.maximum(tokens - (self.observation_steps - 1), 0) // self.action_steps

    def levels(self, phase: int) -> NDArray[np.int64]:
        """(T,) levels while the first segment is at level ``phase``; K and above: waiting as pure noise."""
        return phase + self.stride * self.of_token

    def table(self, clip: float = 1.0) -> CoefficientTable:
        """DDPM for each token at its level: K steps, the last ``stride`` of which are a later query."""
        rows = ddpm_table(self.steps, clip).coefficients
        phases = np.arange(self.steps - 1, -1, -1, dtype=np.int64)
        coefficients = np.empty((self.steps, self.horizon, rows.shape[1]))
        for step, phase in enumerate(phases.tolist()):
            levels = self.levels(phase)
            active = levels < self.steps
            coefficients[step, active] = rows[self.steps - 1 - levels[active]]
            coefficients[step, ~active] = WAIT
        return CoefficientTable(phases, coefficients, clip, self.steps, "streaming")

    def shifted(self, kept: Float32, shift: int, noise: Float32) -> Float32:
        """What a query begins with, after ``shift`` of the actions of the last one were executed.

        Args:
            kept: (..., T, A), the sample after the last query: segment s at level s * stride - 1.
            shift: 0 ... Ta.
            noise: (..., T, A), standard normal.

        Returns:
            (..., T, A), segment s at level (s + 1) * stride - 1. A token that comes from the segment before
            is noised up to that level, which holds for those of the past, too.

        Raises:
            ValueError: ``shift`` out of range.
        """
        if not 0 <= shift <= self.action_steps:
            raise ValueError(f"a queue moves by 0 to {self.action_steps} actions; got {shift}")
        alpha_bar = np.append(cosine_alphas_cumprod(self.steps), 1.0)  # [-1] is clean
        own = self.of_token
        remaining = self.horizon - shift
        before = alpha_bar[own[shift:] * self.stride - 1]
        now = alpha_bar[(own[:remaining] + 1) * self.stride - 1]
        ratio = (now / before)[:, None]
        sample = noise.copy()
        sample[..., :remaining, :] *= np.sqrt(1.0 - ratio)
        sample[..., :remaining, :] += np.sqrt(ratio) * kept[..., shift:, :]
        return sample


class StreamingSampler:
    """Keeps the queue from chunk to chunk; begins anew where more than Ta actions passed."""

    name = "streaming"
    whole_horizon = True
    traced = True

    def __init__(self, segments: Segments, clip: float = 1.0) -> None:
        self.segments = segments
        self.table = segments.table(clip)
        self._kept: Float32 | None = None

    def reset(self, seed: int) -> None:
        """Forget the queue."""
        self._kept = None

    def begin(
        self, shift: float | None, noise: Float32, starts: NDArray[np.bool_], estimate: Estimate
    ) -> Start:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`; whole actions count."""
        segments, shift = self.segments, None if shift is None else round(shift)
        if self._kept is None or shift is None or not 0 <= shift <= segments.action_steps:
            return Start(noise, 0)
        sample = segments.shifted(self._kept, shift, noise)
        return Start(sample, segments.steps - segments.stride)

    def noise(self, start: Start, noise: Float32) -> Float32:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`."""
        return with_sample(start, noise)

    def end(self, start: Start, trace: Float32) -> None:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`. A queue that is not finite is not kept: it
        would never become so again."""
        self._kept = frozen(trace[-1].copy()) if np.isfinite(trace[-1]).all() else None


def _build(contract: Contract, steps: int | None) -> StreamingSampler:
    K = contract.diffusion.steps
    if steps is not None:
        raise ValueError(f"streaming runs the {K} steps of its training; got streaming{steps}, use streaming")
    segments = Segments(K, contract.horizon, contract.observation_steps, contract.action_steps)
    return StreamingSampler(segments, contract.clip)


SAMPLER = SamplerSpec("streaming", _build, training="streaming", first=True)
