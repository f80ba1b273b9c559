"""``sag``: the mask that the pruner predicts from the observation (Sparse ActionGen, arXiv 2601.12894)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.mask_sources.stored import build_stored
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner, build_pruner
from sag_ros.pruning.static_masks import forced_blocks
from sag_ros.values import Mask


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


def _build(request: Request) -> MaskSource:
    """The bundle's own pruner; with a number or another sampler one that is stored beside it."""
    if request.number is not None or request.steps != request.bundle.contract.diffusion.steps:
        return build_stored(request)
    return request.execute(build_pruner(request.bundle), "sag", "type")


SOURCES = {"sag": _build}
