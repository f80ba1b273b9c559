"""Table and picture of ``sag bench engines``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console()


def table(rows: Sequence[dict[str, Any]], limits: Any) -> Table:
    """One line for each row."""
    rates = ", ".join(f"{name} {value:.0f} GFLOP/s" for name, value in limits.gflops.items())
    out = Table(
        title="milliseconds per chunk, one thread",
        caption=f"limits of this machine: {rates}, {limits.bandwidth:.1f} GB/s",
    )
    out.add_column("engine", no_wrap=True)
    for column in ("density", "p50", "p99", "GFLOP/s", "floor", "error", "× torch"):
        out.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        out.add_row(
            f"{row['engine']}-{row['precision']}",
            f"{row['density']:.2f}",
            f"{row['ms_p50']:.1f}",
            f"{row['ms_p99']:.1f}",
            f"{row['gflop_per_s']:.0f}",
            f"{row['floor_ms']:.1f}",
            f"{row['error']:.0e}",
            f"{row['speedup_vs_torch_dense']:.1f}",
        )
    return out


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Latency against density with the floor of each precision, logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    names = dict.fromkeys((row["engine"], row["precision"]) for row in rows)
    for number, (engine, precision) in enumerate(names):
        own = [row for row in rows if (row["engine"], row["precision"]) == (engine, precision)]
        own.sort(key=lambda row: row["density"])
        density = [row["density"] for row in own]
        colour, label = f"C{number}", f"{engine} {precision}"
        if len(own) == 1:
            axes.axhline(own[0]["ms_p50"], color=colour, linestyle=":", label=f"{label}, dense")
            continue
        axes.plot(density, [row["ms_p50"] for row in own], color=colour, marker="o", label=label)
        axes.plot(density, [row["floor_ms"] for row in own], color=colour, linestyle="--", alpha=0.6)
    axes.set(
        xlabel="share of the blocks computed",
        ylabel="ms per chunk, median",
        xscale="log",
        yscale="log",
        title="one thread; dashed: floor by arithmetic rate and memory bandwidth",
    )
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
