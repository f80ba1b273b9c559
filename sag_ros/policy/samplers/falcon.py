"""Falcon (arXiv 2503.00339): start from a partly denoised past chunk instead of from noise. No training.

Samples of past chunks are kept at several noise levels. A new chunk shifts them by the executed actions, lets
the network estimate the clean chunk of each under the current observation, and starts from the one with the
least noise whose estimate agrees with what was predicted before for the same tokens; else, and with a small
probability in any case, from noise.

Where this departs from the paper, or decides what its description leaves open: estimates are made one after
the other, from the least noise on, until one agrees, since each costs an evaluation of the network and there
are no batches here. Agreement is a root mean square over the executed tokens that overlap. Tokens behind the
old horizon are the last estimated action, noised to the level of the others: pure noise there would be read
as an action at low levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.samplers.ddim import ddim_of
from sag_ros.policy.samplers.ddpm import ddpm_of
from sag_ros.policy.samplers.protocol import Estimate, Float32, Start, with_sample
from sag_ros.policy.samplers.spec import SamplerSpec
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod
from sag_ros.values import frozen


@dataclass(frozen=True)
class FalconSettings:
    """Constants of Falcon.

    Attributes:
        remaining: shares of the table's steps that are still to run from each kept sample; the smallest is
            the least that is denoised under any observation.
        threshold: largest root mean square difference between estimate and previous prediction, normalised
            actions.
        explore: probability of starting from noise anyway.
        overlap: least share of the executed tokens that a kept sample must cover.
    """

    remaining: tuple[float, ...] = (0.1, 0.2, 0.35, 0.5)
    threshold: float = 0.06
    explore: float = 0.1
    overlap: float = 0.5

    def __post_init__(self) -> None:
        if not self.remaining or not all(0.0 < share < 1.0 for share in self.remaining):
            raise ValueError(f"Falcon keeps samples at shares between 0 and 1; got {self.remaining}")
        if not 0.0 <= self.explore <= 1.0 or not 0.0 < self.overlap <= 1.0 or not self.threshold >= 0.0:
            raise ValueError(
                "Falcon needs explore in [0, 1], overlap in (0, 1] and a threshold of at least 0; "
                f"got {self.explore}, {self.overlap}, {self.threshold}"
            )


DEFAULTS = FalconSettings()


class FalconSampler:
    """Keeps the last prediction, and for each of a few steps the newest sample before it with its age."""

    whole_horizon = True
    traced = True

    def __init__(self, table: CoefficientTable, executed: slice, settings: FalconSettings = DEFAULTS) -> None:
        """
        Args:
            table: without coefficients per token.
            executed: tokens To - 1 ... To - 1 + Ta - 1.
        """
        self.name = f"falcon{'' if table.name == 'ddpm' else len(table)}"
        self.table, self.settings = table, settings
        steps = len(table)
        kept = {steps - max(round(share * steps), 1) for share in settings.remaining}
        self.steps = tuple(sorted((step for step in kept if step > 0), reverse=True))
        self._alpha_bar = cosine_alphas_cumprod(table.train_steps)[table.timesteps]
        self._executed = executed
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all samples; ``seed`` is of the exploration."""
        self._rng = np.random.default_rng((seed, 1))
        self._predicted: Float32 | None = None
        self._kept: dict[int, tuple[Float32, int]] = {}  # step -> sample, actions executed since

    def begin(
        self, shift: float | None, noise: Float32, starts: NDArray[np.bool_], estimate: Estimate
    ) -> Start:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`; whole actions count."""
        shift = None if shift is None else round(shift)
        predicted, explores = self._predicted, self._rng.random() < self.settings.explore
        if predicted is None or shift is None or shift < 0:
            self._kept.clear()
            return Start(noise, 0)
        self._kept = {step: (sample, age + shift) for step, (sample, age) in self._kept.items()}
        self._kept = {step: kept for step, kept in self._kept.items() if self._covered(len(noise), kept[1])}
        if explores or not self._covered(len(noise), shift):
            return Start(noise, 0)
        for step in self.steps:
            if step not in self._kept or not starts[step]:
                continue
            sample, age = self._kept[step]
            scale = np.sqrt(1.0 - self._alpha_bar[step])
            begun = (scale * noise).astype(np.float32)
            common = len(noise) - age
            begun[:common] = sample[age:]
            clean = estimate(begun, step)  # causal: tokens behind the overlap do not matter to it
            tokens = slice(self._executed.start, min(common, len(noise) - shift, self._executed.stop))
            previous = predicted[tokens.start + shift : tokens.stop + shift]
            if float(np.sqrt(np.mean((clean[tokens] - previous) ** 2))) <= self.settings.threshold:
                begun[common:] += np.float32(np.sqrt(self._alpha_bar[step])) * clean[common - 1]
                return Start(begun, step)
        return Start(noise, 0)

    def _covered(self, horizon: int, age: int) -> bool:
        """Whether a sample of that age still covers enough of the executed tokens."""
        start, stop = self._executed.start, self._executed.stop
        needed = max(1, round(self.settings.overlap * (stop - start)))
        return min(horizon - age, stop) - start >= needed

    def noise(self, start: Start, noise: Float32) -> Float32:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`."""
        return with_sample(start, noise)

    def end(self, start: Start, trace: Float32) -> None:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`."""
        self._predicted = frozen(trace[-1].copy())
        for step in self.steps:
            if step >= start.first_step:
                self._kept[step] = frozen(trace[step].copy()), 0


def _build(contract: Contract, steps: int | None) -> FalconSampler:
    """On DDPM, or with a number on DDIM."""
    table = (ddpm_of if steps is None else ddim_of)(contract.diffusion.steps, steps, contract.clip)
    return FalconSampler(table, contract.executed)


SAMPLER = SamplerSpec("falcon", _build)
