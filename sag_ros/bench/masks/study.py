"""Which masks a pruner uses, and what each of them is worth when it is kept for the whole episode.

The second is the study behind figure 1 of Sparse ActionGen (arXiv 2601.12894): if one of the masks did as
well alone, the pruner would not have to look at the observation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.masks.phases import PHASES
from sag_ros.bench.masks.record import MaskEpisode, decode_mask, digest, encode_mask
from sag_ros.bench.run.statistics import wilson
from sag_ros.pruning.plan import cache_slots
from sag_ros.values import Mask, frozen


@dataclass(frozen=True)
class Candidate:
    """One mask to be fixed.

    Attributes:
        label: A, B, C, ... from the most to the least frequent, or ``mean``.
        digest: of the mask, which is the name of the method in the journal.
        mask: the gates.
        share: of the inferences of the calibration episodes that used it; 0 for the mean.
        phases: share of the inferences of each phase that used it.
    """

    label: str
    digest: str
    mask: Mask
    share: float
    phases: Mapping[str, float]

    @property
    def phase(self) -> str:
        """The phase in which it is most usual; empty for the mean."""
        return max(self.phases, key=lambda name: self.phases[name]) if any(self.phases.values()) else ""


def label(index: int) -> str:
    """A ... Z, A1 ... Z1, ..."""
    round_, letter = divmod(index, 26)
    return chr(ord("A") + letter) + (str(round_) if round_ else "")


def distinct_masks(episodes: Sequence[MaskEpisode], limit: int) -> list[Candidate]:
    """The masks of the episodes, ``limit`` at most, most frequent first; of equals the earlier one."""
    used = [(mask, phase) for e in episodes for mask, phase in zip(e.masks, e.phases, strict=True)]
    bits = {name: text for episode in episodes for name, text in episode.bits.items()}
    counts = Counter(mask for mask, _ in used)
    pairs = Counter(used)
    of_phase = Counter(phase for _, phase in used)
    return [
        Candidate(
            label(index),
            name,
            decode_mask(bits[name]),
            count / len(used),
            {phase: pairs[name, phase] / of_phase[phase] if of_phase[phase] else 0.0 for phase in PHASES},
        )
        for index, (name, count) in enumerate(counts.most_common(limit))
    ]


def computed_share(episodes: Sequence[MaskEpisode]) -> NDArray[np.float64]:
    """(K, 3L) how often each block is computed, over all inferences of the episodes.

    Raises:
        ValueError: there is no inference.
    """
    counts = Counter(mask for episode in episodes for mask in episode.masks)
    if not counts:
        raise ValueError("the episodes hold no inference, so there is no mean mask; run at least one episode")
    bits = {name: text for episode in episodes for name, text in episode.bits.items()}
    total = sum(count * ~decode_mask(bits[name]).pruned for name, count in counts.items())
    return np.asarray(total, np.float64) / counts.total()


def mean_mask(share: NDArray[np.float64], reuse: str) -> Mask:
    """The most often computed blocks, as many as are computed on average; always valid.

    Args:
        share: (K, 3L) of :func:`computed_share`.
        reuse: rule of the pruner, which says what must be computed first.
    """
    steps, blocks = share.shape
    wanted = share.ravel().copy()
    wanted[: cache_slots(blocks, reuse)] = 2.0  # nothing is cached before them
    # Stable: of equally frequent blocks the earlier one.
    chosen = np.argsort(-wanted, kind="stable")[: max(round(float(share.sum())), cache_slots(blocks, reuse))]
    pruned = np.ones(steps * blocks, np.bool_)
    pruned[chosen] = False
    return Mask(frozen(pruned.reshape(steps, blocks)))


def mean_candidate(share: NDArray[np.float64], reuse: str) -> Candidate:
    """:func:`mean_mask` as one more mask to be fixed."""
    mask = mean_mask(share, reuse)
    return Candidate("mean", digest(encode_mask(mask)), mask, 0.0, dict.fromkeys(PHASES, 0.0))


def compare(
    name: str, episodes: Sequence[MaskEpisode], reference: Sequence[MaskEpisode], candidate: Candidate | None
) -> dict[str, Any]:
    """One row of the study.

    Args:
        name: shown.
        episodes: of this method.
        reference: of the adaptive pruner; only seeds that both have make pairs.
        candidate: the mask that was fixed; None for adaptive and dense.
    Returns:
        ``ci95``: Wilson interval; ``lost``: pairs in which only the adaptive pruner succeeded, ``won``: only
        this method; ``distance_mm``: median of the bag from the centre of the zone, over successes.
    """
    successes = sum(episode.success for episode in episodes)
    adaptive = {episode.seed: episode.success for episode in reference}
    pairs = [(episode.success, adaptive[episode.seed]) for episode in episodes if episode.seed in adaptive]
    placed = [1e3 * episode.distance for episode in episodes if episode.success]
    return {
        "method": name,
        "episodes": len(episodes),
        "successes": successes,
        "ci95": [round(bound, 4) for bound in wilson(successes, len(episodes))],
        "pairs": len(pairs),
        "lost": sum(theirs and not ours for ours, theirs in pairs),
        "won": sum(ours and not theirs for ours, theirs in pairs),
        "density": round(float(np.mean([e.density for e in episodes])), 5) if episodes else None,
        "seconds": round(float(np.median([e.seconds for e in episodes])), 2) if episodes else None,
        "distance_mm": round(float(np.median(placed)), 1) if placed else None,
        "digest": candidate.digest if candidate else None,
        "share": round(candidate.share, 4) if candidate else None,
        "phase": candidate.phase if candidate else "",
        "seeds_failed": [episode.seed for episode in episodes if not episode.success],
    }
