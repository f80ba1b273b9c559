"""Where a mask comes from: one of the three independent axes (sampler, mask source, engine).

A source also states its reuse rule, the cached residual that a pruned block reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import FORCED_BLOCKS, Pruner, build_pruner
from sag_ros.values import Mask, frozen

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


FRESH_CROSS_ATTENTION = "+ca"  # behind a name: see FreshCrossAttention


class MaskSource(Protocol):
    """Decides once per inference which blocks are pruned."""

    @property
    def name(self) -> str:
        """Name in the registry or a label for tables."""
        ...

    @property
    def reuse(self) -> Reuse:
        """What a pruned block reads."""
        ...

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) float32 observation features -> mask (K, 3L)."""
        ...


class FixedMask:
    """The same mask for every observation: the base of all static schedules."""

    def __init__(self, mask: Mask, reuse: Reuse = "type", name: str = "fixed") -> None:
        self.name, self.reuse = name, reuse
        self._mask = Mask(frozen(mask.pruned.copy()))

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """The fixed mask; ``obs_features`` are not looked at."""
        return self._mask


class SagMask:
    """The mask predicted from the observation by the pruner G_psi, in torch."""

    name = "sag"
    reuse: Reuse = "type"

    def __init__(self, pruner: Pruner) -> None:
        self._pruner = pruner.eval()

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L) of the pruner."""
        with torch.inference_mode():
            return Mask(self._pruner.mask(torch.as_tensor(obs_features)[None])[0].numpy())


class FreshCrossAttention:
    """Another source's masks with no cross-attention pruned: *not* the published method.

    Folded per head, cross-attention costs a twentieth of the other blocks, so a policy may afford it
    everywhere. What is reused from it then differs from what the pruner was trained with.
    """

    def __init__(self, source: MaskSource) -> None:
        self.name, self.reuse = f"{source.name}{FRESH_CROSS_ATTENTION}", source.reuse
        self._source = source
        self._last: tuple[Mask, Mask] | None = None

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L); the same object while the source gives the same."""
        mask = self._source.mask(obs_features)
        if self._last is None or self._last[0] is not mask:
            pruned = mask.pruned.copy()
            pruned[:, 1::3] = False
            self._last = mask, Mask(frozen(pruned))
        return self._last[1]


def dense_mask(steps: int, blocks: int) -> Mask:
    """Nothing pruned."""
    return Mask(np.zeros((steps, blocks), np.bool_))


def uniform_mask(steps: int, blocks: int, every: int) -> Mask:
    """All blocks of every ``every``-th step, none in between (EfficientVLA, arXiv 2506.10100, step cache)."""
    if every < 1:
        raise ValueError(f"a uniform schedule refreshes every N-th step, N >= 1; got {every}")
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[::every] = False
    return Mask(pruned)


def random_mask(steps: int, blocks: int, density: float, seed: int, reuse: Reuse = "type") -> Mask:
    """``density`` of the blocks computed, at random places; always valid. For tests and timing."""
    if not 0.0 <= density <= 1.0:
        raise ValueError(f"density must be in [0, 1]; got {density}")
    forced = FORCED_BLOCKS if reuse == "type" else blocks
    pruned = np.ones(steps * blocks, np.bool_)
    pruned[:forced] = False
    others = max(round(density * steps * blocks) - forced, 0)
    pruned[np.random.default_rng(seed).permutation(np.arange(forced, steps * blocks))[:others]] = False
    return Mask(pruned.reshape(steps, blocks))


def _dense(bundle: PolicyBundle, steps: int, number: int | None) -> MaskSource:
    return FixedMask(dense_mask(steps, bundle.dpt.config.blocks), "type", "dense")


def _uniform(bundle: PolicyBundle, steps: int, number: int | None) -> MaskSource:
    every = 10 if number is None else number
    return FixedMask(uniform_mask(steps, bundle.dpt.config.blocks, every), "block", f"uniform{every}")


def _random(bundle: PolicyBundle, steps: int, number: int | None) -> MaskSource:
    percent = 9 if number is None else number
    mask = random_mask(steps, bundle.dpt.config.blocks, percent / 100, seed=0)
    return FixedMask(mask, "type", f"random{percent}")


def _sag(bundle: PolicyBundle, steps: int, number: int | None) -> MaskSource:
    pruner = build_pruner(bundle)
    require_steps(pruner.config.steps, steps)
    return SagMask(pruner)


def require_steps(trained: int, steps: int) -> None:
    """Raise ValueError when the pruner's steps are not the sampler's."""
    if trained != steps:
        raise ValueError(f"the pruner decides for {trained} steps, the sampler runs {steps}; use ddpm")


# builder(bundle, sampler steps, number in the name or None)
Builder = Callable[["PolicyBundle", int, "int | None"], MaskSource]
MASK_SOURCES: dict[str, Builder] = {"dense": _dense, "uniform": _uniform, "random": _random, "sag": _sag}


def build_mask_source(
    name: str, bundle: PolicyBundle, steps: int, builders: Mapping[str, Builder] = MASK_SOURCES
) -> MaskSource:
    """Mask source ``name`` for ``bundle`` under a sampler of ``steps`` steps.

    Args:
        name: key of ``builders``, optionally with a number: ``uniform10`` refreshes every 10th step,
            ``random9`` computes 9 % of the blocks. With ``+ca`` behind it no cross-attention is pruned.

    Raises:
        ValueError: unknown name, or the bundle has no (fitting) pruner.
    """
    if name.endswith(FRESH_CROSS_ATTENTION):
        base = name.removesuffix(FRESH_CROSS_ATTENTION)
        return FreshCrossAttention(build_mask_source(base, bundle, steps, builders))
    match = re.fullmatch(r"([a-z_]+?)(\d+)?", name)
    if match is None or match[1] not in builders:
        known = f"{', '.join(builders)}, with N as in uniform10, and +ca"
        raise ValueError(f"mask source {name!r} does not exist; available: {known}")
    return builders[match[1]](bundle, steps, int(match[2]) if match[2] else None)
