"""Real-time chunking (Black et al. 2025, arXiv 2506.07339) for a diffusion policy, without training.

A chunk takes time, and the arm goes on with the one before meanwhile: what it will have done by then is
committed. It is kept: before every denoising step the committed tokens are set to the old chunk, noised to
that step's level (inpainting, as RePaint, arXiv 2201.09865), so that the rest of the new chunk is one that
goes on from there. Behind them the old chunk is let go of token by token: a token is held for a share of
the steps that falls along the horizon as that paper's soft mask, so it decides coarsely, and finely where
it is near.

Where this departs from the paper, or decides what its description leaves open: the paper guides flow
matching by the gradient of the network, which is a backward pass in each step; here nothing but samples is
exchanged, so every engine that takes a row of coefficients for each token does it: a held token's row
passes on what it is given as noise. A chunk without one before it, or after too long a time, is sampled in
``FIRST`` dense steps and then completed as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.policy.samplers.ddim import ddim_of
from sag_ros.policy.samplers.ddpm import ddpm_of
from sag_ros.policy.samplers.protocol import Estimate, Float32, Start
from sag_ros.policy.samplers.spec import SamplerSpec
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod
from sag_ros.values import frozen

FIRST = 10  # steps in which a chunk is sampled that has none before it
RELATIVE = ("joint_offset", "joint_step")


@dataclass(frozen=True)
class RtcSettings:
    """Constants of real-time chunking.

    Attributes:
        committed: actions of the old chunk that are executed before a new one can be: the delay in control
            periods, rounded up.
        released: actions behind those over which it is let go of.
    """

    committed: int = 2
    released: int = 4

    def __post_init__(self) -> None:
        if self.committed < 1 or self.released < 0:
            raise ValueError(
                "real-time chunking commits at least 1 action and releases over 0 or more; "
                f"got {self.committed}, {self.released}"
            )


DEFAULTS = RtcSettings()


class RtcSampler:
    """Keeps the last chunk; a new one begins with the part of it that is committed."""

    whole_horizon = True
    traced = True

    def __init__(
        self, table: CoefficientTable, horizon: int, executed: slice, settings: RtcSettings = DEFAULTS
    ) -> None:
        """
        Args:
            table: of n steps, without coefficients per token.
            horizon: T. executed: tokens To - 1 ... To - 1 + Ta - 1.

        Raises:
            ValueError: more is committed and released than a chunk executes.
        """
        most = executed.stop - executed.start
        if settings.committed + settings.released > most:
            raise ValueError(
                f"real-time chunking would hold {settings.committed} + {settings.released} actions, a chunk "
                f"has {most}; commit or release fewer"
            )
        self.name = f"rtc{'' if table.name == 'ddpm' else len(table)}"
        steps = len(table)
        alpha_bar = cosine_alphas_cumprod(table.train_steps)[table.timesteps]
        self._now, self._after = alpha_bar, np.append(alpha_bar[1:], 1.0)
        shares = held_shares(horizon, executed.start, settings)
        # (n, T): the sample after step i is given, not computed.
        self._held = np.arange(steps)[:, None] < np.round(shares * steps)[None]
        self._last = int(np.flatnonzero(shares)[-1])
        self._scale = table.coefficients[:, 5].astype(np.float32)
        self.table = self._with_rows_for_tokens(table, horizon)
        self.reset(0)

    def _with_rows_for_tokens(self, table: CoefficientTable, horizon: int) -> CoefficientTable:
        rows = np.repeat(table.coefficients[:, None], horizon, axis=1)
        rows[..., 2:5][self._held] = 0.0
        rows[..., 5] = 1.0  # noise comes scaled, or is the sample itself
        return CoefficientTable(table.timesteps.copy(), rows, table.clip, table.train_steps, self.name)

    def reset(self, seed: int) -> None:
        """Forget the last chunk."""
        self._chunk: Float32 | None = None

    def begin(
        self, shift: float | None, noise: Float32, starts: NDArray[np.bool_], estimate: Estimate
    ) -> Start:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`. It starts with the chunk to go on with."""
        old = self._chunk
        if old is None or shift is None or not 0.0 <= shift <= len(old) - 1 - self._last:
            return Start(self._sampled(noise, estimate), 0)
        # Between two of its actions where chunks come faster than actions; behind its end nothing is held.
        places = np.minimum(np.arange(len(old)) + shift, len(old) - 1)
        before = np.minimum(places.astype(int), len(old) - 2)
        share = (places - before)[:, None]
        begun = (1.0 - share) * old[before] + share * old[before + 1]
        return Start(begun.astype(np.float32), 0)

    def _sampled(self, noise: Float32, estimate: Estimate) -> Float32:
        """A chunk from ``noise`` (T, A) by deterministic sampling with a few of the table's steps."""
        x = noise.astype(np.float64)
        steps = np.unique(np.linspace(0, len(self._now) - 1, FIRST).astype(int))
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            clean = estimate(x.astype(np.float32), int(step)).astype(np.float64)
            now = self._now[step]
            after = 1.0 if following is None else self._now[following]
            eps = (x - np.sqrt(now) * clean) / np.sqrt(1.0 - now)
            x = np.sqrt(after) * clean + np.sqrt(1.0 - after) * eps
        return frozen(x.astype(np.float32))

    def noise(self, start: Start, noise: Float32) -> Float32:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`: with what is held in it."""
        old = start.sample[None]
        signal, deviation = np.sqrt(self._after), np.sqrt(1.0 - self._after)
        given = noise.copy()
        known = signal[:, None, None] * old + deviation[:, None, None] * noise[1:]
        given[1:] = np.where(self._held[..., None], known, self._scale[:, None, None] * noise[1:])
        held = self._held[0]  # the first sample, too
        first = np.sqrt(self._now[0]) * old[0] + np.sqrt(1.0 - self._now[0]) * noise[0]
        given[0, held] = first[held]
        return given

    def end(self, start: Start, trace: Float32) -> None:
        """See :class:`sag_ros.policy.samplers.protocol.Sampler`. One that is not finite is not kept."""
        self._chunk = frozen(trace[-1].copy()) if np.isfinite(trace[-1]).all() else None


def held_shares(horizon: int, first: int, settings: RtcSettings) -> NDArray[np.float64]:
    """(T,) share of the steps for which each token is held: 1 up to the committed ones, then falling as the
    soft mask of real-time chunking (equation 5), 0 behind what is released.

    Args:
        horizon: T. first: the first token that is executed.
    """
    shares = np.zeros(horizon)
    free = first + settings.committed
    shares[:free] = 1.0
    left = np.arange(settings.released, 0, -1) / (settings.released + 1)
    shares[free : free + settings.released] = left * np.expm1(left) / np.expm1(1.0)
    return shares


def _build(contract: Contract, steps: int | None) -> RtcSampler:
    """On DDPM, or with a number on DDIM."""
    relative = contract.tcp is not None and contract.tcp.relative != "no"
    if relative or contract.action[0].meaning in RELATIVE:
        raise ValueError(
            "real-time chunking goes on with the numbers of the chunk before, and this policy's actions lead "
            "away from each new observation; take another sampler"
        )
    table = (ddpm_of if steps is None else ddim_of)(contract.diffusion.steps, steps, contract.clip)
    return RtcSampler(table, contract.horizon, contract.executed)


SAMPLER = SamplerSpec("rtc", _build)
