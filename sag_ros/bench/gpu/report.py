"""JSON and tables of ``sag gpu-check``, and what was aimed at beside what was measured."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOALS = {"cuda_graph": 5.0, "persistent": 2.0}
"""ms per chunk at density .09, K=100, T=10, d=256, by the host's clock."""
ADDED_MS = 1.0  # encoder and pruner
SPEEDUP = 20.0  # over dense torch eager in f32, at density .09
AIMED_AT = "random 0.09"


@dataclass(frozen=True)
class Table:
    """Cells of text; the first ``left`` columns are aligned to the left."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1

    def markdown(self) -> str:
        """With a heading."""
        ruler = ["---" if index < self.left else "---:" for index in range(len(self.columns))]
        lines = [self.columns, ruler, *self.rows]
        body = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
        return f"## {self.title}\n\n{body}\n"


def engine_of(row: dict[str, Any]) -> str:
    """The engine's name without its options."""
    return str(row["what"]).partition(":")[0]


def eager_ms(content: dict[str, Any]) -> float | None:
    """p50 of dense torch eager in f32, by the host's clock."""
    return _dense_ms(content, "torch eager", "f32", "")


def _dense_ms(content: dict[str, Any], what: str, precision: str, variant: str) -> float | None:
    wanted = what, precision, variant, "dense"
    found = [
        row["host_ms_p50"]
        for row in content["times"]
        if (row["what"], row["precision"], row["variant"], row["mask"]) == wanted
    ]
    return found[0] if found else None


def _ratio(base: float | None, value: float | None) -> float | None:
    return None if base is None or not value else base / value


def targets(content: dict[str, Any]) -> list[dict[str, Any]]:
    """What was aimed at: the goal, the best that was measured, and whether it was reached; None: unknown."""
    rows = [row for row in content["times"] if row["mask"] == AIMED_AT and row["variant"] in ("", "prepared")]

    def best(engine: str | None) -> float | None:
        own = [row["host_ms_p50"] for row in rows if engine_of(row) == engine or engine is None]
        return min(own) if own else None

    def line(what: str, goal: float, value: float | None, at_least: bool = False) -> dict[str, Any]:
        met = None if value is None else value >= goal if at_least else value <= goal
        sign = "at least" if at_least else "at most"
        return {"target": what, "goal": f"{sign} {goal:g}", "value": value, "met": met}

    speedup = _ratio(eager_ms(content), best(None))
    out = [line("times faster than dense torch eager f32, density .09", SPEEDUP, speedup, at_least=True)]
    out += [
        line(f"{engine}, ms per chunk, density .09", goal, best(engine)) for engine, goal in GOALS.items()
    ]
    out += [
        line(f"encoder and pruner beside {row['what']}, ms more", ADDED_MS, row["added_ms_p50"])
        for row in content["pipeline"]
    ]
    return out


def failures(content: dict[str, Any]) -> list[str]:
    """What has to be looked at, a line each; times that are not reached are no failure."""
    found = []
    for row in content["errors"]:
        where = f" ({row['trace'][-1]})" if row["trace"] else ""
        found.append(f"{row['section']}, {row['part']}: {row['error']}{where}")
    for row in content["checks"]:
        if not row["ok"]:
            alike = ", two runs DIFFER" if row["identical"] is False else ""
            found.append(
                f"{row['what']} {row['precision']}, {row['case']}: error {_small(row['error'])}, "
                f"allowed {_small(row['allowed'])}{alike} {row['where']}".rstrip()
            )
    if not any(row["ok"] for row in content["checks"]) and not found:
        found.append("no engine was checked; see what is not there")
    return found


def tables(content: dict[str, Any]) -> list[Table]:
    """All of them, without those that are empty."""
    out = [_targets(content), _checks(content["checks"]), _times(content), _pipeline(content["pipeline"])]
    out.append(Table("failed", ("what",), [(line,) for line in failures(content)]))
    absent = [(row["part"], row["reason"]) for row in _unique(content["absent"])]
    out.append(Table("not there", ("what", "why"), absent, left=2))
    skipped = [(row["name"], row["why"]) for row in content["sections"] if row["status"] == "skipped"]
    out.append(Table("left out", ("section", "why"), skipped, left=2))
    return [table for table in out if table.rows]


def _targets(content: dict[str, Any]) -> Table:
    words = {True: "reached", False: "MISSED", None: "not measured"}
    rows = [(row["target"], row["goal"], _three(row["value"]), words[row["met"]]) for row in targets(content)]
    return Table("aimed at", ("what", "goal", "measured", ""), rows)


