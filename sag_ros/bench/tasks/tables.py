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

    def cells(row: Row) -> tuple[str, ...]:
        low, high = row["ci95"]
        paired, against = row["paired"], (NOTHING,) * 5 + ("",)
        if paired is not None:
            alone, p = f"{paired['dense_only']}:{paired['method_only']}", (paired["p"], paired["p_holm"])
            difference = _difference(paired["difference"], paired["ci95"], 1)
            against = (*difference, alone, *map(_p, p), said(row["verdict"], margin))
        own = row["method"], f"{row['successes']}/{row['episodes']}", f"{100 * low:.1f}–{100 * high:.1f}"
        ms = _digits(row["ms"] and row["ms"]["policy"]["p50"])
        return *own, *against, f"{row['density']:.3f}", ms

    return Cells(
        f"Success on {task}, paired with dense",
        (
            "method", "success", "95 %", "− dense", "95 %", "−:+", "p", "Holm", "verdict", "density", "ms",
        ),
        [cells(row) for row in rows],
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

    def cells(row: Row) -> tuple[str, ...]:
        ms, torch_ms = row["ms"], row["torch_ms"]
        return (
            row["method"],
            row["engine"],
            *(_digits(ms[part]["p50"]) for part in ("pruner", "plan", "denoise", "policy")),
            _digits(ms["policy"]["p99"]),
            _optional(row["policy_speedup"], "{:.1f}".format),
            *(_digits(value) for value in (ms["encode"]["p50"], ms["total"]["p50"], ms["total"]["p99"])),
            _digits(torch_ms and torch_ms["policy"]["p50"]),
        )

    counted = f"{span(counts)} chunks" + (f"; torch eager: {max(torch)} chunks" if torch else "")
    return Cells(
        f"Milliseconds per chunk on {hardware.get('cpu', 'this CPU')}, one thread; {counted}",
        (
            "method", "engine", "pruner", "plan", "denoise", "Σ p50", "p99", "×", "encode", "total p50",
            "p99", "torch Σ",
        ),
        [cells(row) for row in timed],
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

    def cells(row: Row, before: Sequence[str]) -> tuple[str, ...]:
        first = "; ".join(map(best, row["best_success"])) or NOTHING
        more = ", ".join(name for name in row["methods"] if name not in before) or NOTHING
        smooth = _optional(row["smoothest"], smoothest)
        return f"{row['ms']:g}", f"{row['total_ms']:.1f}", first, smooth, more

    return Cells(
        "At equal milliseconds",
        ("budget, ms", "with cameras", *words),
        [cells(row, before) for row, before in zip(found, earlier, strict=True)],
        f"A method fits when its Σ p50 is at most {SLACK:g} × the budget. Smoothest: least rms jerk among "
        "those not significantly worse than dense (p ≥ .05 uncorrected).",
        left=words,
        wrap=words,
    )


def smoothness(rows: Sequence[Row]) -> Cells:
    """How the arm moves, and how well chunks agree."""

    def cells(row: Row) -> tuple[str, ...]:
        found, jerk = row["smoothness"], row["smoothness"]["rms_jerk"]
        low, high = jerk["ci95"]
        return (
            row["method"],
            _digits(jerk["mean"]),
            NOTHING if low is None else f"{_digits(low)}–{_digits(high)}",
            *_difference(jerk["difference"], jerk["difference_ci95"], 2),
            _optional(found["peak_jerk"]["mean"], lambda share: f"{100 * share:.0f} %"),
            _digits(found["rms_acceleration"]["mean"]),
            *(_optional(found[key]["mean"], lambda rad: _digits(1e3 * rad)) for key in ("jump", "bend")),
            _optional(row["seconds"], "{:.1f}".format),
            *(str(row[key]) for key in ("clipped", "refused", "violations")),
        )

    return Cells(
        "Smoothness of the executed motion",
        (
            "method", "jerk", "95 %", "− dense", "95 %", "peak", "acc.", "jump", "bend", "s", "clipped",
            "refused", "broken",
        ),
        [cells(row) for row in rows],
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
