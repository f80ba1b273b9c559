"""The tables of ``sag bench tasks``: as cells for any output, and for a terminal of 120 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from sag_ros.bench.tasks.choice import SLACK

Row = Mapping[str, Any]
NOTHING = "–"
WORDS = ("best success", "smoothest, not worse than dense", "also fit, best first")  # of budgets


@dataclass(frozen=True)
class Cells:
    """A table before it is drawn; the first column is text, the others are numbers unless in ``left``.

    Columns in ``wrap`` are text of any length.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    left: tuple[str, ...] = ()
    wrap: tuple[str, ...] = ()


def all_tables(content: Mapping[str, Any]) -> list[Cells]:
    """Tables of a report; see ``bench.task_report`` for its keys."""
    rows, settings = content["rows"], content["settings"]
    out = [success(rows, settings)]
    if any(row["ms"] for row in rows):
        out.append(milliseconds(rows, content["hardware"]))
        if content["budgets"]:
            out.append(budgets(content["budgets"], rows))
    out.append(smoothness(rows))
    return out


def success(rows: Sequence[Row], settings: Mapping[str, Any]) -> Cells:
    """Success of every method and its difference to dense on the same seeds."""
    margin = settings["margin"]
    return Cells(
        f"Success on {settings['task']}, paired with dense",
        (
            "method", "success", "95 %", "− dense", "95 %", "−:+", "p", "Holm", "verdict", "density", "ms",
        ),
        [
            (
                row["method"],
                f"{row['successes']}/{row['episodes']}",
                f"{100 * row['ci95'][0]:.1f}–{100 * row['ci95'][1]:.1f}",
                *_paired(row, margin),
                f"{row['density']:.3f}",
                NOTHING if row["ms"] is None else _digits(row["ms"]["policy"]["p50"]),
            )
            for row in rows
        ],
        "95 % of a rate: Wilson; of the difference to dense on the same seeds, in points: Tango's score "
        "interval. −:+ = seeds on which only dense : only the method succeeds; p: exact McNemar test of "
        "these, which is conservative: an interval may leave out 0 before p < .05; Holm: corrected for "
        f"{sum(row['paired'] is not None for row in rows)} comparisons. Verdict: worse, better: Holm < .05; "
        f"not inferior: the whole interval is above −{margin:g} points; within {margin:g}: the observed "
        "difference is, and p ≥ .05 uncorrected; unclear: more episodes would tell. Density: blocks "
        "computed as a share of the K × 3L of the full sampler. ms: pruner + plan + denoising, p50.",
        ("verdict",),
    )  # fmt: skip


def _paired(row: Row, margin: float) -> tuple[str, ...]:
    paired = row["paired"]
    if paired is None:
        return (NOTHING,) * 5 + ("",)
    low, high = paired["ci95"]
    return (
        _signed(paired["difference"]),
        f"{_signed(low)} … {_signed(high)}",
        f"{paired['dense_only']}:{paired['method_only']}",
        _p(paired["p"]),
        _p(paired["p_holm"]),
        said(row["verdict"], margin),
    )


def said(verdict: str, margin: float) -> str:
    """A verdict in words."""
    return f"within {margin:g}" if verdict == "within margin" else verdict


def milliseconds(rows: Sequence[Row], hardware: Mapping[str, Any]) -> Cells:
    """Where the time of a chunk goes."""
    timed = [row for row in rows if row["ms"] is not None]
    counts = sorted({row["ms"]["chunks"] for row in timed})
    torch = sorted({row["torch_ms"]["chunks"] for row in timed if row["torch_ms"]})
    counted = f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} chunks"
    if torch:
        counted += f"; torch eager: {torch[-1]} chunks"
    return Cells(
        f"Milliseconds per chunk on {hardware.get('cpu', 'this CPU')}, one thread; {counted}",
        (
            "method", "engine", "pruner", "plan", "denoise", "Σ p50", "p99", "×", "encode", "total p50",
            "p99", "torch Σ",
        ),
        [
            (
                row["method"],
                row["engine"],
                *(_digits(row["ms"][part]["p50"]) for part in ("pruner", "plan", "denoise", "policy")),
                _digits(row["ms"]["policy"]["p99"]),
                NOTHING if row["policy_speedup"] is None else f"{row['policy_speedup']:.1f}",
                _digits(row["ms"]["encode"]["p50"]),
                _digits(row["ms"]["total"]["p50"]),
                _digits(row["ms"]["total"]["p99"]),
                _digits(row["torch_ms"]["policy"]["p50"]) if row["torch_ms"] else NOTHING,
            )
            for row in timed
        ],
        "Every method on the same recorded observations, in turns, apart from the episodes. Σ: pruner + "
        "plan + denoising; total: with one new frame of each camera encoded. p50 but for p99; medians do "
        "not add up. ×: Σ of dense in this engine over it. torch: the reference engine, eager, one thread.",
        ("engine",),
    )  # fmt: skip


