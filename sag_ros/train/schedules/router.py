"""The router of Learning-to-Cache (arXiv 2406.01733): one share beta for every (step, block), learned.

A frozen policy runs with ``h += beta * fresh + (1 - beta) * cached``, each block with its own cache; the
loss is the squared distance of the generated actions to a target plus ``penalty * mean(beta)``. Blocks whose
beta ends below a threshold are pruned for every observation: a static schedule with reuse rule ``block``.

What differs from the publication, and why:

- There, every second step is computed whole and only the others are routed (``whole_every = 2`` here), so at
  least half of the work stays. By default only the first step, which has nothing to reuse, is whole here.
- There, beta is learned one step at a time, on the output of that step. Here the whole chunk is generated, so
  that what one step leaves in a cache is judged by the steps that read it.
- Logits start at 0 instead of at random: with few iterations a random start would decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.rollout import sparse_rollout
from sag_ros.train.data.noise import chunk_noise
from sag_ros.train.data.windows import Windows
from sag_ros.train.run.loop import Loop, LoopConfig
from sag_ros.train.run.stop import Stop

LOGIT_LIMIT = 5.0  # of the public code: beta stays where its gradient does not vanish


@dataclass(frozen=True)
class RouterConfig:
    """Training of the router of Learning-to-Cache."""

    penalty: float = 1e-3
    """lambda: price of the mean beta, in squared normalised action units"""
    density: float | None = None
    """share of the blocks to compute, those of the largest beta; default: those at the threshold or above"""
    threshold: float = 0.1
    """beta below which a block is pruned (published: 0.1)"""
    whole_every: int = 0
    """every n-th step is computed whole, from the first one on (published: 2); 0 = only the first"""
    target: Literal["dense", "demonstration"] = "dense"
    """what the actions should equal: those of the unpruned policy under the same noise, as published, or the
    demonstrated ones"""
    recompute: bool = True
    """keep only what passes between steps for the backward pass, and compute the rest twice: per window about
    20 MB instead of half a GB"""
    seed: int = 0
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(100, 8, 0.1, 0, clip_norm=0.0))
    """an iteration costs 5 dense chunks per window; one less without ``recompute``, and one less with
    demonstrations as target"""

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f"the router's threshold is a share between 0 and 1; got {self.threshold}")
        if self.whole_every < 0:
            raise ValueError(f"whole_every is a number of steps, or 0; got {self.whole_every}")


class Router(nn.Module):
    """One logit for each (step, block).

    Args:
        steps, blocks: n and 3L.
        whole_every: see :class:`RouterConfig`.
    """

    whole: Tensor

    def __init__(self, steps: int, blocks: int, whole_every: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(steps, blocks))
        whole = torch.arange(steps) % (whole_every or steps) == 0
        self.register_buffer("whole", whole, persistent=False)

    def betas(self) -> Tensor:
        """(n, 3L) in [0, 1], with gradient; 1 in steps that are computed whole."""
        return torch.where(self.whole[:, None], 1.0, self.logits.sigmoid())


def train_router(
    config: RouterConfig,
    bundle: PolicyBundle,
    table: CoefficientTable,
    windows: Windows,
    stop: Stop,
    folder: Path,
) -> NDArray[np.bool_]:
    """Train a router for ``bundle`` under the sampler ``table``, or continue; the mask it asks for.

    Args:
        windows: to train on.
        stop: ends the training early; calling again with the same folder continues it.
        folder: for checkpoint.pt, log.jsonl and router.npz (pruned, betas).

    Returns:
        (n, 3L), True = pruned, for reuse rule ``block``; the first step is computed whole.

    Raises:
        ValueError: the requested density is less than that of the whole steps alone, or above 1.
        CheckpointError: the folder holds a checkpoint of another size.
    """
    contract = bundle.contract
    router = Router(len(table), contract.blocks, config.whole_every)
    prune(router.betas().detach().numpy(), config)  # an impossible density is refused before the training
    optimizer = torch.optim.Adam(router.parameters(), config.loop.learning_rate)
    loop = Loop(folder, "router", config.loop, router, optimizer, len(windows), config.seed)

    def loss(indices: Tensor) -> Tensor:
        with torch.no_grad():
            router.logits.clamp_(-LOGIT_LIMIT, LOGIT_LIMIT)
        features, actions = windows.at(indices)
        noise = chunk_noise(bundle, table, len(indices))
        betas = router.betas()
        gates = betas.expand(len(indices), -1, -1)
        target = actions[:, contract.executed]
        if config.target == "dense":
            with torch.no_grad():
                dense = sparse_rollout(bundle.dpt, table, features, torch.ones_like(gates), noise, "block")
            target = dense[:, contract.executed]
        chunk = sparse_rollout(
            bundle.dpt, table, features, gates, noise, "block", config.recompute, through_cache=True
        )
        distance = (chunk[:, contract.executed] - target).square().mean()
        return distance + config.penalty * betas.mean()

    def state() -> dict[str, Any]:
        betas = router.betas().detach()
        return {"beta": float(betas.mean()), "density": float((betas >= config.threshold).float().mean())}

    loop.run(loss, state, stop)
    betas = router.betas().detach().numpy()
    pruned = prune(betas, config)
    np.savez(folder / "router.npz", pruned=pruned, betas=betas)
    return pruned


def prune(betas: NDArray[np.floating], config: RouterConfig) -> NDArray[np.bool_]:
    """Betas (n, 3L) -> mask (n, 3L), True = pruned: by the requested density, else by the threshold.

    Raises:
        ValueError: the requested density is less than that of the steps computed whole, or above 1.
    """
    if config.density is None:
        return np.asarray(betas < config.threshold)
    wanted = round(config.density * betas.size)
    whole = int((betas == 1.0).sum())
    if not whole <= wanted <= betas.size:
        raise ValueError(
            f"the router cannot reach density {config.density}: the steps computed whole make "
            f"{whole / betas.size:.4f}; ask for at least that and at most 1, or set whole_every to 0"
        )
    pruned = np.ones(betas.size, np.bool_)
    pruned[np.argsort(-betas, axis=None, kind="stable")[:wanted]] = False
    return pruned.reshape(betas.shape)
