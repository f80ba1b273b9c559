"""The picture of a run: how the arm came to rest after each fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sag_ros.bench.faults.outcome import Outcome

_COLUMNS = 5


def draw(path: Path, outcomes: Sequence[Outcome], title: str) -> None:
    """A panel for each fault: commanded joint velocities from before it until its end.

    Args:
        path: PNG file.
        outcomes: with their paths.
        title: hardware, say.
    """
    from matplotlib.figure import Figure

    rows = -(-len(outcomes) // _COLUMNS)
    figure = Figure(figsize=(15.0, 0.8 + 1.9 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    for axis, outcome in zip(axes.flat, outcomes, strict=False):
        good = not outcome.wrong()
        if len(outcome.path):
            axis.plot(outcome.path[:, 0], outcome.path[:, 1:], linewidth=0.8, color="#4f6d7a", alpha=0.7)
        axis.axvline(0.0, color="#c8553d", linewidth=1.0)
        rest = "does not stop"
        if np.isfinite(outcome.rest):
            axis.axvline(outcome.rest, color="#7a9e7e", linewidth=1.0, linestyle="--")
            rest = f"at rest {outcome.rest:.2f} s"
        axis.set_title(f"{outcome.fault}\n{rest}; {outcome.goes_on.value}", fontsize=8, loc="left",
                       color="black" if good else "#c8553d")  # fmt: skip
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(outcomes) :]:
        axis.set_visible(False)
    figure.supxlabel("s since the fault (red); dashed: at rest", fontsize=9)
    figure.supylabel("commanded velocity, rad/s", fontsize=9)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110)
