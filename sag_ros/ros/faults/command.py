"""``sag bench faults``: every fault of the table on the running graph, and whether all went right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from sag_ros.bench.faults.outcome import Outcome
from sag_ros.bench.faults.picture import draw
from sag_ros.bench.run import machine
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.faults.graph_rows import graph
from sag_ros.ros.faults.message_rows import messages
from sag_ros.ros.faults.operator_rows import operators
from sag_ros.ros.faults.play import play
from sag_ros.ros.faults.row import Row
from sag_ros.ros.faults.stage import Stage, on_stage

# One of each kind; a minute.
SHORT = ("camera-dead", "joints-silent", "camera-future-single", "camera-stuck", "second-commander",
         "engine-raises", "clock-back")  # fmt: skip


@dataclass(frozen=True)
class FaultBench:
    """Inject faults into the simulated graph, one after another, while the arm moves.

    For each it was written down beforehand whether the arm has to come to rest, what /diagnostics has to say,
    and how the policy goes on. Exit status 1 if one row is otherwise.
    """

    only: tuple[str, ...] = ()
    """names of the faults; all by default"""
    short: bool = False
    """one of each kind, in a minute"""
    bundle: str = ""
    """policy folder; default: that of the parameter file"""
    out: Path = Path("out/faults")
    """folder for faults.json, faults.png and the logs of the nodes"""

    def run(self) -> int:
        """Returns: 0, 1 if a row is not as expected, 130 if interrupted.

        Raises:
            ValueError: unknown fault.
        """
        chosen = self._chosen()
        console = Console()
        outcomes: list[Outcome] = []
        status = 0
        with on_stage(self.out, self.bundle) as stage:
            try:
                for row in chosen:
                    outcomes.append(_try(stage, row))
                    _say(console, outcomes[-1])
            except KeyboardInterrupt:
                status = 130
        return self._finish(console, outcomes) or status

    def _chosen(self) -> list[Row]:
        known = {row.name: row for row in [*messages(), *graph(), *operators()]}
        names = self.only or (SHORT if self.short else tuple(known))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"no fault '{unknown[0]}'; there are {', '.join(known)}")
        return [known[name] for name in names]

    def _finish(self, console: Console, outcomes: list[Outcome]) -> int:
        hardware = machine.describe()
        bad = [outcome for outcome in outcomes if outcome.wrong()]
        result = {
            "faults": len(outcomes),
            "as_expected": len(outcomes) - len(bad),
            "worst_rest_s": _largest(outcomes, "rest"),
            "worst_jerk": _largest(outcomes, "jerk"),
            "worst_acceleration": _largest(outcomes, "acceleration"),
            "rows": [_plain(outcome) for outcome in outcomes],
            "machine": hardware,
        }
        (self.out / "faults.json").write_text(json.dumps(result, indent=1) + "\n")
        if outcomes:
            draw(self.out / "faults.png", outcomes, f"{hardware['cpu']}, {hardware['cores']} cores")
        console.print(_table(outcomes))
        console.print(
            f"{len(outcomes) - len(bad)} of {len(outcomes)} as expected; worst time to rest "
            f"{result['worst_rest_s']} s, worst jerk {result['worst_jerk']} rad/s³; written to {self.out}"
        )
        return int(bool(bad))


def _try(stage: Stage, row: Row) -> Outcome:
    stage.restarted, stage.left_over = False, []
    try:
        return play(stage, row)
    except GraphTimeout as error:
        return Outcome(row.name, row.what, row.expected, remark=str(error))


def _say(console: Console, outcome: Outcome) -> None:
    wrong = outcome.wrong()
    mark = "[red]✗[/]" if wrong else "[green]✓[/]"
    rest = f"at rest after {outcome.rest:.2f} s" if np.isfinite(outcome.rest) else "no stop"
    text = "; ".join([rest, outcome.goes_on.value, *wrong, *filter(None, [outcome.remark])])
    console.print(f"{mark} {outcome.fault}: {text}", highlight=False)


def _largest(outcomes: list[Outcome], name: str) -> float:
    values = [getattr(outcome, name) for outcome in outcomes]
    return round(float(np.nanmax([*values, 0.0])), 3)


def _plain(outcome: Outcome) -> dict[str, Any]:
    numbers = {
        name: getattr(outcome, name) for name in ("rest", "speed", "acceleration", "jerk", "after", "lasted")
    }
    return {
        "fault": outcome.fault,
        "what": outcome.what,
        "expected": {"goes_on": outcome.expected.goes_on.value, "says": outcome.expected.says},
        **{name: round(value, 3) if np.isfinite(value) else None for name, value in numbers.items()},
        "goes_on": outcome.goes_on.value,
        "old": outcome.old,
        "violations": outcome.violations,
        "said": [[round(when, 2), text] for when, text in outcome.said],
        "left_over": outcome.left_over,
        "wrong": outcome.wrong(),
        "remark": outcome.remark,
    }


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(title="sag bench faults")
    for name in ("fault", "at rest, s", "m. speed", "acc.", "jerk", "goes on", "said first"):
        table.add_column(name, overflow="fold")
    for outcome in outcomes:
        said = [text for _, text in outcome.said if text not in ("running", "active")]
        numbers = [outcome.rest, outcome.speed, outcome.acceleration, outcome.jerk]
        shown = [f"{value:.2f}" if np.isfinite(value) else "–" for value in numbers]
        style = "red" if outcome.wrong() else ""
        table.add_row(outcome.fault, *shown, outcome.goes_on.value, said[0] if said else "", style=style)
    return table
