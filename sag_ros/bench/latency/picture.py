"""The picture of a latency measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sag_ros.bench.latency.lag import Lag
from sag_ros.bench.latency.stages import Summary
from sag_ros.values import Float

_COLOURS = (
    "#9db4c0", "#5c9ead", "#7a9e7e", "#e0a458", "#c8553d", "#8e6c8a", "#4f6d7a", "#b0a990", "#6b705c",
)  # fmt: skip
_BINS = 60
_BUSIEST = 9  # threads


class Shown(NamedTuple):
    """One condition.

    Attributes:
        stages: stage -> (N,) ms. whole: (N,) ms from camera to published command.
        lag: of the arm.
        threads: node, thread, share of a core, the busiest first.
    """

    stages: Mapping[str, Float]
    whole: Float
    lag: Lag
    threads: Sequence[tuple[str, str, float]] = ()


def draw(
    path: Path,
    conditions: Mapping[str, Shown],
    deadline: float,
    title: str,
) -> None:
    """Draw what each stage takes, how the whole is distributed, and who uses the cores.

    Args:
        path: PNG file.
        conditions: by name.
        deadline: ms.
        title: hardware, say.
    """
    from matplotlib.figure import Figure

    rows = len(conditions)
    columns = 3 if any(shown.threads for shown in conditions.values()) else 2
    figure = Figure(figsize=(5.5 * columns - 1.0, 2.2 + 2.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, width_ratios=(1.45, 1.0, 1.0)[:columns])
    everything = np.concatenate([shown.whole for shown in conditions.values()] or [np.zeros(1)])
    most = max(float(np.percentile(everything, 99.5)) * 1.15, deadline * 1.1) if len(everything) else deadline
    for (name, (stages, whole, lag, threads)), (left, right, *others) in zip(
        conditions.items(), axes, strict=True
    ):
        _stages(left, stages, lag)
        for axis in others:
            _threads(axis, threads)
        left.set_title(f"{name}: where the time goes (median; whisker to p99)", fontsize=10, loc="left")
        right.hist(np.minimum(whole, most), bins=np.linspace(0.0, most, _BINS), color="#4f6d7a")
        p50, _, p99, _ = Summary.of(whole).percentiles
        for value, text, style in ((p50, "p50", "-"), (p99, "p99", "--")):
            if np.isfinite(value):
                right.axvline(value, color="#c8553d", linestyle=style, label=f"{text} {value:.1f} ms")
        right.axvline(deadline, color="black", linestyle=":", label=f"deadline {deadline:.0f} ms")
        right.set_title("camera stamp to published command", fontsize=10, loc="left")
        right.set_xlabel("ms")
        right.set_ylabel("chunks")
        right.set_xlim(0.0, most)
        right.legend(fontsize=8, framealpha=1.0, edgecolor="none")
        for axis in (left, right, *others):
            axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=150)


def _stages(axis: Any, stages: Mapping[str, Float], lag: Lag) -> None:
    labels = [*stages, *(["moved"] if np.isfinite(lag.value) else [])]
    for row, name in enumerate(labels):
        colour = _COLOURS[row % len(_COLOURS)]
        if name == "moved":
            middle, low, high = lag.value, lag.low, lag.high
            text = f"{middle:.1f} ({low:.1f} to {high:.1f})"
            ends = [[middle - low], [high - middle]]
        else:
            values = stages[name][np.isfinite(stages[name])]
            middle, _, high, _ = Summary.of(values).percentiles
            text = f"{middle:.1f} (p99 {high:.1f})" if np.isfinite(high) else f"{middle:.1f}"
            high = high if np.isfinite(high) else middle
            ends = [[0.0], [high - middle]]
        axis.barh(row, middle, color=colour, xerr=ends, ecolor="#555555", capsize=2)
        axis.text(high, row, f"  {text}", va="center", fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=9)
    axis.invert_yaxis()
    axis.set_xlabel("ms")
    axis.margins(x=0.25)
    axis.set_xlim(left=0.0)


def _threads(axis: Any, threads: Sequence[tuple[str, str, float]]) -> None:
    nodes = {node: number for number, node in enumerate(dict.fromkeys(node for node, _, _ in threads))}
    for row, (node, _, share) in enumerate(threads[:_BUSIEST]):
        axis.barh(row, 100.0 * share, color=_COLOURS[2 * nodes[node] % len(_COLOURS)])
        axis.text(100.0 * share, row, f"  {100.0 * share:.0f}", va="center", fontsize=8)
    labels = [f"{node}: {thread}" for node, thread, _ in threads[:_BUSIEST]]
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.invert_yaxis()
    axis.margins(x=0.15)
    whole = ", ".join(
        f"{node} {100.0 * sum(share for own, _, share in threads if own == node):.0f} %" for node in nodes
    )
    axis.set_xlabel(f"% of a core; in all {whole}")
    axis.set_title("the busiest threads", fontsize=10, loc="left")
