"""What to choose: methods at equal milliseconds, the Pareto front, and curves of one family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sag_ros.bench.tasks.rows import significantly_worse

SLACK = 1.1  # a method fits into a budget that it exceeds by up to 10 %: clocks differ by that much

Row = Mapping[str, Any]


def policy_ms(row: Row) -> float | None:
    """Median of pruner + plan + denoising; None where it was not measured."""
    return None if row["ms"] is None else float(row["ms"]["policy"]["p50"])


def parse_budgets(text: str) -> list[float]:
    """``2.5,5`` -> [2.5, 5.0], ascending. Raises ValueError."""
    try:
        budgets = sorted({float(part) for part in text.split(",") if part.strip()})
    except ValueError:
        raise ValueError(
            f"--budgets wants milliseconds joined by commas, as in 2.5,5,10; got {text!r}"
        ) from None
    if not all(0 < budget < float("inf") for budget in budgets):
        raise ValueError(f"--budgets must be positive milliseconds; got {text!r}")
    return budgets


def at_equal_ms(rows: Sequence[Row], budgets: Sequence[float]) -> list[dict[str, Any]]:
    """For each budget, ms without encoding: who fits, who succeeds most, who is smoothest.

    Smoothest is the least rms jerk among those whose success is not significantly worse than dense.
    """
    timed = [row for row in rows if row["ms"] is not None]
    encode = max((row["ms"]["encode"]["p50"] for row in timed), default=None)
    out = []
    for budget in budgets:
        fit = sorted(
            (row for row in timed if (policy_ms(row) or 0.0) <= SLACK * budget),
            key=lambda row: (-row["success"], policy_ms(row)),
        )
        good = [row for row in fit if not significantly_worse(row["paired"])]
        smoothest = min(good, key=lambda row: row["smoothness"]["rms_jerk"]["mean"], default=None)
        out.append(
            {
                "ms": budget,
                "total_ms": None if encode is None else round(budget + encode, 2),
                "methods": [row["method"] for row in fit],
                "best_success": [row["method"] for row in fit if row["success"] == fit[0]["success"]],
                "smoothest": None if smoothest is None else smoothest["method"],
            }
        )
    return out


def pareto(rows: Sequence[Row]) -> list[str]:
    """Methods than which none is both at least as fast and at least as successful, fastest first."""
    out, best = [], -1.0
    timed = [row for row in rows if row["ms"] is not None]
    for row in sorted(timed, key=lambda row: (policy_ms(row), -row["success"])):
        if row["success"] > best:
            best = row["success"]
            out.append(row["method"])
    return out


def curves(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Families with several members -> their methods, the sparsest first."""
    families: dict[str, list[str]] = {row["family"]: [] for row in rows}
    for row in sorted(rows, key=lambda row: row["density"]):
        families[row["family"]].append(row["method"])
    return {family: members for family, members in families.items() if len(members) > 1}
