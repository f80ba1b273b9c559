"""``coinN``: the masks of ``sag_needN`` as often as it takes each, drawn without a look at the observation.

What remains of its success with this is due to having several masks, not to choosing among them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.stored import load_schedule, schedule_key
from sag_ros.values import Mask, frozen

_TAUGHT = "sag_need"


class Coin:
    """Draws one of several masks for each observation, the same for the same one.

    Args:
        masks: to draw from.
        counts: how often each, in proportion.

    Raises:
        ValueError: other numbers of masks and counts, or none to draw.
    """

    def __init__(self, masks: Sequence[Mask], counts: Sequence[float], name: str, reuse: Reuse) -> None:
        if len(masks) != len(counts) or not sum(counts) > 0 or min(counts) < 0:
            raise ValueError(f"{len(masks)} masks cannot be drawn as often as {list(counts)} says")
        self.name, self.reuse, self.masks = name, reuse, tuple(masks)
        self._until = np.cumsum(counts) / sum(counts)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> a mask (K, 3L). The features are only what makes the draw repeatable."""
        drawn = zlib.crc32(np.ascontiguousarray(obs_features).tobytes()) / 2.0**32
        return self.masks[int(self._until.searchsorted(drawn, side="right"))]


def _build(request: Request) -> MaskSource:
    name = f"{_TAUGHT}{'' if request.number is None else request.number}"
    key = schedule_key(name, request.steps, request.bundle.contract.diffusion.steps)
    found = load_schedule(request.bundle, key)
    need = found.provenance.get("need")
    if found.state is None or need is None or "codebook" not in found.state:
        raise ValueError(f"schedule {key!r} does not choose among masks by need; train it with --among")
    masks = [Mask(frozen(one.numpy() > 0.5)) for one in found.state["codebook"]]
    return Coin(masks, need["told_masks"], request.name, found.reuse)


SOURCES = {"coin": _build}