def _checks(checks: Iterable[dict[str, Any]]) -> Table:
    """One line for each engine, precision and kind of check."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in checks:
        chunk = row["case"] not in ("blocks", "estimate", "encoder", "masks")
        groups.setdefault((row["what"], row["precision"], "chunks" if chunk else row["case"]), []).append(row)
    lines = []
    for (what, precision, kind), own in groups.items():
        worst = max(own, key=lambda row: float(row["error"]) / row["allowed"])
        alike = [row["identical"] for row in own if row["identical"] is not None]
        lines.append(
            (
                f"{what} {precision}",
                kind,
                "ok" if all(row["ok"] for row in own) else "FAILED",
                str(len(own)),
                _small(worst["error"]),
                _small(worst["allowed"]),
                ("yes" if all(alike) else "NO") if alike else "",
                worst["where"] or worst["case"],
            )
        )
    columns = ("engine", "what", "", "checks", "worst error", "allowed", "two runs identical", "worst at")
    return Table("against the reference, buffers poisoned before", columns, lines, left=3)


def _times(content: dict[str, Any]) -> Table:
    eager = eager_ms(content)
    graph = _dense_ms(content, "torch graph", "f32", "")
    lines = []
    for row in content["times"]:
        host = row["host_ms_p50"]
        own = _dense_ms(content, row["what"], row["precision"], row["variant"])
        label = " ".join(filter(None, (row["what"], row["variant"])))
        times = [row[f"{clock}_ms_p{q}"] for clock in ("device", "host") for q in (50, 99)]
        ratios = [_ratio(base, host) for base in (eager, graph, own)]
        lines.append(
            (
                label,
                row["precision"],
                row["mask"],
                f"{row['density']:.3f}",
                *(_three(value) for value in (*times, *ratios)),
                str(row["chunks"]),
            )
        )
    columns = (
        "what", "precision", "masks", "density", "device p50", "p99", "host p50", "p99", "× eager", "× graph",
        "× own dense", "chunks",
    )  # fmt: skip
    title = "ms per chunk; times faster than dense torch f32, eager and as a CUDA graph, and the engine dense"
    return Table(title, columns, lines, left=3)


def _pipeline(rows: Iterable[dict[str, Any]]) -> Table:
    parts = ("encode", "pruner", "plan", "chunk", "denoise", "total", "added")
    lines = [
        (
            row["what"],
            row["precision"],
            f"{row['density']:.3f}",
            *(f"{_three(row[f'{part}_ms_p50'])} / {_three(row[f'{part}_ms_p99'])}" for part in parts),
        )
        for row in rows
    ]
    names = {"chunk": "denoise, device", "denoise": "denoise, host", "added": "encode + pruner"}
    columns = ("engine", "precision", "density", *(names.get(part, part) for part in parts))
    return Table("images to actions, ms p50 / p99; encode: one frame of each camera", columns, lines, left=2)


def _unique(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({tuple(row.values()): row for row in rows}.values())


def _three(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _small(value: float) -> str:
    return f"{float(value):.1e}"


def markdown(content: dict[str, Any]) -> str:
    """Machine and all tables."""
    machine = content["machine"]
    facts = [f"seed {content['seed']}", f"{content['hardware']['cpu']}"]
    for part in ("gpu", "software", "ceilings", "compile_s"):
        facts += [f"{key} {value}" for key, value in machine.get(part, {}).items() if value is not None]
    state = "" if content["finished"] else "Not finished.\n\n"
    heading = f"# gpu-check: {machine.get('gpu', {}).get('name', 'no GPU')}\n\n{state}{', '.join(facts)}\n"
    return "\n".join([heading, *(table.markdown() for table in tables(content))])


def show(content: dict[str, Any]) -> None:
    """Print all tables; as Markdown where rich is missing."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table as Grid
    except ImportError:
        print(markdown(content))
        return
    console = Console()
    if not console.is_terminal:  # a log: 80 columns would cut tables
        console = Console(width=180)
    for table in tables(content):
        grid = Grid(title=table.title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        for index, column in enumerate(table.columns):
            grid.add_column(column, justify="left" if index < table.left else "right", overflow="fold")
        for row in table.rows:
            grid.add_row(*(cell.replace("[", r"\[") for cell in row))
        console.print(grid)


def save(content: dict[str, Any], path: Path) -> None:
    """JSON, replaced as a whole, and Markdown beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    full = {**content, "targets": targets(content), "failures": failures(content)}
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(_plain(full), indent=1, allow_nan=False)
    partial.write_text(f"{text}\n", encoding="utf-8")
    partial.replace(path)
    path.with_suffix(".md").write_text(markdown(content), encoding="utf-8")


def _plain(value: Any) -> Any:
    """JSON has no infinity: it becomes a word."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, Path):
        return str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def keep(content: dict[str, Any], folder: Path | None = None) -> list[Path]:
    """Write both into ``bench/results``, or ``folder``, named after the GPU.

    Raises:
        FileNotFoundError: not run from a source tree.
    """
    if folder is None:
        from sag_ros.paths import source_tree

        tree = source_tree()
        if tree is None:
            raise FileNotFoundError("--keep writes to bench/results of a source tree; run it from one")
        folder = tree / "bench" / "results"
    name = content["machine"].get("gpu", {}).get("name", "none")
    path = folder / f"gpu_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}.json"
    save(content, path)
    return [path, path.with_suffix(".md")]
