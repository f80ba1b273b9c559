"""The page of ``sag accelerate``: what to take, the table behind it, a picture."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from sag_ros.bench.run.template import template
from sag_ros.bench.tasks.labels import place_labels

# Told apart by colour-blind people, too.
COLOURS = {"dense": "#1a1a1a", "cheap": "#0072b2", "searched": "#d55e00"}
KINDS = {"dense": "all blocks", "cheap": "without a search", "searched": "searched or trained"}
Row = Mapping[str, Any]


def write_page(content: Mapping[str, Any], out: Path) -> list[Path]:
    """Write ``accelerate.html`` and ``accelerate.png``; see ``stages.Stages.run`` for the content."""
    png = out / "accelerate.png"
    png.write_bytes(draw(content))
    html = out / "accelerate.html"
    html.write_text(
        template(Path(__file__).parent).render(
            content,
            picture=b64encode(png.read_bytes()).decode(),
            table=[_cells(row) for row in content["rows"]],
            kinds=KINDS,
            facts=_facts(content),
        ),
        encoding="utf-8",
    )
    return [html, png]


def _cells(row: Row) -> dict[str, str]:
    low, high = row["error_difference"][1:]
    return {
        "name": row["name"],
        "kind": KINDS[row["kind"]],
        "colour": COLOURS[row["kind"]],
        "density": f"{100 * row['density']:.1f}",
        "ms": f"{row['ms'][0]:.2f} / {row['ms'][1]:.2f}",
        "speedup": f"{row['speedup']:.1f}",
        "error": f"{row['error']:.4f}",
        "difference": f"{row['error_difference'][0]:+.4f} ({low:+.4f} … {high:+.4f})",
        "chosen": _success(row.get("chosen")),
        "stated": _success(row.get("stated")),
        "verdict": _verdict(row.get("stated") or row.get("chosen")),
    }


def _success(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "–"
    low, high = (100 * bound for bound in found["ci95"])
    return f"{found['successes']} of {found['episodes']} ({low:.0f}–{high:.0f} %)"


def _verdict(found: Mapping[str, Any] | None) -> str:
    if not found or found["difference"] is None:
        return ""
    value, low, high = found["difference"]
    return f"{found['verdict']}: {value:+.1f} points ({low:+.1f} … {high:+.1f})"


def _facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    out = [("bundle", f"{content['bundle']}, policy {content['policy'][:16]}")]
    out.append(("time", f"{content['minutes']} of {content['arguments']['budget']:g} minutes"))
    for one in content["searched"]:
        text = (
            f"{one['tried']} changes tried, pruned blocks read the last residual of their "
            f"{'type' if one['reuse'] == 'type' else 'own'}; action error {one['before']} before, "
            f"{one['after']} after, density {one['density']}"
        )
        out.append((one["method"], text))
    for key, value in [*content["arguments"].items(), *content["hardware"].items()]:
        shown = value if isinstance(value, str) else json.dumps(value)
        out.append((key.replace("_", " "), shown))
    return out


def draw(content: Mapping[str, Any]) -> bytes:
    """PNG: what a chunk takes against how good it is; success where it was played, else the action error."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = content["rows"]
    played = any(row.get("stated") or row.get("chosen") for row in rows)
    figure = Figure(figsize=(11, 6), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    shown = [(row, point) for row in rows if (point := _point(row, played)) is not None]
    for row, (value, low, high) in shown:
        taken = row["name"] == content["recommendation"]["name"]
        axes.errorbar(
            row["ms"][0], value, yerr=[[value - low], [high - value]], color=COLOURS[row["kind"]],
            marker="*" if taken else "o", markersize=19 if taken else 8, markeredgecolor="black",
            markeredgewidth=1.0 if taken else 0.4, capsize=3, elinewidth=1.2, zorder=4 if taken else 3,
        )  # fmt: skip
    dense = next((point for row, point in shown if row["kind"] == "dense"), None)
    if dense is not None:
        axes.axhline(dense[0], color="0.5", linestyle="--", linewidth=1, zorder=1)
    axes.set_xscale("log")
    _ticks(axes, [row["ms"][0] for row, _ in shown])
    axes.set_xlabel("ms per chunk, p50, log scale: pruner, plan and denoising on one core")
    if played:
        axes.set_ylabel("success, % (Wilson 95 %)")
        axes.set_ylim(None, 101)
    else:
        axes.set_ylabel("action error on held-out demonstrations, normalised L1")
    for kind, colour in COLOURS.items():
        axes.plot([], [], "o", color=colour, label=KINDS[kind])
    axes.legend(frameon=False, loc="lower right" if played else "upper right")
    axes.grid(True, alpha=0.3)
    axes.set_title(f"{content['bundle']}: star: recommended; dashed: all blocks")
    canvas.draw()
    labels = [(row["ms"][0], point[0], row["name"], COLOURS[row["kind"]]) for row, point in shown]
    place_labels(axes, labels, [(row["ms"][0], y) for row, point in shown for y in point], size=9)
    stream = BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _point(row: Row, played: bool) -> tuple[float, float, float] | None:
    """Value with its interval; None where nothing was played. Without a task the interval is of the
    difference from dense, around the error."""
    if not played:
        value, low, high = row["error_difference"]
        return row["error"], row["error"] + low - value, row["error"] + high - value
    found = row.get("stated") or row.get("chosen")
    if not found:
        return None
    low, high = (100 * bound for bound in found["ci95"])
    value = 100 * found["successes"] / found["episodes"]
    return value, min(low, value), max(high, value)


def _ticks(axes: Any, values: Sequence[float]) -> None:
    """1, 2, 5, 10 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xlim(min(values) / 1.5, max(values) * 1.5)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
