"""The single plots of the picture of masks; colours that colour-blind readers can tell apart (Okabe, Ito)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.masks.phases import runs
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode
from sag_ros.values import Mask

INK, FAINT, PAPER = "#1d2733", "#8894a3", "#f1f3f6"
BLUE, ORANGE, SKY = "#0072b2", "#d55e00", "#56b4e9"
TYPES = ("SA", "CA", "FFN")
# Light enough to write on; told apart by their order and their names, too.
PHASE_COLOURS = {"approach": "#e3e6ea", "grasp": "#fbe3b0", "carry": "#cfe6f5", "release": "#cdeadf"}


def by_type(blocks: int) -> NDArray[np.int_]:
    """Order of the 3L blocks that puts the same types together: SA of all layers, CA, FFN."""
    return np.arange(blocks).reshape(-1, 3).T.reshape(-1)


def _block_axes(axis: Any, steps: int, layers: int) -> None:
    """Denoising steps to the right, blocks downwards: three groups of layers 1 ... L."""
    axis.set_xlim(0.5, steps + 0.5)
    axis.set_ylim(3 * layers + 0.5, 0.5)
    axis.set_xticks([1, *range(max(steps // 5, 1), steps + 1, max(steps // 5, 1))])
    axis.tick_params(axis="x", length=2, labelsize=8)
    for border in (layers, 2 * layers):
        axis.axhline(border + 0.5, color="white", lw=2.5)
    axis.set_yticks([])
    for group, name in enumerate(TYPES):
        axis.annotate(
            f"{name}\nlayers 1–{layers}", (0, group * layers + (layers + 1) / 2),
            xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points", ha="right",
            va="center", fontsize=8,
        )  # fmt: skip


def draw_mask(axis: Any, mask: Mask, mean: Mask, last: bool) -> None:
    """One K x 3L map; what is not as in ``mean`` stands out. ``last``: with steps and legend below."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    computed, usual = ~mask.pruned.T, ~mean.pruned.T
    picture = np.empty((*computed.shape, 3))
    picture[:] = to_rgb(PAPER)
    picture[computed & usual] = to_rgb(INK)
    picture[computed & ~usual] = to_rgb(ORANGE)
    picture[~computed & usual] = to_rgb(SKY)
    blocks, steps = computed.shape
    axis.imshow(
        picture[by_type(blocks)], aspect="auto", interpolation="nearest",
        extent=(0.5, steps + 0.5, blocks + 0.5, 0.5),
    )  # fmt: skip
    _block_axes(axis, steps, blocks // 3)
    if not last:
        axis.tick_params(labelbottom=False)
    else:
        axis.set_xlabel("denoising step (1 = noisiest)", fontsize=9)
        axis.legend(
            handles=[
                Patch(color=INK, label="computed, as in the mean mask"),
                Patch(color=ORANGE, label="computed here, not in the mean mask"),
                Patch(color=SKY, label="not computed here, but in the mean mask"),
                Patch(facecolor=PAPER, edgecolor=FAINT, label="pruned: cached residual reused"),
            ],
            loc="upper left", bbox_to_anchor=(-0.4, -0.22), ncol=4, frameon=False, fontsize=9,
        )  # fmt: skip


def draw_time(
    axis: Any, episode: MaskEpisode, values: Sequence[float], top: float, letters: Sequence[str] | None
) -> None:
    """Values at the inferences of an episode over its shaded phases; ``letters`` name the masks."""
    for phase, begin, end in runs(episode.phases, episode.times, episode.seconds):
        axis.axvspan(begin, end, color=PHASE_COLOURS[phase], lw=0, zorder=0)
        if letters is not None and end - begin > 0.06 * episode.seconds:
            axis.text(0.5 * (begin + end), 0.985 * top, phase, ha="center", va="top", fontsize=8, color=INK)
    axis.step([*episode.times, episode.seconds], [*values, values[-1]], where="post", color=BLUE, lw=1.6)
    last = ""
    for time, value, letter in zip(episode.times, values, letters or (), strict=False):
        if letter == last:
            continue
        last = letter
        axis.annotate(
            letter, (time, value), xytext=(2, 3), textcoords="offset points", fontsize=8, fontweight="bold",
            color=BLUE,
        )  # fmt: skip
    axis.set_xlim(0, episode.seconds)
    axis.set_ylim(0, top)


def draw_share(figure: Any, cell: Any, share: NDArray[np.float64]) -> None:
    """(K, 3L) how often each block is computed, and sums over steps and over blocks of a type."""
    from matplotlib.colors import to_rgb

    steps, blocks = share.shape
    order, layers = by_type(blocks), blocks // 3
    inner = cell.subgridspec(2, 3, height_ratios=[1, 3.4], width_ratios=[6, 1, 0.3], hspace=0.06, wspace=0.03)
    axis = figure.add_subplot(inner[1, 0])
    varying = np.ma.masked_where((share == 0) | (share == 1), share)
    fixed = np.where(share[..., None] == 1, to_rgb(INK), to_rgb(PAPER))
    extent = (0.5, steps + 0.5, blocks + 0.5, 0.5)
    axis.imshow(fixed.transpose(1, 0, 2)[order], aspect="auto", interpolation="nearest", extent=extent)
    image = axis.imshow(
        varying.T[order], aspect="auto", interpolation="nearest", cmap="plasma", vmin=0, vmax=1, extent=extent
    )
    _block_axes(axis, steps, layers)
    axis.set_xlabel("denoising step (1 = noisiest)     black: in every inference, pale: never")
    above = figure.add_subplot(inner[0, 0], sharex=axis)
    always = (share == 1).sum(axis=1)
    above.bar(np.arange(1, steps + 1), always, color=INK, width=0.9)
    above.bar(np.arange(1, steps + 1), share.sum(axis=1) - always, bottom=always, color=ORANGE, width=0.9)
    above.tick_params(labelbottom=False, length=0)
    above.set_ylabel("blocks\nper step", fontsize=9)
    right = figure.add_subplot(inner[1, 1], sharey=axis)
    total, steady = share.sum(axis=0)[order], (share == 1).sum(axis=0)[order]
    right.barh(np.arange(1, blocks + 1), steady, color=INK, height=0.85, label="always")
    right.barh(
        np.arange(1, blocks + 1), total - steady, left=steady, color=ORANGE, height=0.85, label="varying"
    )
    right.tick_params(labelleft=False, length=0)
    right.set_xlabel("steps per block")
    right.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9)
    bar = figure.colorbar(
        image, cax=right.inset_axes((1.08, 0, 0.08, 1)), format=lambda x, _: f"{100 * x:.0f} %"
    )
    bar.set_label("varying: share of inferences", fontsize=9)
    bar.outline.set_visible(False)


