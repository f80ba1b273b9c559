"""The numbers of the study of masks, for JSON and terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from sag_ros.bench.masks.phases import PHASES
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode, decode_mask, encode_mask
from sag_ros.bench.masks.study import Candidate, Study, computed_share
from sag_ros.bench.run.statistics import wilson
from sag_ros.values import Mask


def differing(episode: MaskEpisode, mean: Mask) -> list[int]:
    """Number of gates at each inference that are not as in the mean mask."""
    return [int((mask.pruned != mean.pruned).sum()) for mask in _decoded(episode)]


def densities(episode: MaskEpisode) -> list[float]:
    """Share of the blocks computed at each inference."""
    return [mask.density for mask in _decoded(episode)]


def _decoded(episode: MaskEpisode) -> list[Mask]:
    masks = {name: decode_mask(text) for name, text in episode.bits.items()}
    return [masks[name] for name in episode.masks]


def content(study: Study) -> dict[str, Any]:
    """Rows of the study, masks, phases and gates, as far as the episodes go."""
    adaptive, candidates = study.adaptive(), study.candidates()
    methods: list[tuple[str, str, Candidate | None]] = [(ADAPTIVE, ADAPTIVE, None)]
    methods += [(DENSE, DENSE, None)] if study.options.dense else []
    methods += [(candidate.label, candidate.digest, candidate) for candidate in candidates]
    rows = [
        compare(name, study.journal.records(method, study.options.seeds), adaptive, candidate)
        for name, method, candidate in methods
    ]
    masks = [
        {
            "label": candidate.label,
            "digest": candidate.digest,
            "density": round(candidate.mask.density, 5),
            "share": round(candidate.share, 4),
            "share_of_phase": {name: round(share, 4) for name, share in candidate.phases.items()},
            "pruned": encode_mask(candidate.mask),
        }
        for candidate in candidates
    ]
    found: dict[str, Any] = {"rows": [row for row in rows if row["episodes"]], "masks": masks}
    if adaptive and candidates:
        found["phases"] = _phases(adaptive, candidates)
        found["gates"] = _gates(adaptive)
        found["distinct_masks"] = len({mask for episode in adaptive for mask in episode.masks})
    return found


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


def _phases(episodes: Sequence[MaskEpisode], candidates: Sequence[Candidate]) -> dict[str, Any]:
    """What was decided in each phase of the evaluation episodes; ``other``: in no calibration episode."""
    labels = {candidate.digest: candidate.label for candidate in candidates}
    result = {}
    for phase in PHASES:
        own = [
            inference[1:]
            for e in episodes
            for inference in zip(
                e.phases, e.masks, densities(e), differing(e, candidates[0].mask), strict=True
            )
            if inference[0] == phase
        ]
        if own:
            masks, density, differ = zip(*own, strict=True)
            counts = Counter(labels.get(mask, "other") for mask in masks)
            result[phase] = {
                "inferences": len(own),
                "density": round(float(np.mean(density)), 5),
                "differing_gates": round(float(np.mean(differ)), 2),
                "masks": {mask: round(n / len(own), 4) for mask, n in counts.most_common()},
            }
    return result


def _gates(episodes: Sequence[MaskEpisode]) -> dict[str, Any]:
    """How often each gate was computed; ``varying`` lists (step from 1, block from 0, share)."""
    share = computed_share(episodes)
    varying = np.argwhere((share > 0) & (share < 1))
    return {
        "all": int(share.size),
        "always": int((share == 1).sum()),
        "never": int((share == 0).sum()),
        "varying": [[int(k) + 1, int(b), round(float(share[k, b]), 4)] for k, b in varying],
    }


def table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The rows for a terminal."""
    shown = Table(title=title)
    for name in ("mask", "phase", "success", "95 %", "lost/won", "density", "s", "mm off"):
        shown.add_column(name, justify="left" if name in ("mask", "phase") else "right", no_wrap=True)
    for row in rows:
        low, high = row["ci95"]
        shown.add_row(
            row["method"],
            row["phase"],
            f"{row['successes']}/{row['episodes']}",
            f"{100 * low:.0f}–{100 * high:.0f}",
            "" if row["method"] == ADAPTIVE else f"{row['lost']}/{row['won']}",
            f"{row['density']:.4f}",
            f"{row['seconds']:.1f}",
            "–" if row["distance_mm"] is None else f"{row['distance_mm']:.0f}",
        )
    return shown
