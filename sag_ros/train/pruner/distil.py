"""Teach the pruner the masks that a search found for groups of observations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sag_ros.pruning.pruner import Pruner


@dataclass(frozen=True)
class DistilConfig:
    """Supervised training on the searched masks."""

    iterations: int = 600
    batch: int = 128
    learning_rate: float = 3e-3


def distil(
    pruner: Pruner,
    observe: Callable[[Tensor], Tensor],
    labels: Tensor,
    masks: Tensor,
    config: DistilConfig,
    seed: int,
) -> float:
    """Cross-entropy between the pruner's gates and the mask of each observation's group.

    Args:
        observe: (B,) window numbers -> (B, To, D) features.
        labels: (N,) group of each window.
        masks: (G, K, 3L) bool, True = pruned.

    Returns:
        Share of the gates that are as wanted, in the last batches.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(pruner.parameters(), config.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.iterations)
    agreement = []
    pruner.train()
    for _ in range(config.iterations):
        chosen = torch.randint(len(labels), (config.batch,), generator=generator)
        logits = pruner.logits(observe(chosen))
        compute = (~masks[labels[chosen]]).float()
        margin = logits[..., 0] - logits[..., 1]
        # The sum over the gates: each mask has its few that differ from the others'.
        loss = functional.binary_cross_entropy_with_logits(margin, compute, reduction="sum") / len(chosen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        agreement.append(float(((margin > 0) == (compute > 0)).float().mean()))
    return sum(agreement[-20:]) / len(agreement[-20:])
