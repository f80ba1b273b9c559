"""From late chunks to cheaper ones, and to fewer frames."""

from __future__ import annotations

from types import SimpleNamespace

from sag_ros.engines.ladder import Ladder, Rung
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.degrading import SLOWER, Degrading

LATE = ChunkRecord(received_ms=5.0, denoised_ms=150.0)
GOOD = ChunkRecord(received_ms=5.0, denoised_ms=15.0)


class World:
    def __init__(self, rungs: int = 2) -> None:
        names = ["ddpm+sag", "ddim10+sag (188 of 200 pick_release)"][:rungs]
        self.ladder = Ladder([Rung(n, SimpleNamespace(reset=lambda seed: None), 1.0) for n in names])
        self.said: list[str] = []
        self.degrading = Degrading(self.ladder, 0.1, self.said.append)
        self.now = 0.0

    def come(self, record: ChunkRecord, count: int) -> None:
        for _ in range(count):
            self.now += 0.02
            self.degrading.after(self.now, record)


def test_first_the_rungs_then_the_frames_and_back() -> None:
    world = World()
    seen = []
    for _ in range(200):
        world.come(LATE, 1)
        state = (world.degrading.rung, world.degrading.every, world.ladder.chosen.name[:6])
        if state not in seen:
            seen.append(state)
    assert seen == [(0, 1, "ddpm+s"), (1, 1, "ddim10"), (1, SLOWER[0], "ddim10"), (1, SLOWER[1], "ddim10")]
    assert world.degrading.steps == 3
    assert world.degrading.reduced == "ddim10+sag (188 of 200 pick_release) on every 4th set of frames"
    world.come(GOOD, 1000)
    assert (world.degrading.rung, world.degrading.every) == (0, 1)
    assert world.ladder.chosen.name == "ddpm+sag"
    assert world.degrading.reduced == ""
    assert world.said[0] == (
        "chunks come late, from now on ddim10+sag (188 of 200 pick_release) on every set of frames"
    )
    assert world.said[-1] == "there is time again, from now on ddpm+sag on every set of frames"


def test_without_rungs_there_are_fewer_frames() -> None:
    world = World(rungs=1)
    world.come(LATE, 200)
    assert (world.degrading.rung, world.degrading.every) == (0, SLOWER[-1])
    world.degrading.reset()
    assert world.degrading.every == 1


def test_another_deadline_counts_at_once() -> None:
    world = World()
    world.degrading.reconfigure(0.2)
    world.come(LATE, 200)
    assert world.degrading.reduced == ""
