"""``sag fuzz``: is there a chunk that makes the supervisor command what no arm may do?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from sag_ros.bench.fuzz.again import longest_alone
from sag_ros.bench.fuzz.play import Failure, replay
from sag_ros.bench.fuzz.shrink import shrink
from sag_ros.bench.fuzz.story import Story
from sag_ros.bench.fuzz.tally import Tally
from sag_ros.bench.fuzz.worker import HANG, Batch, Worker
from sag_ros.bench.run import machine
from sag_ros.bench.run.interrupt import interruptible
from sag_ros.bench.run.pool import play as play_jobs
from sag_ros.bench.run.progress import Remaining, console, track
from sag_ros.robots.registry import find_arm

_CHUNKS = 25  # of a story
_STORIES = 40  # of a job
_SHRUNK = 5  # failures that are shrunk


@dataclass(frozen=True)
class Fuzzing:
    """Chunks of all kinds to the supervisor; its commands, followed at 1 kHz, against the arm's bare limits.

    Calm, fast, noisy, absurd, late, early, reversed chunks, near every bound, after stops and refusals, with
    odd periods and lengths; between them pauses, a human who moves the arm, ways home. Exit status 1 if a
    command breaks a limit, begins with a jump or does not end at rest, or if a call raises or hangs; such a
    story is made short and written as JSON, for --replay.
    """

    chunks: int = 1_000_000
    """chunks in all"""
    seed: int = 0
    """of the first story of 25 chunks; the others follow"""
    arm: str = "fr3"
    """whose limits"""
    processes: int = 0
    """stories at the same time; 0: one a core"""
    out: Path = Path("out/fuzz")
    """folder of the result and of stories that failed"""
    replay: Path | None = None
    """a story written earlier: play it, say what happens, and nothing else"""

    def run(self) -> int:
        """Returns: 0, 1 if something failed, 130 if interrupted.

        Raises:
            ValueError: an option out of range.
        """
        if self.replay is not None:
            return self._replay(self.replay)
        if self.chunks < 1 or self.processes < 0 or self.seed < 0:
            raise ValueError("--chunks is at least 1, --processes and --seed at least 0")
        find_arm(self.arm)
        self.out.mkdir(parents=True, exist_ok=True)
        for old in self.out.glob("playing-*"):
            old.unlink()
        tally, failed, began = Tally(), [], time.monotonic()
        status, lost = 0, ""
        with interruptible():
            try:
                for batch in self._play():
                    tally.merge(batch.tally)
                    failed += batch.failed
            except KeyboardInterrupt:
                status = 130
            except BrokenProcessPool:
                lost = self._lost()
            seconds = time.monotonic() - began
            alone = {} if status or lost else longest_alone(find_arm(self.arm), tally, _CHUNKS)
            return self._finish(tally, alone, failed, seconds, lost, status)

    def _play(self) -> Iterator[Batch]:
        jobs = []
        left, seed = -(-self.chunks // _CHUNKS), self.seed
        while left > 0:
            jobs.append((seed, min(left, _STORIES), _CHUNKS))
            seed, left = seed + _STORIES, left - _STORIES
        setting = self.arm, self.out
        processes = self.processes or machine.usable_cores()
        results = play_jobs(Worker(setting), setting, jobs, processes)
        remaining = Remaining([Batch.method] * len(jobs), processes)
        yield from track(results, "fuzzing", remaining, _found, lambda batch: batch.seconds)

    def _lost(self) -> str:
        seeds = sorted(path.read_text() for path in self.out.glob("playing-*"))
        return f"a process died or hung for {HANG:.0f} s on the story of seed {' or '.join(seeds)}"

    def _finish(
        self,
        tally: Tally,
        alone: dict[str, float],
        failed: list[tuple[Story, Failure]],
        seconds: float,
        lost: str,
        status: int,
    ) -> int:
        failures = [self._keep(story, failure, index) for index, (story, failure) in enumerate(failed)]
        if lost:
            failures.append(lost)
        summary = tally.summary()
        for name, longest in alone.items():
            summary["on_chunk_cpu_ms"][name]["longest_alone"] = round(longest, 3)
        result: dict[str, Any] = {
            "arm": self.arm,
            "seeds": [self.seed, self.seed + tally.stories - 1],
            "complete": not (status or lost),
            **summary,
            "failures": failures,
            "seconds": round(seconds, 1),
            "machine": machine.describe(),
        }
        path = self.out / "fuzz.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        _show(result)
        console.print(f"written to {path}")
        return status or int(bool(failures))

    def _keep(self, story: Story, failure: Failure, index: int) -> str:
        if index < _SHRUNK:
            story = shrink(find_arm(self.arm), story, failure.what)
        path = self.out / f"failed-{story.seed}.json"
        path.write_text(json.dumps(story.to_json()) + "\n")
        return f"seed {story.seed}: {failure.text} ({path})"

    def _replay(self, path: Path) -> int:
        outcome = replay(find_arm(self.arm), Story.from_json(json.loads(path.read_text())))
        console.print(
            f"{outcome.chunks} chunks, {outcome.accepted} accepted, refused {dict(outcome.refusals)}"
        )
        for failure in outcome.failures:
            console.print(f"[red]{failure.text}[/red]")
        return int(bool(outcome.failures))


def _found(batch: Batch) -> str:
    return "; ".join(failure.text for _, failure in batch.failed) or f"{batch.tally.chunks} chunks"


def _show(result: dict[str, Any]) -> None:
    table = Table(title=f"sag fuzz, {result['arm']}, seeds {result['seeds'][0]} to {result['seeds'][1]}")
    table.add_column("")
    table.add_column("", justify="right")
    for name in ("chunks", "accepted", "clipped"):
        table.add_row(name, f"{result[name]:,}")
    for kind, count in result["refused"].items():
        table.add_row(f"refused: {kind}", f"{count:,}")
    for kind, count in result["acts"].items():
        table.add_row(f"beside chunks: {kind}", f"{count:,}")
    for size, calls in result["on_chunk_cpu_ms"].items():
        names = ("p50", "p99", "p99.9", "max", "longest_alone")
        times = ", ".join(f"{name.replace('_', ' ')} {calls[name]:.2f}" for name in names if name in calls)
        table.add_row(f"on_chunk, {size}, ms of CPU", times)
    table.add_row("longest call by the clock, ms", f"{result['longest_on_chunk_ms']:.2f}")
    table.add_row("failures", str(len(result["failures"])))
    console.print(table)
    for text in result["failures"]:
        console.print(f"[red]{text}[/red]")
    rate = result["chunks"] / max(result["seconds"], 1e-9)
    console.print(f"{result['seconds']:.0f} s, {rate:.0f} chunks/s, {result['machine']['cpu']}")
