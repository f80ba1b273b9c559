"""Tables and pictures of ``sag bench engines``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

console = Console()
LINE = ("dense", "random")
AXES = {
    "K": "denoising steps K",
    "T": "action tokens T, all executed",
    "layers": "layers L",
    "width": "width d",
}


def name(row: Mapping[str, Any]) -> str:
    """Engine and, where it has a choice, precision."""
    chooses = row["engine"] in ("native", "openvino")
    return f"{row['engine']}-{row['precision']}" if chooses else str(row["engine"])


def show(content: Mapping[str, Any]) -> None:
    """Print all tables."""
    console.print(_table(content))
    for fit in content["fits"]:
        slope = fit["ms_at_density_1"] - fit["fixed_ms"]
        console.print(
            f"{name(fit)}: {fit['fixed_ms']:.2f} ms + {slope:.1f} ms × density, off by up to "
            f"{100 * fit['largest_relative_residual']:.0f} %; emptiest plan {fit['emptiest_ms']:.2f} ms",
            highlight=False,
        )
    if content.get("savings"):
        console.print(_savings(content["savings"]))
    if "soak" in content:
        soak = content["soak"]
        console.print(
            f"{soak['chunks']} chunks in a row on one core, {name(soak)}, density {soak['density']}: p50 "
            f"{soak['ms_p50']:.2f}, p99 {soak['ms_p99']:.2f}, max {soak['ms_max']:.2f} ms; p99 / p50 "
            f"{soak['p99_over_p50']}, within 200 chunks {soak['p99_over_p50_of_200']}; memory grew by "
            f"{soak['memory_growth_mb']} MB",
            highlight=False,
        )
    for line in content["absent"]:
        console.print(f"not measured: {line}", highlight=False)


def _three_digits(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


COLUMNS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "density": lambda row: f"{row['density']:.3f}",
    "p50": lambda row: _three_digits(row["ms_p50"]),
    "p99": lambda row: _three_digits(row["ms_p99"]),
    "floor": lambda row: f"{row['times_floor']:.1f}",
    "error": lambda row: f"{row['error']:.0e}",
    "torch": lambda row: _three_digits(row["speedup_vs_torch_dense"]),
    "dense": lambda row: _three_digits(row["speedup_vs_own_dense"]),
}


def _table(content: Mapping[str, Any]) -> Table:
    limits = content["limits"]
    rates = ", ".join(f"{key} {value:.0f} GFLOP/s" for key, value in limits["gflop_per_s"].items())
    streams = ", ".join(f"{key} {value:.0f}" for key, value in limits["gb_per_s_weights"].items())
    out = Table(
        title="ms per chunk, one thread; × floor, × torch eager dense, × the same engine dense",
        caption=(
            f"{content['hardware']['cpu']}. Floor: the larger of arithmetic ({rates}) and weights read "
            f"({streams} GB/s for as many bytes as the weights have; from memory "
            f"{limits['gb_per_s_memory']:.0f} GB/s)"
        ),
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("engine", "masks", *COLUMNS):
        out.add_column(column, justify="right" if column in COLUMNS else "left", no_wrap=True)
    for row in content["rows"]:
        out.add_row(name(row), row["mask"], *(cell(row) for cell in COLUMNS.values()))
    return out


def _savings(rows: Sequence[Mapping[str, Any]]) -> Table:
    out = Table(title=f"what each exact saving is worth, {name(rows[0])}")
    out.add_column("without")
    densities = sorted({row["density"] for row in rows}, reverse=True)
    for density in densities:
        out.add_column(f"density {density:.2f}, ms", justify="right")
        out.add_column("×", justify="right")
    for label in dict.fromkeys(row["without"] for row in rows):
        cells = []
        for density in densities:
            row = next(row for row in rows if (row["without"], row["density"]) == (label, density))
            cells += [f"{row['ms_p50']:.1f}", f"{row['times_slower']:.2f}"]
        out.add_row(label.replace("_", " ") or "none", *cells)
    return out


def draw(content: Mapping[str, Any], path: Path) -> list[Path]:
    """Pictures beside ``path``: latency against density, and, where measured, growth."""
    out = [path.with_suffix(".png")]
    _draw_density(content, out[0])
    if content.get("growth"):
        out.append(path.with_name(f"{path.stem}_growth.png"))
        _draw_growth(content["growth"], out[1])
    return out


def _draw_density(content: Mapping[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    rows = content["rows"]
    for number, engine in enumerate(dict.fromkeys(name(row) for row in rows)):
        own = [row for row in rows if name(row) == engine]
        line = sorted((row for row in own if row["mask"] in LINE), key=lambda row: float(row["density"]))
        density, ms, colour = [row["density"] for row in line], [row["ms_p50"] for row in line], f"C{number}"
        if len(line) == 1:
            axes.axhline(ms[0], color=colour, linestyle=":", label=f"{engine}, dense: {ms[0]:.0f} ms")
            continue
        axes.plot(density, ms, "o-", color=colour, markersize=4, label=engine)
        if engine.startswith("native"):
            axes.plot(density, [row["floor_ms"] for row in line], "--", color=colour, alpha=0.7)
        for row in own:
            if row["mask"] not in (*LINE, "emptiest"):
                axes.plot(row["density"], row["ms_p50"], "*", color=colour, markersize=13)
    shape = rows[0]
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="share of the residual blocks that is computed (random places; stars: masks of a pruner)",
        ylabel="ms per chunk, p50",
        title=f"K={shape['K']}, T={shape['T']}, L={shape['layers']}, d={shape['width']}, one thread of "
        f"{content['hardware']['cpu']}\ndashed: floor of the engine of that colour",
    )
    axes.set_xticks((1, 0.5, 0.2, 0.1, 0.05), ["1", ".5", ".2", ".1", ".05"])
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def _draw_growth(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    # One size is changed at a time, so that of each the most frequent value is that of the base.
    base = {key: Counter(row[key] for row in rows).most_common(1)[0][0] for key in AXES}
    for axes, (key, label) in zip(figure.subplots(2, 2).flat, AXES.items(), strict=True):
        along = [row for row in rows if all(row[other] == base[other] for other in AXES if other != key)]
        for engine in dict.fromkeys(name(row) for row in rows):
            own = sorted((row for row in along if name(row) == engine), key=lambda row: float(row[key]))
            kind = "dense" if own[0]["density"] == 1.0 else f"density {own[0]['density']:.2f}"
            ms = [row["ms_p50"] for row in own]
            axes.plot([row[key] for row in own], ms, "o-", label=f"{engine}, {kind}")
        axes.set(xlabel=label, ylabel="ms per chunk, p50", yscale="log")
        axes.grid(True, which="both", alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    fixed = ", ".join(f"{key}={value}" for key, value in base.items())
    figure.suptitle(f"one of the four changed at a time from {fixed}")
    figure.savefig(path, dpi=110)
