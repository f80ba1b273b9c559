"""Where a mask comes from: one of the three independent axes (sampler, mask source, engine).

A source also states its reuse rule, the cached residual that a pruned block reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner, build_pruner, stored_pruner
from sag_ros.pruning.static_masks import dense_mask, forced_blocks, random_mask, uniform_mask
from sag_ros.pruning.stored import load_schedule, mask_of, schedule_key
from sag_ros.values import Mask, frozen

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


FRESH_CROSS_ATTENTION = "+ca"  # behind a name: see FreshCrossAttention


class MaskSource(Protocol):
    """Decides once per inference which blocks are pruned.

    One that chooses from few masks has them in an attribute ``masks``.
    """

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
        self.masks = (Mask(frozen(mask.pruned.copy())),)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """The fixed mask; ``obs_features`` are not looked at."""
        return self.masks[0]


class SagMask:
    """The mask predicted from the observation by the pruner G_psi, in torch."""

    def __init__(self, pruner: Pruner, name: str = "sag", reuse: Reuse = "type") -> None:
        self.name, self.reuse = name, reuse
        self._pruner = pruner.eval()
        self._forced = forced_blocks(pruner.config.blocks, reuse)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L) of the pruner."""
        with torch.inference_mode():
            pruned = self._pruner.mask(torch.as_tensor(obs_features)[None])[0].numpy()
        pruned[0, : self._forced] = False
        return Mask(pruned)


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


# Executes a pruner: (pruner, name, reuse rule) -> source.
Execute = Callable[[Pruner, str, Reuse], MaskSource]


@dataclass(frozen=True)
class Request:
    """What is to be built.

    Attributes:
        bundle: the policy.
        steps: of the sampler.
        name: as the user wrote it.
        number: the number at its end, or None.
        execute: how pruners are executed.
    """

    bundle: PolicyBundle
    steps: int
    name: str
    number: int | None
    execute: Execute

    @property
    def blocks(self) -> int:
        """3L."""
        return self.bundle.contract.blocks

    def number_or(self, default: int) -> int:
        """The number, or ``default`` without one."""
        return default if self.number is None else self.number


def _dense(request: Request) -> MaskSource:
    return FixedMask(dense_mask(request.steps, request.blocks), "type", "dense")


def _uniform(request: Request) -> MaskSource:
    every = request.number_or(10)
    return FixedMask(uniform_mask(request.steps, request.blocks, every), "block", f"uniform{every}")


def _random(request: Request) -> MaskSource:
    percent = request.number_or(9)
    mask = random_mask(request.steps, request.blocks, percent / 100, seed=0)
    return FixedMask(mask, "type", f"random{percent}")


def _stored(request: Request) -> MaskSource:
    """A schedule that was searched or trained for this policy (``pruning.stored``)."""
    key = schedule_key(request.name, request.steps, request.bundle.contract.diffusion.steps)
    schedule = load_schedule(request.bundle, key)
    if schedule.steps != request.steps:
        raise ValueError(f"schedule {key!r} is for {schedule.steps} steps, the sampler runs {request.steps}")
    if schedule.state is None:
        return FixedMask(mask_of(schedule), schedule.reuse, request.name)
    return request.execute(stored_pruner(request.bundle, schedule), request.name, schedule.reuse)


def _sag(request: Request) -> MaskSource:
    """The bundle's own pruner; with a number or another sampler one that is stored beside it."""
    if request.number is not None or request.steps != request.bundle.contract.diffusion.steps:
        return _stored(request)
    return request.execute(build_pruner(request.bundle), "sag", "type")


Builder = Callable[[Request], MaskSource]
MASK_SOURCES: dict[str, Builder] = {
    "dense": _dense,
    "uniform": _uniform,
    "random": _random,
    "sag": _sag,
    "sag_mean": _stored,
    "sag_block": _stored,
    "sag_budget": _stored,
    "sag_choice": _stored,
    "bac": _stored,
    "evo": _stored,
    "l2c": _stored,
}


def build_mask_source(name: str, bundle: PolicyBundle, steps: int, execute: Execute = SagMask) -> MaskSource:
    """Mask source ``name`` for ``bundle`` under a sampler of ``steps`` steps.

    Args:
        name: key of ``MASK_SOURCES``, optionally with a number: ``uniform10`` refreshes every 10th step,
            ``random9``, ``sag9``, ``bac9`` compute 9 % of the blocks. With ``+ca`` behind it no
            cross-attention is pruned.
        execute: executor of pruners.

    Raises:
        ValueError: unknown name, or the bundle has no (fitting) pruner or schedule.
    """
    if name.endswith(FRESH_CROSS_ATTENTION):
        base = name.removesuffix(FRESH_CROSS_ATTENTION)
        return FreshCrossAttention(build_mask_source(base, bundle, steps, execute))
    match = re.fullmatch(r"([a-z_]+(?:\d+[a-z_]+)*)(\d+)?", name)
    if match is None or match[1] not in MASK_SOURCES:
        known = f"{', '.join(MASK_SOURCES)}, with N as in uniform10, and +ca"
        raise ValueError(f"mask source {name!r} does not exist; available: {known}")
    number = int(match[2]) if match[2] else None
    return MASK_SOURCES[match[1]](Request(bundle, steps, name, number, execute))
