"""masks.png: masks in four phases, over time and gate by gate, and what each is worth alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.masks import axes
from sag_ros.bench.masks.report import densities, differing
from sag_ros.bench.masks.scenes import Scene
from sag_ros.bench.masks.study import computed_share
from sag_ros.values import Mask

NOTE = (
    "lost, won: pairs in which only the pruner, only this mask succeeded; off: median distance from the "
    "centre of the zone, of successes; masks are named by the phase that uses them most and by their share "
    "of inferences"
)
EPISODES = 3  # whose course is drawn
STYLE = {
    "font.size": 10, "axes.edgecolor": axes.FAINT, "axes.labelcolor": axes.INK, "text.color": axes.INK,
    "xtick.color": axes.FAINT, "ytick.color": axes.FAINT, "xtick.labelcolor": axes.INK,
    "ytick.labelcolor": axes.INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True,
}  # fmt: skip


def draw(study: Any, scenes: Sequence[Scene], found: Mapping[str, Any], path: Path) -> Path:
    """Draw what there is of a study; returns ``path``.

    Args:
        study: a bench.masks.command.Study with at least one adaptive episode.
        scenes: moments of one episode, one for each phase.
        found: of bench.masks.report.content.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    candidates, adaptive, rows = study.candidates(), study.adaptive(), found["rows"]
    heights = [2.2 * max(len(scenes), 1) + 0.8, 4.2, 3.9, 1.4 + 0.32 * len(rows)]  # inches
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(15, sum(heights) + 1.3), dpi=140, layout="constrained")
        figure.suptitle(f"What {study.options.mask_source} computes, and when\n", fontsize=19, weight="bold")
        figure.supxlabel(NOTE, fontsize=8.5, color=axes.FAINT)
        parts = figure.subfigures(4, 1, height_ratios=heights)
        parts[0].suptitle("   ·   ".join(_facts(study, found)), fontsize=11)
        if candidates:
            labels = {candidate.digest: candidate.label for candidate in candidates[::-1]}
            mean = candidates[0].mask
            _scenes(parts[0], scenes, mean, labels)
            _times(parts[1], adaptive[:EPISODES], mean, labels)
            parts[2].suptitle("How often each block is computed, over all inferences", weight="bold")
            axes.draw_share(parts[2].subplots(), computed_share(adaptive))
        parts[3].suptitle(
            "One mask kept for the whole episode, on the same episodes as the pruner", weight="bold"
        )
        axes.draw_study(parts[3].subplots(1, 2, width_ratios=[3, 1])[0], rows)
        parts[3].axes[1].set_axis_off()  # room for what is written beside the intervals
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white")
        plt.close(figure)
    return path


def _facts(study: Any, found: Mapping[str, Any]) -> list[str]:
    adaptive = study.adaptive()
    density = 100 * np.mean([episode.density for episode in adaptive])
    facts = [
        f"task {study.options.task}",
        f"{len(adaptive)} episodes, {sum(len(episode.masks) for episode in adaptive)} inferences",
        f"{density:.2f} % of the blocks computed",
    ]
    if "gates" in found:
        gates = found["gates"]
        facts.append(
            f"{found['distinct_masks']} different masks; of {gates['all']} gates {gates['always']} are "
            f"always computed, {gates['never']} never, {len(gates['varying'])} vary"
        )
    return facts


def _scenes(part: Any, scenes: Sequence[Scene], mean: Mask, labels: Mapping[str, str]) -> None:
    """A moment of each phase: what the cameras see, and the mask."""
    rows = part.subplots(len(scenes), 2, width_ratios=[3.3, 10], squeeze=False)
    for scene, (picture, gates) in zip(scenes, rows, strict=True):
        picture.imshow(np.hstack(scene.pictures))
        picture.set_axis_off()
        picture.text(
            0.02, 0.94, f"{scene.phase}, {scene.time:.1f} s", transform=picture.transAxes, va="top",
            fontsize=11, fontweight="bold", backgroundcolor=axes.PHASE_COLOURS[scene.phase],
        )  # fmt: skip
        axes.draw_mask(gates, scene.mask, mean)
        name = f"mask {labels[scene.digest]}" if scene.digest in labels else "another mask"
        computed = f"{int((~scene.mask.pruned).sum())} of {scene.mask.pruned.size} blocks computed"
        differ = int((scene.mask.pruned != mean.pruned).sum())
        title = f"{name}: {computed}, {differ} gates unlike the mean mask"
        gates.set_title(title, fontsize=9.5, loc="left", pad=3)
    if scenes:
        rows[0, 0].set_title(f"seed {scenes[0].seed}, the most usual mask of each phase", fontsize=9.5)
        axes.mask_legend(rows[-1, 1])


def _times(part: Any, episodes: Sequence[Any], mean: Mask, labels: Mapping[str, str]) -> None:
    """Along episodes: how much is computed, and how far the mask is from the mean mask."""
    part.suptitle(
        "Along episodes: how much is computed, and how far the mask is from the mean mask", weight="bold"
    )
    grid = part.subplots(2, len(episodes), sharex="col", sharey="row", squeeze=False)
    density = [[100 * value for value in densities(episode)] for episode in episodes]
    count = [differing(episode, mean) for episode in episodes]
    for row, (values, name) in enumerate(((density, "computed, %"), (count, "differing gates"))):
        top = 1.4 * max(max(own, default=0) for own in values) or 1.0
        for axis, episode, own in zip(grid[row], episodes, values, strict=True):
            axes.draw_time(axis, episode, own, top)
        grid[row, 0].set_ylabel(name)
    for column, episode in enumerate(episodes):
        axes.name_masks(grid[0, column], episode, density[column], labels)
        end = "success" if episode.success else "failure"
        grid[0, column].set_title(f"seed {episode.seed}: {end}", fontsize=10, loc="right")
        grid[1, column].set_xlabel("time in the episode, s")
