"""``sag bench soak``: the graph at full rate, and a random fault now and then, for an hour."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from sag_ros.bench.faults.holding import Holding
from sag_ros.bench.faults.soak_picture import draw
from sag_ros.bench.faults.soak_record import WITHOUT_RESTART, Sample, Soak, SoakEpisode, SoakFault
from sag_ros.bench.run import machine
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.demo.processes import NodeDied
from sag_ros.ros.demo.run_record import chunk_rate
from sag_ros.ros.faults.graph_rows import graph
from sag_ros.ros.faults.message_rows import messages
from sag_ros.ros.faults.play import inject
from sag_ros.ros.faults.row import Row
from sag_ros.ros.faults.stage import Stage, on_stage

NODES = ("policy_node", "sim_node")
# Those that go through hundreds of transitions or swaps by themselves.
LONG = ("cycled", "swapped", "swap-broken", "configured-again", "configuring-interrupted")
_SAMPLED = 10.0  # s between two looks at what the nodes hold
_SETTLE = 0.7  # s after a success


def eligible(only: Sequence[str] = ()) -> list[Row]:
    """Faults after which the policy goes on without being activated or started again.

    Args:
        only: names; all by default.

    Raises:
        ValueError: a name that is not one of theirs.
    """
    rows = [*messages(), *graph()]
    rows = [row for row in rows if row.expected.goes_on in WITHOUT_RESTART and row.name not in LONG]
    names = [row.name for row in rows]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise ValueError(f"fault {unknown[0]!r} cannot come in a soak; available: {', '.join(names)}")
    return [row for row in rows if not only or row.name in only]


class Order:
    """Rows in random order, each once before any comes again.

    They are made anew for each round: a row that spoils messages remembers those it has seen.
    """

    def __init__(self, make: Callable[[], list[Row]], seed: int) -> None:
        self._make, self._random = make, random.Random(seed)
        self._left: list[Row] = []

    def next(self) -> Row:
        """The next one."""
        if not self._left:
            self._left = self._make()
            self._random.shuffle(self._left)
        return self._left.pop()


@dataclass(frozen=True)
class SoakBench:
    """Play episodes on the simulated graph at full rate, with a random fault now and then.

    Of interest is what does not come: a limit violation, a policy that has to be activated or started again,
    memory, threads or descriptors that grow. Exit status 1 if one of them did.
    """

    minutes: float = 60.0
    """how long"""
    every: float = 20.0
    """s from one fault to the next"""
    seed: int = 0
    """of the order of the faults"""
    only: tuple[str, ...] = ()
    """names of faults; by default all that need no restart"""
    timeout: float = 20.0
    """s after which an episode has failed; a fault in it adds what it lasted"""
    bundle: str = ""
    """policy folder; default: that of the parameter file"""
    out: Path = Path("out/soak")
    """folder for soak.json, soak.png and the logs of the nodes"""

    def run(self) -> int:
        """Returns: 0, 1 if something came that must not, 130 if interrupted."""
        eligible(self.only)  # names that do not exist are told before anything starts
        console = Console()
        status = 0
        with on_stage(self.out, self.bundle) as stage:
            run = _Run(self, stage, console)
            try:
                run.play()
            except KeyboardInterrupt:
                status = 130
            except NodeDied as error:
                console.print(f"[bold red]{error}[/]", highlight=False)
                status = 1
        return self._finish(console, run.soak) or status

    def _finish(self, console: Console, soak: Soak) -> int:
        write(self.out, soak)
        console.print_json(data=soak.summary())
        for text in soak.wrong():
            console.print(f"[red]{text}[/]", highlight=False)
        console.print(f"written to {self.out}")
        return int(bool(soak.wrong()))


def write(out: Path, soak: Soak) -> None:
    """soak.json and soak.png."""
    hardware = machine.describe()
    (out / "soak.json").write_text(json.dumps({**soak.plain(), "machine": hardware}, indent=1) + "\n")
    draw(out / "soak.png", soak, f"{hardware['cpu']}, {hardware['cores']} cores")


class _Run:
    def __init__(self, options: SoakBench, stage: Stage, console: Console) -> None:
        self._options, self._stage, self._console = options, stage, console
        self._order = Order(lambda: eligible(options.only), options.seed)
        self.soak = Soak()
        self._begin = time.monotonic()
        self._due, self._sampled = options.every, -_SAMPLED

    def _now(self) -> float:
        return time.monotonic() - self._begin

    def play(self) -> None:
        """Until the time is over."""
        while self._now() < 60.0 * self._options.minutes:
            self._episode()
            self.soak.lasted = self._now()
            if len(self.soak.episodes) % 20 == 0:
                write(self._options.out, self.soak)

    def _look(self) -> bool:
        """What the nodes hold, now and then; False, so that it can be waited with."""
        if self._now() - self._sampled >= _SAMPLED:
            self._sampled = self._now()
            for name in NODES:
                held = Holding.of(self._stage.processes.process(name).pid)
                self.soak.samples.append(Sample(self._sampled, name, held))
        return False

    def _episode(self) -> None:
        stage, monitor = self._stage, self._stage.monitor
        record = SoakEpisode(self._now(), -1)
        self.soak.episodes.append(record)
        try:
            stage.begin_episode()
            assert monitor.episode is not None
            record.seed = monitor.episode.seed
            self._work(record)
        except GraphTimeout as error:
            record.problem = str(error)
        except BaseException:
            self.soak.episodes.remove(record)  # it did not end
            raise
        stage.wait(_SETTLE, self._look)
        record.lasted = self._now() - record.at
        record.success = bool(monitor.status.get("success"))
        record.violations = int(monitor.status.get("limit_violations", 0))
        if record.violations:
            worst, late = monitor.status.get("worst", {}), monitor.status.get("worst_delay_ms")
            record.worst = f"{'; '.join(worst.values())}; commands up to {late} ms late"
        if monitor.episode is not None:
            executed = monitor.episode.executed
            record.rate = chunk_rate([monitor.episode])
            record.latencies = [chunk.latency_ms for chunk in executed]
        self._say(record)

    def _work(self, record: SoakEpisode) -> None:
        stage, monitor = self._stage, self._stage.monitor
        end = self._now() + self._options.timeout
        while self._now() < end and not monitor.status.get("success"):
            # As in the table: what is lost while the arm hardly moves cannot be told from what arrived.
            if self._now() >= self._due and stage.moving():
                self._due = max(self._due + self._options.every, self._now())
                row = self._order.next()
                begin = self._now()
                record.faults.append(row.name)
                stage.left_over = []
                said = replace(row, expected=replace(row.expected, says=""))
                self.soak.faults.append(SoakFault.of(begin, inject(stage, said)))
                end += self._now() - begin
            stage.wait(0.1, self._look)

    def _say(self, record: SoakEpisode) -> None:
        mark = "[green]✓[/]" if record.success else "[red]✗[/]"
        faults = [fault for fault in self.soak.faults if fault.at >= record.at]
        texts = [f"{fault.fault} ({fault.goes_on.value})" for fault in faults]
        if record.violations:
            texts.append(f"[red]{record.violations} violations[/]")
        texts += filter(None, [record.problem])
        minute = f"{record.at / 60.0:5.1f} min"
        self._console.print(f"{minute} {mark} {record.rate:.0f} chunks/s {', '.join(texts)}", highlight=False)
