"""From episode results to the rows and the table of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from typing import Any

from rich.table import Table

from sag_ros.bench.journal import EpisodeResult
from sag_ros.bench.statistics import percentile, wilson

REFERENCE = "dense"


def summarise(
    task: str, method: str, results: Sequence[EpisodeResult], dense_ms: float | None
) -> dict[str, Any]:
    """One row.

    Args:
        task, method: names.
        results: of that method; at least one.
        dense_ms: median of the dense method in the same engine, ms; None when it was not measured.
    Returns:
        ``ci95`` is the Wilson interval of the success share; ``density`` is the mean over episodes;
        ``speedup`` = dense ms_p50 / own ms_p50, null without the dense method.
    """
    ms = [value for result in results for value in result.ms]
    successes = sum(result.success for result in results)
    p50 = percentile(ms, 50)

    def mean(name: str) -> float:
        return sum(getattr(result, name) for result in results) / len(results)

    row = {
        "task": task,
        "method": method,
        "episodes": len(results),
        "successes": successes,
        "ci95": [round(bound, 4) for bound in wilson(successes, len(results))],
        "density": mean("density"),
        "ms_p50": p50,
        "ms_p99": percentile(ms, 99),
        "speedup": None if dense_ms is None else dense_ms / p50,
        "ms_max": max(ms, default=float("nan")),
        "encode_ms": mean("encode_ms"),
        "pruner_ms": mean("pruner_ms"),
        "denoise_ms": mean("denoise_ms"),
        "chunks": len(ms),
        "clipped": sum(result.clipped for result in results),
        "refused": sum(result.refused for result in results),
        "violations": sum(result.violations for result in results),
    }
    return {key: _json_number(value) for key, value in row.items()}


def _json_number(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 4) if isfinite(value) else None


def rows(task: str, results: Mapping[str, Sequence[EpisodeResult]]) -> list[dict[str, Any]]:
    """Rows of all methods that have results, in the given order."""
    dense = [value for result in results.get(REFERENCE, ()) for value in result.ms]
    dense_ms = percentile(dense, 50)
    reference = None if isnan(dense_ms) else dense_ms
    return [summarise(task, method, found, reference) for method, found in results.items() if found]


def table(lines: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The rows for a terminal."""
    shown = Table(title=title)
    for name in ("method", "success", "95 %", "density", "ms p50", "ms p99", "speed-up"):
        shown.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for row in lines:
        low, high = row["ci95"]
        shown.add_row(
            row["method"],
            f"{row['successes']}/{row['episodes']}",
            f"{100 * low:.1f}–{100 * high:.1f}",
            f"{row['density']:.3f}",
            _number(row["ms_p50"]),
            _number(row["ms_p99"]),
            "–" if row["speedup"] is None else f"{row['speedup']:.2f}×",
        )
    return shown


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
