"""masks.png: masks in four phases, over time and gate by gate, and what each is worth alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.masks.axes import (
    FAINT,
    INK,
    PHASE_COLOURS,
    draw_mask,
    draw_share,
    draw_study,
    draw_time,
)
from sag_ros.bench.masks.report import densities, differing
from sag_ros.bench.masks.scenes import Scene
from sag_ros.bench.masks.study import computed_share

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


def draw(study: Any, scenes: Sequence[Scene], found: Mapping[str, Any], path: Path) -> Path:
    """Draw what there is of a study; returns ``path``.

    Args:
        study: a bench.masks.Study with at least one adaptive episode.
        scenes: moments of one episode, one for each phase.
        found: of bench.mask_report.content.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    candidates = study.candidates()
    rows = found["rows"]
    with plt.rc_context(STYLE):
        heights = [1.95 * max(len(scenes), 1), 3.1, 3.5, 0.7 + 0.32 * len(rows)]  # inches
        gap, top, bottom = 1.3, 1.35, 0.95
        height = top + bottom + sum(heights) + gap * (len(heights) - 1)
        figure = plt.figure(figsize=(15, height), dpi=140)
        grid = figure.add_gridspec(
            len(heights), 1, height_ratios=heights, hspace=gap * len(heights) / sum(heights),
            left=0.075, right=0.96, top=1 - top / height, bottom=bottom / height,
        )  # fmt: skip
        _headline(figure, study, found)
        if candidates:
            labels = {candidate.digest: candidate.label for candidate in candidates[::-1]}
            mean = candidates[0].mask
            _scenes(figure, grid[0], scenes, mean, labels)
            _times(figure, grid[1], study.adaptive()[:EPISODES], mean, labels)
            _section(figure, grid[2], "How often each block is computed, over all inferences")
            draw_share(figure, grid[2], computed_share(study.adaptive()))
        axis = figure.add_subplot(grid[3])
        _section(figure, grid[3], "One mask kept for the whole episode, on the same episodes as the pruner")
        draw_study(axis, rows)
        figure.text(0.075, 0.3 / height, NOTE, fontsize=8.5, color=FAINT, va="center")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white")
        plt.close(figure)
    return path


def _headline(figure: Any, study: Any, found: Mapping[str, Any]) -> None:
    options, adaptive = study.options, study.adaptive()
    inferences = sum(len(episode.masks) for episode in adaptive)
    density = np.mean([episode.density for episode in adaptive])
    parts = [
        f"task {options.task}",
        f"{len(adaptive)} episodes, {inferences} inferences",
        f"{100 * density:.2f} % of the blocks computed",
    ]
    if "gates" in found:
        gates = found["gates"]
        parts.append(
            f"{found['distinct_masks']} different masks; of {gates['all']} gates {gates['always']} are "
            f"always computed, {gates['never']} never, "
            f"{len(gates['varying'])} vary"
        )
    top = 1 - 0.35 / figure.get_figheight()
    figure.text(
        0.075,
        top,
        f"What {options.mask_source} computes, and when",
        fontsize=19,
        fontweight="bold",
        va="center",
    )
    figure.text(
        0.075, top - 0.37 / figure.get_figheight(), "   ·   ".join(parts), fontsize=11, color=INK, va="center"
    )


def _section(figure: Any, cell: Any, title: str) -> None:
    box = cell.get_position(figure)
    figure.text(
        box.x0, box.y1 + 0.30 / figure.get_figheight(), title, fontsize=12.5, fontweight="bold", va="center"
    )


def _scenes(figure: Any, cell: Any, scenes: Sequence[Scene], mean: Any, labels: Mapping[str, str]) -> None:
    if not scenes:
        return
    _section(
        figure,
        cell,
        f"One episode (seed {scenes[0].seed}): a moment of each phase with its most usual mask",
    )
    inner = cell.subgridspec(len(scenes), 2, width_ratios=[3.3, 10], hspace=0.2, wspace=0.13)
    for row, scene in enumerate(scenes):
        axis = figure.add_subplot(inner[row, 0])
        axis.imshow(np.hstack(scene.pictures))
        axis.set_anchor("W")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        axis.text(
            0.02, 0.94, f"{scene.phase}, {scene.time:.1f} s", transform=axis.transAxes, va="top", fontsize=11,
            fontweight="bold", backgroundcolor=PHASE_COLOURS[scene.phase],
        )  # fmt: skip
        axis = figure.add_subplot(inner[row, 1])
        draw_mask(axis, scene.mask, mean, last=row == len(scenes) - 1)
        differ = int((scene.mask.pruned != mean.pruned).sum())
        name = labels.get(scene.digest)
        axis.set_title(
            f"{'mask ' + name if name else 'another mask'}: {int((~scene.mask.pruned).sum())} of "
            f"{scene.mask.pruned.size} blocks computed, {differ} gates unlike the mean mask",
            fontsize=9.5, loc="left", pad=3,
        )  # fmt: skip


def _times(figure: Any, cell: Any, episodes: Sequence[Any], mean: Any, labels: Mapping[str, str]) -> None:
    _section(figure, cell, "Along episodes: how much is computed, and how far the mask is from the mean mask")
    columns = cell.subgridspec(2, len(episodes), hspace=0.14, wspace=0.08, height_ratios=[1, 1])
    density = [[100 * value for value in densities(episode)] for episode in episodes]
    count = [differing(episode, mean) for episode in episodes]
    tops = [1.4 * max(max(values, default=0) for values in rows) or 1.0 for rows in (density, count)]
    for column, episode in enumerate(episodes):
        upper = figure.add_subplot(columns[0, column])
        lower = figure.add_subplot(columns[1, column], sharex=upper)
        letters = [labels.get(name, "?") for name in episode.masks]
        draw_time(upper, episode, density[column], tops[0], letters)
        draw_time(lower, episode, count[column], tops[1], None)
        upper.set_title(
            f"seed {episode.seed}: {'success' if episode.success else 'failure'}", fontsize=10, loc="right"
        )
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("time in the episode, s")
        for axis, text in ((upper, "computed, %"), (lower, "differing gates")):
            if column:
                axis.tick_params(labelleft=False)
            else:
                axis.set_ylabel(text)
