"""``sag bench fci``: streams of chunks to an FR3 through libfranka, judged by the robot itself."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from sag_ros.bench.fci.play import Played, play
from sag_ros.bench.fci.stream import Stream, path, start
from sag_ros.bench.run import machine
from sag_ros.bench.run.interrupt import interruptible
from sag_ros.bench.run.progress import console
from sag_ros.fci.driver import straight
from sag_ros.fci.emulator import ADDRESS, Emulator
from sag_ros.fci.follower import CYCLE
from sag_ros.fci.realtime import make_punctual
from sag_ros.fci.robot import ConnectionLost, LibfrankaRobot
from sag_ros.fci.settings import FciSettings
from sag_ros.robots.registry import find_arm
from sag_ros.values import Float

_AMPLITUDES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)  # rad, in turns
_READY = 20.0  # s
_LOST = 1  # cycles in a stream from which a reflex says nothing of the commands; it is played again
_TRIES = 5
_SHARE = 0.6  # of the limits, on the way to where a stream begins


@dataclass(frozen=True)
class FciStreams:
    """Noisy chunks along smooth motions of .2 to 1.2 rad, through supervisor and guard, to the robot.

    Commands are computed beforehand and sent one a cycle, so that only they are judged, not this machine; a
    stream with a reflex after lost cycles is played again. Without an address an emulated FR3 is installed
    and started. CAUTION: with one, the arm moves through its whole range.
    """

    robot_ip: str = ""
    """address of a robot; empty: the emulated one"""
    streams: int = 100
    """half of them from home, half from poses near bounds, in turns"""
    seconds: float = 6.0
    """of each"""
    seed: int = 0
    """of the first; the others follow"""
    json: Path = Path("out/fci.json")
    """result"""

    def run(self) -> int:
        """Returns: 0, 1 if the robot stopped itself once, 130 if interrupted.

        Raises:
            Unavailable: the emulated robot cannot be had.
            ConnectionLost: the robot does not answer.
        """
        self.json.parent.mkdir(parents=True, exist_ok=True)
        remarks = make_punctual(50, -1)
        rows: list[dict[str, Any]] = []
        status = 0
        with interruptible(), self._robot() as address:
            robot = _connect(address)
            try:
                for number in range(self.streams):
                    amplitude = _AMPLITUDES[(number // 2) % len(_AMPLITUDES)]
                    stream = Stream(self.seed + number, ("home", "bounds")[number % 2], amplitude)
                    rows.append(self._play(robot, stream))
                    _say(number + 1, self.streams, rows[-1])
                    gc.collect()
            except KeyboardInterrupt:
                status = 130
        found = self._finish(rows, remarks)
        return status or found

    @contextmanager
    def _robot(self) -> Iterator[str]:
        if self.robot_ip:
            yield self.robot_ip
            return
        with Emulator(self.json.with_suffix(".robot.log")):
            yield ADDRESS

    def _play(self, robot: LibfrankaRobot, stream: Stream) -> dict[str, Any]:
        arm = find_arm("fr3")
        commanded, chunks = path(arm, stream, self.seconds)
        tries, played = 0, Played(lost=_LOST)
        while not played.kept and played.lost + played.late >= _LOST and tries < _TRIES:
            _go(robot, start(arm, stream))
            played, tries = play(robot, commanded), tries + 1
        return {**asdict(stream), "chunks": chunks, "tries": tries, **asdict(played)}

    def _finish(self, rows: list[dict[str, Any]], remarks: list[str]) -> int:
        table = Table(title=f"sag bench fci, {self.robot_ip or 'emulated robot'}")
        counts = ("", "streams", "kept", "cycles", "lost", "late")
        for name in (*counts, "largest error, rad", "overshoot, rad/s"):
            table.add_column(name, justify="right" if name else "left")
        for place in ("home", "bounds"):
            part = [row for row in rows if row["place"] == place]
            sums = [str(sum(row[name] for row in part)) for name in ("kept", "cycles", "lost", "late")]
            worst, over = (max((row[n] for row in part), default=0.0) for n in ("largest_error", "overshoot"))
            table.add_row(place, str(len(part)), *sums, f"{worst:.4f}", f"{over:.3f}")
        result = {
            "robot": self.robot_ip or "emulated",
            "streams": len(rows),
            "kept": sum(row["kept"] for row in rows),
            "remarks": remarks,
            "rows": rows,
            "machine": machine.describe(),
        }
        self.json.write_text(json.dumps(result, indent=1) + "\n")
        console.print(table)
        for row in rows:
            if not row["kept"]:
                console.print(f"[red]{row['place']}, seed {row['seed']}: {row['error']}[/red]")
        console.print(f"written to {self.json}")
        return int(result["kept"] < len(rows))


def _connect(address: str) -> LibfrankaRobot:
    deadline = time.monotonic() + _READY
    while True:
        try:
            return LibfrankaRobot(FciSettings(address=address))
        except ConnectionLost:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _go(robot: LibfrankaRobot, position: Float) -> None:
    """To where a stream begins, slowly; again if the robot stopped on the way."""
    arm = find_arm("fr3")
    for _ in range(_TRIES):
        state = robot.read()
        if state.mode == "Reflex":
            robot.recover()
            state = robot.read()
        motion = straight(state.commanded, position, 0.0, arm, _SHARE)
        samples = motion.sample(CYCLE * np.arange(int(motion.end / CYCLE) + 2))[0]
        if play(robot, samples).kept:
            time.sleep(0.3)
            return


def _say(number: int, total: int, row: dict[str, Any]) -> None:
    said = "kept" if row["kept"] else f"not kept: {row['error']}"
    again = f", {row['tries']} tries" if row["tries"] > 1 else ""
    console.print(
        f"{number}/{total}: {row['place']}, {row['amplitude']} rad, seed {row['seed']}: {said}; "
        f"{row['lost']} of {row['cycles']} cycles lost, {row['late']} commands late{again}"
    )
