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
# Light enough to write on; told apart by their order and their names, too.
PHASE_COLOURS = {"approach": "#e3e6ea", "grasp": "#fbe3b0", "carry": "#cfe6f5", "release": "#cdeadf"}
STEP_LABEL = "denoising step (1 = noisiest)"


def show_gates(axis: Any, colours: NDArray[np.float64]) -> None:
    """(K, 3L, 3) colours of the gates: steps to the right, downwards SA, CA and FFN of layers 1 ... L."""
    steps, blocks, _ = colours.shape
    layers = blocks // 3
    order = np.arange(blocks).reshape(layers, 3).T.ravel()
    axis.imshow(
        colours.transpose(1, 0, 2)[order], aspect="auto", interpolation="nearest",
        extent=(0.5, steps + 0.5, blocks + 0.5, 0.5),
    )  # fmt: skip
    axis.set_xticks([1, *range(max(steps // 5, 1), steps + 1, max(steps // 5, 1))])
    axis.tick_params(axis="x", length=2, labelsize=8)
    axis.set_yticks(
        [group * layers + (layers + 1) / 2 for group in range(3)],
        [f"{name}\nlayers 1–{layers}" for name in ("SA", "CA", "FFN")], fontsize=8,
    )  # fmt: skip
    axis.tick_params(axis="y", length=0)
    for border in (layers, 2 * layers):
        axis.axhline(border + 0.5, color="white", lw=2.5)


def draw_mask(axis: Any, mask: Mask, mean: Mask) -> None:
    """One K x 3L map; what is not as in ``mean`` stands out."""
    from matplotlib.colors import to_rgb

    computed, usual = ~mask.pruned, ~mean.pruned
    colours = np.full((*computed.shape, 3), to_rgb(PAPER))
    for gates, colour in (
        (computed & usual, INK),
        (computed & ~usual, ORANGE),
        (~computed & usual, SKY),
    ):
        colours[gates] = to_rgb(colour)
    show_gates(axis, colours)


def mask_legend(axis: Any) -> None:
    """What the colours of :func:`draw_mask` mean, below the last of them."""
    from matplotlib.patches import Patch

    texts = {
        INK: "computed, as in the mean mask",
        ORANGE: "computed here, not in the mean mask",
        SKY: "not computed here, but in the mean mask",
        PAPER: "pruned: cached residual reused",
    }
    handles = [Patch(facecolor=colour, edgecolor=FAINT, label=text) for colour, text in texts.items()]
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.22)}
    axis.set_xlabel(STEP_LABEL, fontsize=9)
    axis.legend(handles=handles, ncol=4, frameon=False, fontsize=9, **place)


def draw_time(axis: Any, episode: MaskEpisode, values: Sequence[float], top: float) -> None:
    """Values at the inferences of an episode, over its shaded phases."""
    for phase, begin, end in runs(episode.phases, episode.times, episode.seconds):
        axis.axvspan(begin, end, color=PHASE_COLOURS[phase], lw=0, zorder=0)
        if end - begin > 0.06 * episode.seconds:
            axis.text(0.5 * (begin + end), 0.985 * top, phase, ha="center", va="top", fontsize=8, color=INK)
    axis.step([*episode.times, episode.seconds], [*values, values[-1]], where="post", color=BLUE, lw=1.6)
    axis.set_xlim(0, episode.seconds)
    axis.set_ylim(0, top)


def name_masks(axis: Any, episode: MaskEpisode, values: Sequence[float], labels: Mapping[str, str]) -> None:
    """Write the letter of the mask where it changes; ``?`` for one that has none."""
    last = ""
    for time, value, digest in zip(episode.times, values, episode.masks, strict=True):
        if digest != last:
            axis.annotate(
                labels.get(digest, "?"), (time, value), xytext=(2, 3), textcoords="offset points",
                fontsize=8, fontweight="bold", color=BLUE,
            )  # fmt: skip
        last = digest


def draw_share(axis: Any, share: NDArray[np.float64]) -> None:
    """(K, 3L) how often each block is computed: always black, never pale, the others by a scale."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgb

    colours = colormaps["plasma"](share)[..., :3]
    colours[share == 1], colours[share == 0] = to_rgb(INK), to_rgb(PAPER)
    show_gates(axis, colours)
    axis.set_xlabel(f"{STEP_LABEL}     black: in every inference, pale: never")
    bar = axis.figure.colorbar(
        ScalarMappable(cmap="plasma"), ax=axis, pad=0.02, aspect=12, format=lambda x, _: f"{100 * x:.0f} %"
    )
    bar.set_label("varying: share of inferences", fontsize=9)
    bar.outline.set_visible(False)


def draw_study(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Success with 95 % interval of each method, and the pairs lost and won against the adaptive pruner."""
    for place, row in enumerate(rows):
        rate = 100 * row["successes"] / row["episodes"]
        marker, colour = {ADAPTIVE: ("o", BLUE), DENSE: ("s", INK)}.get(row["method"], ("D", ORANGE))
        axis.plot([100 * bound for bound in row["ci95"]], [place] * 2, color=colour, lw=2.2)
        axis.plot(rate, place, marker, color=colour, ms=7, clip_on=False)
        text = f"{row['successes']} of {row['episodes']}"
        if row["method"] != ADAPTIVE:
            text += f", lost {row['lost']} and won {row['won']} of {row['pairs']} pairs"
        if row["distance_mm"] is not None:
            text += f", {row['distance_mm']:.0f} mm off"
        axis.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axis.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("success, %, with 95 % Wilson interval")
    axis.grid(True, axis="x", color="#e4e8ee")


def _name(row: Mapping[str, Any]) -> str:
    known = {ADAPTIVE: "pruner (adaptive)", DENSE: "dense", "mean": "mean of the masks"}
    mask = f"mask {row['method']}: {row['phase']}, {100 * (row['share'] or 0):.0f} %"
    return known.get(row["method"], mask)
