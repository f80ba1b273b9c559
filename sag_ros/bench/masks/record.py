"""Episodes of the study of masks on disk: what was decided at each inference, and how it ended."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.run.journal import append_line
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


class MaskJournal:
    """Episodes of one identity in a JSONL file, written as they end; lines of other identities stay unused.

    Args:
        path: created with the first episode.
        identity: everything the episodes depend on but method and seed.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path, self.identity = path, dict(identity)
        self._done: dict[tuple[str, int], MaskEpisode] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                entry = json.loads(line)
                if entry.pop("identity") == self.identity:
                    episode = MaskEpisode(**entry)
                    self._done[episode.method, episode.seed] = episode
            except (json.JSONDecodeError, TypeError, KeyError, AttributeError):
                continue  # cut short by a crash, or another format: run again

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._done

    def episodes(self, method: str, seeds: range) -> list[MaskEpisode]:
        """Those that are done, in the order of ``seeds``."""
        return [self._done[method, seed] for seed in seeds if (method, seed) in self._done]

    def append(self, episode: MaskEpisode) -> None:
        """Add an episode and write it through."""
        self._done[episode.method, episode.seed] = episode
        append_line(self.path, {"identity": self.identity, **asdict(episode)})
