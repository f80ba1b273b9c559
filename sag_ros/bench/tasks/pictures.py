"""The picture of ``sag bench tasks``: success against latency and density, and smoothness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.tasks.choice import policy_ms
from sag_ros.bench.tasks.labels import Label, place_labels
from sag_ros.bench.tasks.rows import REFERENCE, significantly_worse
from sag_ros.bench.tasks.tables import span

Row = Mapping[str, Any]
Colours = Mapping[str, Any]  # of each method
Interval = tuple[float, float, float]  # lower bound, value, upper bound
FRONT = "#1b7f3b"
BAND = "dashed: dense, grey: its 95 %"
_TOP = 102.0  # of the axis of success, %


def draw(content: Mapping[str, Any], path: Path) -> None:
    """Write a PNG of four panels: see ``bench.tasks.report`` for ``content``, which has at least one row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, colours = content["rows"], _colours(content["rows"])
    timed = [row for row in rows if row["ms"] is not None]
    figure = Figure(figsize=(15, 12.5), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 3, height_ratios=(1.3, 1), width_ratios=(1.35, 1, 1))
    above, beside = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, 0])
    _front(above, content, timed, colours)
    _density(beside, content, colours)
    _jerk(figure.add_subplot(grid[1, 1]), rows, colours)
    _jumps(figure.add_subplot(grid[1, 2]), rows, colours)
    episodes = span([row["episodes"] for row in rows])
    machine = content["hardware"].get("cpu", "no times")
    methods = f"{content['settings']['task']}, {episodes} episodes a method on the same seeds"
    figure.suptitle(f"{methods}; {machine}, one thread", fontsize=13)
    canvas.draw()  # settles the layout, which the places of labels depend on
    place_labels(above, *_labels(timed, _ms(timed), colours), size=10)
    place_labels(beside, *_labels(rows, [row["density"] for row in rows], colours), size=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _colours(rows: Sequence[Row]) -> dict[str, Any]:
    """One colour for each family; dense is black."""
    from matplotlib import colormaps

    maps: Any = colormaps
    palette = maps["tab10"].colors + maps["tab20b"].colors[::4] + maps["tab20c"].colors[::4]
    families = [family for family in dict.fromkeys(row["family"] for row in rows) if family != REFERENCE]
    chosen = {family: palette[n % len(palette)] for n, family in enumerate(families)}
    return {row["method"]: chosen.get(row["family"], "black") for row in rows}


def _ms(rows: Sequence[Row]) -> list[float]:
    return [policy_ms(row) or 0.0 for row in rows]


def _success(row: Row) -> Interval:
    """In %, with its interval."""
    return 100 * row["ci95"][0], 100 * row["success"], 100 * row["ci95"][1]


def _short(name: str) -> str:
    """The method without the folders above its bundle."""
    base, at, folder = name.partition("@")
    return base + at + folder.rstrip("/").rpartition("/")[2]


def _labels(
    rows: Sequence[Row], places: Sequence[float], colours: Colours
) -> tuple[list[Label], list[tuple[float, float]]]:
    """Names of methods at x = ``places``, and points on markers and bars, which names should not cover."""
    labels, bars = [], []
    for row, x in zip(rows, places, strict=True):
        low, success, high = _success(row)
        labels.append((x, success, _short(row["method"]), colours[row["method"]]))
        bars += [(x, y) for y in (*np.linspace(low, high, 13), *[success] * 4)]  # the marker counts more
    return labels, bars


def _spread(low: float, value: float, high: float) -> list[list[float]]:
    """How far an error bar reaches down and up."""
    return [[max(value - low, 0.0)], [max(high - value, 0.0)]]


def _point(axes: Any, x: float, row: Row, colour: Any, star: bool) -> None:
    axes.errorbar(
        x, _success(row)[1], yerr=_spread(*_success(row)), color=colour, marker="*" if star else "o",
        markersize=16 if star else 7, markeredgecolor="black" if star else colour, markeredgewidth=0.7,
        elinewidth=1.1, capsize=2.5, zorder=3,
    )  # fmt: skip


def _success_axes(axes: Any, rows: Sequence[Row], places: Sequence[float]) -> None:
    """Scales and grid; dense and its interval behind everything."""
    for row in rows:
        if row["method"] == REFERENCE:
            low, success, high = _success(row)
            axes.axhspan(low, high, color="0.93", zorder=0)
            axes.axhline(success, color="0.45", linestyle="--", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(min(places) / 1.7, max(places) * 1.7)
    # The square root of the failures: methods crowd near 100 %, where differences matter most.
    stretch = (lambda y: -np.sqrt(np.maximum(_TOP - np.asarray(y), 0.0)), lambda root: _TOP - np.square(root))
    axes.set_yscale("function", functions=stretch)
    axes.set_yticks([0, 20, 40, 60, 70, 80, 85, 90, 95, 98, 100])
    axes.set_yticks([], minor=True)
    bottom = min(_success(row)[0] for row in rows)
    axes.set_ylim(bottom - 0.1 * (100 - bottom) - 1, _TOP - 0.2)
    axes.set_ylabel("success, % (Wilson 95 %), stretched near 100")
    _plain_ticks(axes)
    axes.grid(True, which="major", alpha=0.3)
    axes.grid(True, which="minor", axis="x", alpha=0.12)


def _plain_ticks(axes: Any) -> None:
    """1, 2, 5, 10 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(LogLocator(subs=(3.0, 4.0, 6.0, 7.0, 8.0, 9.0), numticks=20))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _front(axes: Any, content: Mapping[str, Any], rows: Sequence[Row], colours: Colours) -> None:
    if not rows:
        axes.text(0.5, 0.5, "no times were measured", ha="center", transform=axes.transAxes, color="0.4")
        axes.set_axis_off()
        return
    _success_axes(axes, rows, _ms(rows))
    for line in _curves(content, rows):
        line.sort(key=policy_ms)
        success = [_success(row)[1] for row in line]
        axes.plot(_ms(line), success, color=colours[line[0]["method"]], linewidth=1, alpha=0.55, zorder=2)
    by_name = {row["method"]: row for row in rows}
    front = [by_name[name] for name in content["pareto"]]
    # Up to the next one on the front nothing better is known: steps.
    left, right = axes.get_xlim()
    ms, success = [*_ms(front), right], [_success(row)[1] for row in (*front, front[-1])]
    axes.step(ms, success, where="post", color=FRONT, linewidth=3, alpha=0.4, zorder=2)
    for row, x in zip(rows, _ms(rows), strict=True):
        _point(axes, x, row, colours[row["method"]], row["method"] in content["pareto"])
    for budget in content["budgets"]:
        if left < budget["ms"] < right:
            axes.axvline(budget["ms"], color="0.5", linestyle=":", linewidth=1.2, zorder=1)
    axes.set_xlabel(
        "ms per chunk, p50, log scale: pruner + plan + denoising, without cameras; dotted: budgets"
    )
    title = f"Success against latency. Stars, green line: no other is as fast and better; {BAND}"
    axes.set_title(title, fontsize=11)


def _curves(content: Mapping[str, Any], rows: Sequence[Row]) -> list[list[Row]]:
    """Of each family the members that are among ``rows``, the sparsest first."""
    by_name = {row["method"]: row for row in rows}
    found = ([by_name[name] for name in names if name in by_name] for names in content["curves"].values())
    return [line for line in found if line]


def _density(axes: Any, content: Mapping[str, Any], colours: Colours) -> None:
    rows = content["rows"]
    _success_axes(axes, rows, [row["density"] for row in rows])
    for line in _curves(content, rows):
        density, success = [row["density"] for row in line], [_success(row)[1] for row in line]
        axes.plot(density, success, color=colours[line[0]["method"]], linewidth=1.4, alpha=0.7, zorder=2)
    for row in rows:
        _point(axes, row["density"], row, colours[row["method"]], False)
    axes.set_xlabel("blocks computed, share of the K × 3L of the full sampler")
    axes.set_title(f"Success against density\n{BAND}", fontsize=11)


def _bars(axes: Any, rows: Sequence[Row], colours: Colours, key: str, scale: float) -> None:
    """One line for each method; pale where success is significantly worse than dense."""
    for place, row in enumerate(rows):
        value = row["smoothness"][key]
        if value["mean"] is None:
            continue
        low, centre, high = (scale * x for x in (value["ci95"][0], value["mean"], value["ci95"][1]))
        axes.errorbar(
            centre, place, xerr=_spread(low, centre, high), color=colours[row["method"]], marker="o",
            markersize=8, capsize=3, elinewidth=2, alpha=0.4 if significantly_worse(row["paired"]) else 1.0,
        )  # fmt: skip
        if row["method"] == REFERENCE:
            axes.axvline(centre, color="0.3", linestyle="--", linewidth=1, zorder=2.1)
    names = [_short(row["method"]) for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8 if len(rows) > 14 else 9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(True, alpha=0.3)


def _jerk(axes: Any, rows: Sequence[Row], colours: Colours) -> None:
    _bars(axes, rows, colours, "rms_jerk", 1.0)
    axes.set_xlabel("rms joint jerk, rad/s³ (bootstrap 95 %)")
    axes.set_title("Jerk of the executed motion\npale: success significantly worse than dense", fontsize=11)


def _jumps(axes: Any, rows: Sequence[Row], colours: Colours) -> None:
    _bars(axes, rows, colours, "jump", 1e3)
    for place, row in enumerate(rows):
        bend = row["smoothness"]["bend"]["mean"]
        if bend is not None:
            axes.plot(1e3 * bend, place, marker="|", markersize=13, markeredgewidth=2, color="0.35")
    axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_xlabel("mrad (bootstrap 95 %), log scale")
    title = "Jump from chunk to chunk, before splicing\nmark: from action to action within chunks"
    axes.set_title(title, fontsize=11)
