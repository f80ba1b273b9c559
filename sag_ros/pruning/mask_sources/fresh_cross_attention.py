"""``+ca`` behind the name of a source: its masks with no cross-attention pruned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.mask_sources.protocol import MaskSource
from sag_ros.values import Mask, frozen

FRESH_CROSS_ATTENTION = "+ca"


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
