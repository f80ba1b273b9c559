"""The page of ``sag bench paper``.

``paper.json``: ``tasks`` -> ``rows`` (see ``bench.tasks.report``, each with ``published``), ``settings``,
``hardware``, ``missing`` (methods that the bundle has nothing for).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sag_ros.bench.paper.published import NAMES, published
from sag_ros.bench.run.template import template

DATA = "paper.json"
NOTHING = "–"


def kept(folder: Path) -> dict[str, Any]:
    """The tasks of an earlier page in ``folder``."""
    file = folder / DATA
    return dict(json.loads(file.read_text(encoding="utf-8"))["tasks"]) if file.exists() else {}


def content(
    reports: Mapping[str, Mapping[str, Any]],
    missing: Mapping[str, Sequence[str]],
    before: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """What is written: the report of each task, with what was published beside each row.

    Args:
        reports: task -> what ``sag bench tasks`` wrote. missing: task -> methods that the bundle lacks.
        before: tasks of an earlier page, which are kept unless they are in ``reports``.
    """
    tasks = dict(before)
    for task, report in reports.items():
        rows = [{**row, "published": published(task, row["family"], row["method"])} for row in report["rows"]]
        own = {key: report[key] for key in ("settings", "hardware", "command", "complete")}
        best = {f"{budget['ms']:g}": budget["best_success"] for budget in report["budgets"]}
        tasks[task] = {"rows": rows, "missing": list(missing[task]), "best": best, **own}
    return {"tasks": tasks}


def write(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write JSON and page; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    data, html = folder / DATA, folder / "paper.html"
    data.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    tables = [table(task, own) for task, own in found["tasks"].items()]
    page = template(Path(__file__).parent).render(
        tables=tables, overview=overview(found["tasks"]), tasks=list(found["tasks"])
    )
    html.write_text(page, encoding="utf-8")
    return [data, html]


def overview(tasks: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """(method, success on each task) of every method of any task, per cent."""
    names = dict.fromkeys(row["method"] for own in tasks.values() for row in own["rows"])
    found = {
        (task, row["method"]): f"{100 * row['success']:.1f}"
        for task, own in tasks.items()
        for row in own["rows"]
    }
    return [(name, [found.get((task, name), NOTHING) for task in tasks]) for name in names]


def table(task: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """One task, as cells."""
    return {
        "task": task,
        "seeds": f"{own['settings']['seed']} to {own['settings']['seed'] + own['settings']['episodes'] - 1}",
        "cpu": own["hardware"].get("cpu", "this CPU"),
        "complete": own["complete"],
        "missing": ", ".join(own["missing"]),
        "best": [(ms, ", ".join(names) or NOTHING) for ms, names in own["best"].items()],
        "parts": any(row.get("parts") for row in own["rows"]),
        "rows": [_cells(row) for row in own["rows"]],
        "command": own["command"],
    }


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    low, high = row["ci95"]
    paired, paper, ms, torch = row["paired"], row["published"], row["ms"], row["torch_ms"]
    cells = {
        "method": row["method"],
        "name": NAMES.get(row["family"].split("+")[-1], "") if "+" not in row["method"] else "both",
        "success": f"{row['successes']}/{row['episodes']}",
        "interval": f"{100 * low:.0f}–{100 * high:.0f}",
        "difference": NOTHING,
        "density": f"{row['density']:.3f}",
        "ms": f"{ms['policy']['p50']:.2f} / {ms['policy']['p99']:.2f}" if ms else NOTHING,
        "speedup": f"{row['policy_speedup']:.1f}" if row["policy_speedup"] else NOTHING,
        "torch": f"{torch['policy']['p50']:.0f}" if torch else NOTHING,
        "jerk": f"{row['smoothness']['rms_jerk']['mean']:.1f}",
        "parts": " / ".join(f"{100 * share:.0f}" for share in row.get("parts") or ()),
        "paper": NOTHING,
        "paper_speedup": NOTHING,
    }
    if paired:
        below, above = paired["ci95"]
        cells["difference"] = f"{paired['difference']:+.1f} ({below:+.1f} … {above:+.1f})"
    if paper:
        parts = paper.get("parts")
        cells["paper"] = " / ".join(map(str, parts)) if parts else f"{paper['success']}"
        cells["paper_speedup"] = f"{paper['speedup']:g}"
    return cells
