"""Exponential moving average of weights, with the warm-up of Diffusion Policy (arXiv 2303.04137)."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


def ema_decay(update: int, power: float = 0.75, maximum: float = 0.9999) -> float:
    """Weight of the old average in update number ``update`` (0, 1, ...): ``1 - update**-power``, at most
    ``maximum``; 0 for the first two updates."""
    return 0.0 if update < 2 else min(1.0 - float(update) ** -power, maximum)


class Ema:
    """A second module whose parameters follow those of ``module``; buffers are copied.

    Attributes:
        module: the averaged module, in evaluation mode, without gradients.
        updates: number of updates so far.
    """

    def __init__(self, module: nn.Module, power: float = 0.75, maximum: float = 0.9999) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.power, self.maximum = power, maximum
        self.updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take one step towards the present weights of ``module``."""
        decay = ema_decay(self.updates, self.power, self.maximum)
        own_values: list[Tensor] = [p for p in self.module.parameters() if p.numel()]
        values = [p.detach() for p in module.parameters() if p.numel()]
        torch._foreach_lerp_(own_values, values, 1.0 - decay)
        for own, other in zip(self.module.buffers(), module.buffers(), strict=True):
            own.copy_(other)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Averaged weights and the number of updates."""
        return {"module": self.module.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Inverse of ``state_dict``."""
        self.module.load_state_dict(state["module"])
        self.updates = int(state["updates"])
