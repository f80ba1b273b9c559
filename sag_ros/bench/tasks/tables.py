"""The tables of ``sag bench tasks``: as cells for any output, and for a terminal of 120 columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from sag_ros.bench.tasks.choice import SLACK

Row = Mapping[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Cells:
    """A table before it is drawn; the first column is text, the others are numbers unless in ``left``.

    Columns in ``wrap`` are text of any length.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str
    left: tuple[str, ...] = ()
    wrap: tuple[str, ...] = ()

    def kinds(self) -> list[str]:
        """Of each column: ``text``, ``text wrap`` or, for numbers, nothing."""
        text = {self.columns[0], *self.left}
        kinds = ((name in text, name in self.wrap) for name in self.columns)
        return [" ".join(["text"] * left + ["wrap"] * wraps) for left, wraps in kinds]


def all_tables(content: Mapping[str, Any]) -> list[Cells]:
    """Tables of a report; see ``bench.tasks.report`` for its keys."""
    rows, settings = content["rows"], content["settings"]
    out = [success(rows, settings["task"], settings["margin"])]
    if any(row["ms"] for row in rows):
        out.append(milliseconds(rows, content["hardware"]))
        if content["budgets"]:
            out.append(budgets(content["budgets"], rows))
    return [*out, smoothness(rows)]


def success(rows: Sequence[Row], task: str, margin: float) -> Cells:
    """Success of every method and its difference to dense on the same seeds."""

    def paired(row: Row) -> tuple[str, ...]:
        found = row["paired"]
        if found is None:
            return (NOTHING,) * 5 + ("",)
        alone = f"{found['dense_only']}:{found['method_only']}"
        p = _p(found["p"]), _p(found["p_holm"])
        return *_difference(found["difference"], found["ci95"], 1), alone, *p, said(row["verdict"], margin)

    return Cells(
        f"Success on {task}, paired with dense",
        (
            "method", "success", "95 %", "− dense", "95 %", "−:+", "p", "Holm", "verdict", "density", "ms",
        ),
        [
            (
                row["method"],
                f"{row['successes']}/{row['episodes']}",
                f"{100 * row['ci95'][0]:.1f}–{100 * row['ci95'][1]:.1f}",
                *paired(row),
                f"{row['density']:.3f}",
                _digits(row["ms"] and row["ms"]["policy"]["p50"]),
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


def said(verdict: str, margin: float) -> str:
    """A verdict in words."""
    return f"within {margin:g}" if verdict == "within margin" else verdict


def milliseconds(rows: Sequence[Row], hardware: Mapping[str, Any]) -> Cells:
    """Where the time of a chunk goes."""
    timed = [row for row in rows if row["ms"] is not None]
    counts = [row["ms"]["chunks"] for row in timed]
    torch = [row["torch_ms"]["chunks"] for row in timed if row["torch_ms"]]
    counted = f"{span(counts)} chunks" + (f"; torch eager: {max(torch)} chunks" if torch else "")
    parts = (
        ("pruner", "p50"), ("plan", "p50"), ("denoise", "p50"), ("policy", "p50"), ("policy", "p99"), "×",
        ("encode", "p50"), ("total", "p50"), ("total", "p99"),
    )  # fmt: skip

    def cell(row: Row, part: Any) -> str:
        if part == "×":
            return _optional(row["policy_speedup"], "{:.1f}".format)
        return _digits(row["ms"][part[0]][part[1]])

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
                *(cell(row, part) for part in parts),
                _digits(row["torch_ms"] and row["torch_ms"]["policy"]["p50"]),
            )
            for row in timed
        ],
        "Every method on the same recorded observations, in turns, apart from the episodes. Σ: pruner + "
        "plan + denoising; total: with one new frame of each camera encoded. p50 but for p99; medians do "
        "not add up. ×: Σ of dense in this engine over it. torch: the reference engine, eager, one thread.",
        ("engine",),
    )  # fmt: skip


