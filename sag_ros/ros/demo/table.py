"""The live table of the demo."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sag_ros.ros.demo.monitor import Monitor
from sag_ros.ros.demo.run_record import Episode, chunk_rate, percentiles

WINDOW = 2.0  # s


def _recent(episode: Episode | None) -> list:
    if episode is None or not episode.chunks:
        return []
    newest = episode.chunks[-1].obs_stamp
    return [chunk for chunk in episode.chunks[-200:] if chunk.obs_stamp > newest - WINDOW]


def _bar(value: float, full: float, good: bool, width: int = 24) -> Text:
    cells = round(width * min(value / full, 1.0)) if full > 0 else 0
    text = Text("█" * cells, style="green" if good else "yellow")
    return text + Text("░" * (width - cells), style="dim")


def live(monitor: Monitor, done: Sequence[Episode], total: int, phase: str) -> Panel:
    """What is going on now, and how the episodes so far ended."""
    chunks = _recent(monitor.episode)
    executed = [chunk for chunk in chunks if not chunk.refused]
    rate = chunk_rate([Episode(0, 0, chunks=chunks)])
    latency = percentiles([chunk.latency_ms for chunk in executed])
    density = sum(chunk.density for chunk in chunks) / len(chunks) if chunks else 0.0
    clipped = sum(chunk.clipped for chunk in chunks)
    now = Table.grid(padding=(0, 2))
    now.add_column(style="dim", width=16)
    now.add_column(justify="right", width=18)
    now.add_column()
    now.add_row("rate", f"[bold]{rate:.1f}[/] chunks/s", _bar(rate, 60.0, rate >= 45.0))
    now.add_row(
        "latency p50", f"[bold]{latency['p50']:.1f}[/] ms", _bar(latency["p50"], 50.0, latency["p50"] < 40)
    )
    now.add_row("latency p99", f"{latency['p99']:.1f} ms", _bar(latency["p99"], 50.0, latency["p99"] < 50))
    now.add_row("blocks computed", f"[bold]{100 * density:.1f}[/] %", _bar(density, 1.0, density <= 0.10))
    guard = "clips" if clipped else "passes untouched"
    violations = monitor.status.get("limit_violations", 0)
    now.add_row("guard", guard, Text(f"{violations} limit violations", style="red" if violations else "dim"))
    now.add_row(
        "policy", monitor.diagnostics.get("state", "…"), Text(monitor.message, style="dim", no_wrap=True)
    )
    factor = monitor.status.get("real_time_factor", 0.0)
    now.add_row(
        "simulation", f"{factor:.2f} × real time", Text(str(monitor.status.get("message", "")), style="dim")
    )
    marks = Text()
    for episode in done:
        marks.append("✓ " if episode.success else "✗ ", style="bold green" if episode.success else "bold red")
    title = f"[bold]Pick and release[/]  episode {min(len(done) + 1, total)} of {total}"
    return Panel(Group(now, Text(), marks if done else Text("no episode yet", style="dim")),
                 title=title, subtitle=phase, width=92)  # fmt: skip


def final(summary: dict) -> Table:
    """The summary as a table."""
    table = Table(title="Pick and release", show_header=False, width=92)
    table.add_column(style="dim")
    table.add_column()
    for name, value in summary.items():
        if name == "hardware":
            value = f"{value.get('cpu', '')}, {value.get('cores', '?')} cores"
        elif isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items())
        table.add_row(name, str(value))
    return table
