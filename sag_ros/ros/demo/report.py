"""report.png: rate and latency over the run, and which blocks were computed over one episode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sag_ros.ros.demo.run_record import Episode, chunk_rate, percentiles

INK, FAINT, GRID = "#1d2733", "#8894a3", "#e4e8ee"
BLUE, ORANGE, GREEN, RED = "#2f6fde", "#e07a1f", "#2a9d6f", "#cf3f4f"
BLOCKS = ("SA", "CA", "FFN")
RATE_GOAL = 45.0  # Hz
SNAPSHOTS = 8
RATE_WINDOW = 0.5  # s


def _timeline(episodes: Sequence[Episode]) -> tuple[list[NDArray], list[float]]:
    """Publishing times of each episode's chunks with the pauses cut out, s, and the episodes' borders."""
    times, borders = [], [0.0]
    for episode in episodes:
        stamps = np.array([chunk.publish_stamp for chunk in episode.executed])
        length = float(stamps[-1] - stamps[0]) if len(stamps) else 0.0
        times.append(borders[-1] + stamps - stamps[0] if len(stamps) else stamps)
        borders.append(borders[-1] + max(length, 0.1))
    return times, borders


def moving_rate(times: NDArray, window: float = RATE_WINDOW) -> NDArray:
    """(N,) chunks per second around each of (N,) increasing times, over ``window`` s, less at the ends."""
    if len(times) < 2:
        return np.zeros(len(times))
    first = np.minimum(np.searchsorted(times, times - window / 2), len(times) - 2)
    last = np.maximum(np.searchsorted(times, times + window / 2, "right") - 1, first + 1)
    return (last - first) / np.maximum(times[last] - times[first], 1e-6)


def _shade(axis, borders: Sequence[float], episodes: Sequence[Episode], label: bool) -> None:
    for number, episode in enumerate(episodes):
        left, right = borders[number], borders[number + 1]
        if number % 2:
            axis.axvspan(left, right, color="#f6f8fb", zorder=0)
        if label:
            axis.annotate(
                f"{'✓' if episode.success else '✗'} {episode.number}",
                ((left + right) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
                textcoords="offset points", ha="center", fontsize=9, fontweight="bold",
                color=GREEN if episode.success else RED,
            )  # fmt: skip
    axis.set_xlim(0, borders[-1])


def _rate_axis(axis, episodes, times, borders) -> None:
    for t in times:
        axis.plot(t, moving_rate(t), color=BLUE, lw=1.3)
    axis.axhline(RATE_GOAL, color=ORANGE, lw=1, ls=(0, (4, 3)))
    axis.annotate(
        f"goal {RATE_GOAL:.0f}", (1, RATE_GOAL), xycoords=("axes fraction", "data"), xytext=(-4, -10),
        textcoords="offset points", ha="right", color=ORANGE, fontsize=8,
    )  # fmt: skip
    top = max([RATE_GOAL, *[moving_rate(t).max() for t in times if len(t) > 1]])
    axis.set_ylim(0, 1.15 * top)
    axis.set_ylabel("chunks / s")
    _shade(axis, borders, episodes, label=True)


def _latency_axis(axis, episodes, times, borders) -> None:
    values = [np.array([chunk.latency_ms for chunk in episode.executed]) for episode in episodes]
    every = np.concatenate(values) if values else np.zeros(0)
    stats = percentiles(every)
    for t, v in zip(times, values, strict=True):
        axis.plot(t, v, ".", ms=2.2 if len(every) > 1500 else 5, color=BLUE, alpha=0.45, mew=0)
    for name, color in (("p50", INK), ("p99", ORANGE)):
        axis.axhline(stats[name], color=color, lw=1)
        axis.annotate(
            f"{name} {stats[name]:.1f} ms", (0, stats[name]), xycoords=("axes fraction", "data"),
            xytext=(4, 3), textcoords="offset points", color=color, fontsize=8,
        )  # fmt: skip
    axis.set_ylim(0, 1.25 * max(stats["p99"], 1.0))
    axis.set_ylabel("latency, ms\n(camera → command)")
    axis.set_xlabel("time while the policy runs, s")
    _shade(axis, borders, episodes, label=False)


def _by_type(count: int) -> NDArray[np.int_]:
    """Order of the 3L blocks that puts the same types together: SA of all layers, CA, FFN."""
    return np.arange(count).reshape(-1, 3).T.reshape(-1)


def _type_ticks(axis, layers: int) -> None:
    axis.set_yticks([layers * (i + 0.5) - 0.5 for i in range(3)], BLOCKS)
    axis.tick_params(axis="y", length=0)
    for border in (layers, 2 * layers):
        axis.axhline(border - 0.5, color="white", lw=1.2)


def _mask_axes(figure, grid, episode: Episode) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import ConnectionPatch

    white_blue = LinearSegmentedColormap.from_list("computed", ["#eef2f8", BLUE, "#12305f"])
    # A rung of the ladder may have fewer steps; a policy that took over, other blocks: those of most chunks.
    (blocks, _), *_ = Counter(mask.shape[1] for mask in episode.masks.values()).most_common()
    stamps = np.array(sorted(stamp for stamp, mask in episode.masks.items() if mask.shape[1] == blocks))
    computed = [~episode.masks[stamp] for stamp in stamps]  # each (K, 3L)
    order, t = _by_type(blocks), stamps - stamps[0]
    share = figure.add_subplot(grid[1, :])
    shares = np.stack([one.mean(axis=0) for one in computed])[:, order].T
    mesh = share.pcolormesh(
        np.r_[t, t[-1] + (t[-1] - t[0]) / max(len(t) - 1, 1) + 1e-3], np.arange(blocks + 1) - 0.5,
        shares, cmap=white_blue, vmin=0, rasterized=True,
    )  # fmt: skip
    share.invert_yaxis()
    _type_ticks(share, blocks // 3)
    share.set_xlabel(f"time in episode {episode.number}, s")
    share.set_ylabel("block, layers top down")
    inset = share.inset_axes((1.012, 0, 0.012, 1))
    bar = figure.colorbar(mesh, cax=inset, format=lambda x, _: f"{100 * x:.0f} %")
    steps = " or ".join(map(str, sorted({len(one) for one in computed})))
    bar.set_label(f"of the {steps} steps computed", fontsize=8)
    bar.outline.set_visible(False)
    figure.text(
        0.07, 0.437, "Which blocks are computed: dark = computed, light = cached residual reused",
        fontsize=11, fontweight="bold",
    )  # fmt: skip
    picks = np.linspace(0, len(t) - 1, SNAPSHOTS + 2).round().astype(int)[1:-1]
    for column, pick in enumerate(picks):
        axis = figure.add_subplot(grid[0, column])
        axis.imshow(computed[pick][:, order].T, aspect="auto", cmap=white_blue, vmin=0, vmax=1.4,
                    interpolation="nearest")  # fmt: skip
        _type_ticks(axis, blocks // 3)
        if column:
            axis.set_yticks([])
        last = len(computed[pick])
        axis.set_xticks([0, last - 1], ["1", f"{last}"])
        if column == 0:
            axis.set_xlabel("denoising step", fontsize=8, loc="left")
        axis.set_title(f"{t[pick]:.1f} s · {100 * computed[pick].mean():.1f} %", fontsize=9, color=INK)
        figure.add_artist(
            ConnectionPatch((t[pick], -0.5), (0.5, 0), share.transData, axis.transAxes, color=FAINT, lw=0.7)
        )


def draw(episodes: Sequence[Episode], engine: str, path: Path) -> Path:
    """Draw the report of a run; episodes without chunks are left out. Returns ``path``."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    episodes = [episode for episode in episodes if episode.executed]
    style = {
        "font.size": 10, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
        "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": False,
        "axes.grid.axis": "y", "grid.color": GRID, "axes.axisbelow": True,
    }  # fmt: skip
    with plt.rc_context(style):
        figure = plt.figure(figsize=(13, 9.6), dpi=130)
        outer = figure.add_gridspec(
            2, 1, height_ratios=[1, 1.05], hspace=0.38, left=0.07, right=0.93, top=0.86, bottom=0.06
        )
        top = outer[0].subgridspec(2, 1, hspace=0.12, height_ratios=[1, 1.25])
        bottom = outer[1].subgridspec(2, SNAPSHOTS, hspace=0.3, wspace=0.12, height_ratios=[1, 1.25])
        _headline(figure, episodes, engine)
        if episodes:
            times, borders = _timeline(episodes)
            rate = figure.add_subplot(top[0])
            latency = figure.add_subplot(top[1], sharex=rate)
            _rate_axis(rate, episodes, times, borders)
            _latency_axis(latency, episodes, times, borders)
            rate.tick_params(labelbottom=False)
            for axis in (rate, latency):
                axis.grid(True)
            shown = [episode for episode in episodes if len(episode.masks) > SNAPSHOTS]
            if shown:
                _mask_axes(figure, bottom, next((e for e in shown if e.success), shown[0]))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white")
        plt.close(figure)
    return path


def _headline(figure, episodes: Sequence[Episode], engine: str) -> None:
    chunks = [chunk for episode in episodes for chunk in episode.executed]
    figure.text(0.07, 0.955, "Pick and release", fontsize=20, fontweight="bold", va="center")
    figure.text(0.93, 0.955, f"engine {engine}", fontsize=10, color=FAINT, ha="right", va="center")
    if not chunks:
        figure.text(0.07, 0.91, "no chunk was published", fontsize=12, color=RED)
        return
    latency = percentiles([chunk.latency_ms for chunk in chunks])
    density = 100 * float(np.mean([chunk.density for chunk in chunks]))
    violations = sum(episode.limit_violations for episode in episodes)
    parts = [
        f"{sum(e.success for e in episodes)} of {len(episodes)} succeeded",
        f"{chunk_rate(episodes):.1f} chunks / s",
        f"latency {latency['p50']:.1f} ms (p99 {latency['p99']:.1f})",
        f"{density:.1f} % of the blocks computed",
        f"{violations} limit violations",
    ]
    figure.text(0.07, 0.918, "   ·   ".join(parts), fontsize=12, color=INK, va="center")
