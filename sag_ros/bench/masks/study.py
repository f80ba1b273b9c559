"""Which masks a pruner uses, and what each of them is worth when it is kept for the whole episode.

The second is the study behind figure 1 of Sparse ActionGen (arXiv 2601.12894): if one of the masks did as
well alone, the pruner would not have to look at the observation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.masks.options import Options
from sag_ros.bench.masks.phases import PHASES
from sag_ros.bench.masks.record import (
    ADAPTIVE,
    DENSE,
    Job,
    MaskEpisode,
    MaskJournal,
    decode_mask,
    digest,
    encode_mask,
)
from sag_ros.pruning.plan import cache_slots
from sag_ros.values import Mask, frozen


class Study:
    """Which episodes are needed, and those that there are."""

    def __init__(self, options: Options, reuse: str, journal: MaskJournal) -> None:
        self.options, self.reuse, self.journal = options, reuse, journal

    def adaptive(self) -> list[MaskEpisode]:
        """Evaluation episodes of the adaptive source that are done."""
        return self.journal.records(ADAPTIVE, self.options.seeds)

    def candidates(self) -> list[Candidate]:
        """Masks to be fixed: the mean first; nothing before the calibration is complete.

        Failed episodes are left out, where others succeeded: they end in situations that no other visits.
        """
        calibration = self.journal.records(ADAPTIVE, self.options.calibration_seeds)
        if len(calibration) < self.options.calibration_episodes:
            return []
        calibration = [episode for episode in calibration if episode.success] or calibration
        mean = mean_candidate(computed_share(calibration), self.reuse)
        return [mean, *distinct_masks(calibration, self.options.fixed_masks)]

    def stages(self) -> Iterator[list[Job]]:
        """First the calibration; with it in the journal everything else, seed by seed: pairs come first."""
        yield self._missing([Job(ADAPTIVE, seed) for seed in self.options.calibration_seeds])
        # The mean may be one of the masks: once is enough.
        methods = {ADAPTIVE: ""} | ({DENSE: ""} if self.options.dense else {})
        methods |= {candidate.digest: encode_mask(candidate.mask) for candidate in self.candidates()}
        jobs = [Job(method, seed, mask) for seed in self.options.seeds for method, mask in methods.items()]
        yield self._missing(jobs)

    def _missing(self, jobs: list[Job]) -> list[Job]:
        return [job for job in jobs if (job.method, job.seed) not in self.journal]


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
    counts, pairs = Counter(mask for mask, _ in used), Counter(used)
    of_phase = Counter(phase for _, phase in used)
    found = []
    for index, (name, count) in enumerate(counts.most_common(limit)):
        phases = {phase: pairs[name, phase] / max(of_phase[phase], 1) for phase in PHASES}
        found.append(Candidate(label(index), name, decode_mask(bits[name]), count / len(used), phases))
    return found


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
    forced = cache_slots(share.shape[1], reuse)
    wanted = share.ravel().copy()
    wanted[:forced] = 2.0  # nothing is cached before them
    # Stable: of equally frequent blocks the earlier one.
    chosen = np.argsort(-wanted, kind="stable")[: max(round(float(share.sum())), forced)]
    pruned = np.ones(share.size, np.bool_)
    pruned[chosen] = False
    return Mask(frozen(pruned.reshape(share.shape)))


def mean_candidate(share: NDArray[np.float64], reuse: str) -> Candidate:
    """:func:`mean_mask` as one more mask to be fixed."""
    mask = mean_mask(share, reuse)
    return Candidate("mean", digest(encode_mask(mask)), mask, 0.0, dict.fromkeys(PHASES, 0.0))