def draw_study(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Success with 95 % interval of each method, and the pairs lost and won against the adaptive pruner."""
    columns = (
        ("success", 1.09),
        ("lost / won", 1.25),
        ("computed", 1.39),
        ("off, mm", 1.50),
        ("time, s", 1.59),
    )
    for heading, x in columns:
        axis.annotate(heading, (x, 1.0), xycoords="axes fraction", xytext=(0, 2), textcoords="offset points",
                      ha="center", va="bottom", fontsize=9, color=FAINT)  # fmt: skip
    for place, row in enumerate(rows):
        rate = 100 * row["successes"] / row["episodes"]
        low, high = (100 * bound for bound in row["ci95"])
        own, dense = row["method"] == ADAPTIVE, row["method"] == DENSE
        colour = BLUE if own else INK if dense else ORANGE
        axis.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
        axis.plot(rate, place, "o" if own else "s" if dense else "D", color=colour, ms=7, clip_on=False)
        texts = (
            f"{row['successes']} of {row['episodes']}",
            "" if own else f"{row['lost']} / {row['won']} of {row['pairs']}",
            f"{100 * row['density']:.2f} %",
            "–" if row["distance_mm"] is None else f"{row['distance_mm']:.0f}",
            f"{row['seconds']:.1f}",
        )
        for text, (_, x) in zip(texts, columns, strict=True):
            axis.annotate(
                text, (x, place), xycoords=("axes fraction", "data"), ha="center", va="center", fontsize=9
            )
    axis.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("success, %, with 95 % Wilson interval")
    axis.grid(True, axis="x", color="#e4e8ee")
    box = axis.get_position()
    axis.set_position((box.x0 + 0.10, box.y0, 0.46, box.height))


def _name(row: Mapping[str, Any]) -> str:
    if row["method"] == ADAPTIVE:
        return "pruner (adaptive)"
    if row["method"] == DENSE:
        return "dense"
    if not row["phase"]:
        return "mean of the masks"
    return f"mask {row['method']}: {row['phase']}, {100 * row['share']:.0f} %"
