"""From the pruner's margins to masks, whatever library computes the margins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner, PrunerConfig
from sag_ros.pruning.static_masks import forced_blocks
from sag_ros.values import Mask, frozen


class Margin(nn.Module):
    """(B, To, D) observation features -> (B, K, 3L) prune-minus-compute logits."""

    def __init__(self, pruner: Pruner) -> None:
        super().__init__()
        self.pruner = pruner.eval()

    def forward(self, obs: Tensor) -> Tensor:
        """See the class."""
        logits = self.pruner.logits(obs)
        return logits[..., 1] - logits[..., 0]


class MaskDecision:
    """What ``Pruner.mask`` decides, from margins on the host.

    Attributes:
        masks: those of the codebook; none where the pruner decides gate by gate.
    """

    def __init__(self, pruner: Pruner, reuse: Reuse) -> None:
        self._forced = forced_blocks(pruner.config.blocks, reuse)
        self._codebook = pruner.codebook.flatten(1).numpy()
        self.masks = tuple(Mask(frozen(self._force(own.numpy() > 0.5))) for own in pruner.codebook)

    def _force(self, pruned: NDArray[np.bool_]) -> NDArray[np.bool_]:
        pruned[0, : self._forced] = False
        return pruned

    def __call__(self, margin: NDArray[np.float32]) -> Mask:
        """Margins (K, 3L) -> mask; see ``Pruner.mask``."""
        if self.masks:  # the same object while the choice stays: whoever has made a plan keeps it
            return self.masks[int((self._codebook @ margin.ravel()).argmax())]
        return Mask(self._force(margin > 0.0))


def require_features(obs_features: np.ndarray, config: PrunerConfig) -> None:
    """Raise ValueError unless ``obs_features`` has the shape (To, D) that a pruner needs."""
    shape = config.obs_steps, config.obs_dim
    if obs_features.shape != shape:
        raise ValueError(f"features have shape {obs_features.shape}; need {shape}")


@contextmanager
def plain_attention() -> Iterator[None]:
    """Without torch's fused inference path for transformer layers, which can neither be converted nor
    recorded."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
