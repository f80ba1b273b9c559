"""``sag latency``: where the time goes on a running graph, from the camera's stamp to the arm."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rich.table import Table

from sag_ros.bench.latency.picture import Shown, draw
from sag_ros.bench.latency.stages import STAGES, Summary
from sag_ros.bench.run import machine
from sag_ros.bench.run.interrupt import interruptible
from sag_ros.bench.run.progress import console
from sag_ros.messages.joints import prefixed
from sag_ros.paths import config_file
from sag_ros.robots.registry import find_arm
from sag_ros.ros.latency.listener import Listener
from sag_ros.ros.latency.measured import Measured, measure
from sag_ros.ros.latency.usage import Usage
from sag_ros.ros.parameters import load_file

_SHOWN = 0.01  # of a core; threads that use less are not listed
_SAMPLED = 0.5  # s between two looks at the threads
_SETTLE = 1.0  # s of the load before anything counts


@dataclass(frozen=True)
class LatencyTest:
    """Attach to a running graph and measure it, with and without a load; nothing on it is changed.

    Run it with the ROS_DOMAIN_ID of the graph, on the machine of the policy node or, with synchronised
    clocks, on another one. The policy must be active. Stages that the graph does not report are not guessed.
    """

    seconds: float = 30.0
    """of each condition"""
    chunks: int = 0
    """stop a condition after so many chunks; 0: by time alone"""
    stress: int = 0
    """also with so many processes beside it that compute all the time"""
    params: Path | None = None
    """the graph's parameter file; config/pick_release.yaml by default"""
    out: Path = Path("out/latency")
    """folder of latency.json and latency.png"""

    def run(self) -> int:
        """Returns: 0, 1 if nothing was heard, 130 if interrupted.

        Raises:
            ValueError: a number out of range.
            ParameterError: a parameter file that is refused.
        """
        if self.seconds <= 0.0 or self.chunks < 0 or self.stress < 0:
            raise ValueError("--seconds is above 0, --chunks and --stress at least 0")
        config = load_file(self.params or config_file("pick_release.yaml"), "policy_node", {})
        self.out.mkdir(parents=True, exist_ok=True)
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        listener = Listener(config, prefixed(config.joint_prefix, find_arm(config.arm).joints))
        executor = SingleThreadedExecutor()
        executor.add_node(listener)
        conditions: dict[str, Measured] = {}
        try:
            with interruptible():
                conditions["no load"] = self._listen(listener, executor)
                if self.stress:
                    with _load(self.stress):
                        name = f"{self.stress} busy process{'es' if self.stress > 1 else ''} beside it"
                        conditions[name] = self._listen(listener, executor)
        except KeyboardInterrupt:
            return 130
        finally:
            executor.shutdown()
            listener.destroy_node()
            rclpy.try_shutdown()
        return self._finish(conditions, 1e3 * config.deadline)

    def _listen(self, listener: Listener, executor: SingleThreadedExecutor) -> Measured:
        end = time.monotonic() + _SETTLE
        while time.monotonic() < end:  # subscriptions find their publishers
            executor.spin_once(timeout_sec=0.05)
        listener.forget()
        usage, begin = Usage(), time.monotonic()
        sampled = begin
        while time.monotonic() - begin < self.seconds:
            executor.spin_once(timeout_sec=0.05)
            if time.monotonic() - sampled > _SAMPLED:
                usage.sample()
                sampled = time.monotonic()
            if self.chunks and len(listener.heard.records) >= self.chunks:
                break
        seconds = time.monotonic() - begin
        measured = measure(listener.heard, seconds, listener.clock.epoch)
        measured.threads = usage.shares(seconds)
        return measured

    def _finish(self, conditions: dict[str, Measured], deadline: float) -> int:
        result: dict[str, Any] = {
            "deadline_ms": deadline,
            "stages": STAGES,
            "conditions": {name: measured.to_json() for name, measured in conditions.items()},
            "machine": machine.describe(),
        }
        (self.out / "latency.json").write_text(json.dumps(result, indent=1) + "\n")
        for name, measured in conditions.items():
            show(name, measured)
            show_threads(measured)
        if not any(measured.executed for measured in conditions.values()):
            console.print("no chunk was heard: is the policy active, and ROS_DOMAIN_ID the graph's?")
            return 1
        hardware = f"{machine.cpu_name()}, {machine.usable_cores()} cores"
        shown = {
            name: Shown(m.stages, m.whole, m.lag, [(one.node, one.thread, one.share) for one in m.threads])
            for name, m in conditions.items()
            if m.executed
        }
        draw(self.out / "latency.png", shown, deadline, hardware)
        console.print(f"written to {self.out / 'latency.json'} and {self.out / 'latency.png'}")
        return 0


def show(name: str, measured: Measured) -> None:
    """Print one condition."""
    rate = measured.executed / measured.seconds
    table = Table(title=f"{name}: {measured.seconds:.0f} s, {measured.executed} chunks, {rate:.1f} a second")
    for column in ("stage", "ends when", "p50", "p90", "p99", "p99.9", "max, ms"):
        table.add_column(column, justify="left" if column in ("stage", "ends when") else "right")
    for stage, meaning in STAGES.items():
        if stage == "moved":
            lag = measured.lag
            interval = f"{lag.value:.1f} (95 % {lag.low:.1f} to {lag.high:.1f})"
            table.add_row(stage, meaning, interval if np.isfinite(lag.value) else "not reported")
        elif stage in measured.stages:
            table.add_row(stage, meaning, *_cells(Summary.of(measured.stages[stage])))
        else:
            table.add_row(stage, meaning, "not reported")
    table.add_section()
    table.add_row("", "camera stamp to published command", *_cells(Summary.of(measured.whole)))
    console.print(table)
    console.print(f"{measured.missed} deadline misses, {measured.chunks - measured.executed} chunks refused")
    ages = (f"{s} {a['smallest']:.1f}, {a['median']:.1f} ms" for s, a in measured.offsets.items())
    console.print(f"age of messages on arrival (smallest, median): {'; '.join(ages)}")
    if measured.fci:
        names = ("control_command_success_rate", "lost_cycles", "cycles", "longest_gap_cycles", "reflexes")
        said = ", ".join(f"{n.replace('_', ' ')} {measured.fci[n]}" for n in names if n in measured.fci)
        console.print(f"FCI: {said}")
    else:
        console.print("FCI: success rate and lost cycles not reported by this graph")


def show_threads(measured: Measured) -> None:
    """Print who uses the cores; nothing where the graph runs on another machine."""
    if not measured.threads:
        return
    table = Table(title="threads of the graph on this machine")
    for column in ("node", "thread", "of a core", "displaced, 1/s"):
        table.add_column(column, justify="left" if column in ("node", "thread") else "right")
    for one in measured.threads:
        if one.share >= _SHOWN:
            table.add_row(one.node, one.thread, f"{100 * one.share:.0f} %", f"{one.displaced:.0f}")
    table.add_section()
    for node in dict.fromkeys(one.node for one in measured.threads):
        total = sum(one.share for one in measured.threads if one.node == node)
        table.add_row(node, "all", f"{100 * total:.0f} %", "")
    console.print(table)


def _cells(summary: Summary) -> list[str]:
    values = (*summary.percentiles, summary.largest)
    return [f"{value:.1f}" if np.isfinite(value) else "–" for value in values]


def _busy() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    block = np.random.default_rng(0).random((256, 256))
    while True:
        block = block @ block
        block /= np.abs(block).max()


@contextmanager
def _load(processes: int) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_busy, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    time.sleep(_SETTLE)
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
