"""The numbers of the study of masks, for JSON and terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from sag_ros.bench.masks.phases import PHASES
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode, decode_mask, encode_mask
from sag_ros.bench.masks.study import Candidate, compare, computed_share
from sag_ros.values import Mask


def differing(episode: MaskEpisode, mean: Mask) -> list[int]:
    """Number of gates at each inference that are not as in the mean mask."""
    count = {
        name: int((decode_mask(text).pruned != mean.pruned).sum()) for name, text in episode.bits.items()
    }
    return [count[name] for name in episode.masks]


def densities(episode: MaskEpisode) -> list[float]:
    """Share of the blocks computed at each inference."""
    density = {name: decode_mask(text).density for name, text in episode.bits.items()}
    return [density[name] for name in episode.masks]


def content(study: Any) -> dict[str, Any]:
    """Rows of the study, masks, phases and gates, as far as the episodes go."""
    adaptive, candidates = study.adaptive(), study.candidates()
    found: dict[str, Any] = {
        "rows": _rows(study, adaptive, candidates),
        "masks": [_mask(c) for c in candidates],
    }
    if adaptive and candidates:
        found["phases"] = _phases(adaptive, candidates)
        found["gates"] = _gates(adaptive)
        found["distinct_masks"] = len({mask for episode in adaptive for mask in episode.masks})
    return found


def _rows(study: Any, adaptive: list[MaskEpisode], candidates: list[Candidate]) -> list[dict[str, Any]]:
    rows = [compare(ADAPTIVE, adaptive, adaptive, None)]
    if study.options.dense:
        rows.append(compare(DENSE, study.journal.records(DENSE, study.seeds), adaptive, None))
    for candidate in candidates:
        episodes = study.journal.records(candidate.digest, study.seeds)
        rows.append(compare(candidate.label, episodes, adaptive, candidate))
    return [row for row in rows if row["episodes"]]


def _mask(candidate: Candidate) -> dict[str, Any]:
    return {
        "label": candidate.label,
        "digest": candidate.digest,
        "density": round(candidate.mask.density, 5),
        "share": round(candidate.share, 4),
        "share_of_phase": {name: round(share, 4) for name, share in candidate.phases.items()},
        "pruned": encode_mask(candidate.mask),
    }


def _phases(episodes: Sequence[MaskEpisode], candidates: Sequence[Candidate]) -> dict[str, Any]:
    """What was decided in each phase of the evaluation episodes; ``other``: in no calibration episode."""
    labels = {candidate.digest: candidate.label for candidate in candidates}
    mean = candidates[0].mask
    seen = [
        entry
        for e in episodes
        for entry in zip(e.phases, e.masks, densities(e), differing(e, mean), strict=True)
    ]
    result = {}
    for name in PHASES:
        own = [entry for entry in seen if entry[0] == name]
        if own:
            counts = Counter(labels.get(mask, "other") for _, mask, _, _ in own)
            result[name] = {
                "inferences": len(own),
                "density": round(float(np.mean([entry[2] for entry in own])), 5),
                "differing_gates": round(float(np.mean([entry[3] for entry in own])), 2),
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
        own = row["method"] == ADAPTIVE
        shown.add_row(
            row["method"],
            row["phase"],
            f"{row['successes']}/{row['episodes']}",
            f"{100 * low:.0f}–{100 * high:.0f}",
            "" if own else f"{row['lost']}/{row['won']}",
            f"{row['density']:.4f}",
            f"{row['seconds']:.1f}",
            "–" if row["distance_mm"] is None else f"{row['distance_mm']:.0f}",
        )
    return shown