def budgets(found: Sequence[Row], rows: Sequence[Row]) -> Cells:
    """Who is best at equal milliseconds."""
    by_name = {row["method"]: row for row in rows}
    earlier = [[], *(row["methods"] for row in found[:-1])]

    def named(name: str) -> str:
        row = by_name[name]
        return f"{name} {100 * row['success']:.1f} %, {_digits(row['ms']['policy']['p50'])} ms"

    return Cells(
        "At equal milliseconds",
        ("budget, ms", "with cameras", *WORDS),
        [
            (
                f"{row['ms']:g}",
                f"{row['total_ms']:.1f}",
                "; ".join(map(named, row["best_success"])) or NOTHING,
                NOTHING
                if row["smoothest"] is None
                else f"{row['smoothest']} {_jerk(by_name[row['smoothest']])} rad/s³",
                ", ".join(name for name in row["methods"] if name not in before) or NOTHING,
            )
            for row, before in zip(found, earlier, strict=True)
        ],
        f"A method fits when its Σ p50 is at most {SLACK:g} × the budget. Smoothest: least rms jerk among "
        "those not significantly worse than dense (p ≥ .05 uncorrected).",
        left=WORDS,
        wrap=WORDS,
    )


def _jerk(row: Row) -> str:
    return _digits(row["smoothness"]["rms_jerk"]["mean"])


def smoothness(rows: Sequence[Row]) -> Cells:
    """How the arm moves, and how well chunks agree."""
    return Cells(
        "Smoothness of the executed motion",
        (
            "method", "jerk", "95 %", "− dense", "95 %", "peak", "acc.", "jump", "bend", "s", "clipped",
            "refused", "broken",
        ),
        [
            (
                row["method"],
                _jerk(row),
                _range(row["smoothness"]["rms_jerk"]["ci95"]),
                *_difference(row["smoothness"]["rms_jerk"]),
                _percent(row["smoothness"]["peak_jerk"]["mean"]),
                _digits(row["smoothness"]["rms_acceleration"]["mean"]),
                _milli(row["smoothness"]["jump"]["mean"]),
                _milli(row["smoothness"]["bend"]["mean"]),
                NOTHING if row["seconds"] is None else f"{row['seconds']:.1f}",
                str(row["clipped"]),
                str(row["refused"]),
                str(row["violations"]),
            )
            for row in rows
        ],
        "Means over episodes; 95 %: bootstrap; differences are paired. Root mean square of jerk (rad/s³) "
        "and acceleration (rad/s²) over time and joints; peak jerk in % of the FR3's limit. Jump, mrad: "
        "from where a chunk was heading to the first action of the next, before splicing; bend: the same "
        "from action to action within a chunk. s: duration of successes. Sums: limits the guard had to "
        "clip, chunks refused, limits broken by what was executed.",
    )  # fmt: skip


def _difference(value: Row) -> tuple[str, str]:
    if value["difference"] is None:
        return NOTHING, NOTHING
    low, high = value["difference_ci95"]
    return _signed(value["difference"], 2), f"{_signed(low, 2)} … {_signed(high, 2)}"


def _range(bounds: Sequence[float | None]) -> str:
    low, high = bounds
    return NOTHING if low is None or high is None else f"{_digits(low)}–{_digits(high)}"


def _signed(value: float, digits: int = 1) -> str:
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def _digits(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return NOTHING
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _p(value: float) -> str:
    if value < 0.001:
        return "<.001"
    return "1" if value >= 0.9995 else f"{value:.3f}".lstrip("0")


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.0f} %"


def _milli(value: float | None) -> str:
    return NOTHING if value is None else _digits(1e3 * value)


def terminal(cells: Cells) -> Table:
    """The table for a terminal; the columns of text wrap, numbers do not."""
    shown = Table(
        title=cells.title,
        caption=cells.note,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for number, column in enumerate(cells.columns):
        text = number == 0 or column in cells.left
        wraps = number == 0 or column in cells.wrap  # long names of folders, too
        shown.add_column(column, justify="left" if text else "right", no_wrap=not wraps, overflow="fold")
    for row in cells.rows:
        shown.add_row(*row)
    return shown
