"""Episodes of the study of masks on disk: what was decided at each inference, and how it ended."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sag_ros.bench.run.journal import Journal
from sag_ros.values import Mask

ADAPTIVE, DENSE = "adaptive", "dense"


def encode_mask(mask: Mask) -> str:
    """As text: shape and packed bits in base64."""
    steps, blocks = mask.pruned.shape
    return f"{steps}x{blocks}:{base64.b64encode(np.packbits(mask.pruned).tobytes()).decode()}"


def decode_mask(text: str) -> Mask:
    """Inverse of :func:`encode_mask`."""
    shape, _, bits = text.partition(":")
    steps, blocks = (int(number) for number in shape.split("x"))
    packed = np.frombuffer(base64.b64decode(bits), np.uint8)
    return Mask(np.unpackbits(packed, count=steps * blocks).astype(np.bool_).reshape(steps, blocks))


def digest(text: str) -> str:
    """Short name of an encoded mask: the same gates have the same one in every run."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Job(NamedTuple):
    """One episode; ``mask`` is the encoded mask to be kept, empty for ``adaptive`` and ``dense``."""

    method: str
    seed: int
    mask: str = ""


@dataclass(frozen=True)
class MaskEpisode:
    """One episode.

    Attributes:
        method: ``adaptive``, ``dense`` or the digest of the mask that was fixed.
        seed: of the episode and its noise.
        success, message: by the task.
        seconds: simulated duration.
        distance: of the bag from the centre of the zone at the end, m.
        density: mean share of the blocks computed.
        times: of the inferences, simulated s.
        phases: at these times.
        masks: digests of what was used there.
        bits: digest -> encoded mask, for all digests in ``masks``.
    """

    method: str
    seed: int
    success: bool
    message: str
    seconds: float
    distance: float
    density: float
    times: list[float] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    bits: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> int:
        """What tells episodes of one method apart."""
        return self.seed


class MaskJournal(Journal[MaskEpisode]):
    """Episodes of one identity, written as they end; which methods there are turns out on the way.

    Args:
        path: created with the first episode.
        identity: everything the episodes depend on but method and seed.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.identity = dict(identity)
        super().__init__(path, {}, MaskEpisode)

    def _method(self, identity: Any, entry: Mapping[str, Any]) -> str | None:
        return entry.get("method") if identity == self.identity else None

    def _identity(self, method: str) -> Mapping[str, Any]:
        return self.identity
