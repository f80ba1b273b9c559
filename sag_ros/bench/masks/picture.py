"""masks.png: masks in four phases, over time and gate by gate, and what each is worth alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from sag_ros.bench.masks.axes import FAINT, INK, PHASE_COLOURS, draw_mask, draw_share, draw_study, draw_time
from sag_ros.bench.masks.record import MaskEpisode
from sag_ros.bench.masks.report import densities, differing
from sag_ros.bench.masks.scenes import Scene
from sag_ros.bench.masks.study import Study, computed_share
from sag_ros.values import Mask

NOTE = (
    "lost / won: pairs in which only the pruner / only this mask succeeded; off: median distance from the "
    "centre of the zone, of successes; masks are named by the phase that uses them most and by their share "
    "of all inferences"
)
EPISODES = 3  # whose course is drawn
STYLE = {
    "font.size": 10, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
}  # fmt: skip


def draw(study: Study, scenes: Sequence[Scene], found: Mapping[str, Any], path: Path) -> Path:
    """Draw what there is of a study; returns ``path``.

    Args:
        study: with at least one adaptive episode.
        scenes: moments of one episode, one for each phase.
        found: of :func:`report.content`.
    """
    candidates, adaptive, rows = study.candidates(), study.adaptive(), found["rows"]
    with rc_context(STYLE):
        heights = [2.0 * len(scenes) + 1, 3.8, 4.5] if candidates else []
        heights.append(1.3 + 0.32 * len(rows))  # inches
        figure = Figure(figsize=(15, sum(heights) + 1.5), dpi=140, layout="constrained")
        figure.get_layout_engine().set(h_pad=0.12)
        figure.suptitle(_headline(study, adaptive, found), fontsize=11)
        *above, below = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
        if candidates:
            labels = {candidate.digest: candidate.label for candidate in candidates[::-1]}
            mean = candidates[0].mask
            _scenes(above[0], scenes, mean, labels)
            _times(above[1], adaptive[:EPISODES], mean, labels)
            _title(above[2], "How often each block is computed, over all inferences")
            draw_share(above[2], computed_share(adaptive))
        _title(below, "One mask kept for the whole episode, on the same episodes as the pruner")
        draw_study(below, rows)
        below.supxlabel(NOTE, fontsize=8.5, color=FAINT)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white")
    return path


def _title(figure: Any, text: str) -> None:
    figure.suptitle(text, fontsize=12.5, fontweight="bold", x=0.01, ha="left")


def _headline(study: Study, adaptive: Sequence[MaskEpisode], found: Mapping[str, Any]) -> str:
    parts = [
        f"task {study.options.task}",
        f"{len(adaptive)} episodes, {sum(len(episode.masks) for episode in adaptive)} inferences",
        f"{100 * np.mean([episode.density for episode in adaptive]):.2f} % of the blocks computed",
    ]
    if "gates" in found:
        gates = found["gates"]
        parts.append(
            f"{found['distinct_masks']} different masks; of {gates['all']} gates {gates['always']} are "
            f"always computed, {gates['never']} never, {len(gates['varying'])} vary"
        )
    return f"What {study.options.mask_source} computes, and when\n{'   ·   '.join(parts)}"


def _scenes(figure: Any, scenes: Sequence[Scene], mean: Mask, labels: Mapping[str, str]) -> None:
    _title(figure, f"One episode (seed {scenes[0].seed}): a moment of each phase with its most usual mask")
    axes = figure.subplots(len(scenes), 2, width_ratios=[3.3, 10], squeeze=False)
    for (view, gates), scene in zip(axes, scenes, strict=True):
        view.imshow(np.hstack(scene.pictures))
        view.set_axis_off()
        view.text(
            0.02, 0.94, f"{scene.phase}, {scene.time:.1f} s", transform=view.transAxes, va="top", fontsize=11,
            fontweight="bold", backgroundcolor=PHASE_COLOURS[scene.phase],
        )  # fmt: skip
        draw_mask(gates, scene.mask, mean, last=scene is scenes[-1])
        name, pruned = labels.get(scene.digest), scene.mask.pruned
        gates.set_title(
            f"{'mask ' + name if name else 'another mask'}: {(~pruned).sum()} of {pruned.size} blocks "
            f"computed, {(pruned != mean.pruned).sum()} gates unlike the mean mask",
            fontsize=9.5, loc="left", pad=3,
        )  # fmt: skip


def _times(figure: Any, episodes: Sequence[MaskEpisode], mean: Mask, labels: Mapping[str, str]) -> None:
    _title(figure, "Along episodes: how much is computed, and how far the mask is from the mean mask")
    axes = figure.subplots(2, len(episodes), sharex="col", sharey="row", squeeze=False)
    density = [[100 * value for value in densities(episode)] for episode in episodes]
    count = [differing(episode, mean) for episode in episodes]
    tops = [1.4 * max(max(values, default=0) for values in rows) or 1.0 for rows in (density, count)]
    for column, episode in enumerate(episodes):
        upper, lower = axes[:, column]
        letters = [labels.get(name, "?") for name in episode.masks]
        draw_time(upper, episode, density[column], tops[0], letters)
        draw_time(lower, episode, count[column], tops[1], None)
        outcome = "success" if episode.success else "failure"
        upper.set_title(f"seed {episode.seed}: {outcome}", fontsize=10, loc="right")
        lower.set_xlabel("time in the episode, s")
    axes[0, 0].set_ylabel("computed, %")
    axes[1, 0].set_ylabel("differing gates")