def span(counts: Sequence[int]) -> str:
    """``200``, or ``180 to 200`` where counts differ."""
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def budgets(found: Sequence[Row], rows: Sequence[Row]) -> Cells:
    """Who is best at equal milliseconds."""
    by_name = {row["method"]: row for row in rows}
    earlier = [[], *(row["methods"] for row in found[:-1])]
    words = ("best success", "smoothest, not worse than dense", "also fit, best first")

    def best(name: str) -> str:
        row = by_name[name]
        return f"{name} {100 * row['success']:.1f} %, {_digits(row['ms']['policy']['p50'])} ms"

    def smoothest(name: str) -> str:
        return f"{name} {_digits(by_name[name]['smoothness']['rms_jerk']['mean'])} rad/s³"

    return Cells(
        "At equal milliseconds",
        ("budget, ms", "with cameras", *words),
        [
            (
                f"{row['ms']:g}",
                f"{row['total_ms']:.1f}",
                "; ".join(map(best, row["best_success"])) or NOTHING,
                _optional(row["smoothest"], smoothest),
                ", ".join(name for name in row["methods"] if name not in before) or NOTHING,
            )
            for row, before in zip(found, earlier, strict=True)
        ],
        f"A method fits when its Σ p50 is at most {SLACK:g} × the budget. Smoothest: least rms jerk among "
        "those not significantly worse than dense (p ≥ .05 uncorrected).",
        left=words,
        wrap=words,
    )


def smoothness(rows: Sequence[Row]) -> Cells:
    """How the arm moves, and how well chunks agree."""

    def cells(found: Row) -> tuple[str, ...]:
        jerk = found["rms_jerk"]
        low, high = jerk["ci95"]
        return (
            _digits(jerk["mean"]),
            NOTHING if low is None else f"{_digits(low)}–{_digits(high)}",
            *_difference(jerk["difference"], jerk["difference_ci95"], 2),
            _optional(found["peak_jerk"]["mean"], "{:.0%}".format).replace("%", " %"),
            _digits(found["rms_acceleration"]["mean"]),
            *(_optional(found[key]["mean"], lambda rad: _digits(1e3 * rad)) for key in ("jump", "bend")),
        )

    return Cells(
        "Smoothness of the executed motion",
        (
            "method", "jerk", "95 %", "− dense", "95 %", "peak", "acc.", "jump", "bend", "s", "clipped",
            "refused", "broken",
        ),
        [
            (
                row["method"],
                *cells(row["smoothness"]),
                _optional(row["seconds"], "{:.1f}".format),
                *(str(row[key]) for key in ("clipped", "refused", "violations")),
            )
            for row in rows
        ],
        "Means over episodes; 95 %: bootstrap; differences are paired. Root mean square of jerk (rad/s³) "
        "and acceleration (rad/s²) over time and joints; peak jerk in % of the FR3's limit. Jump, mrad: "
        "from where a chunk was heading to the first action of the next, before splicing; bend: the same "
        "from action to action within a chunk. s: duration of successes. Sums: limits the guard had to "
        "clip, chunks refused, limits broken by what was executed.",
    )  # fmt: skip


def _optional(value: Any, text: Callable[[Any], str]) -> str:
    return NOTHING if value is None else text(value)


def _difference(value: float | None, bounds: Sequence[float], digits: int) -> tuple[str, str]:
    """A difference and its interval, with signs."""
    if value is None:
        return NOTHING, NOTHING

    def signed(number: float) -> str:
        text = f"{number:+.{digits}f}"
        return text[1:] if float(text) == 0 else text.replace("-", "−")

    return signed(value), " … ".join(map(signed, bounds))


def _digits(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return NOTHING
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"


def _p(value: float) -> str:
    if value < 0.001:
        return "<.001"
    return "1" if value >= 0.9995 else f"{value:.3f}".lstrip("0")


def terminal(cells: Cells) -> Table:
    """The table for a terminal; the columns of text wrap, numbers do not."""
    shown = Table(
        title=cells.title, caption=cells.note, caption_justify="left", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    for number, (column, kind) in enumerate(zip(cells.columns, cells.kinds(), strict=True)):
        wraps = number == 0 or "wrap" in kind  # long names of folders, too
        side = "left" if "text" in kind else "right"
        shown.add_column(column, justify=side, no_wrap=not wraps, overflow="fold")
    for row in cells.rows:
        shown.add_row(*row)
    return shown
