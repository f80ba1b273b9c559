"""The single plots of the picture of masks; colours that colour-blind readers can tell apart (Okabe, Ito)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sag_ros.bench.masks.phases import runs
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode
from sag_ros.values import Mask

INK, FAINT, PAPER = "#1d2733", "#8894a3", "#f1f3f6"
BLUE, ORANGE, SKY = "#0072b2", "#d55e00", "#56b4e9"
# Light enough to write on; told apart by their order and their names, too.
PHASE_COLOURS = {"approach": "#e3e6ea", "grasp": "#fbe3b0", "carry": "#cfe6f5", "release": "#cdeadf"}
MEANINGS = {
    "computed, as in the mean mask": INK,
    "computed here, not in the mean mask": ORANGE,
    "not computed here, but in the mean mask": SKY,
    "pruned: cached residual reused": PAPER,
}


def by_type(blocks: int) -> NDArray[np.int_]:
    """Order of the 3L blocks that puts the same types together: SA of all layers, CA, FFN."""
    return np.arange(blocks).reshape(-1, 3).T.reshape(-1)


def _draw_blocks(axis: Any, colours: NDArray[np.float64]) -> None:
    """(K, 3L, 3) RGB of every block: steps to the right, three groups of layers 1 ... L downwards."""
    steps, blocks, _ = colours.shape
    layers = blocks // 3
    axis.imshow(
        colours.transpose(1, 0, 2)[by_type(blocks)], aspect="auto", interpolation="nearest",
        extent=(0.5, steps + 0.5, blocks + 0.5, 0.5),
    )  # fmt: skip
    axis.set_xticks([1, *range(max(steps // 5, 1), steps + 1, max(steps // 5, 1))])
    centres = [layers * group + (layers + 1) / 2 for group in range(3)]
    axis.set_yticks(centres, [f"{name}\nlayers 1–{layers}" for name in ("SA", "CA", "FFN")])
    axis.tick_params(length=2, labelsize=8)
    for border in (layers, 2 * layers):
        axis.axhline(border + 0.5, color="white", lw=2.5)


def draw_mask(axis: Any, mask: Mask, mean: Mask, last: bool) -> None:
    """One K x 3L map; what is not as in ``mean`` stands out. ``last``: with steps and legend below."""
    computed, usual = ~mask.pruned, ~mean.pruned
    colours = np.full((*computed.shape, 3), to_rgb(PAPER))
    colours[computed & usual] = to_rgb(INK)
    colours[computed & ~usual] = to_rgb(ORANGE)
    colours[~computed & usual] = to_rgb(SKY)
    _draw_blocks(axis, colours)
    axis.tick_params(labelbottom=last)
    if last:
        axis.set_xlabel("denoising step (1 = noisiest)", fontsize=9)
        handles = [Patch(fc=colour, ec=FAINT, label=meaning) for meaning, colour in MEANINGS.items()]
        axis.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.3), ncol=4, frameon=False, fontsize=9
        )


def draw_time(
    axis: Any, episode: MaskEpisode, values: Sequence[float], top: float, letters: Sequence[str] | None
) -> None:
    """Values at the inferences of an episode over its shaded phases; ``letters`` name the masks."""
    for phase, begin, end in runs(episode.phases, episode.times, episode.seconds):
        axis.axvspan(begin, end, color=PHASE_COLOURS[phase], lw=0, zorder=0)
        if letters is not None and end - begin > 0.06 * episode.seconds:
            axis.text(0.5 * (begin + end), 0.985 * top, phase, ha="center", va="top", fontsize=8)
    axis.step([*episode.times, episode.seconds], [*values, values[-1]], where="post", color=BLUE, lw=1.6)
    places = dict(zip(episode.times, values, strict=True))
    for letter, begin, _ in runs(letters or (), episode.times if letters else (), episode.seconds):
        axis.annotate(
            letter, (begin, places[begin]), xytext=(2, 3), textcoords="offset points", fontsize=8,
            fontweight="bold", color=BLUE,
        )  # fmt: skip
    axis.set_xlim(0, episode.seconds)
    axis.set_ylim(0, top)


def draw_share(figure: Any, share: NDArray[np.float64]) -> None:
    """(K, 3L) how often each block is computed, and sums over steps and over blocks of a type."""
    steps, blocks = share.shape
    (above, corner), (axis, right) = figure.subplots(
        2, 2, sharex="col", sharey="row", height_ratios=[1, 3.4], width_ratios=[6, 1]
    )
    colours = colormaps["plasma"](share)[..., :3]
    colours[share == 1], colours[share == 0] = to_rgb(INK), to_rgb(PAPER)
    _draw_blocks(axis, colours)
    axis.set_xlabel("denoising step (1 = noisiest)     black: in every inference, pale: never")
    corner.set_axis_off()
    ordered, always = share[:, by_type(blocks)], (share == 1)[:, by_type(blocks)]
    for bars, over, count, start in ((above.bar, 1, steps, "bottom"), (right.barh, 0, blocks, "left")):
        places, steady = np.arange(1, count + 1), always.sum(axis=over)
        bars(places, steady, 0.9, color=INK, label="always")
        bars(places, ordered.sum(axis=over) - steady, 0.9, **{start: steady}, color=ORANGE, label="varying")
    above.set_ylabel("blocks\nper step", fontsize=9)
    right.set_xlabel("steps per block")
    corner.legend(*right.get_legend_handles_labels(), loc="lower left", frameon=False, fontsize=9)
    bar = figure.colorbar(ScalarMappable(cmap="plasma"), ax=right, format=lambda x, _: f"{100 * x:.0f} %")
    bar.set_label("varying: share of inferences", fontsize=9)


def draw_study(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Success with 95 % interval of each method, and the pairs lost and won against the adaptive pruner."""
    axis, cells = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    cells.set_axis_off()

    def write(place: float, texts: Sequence[str], colour: str) -> None:
        for x, text in zip((0.1, 0.35, 0.6, 0.8, 0.95), texts, strict=True):
            cells.text(x, place, text, ha="center", va="center", fontsize=9, color=colour)

    write(-1, ("success", "lost / won", "computed", "off, mm", "time, s"), FAINT)
    for place, row in enumerate(rows):
        rate = 100 * row["successes"] / row["episodes"]
        own, dense = row["method"] == ADAPTIVE, row["method"] == DENSE
        colour, marker = (BLUE, "o") if own else (INK, "s") if dense else (ORANGE, "D")
        axis.plot([100 * bound for bound in row["ci95"]], [place, place], color=colour, lw=2.2)
        axis.plot(rate, place, marker, color=colour, ms=7, clip_on=False)
        texts = (
            f"{row['successes']} of {row['episodes']}",
            "" if own else f"{row['lost']} / {row['won']} of {row['pairs']}",
            f"{100 * row['density']:.2f} %",
            "–" if row["distance_mm"] is None else f"{row['distance_mm']:.0f}",
            f"{row['seconds']:.1f}",
        )
        write(place, texts, INK)
    axis.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -1.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("success, %, with 95 % Wilson interval")
    axis.grid(True, axis="x", color="#e4e8ee")


def _name(row: Mapping[str, Any]) -> str:
    names = {ADAPTIVE: "pruner (adaptive)", DENSE: "dense", "mean": "mean of the masks"}
    return names.get(row["method"]) or f"mask {row['method']}: {row['phase']}, {100 * row['share']:.0f} %"
