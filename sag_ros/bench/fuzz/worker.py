"""A process that plays stories."""

from __future__ import annotations

import faulthandler
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from sag_ros.bench.fuzz.play import Failure, play
from sag_ros.bench.fuzz.story import Story
from sag_ros.bench.fuzz.tally import Tally
from sag_ros.robots.registry import find_arm

_STDERR = 2  # the descriptor: sys.stderr may be something without one
HANG = 60.0  # s; a story takes a tenth of a second


@dataclass
class Batch:
    """What a job came to: the sums, what it took, s, and every story that failed with its first failure."""

    method = "fuzz"  # what the progress is counted by
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    failed: list[tuple[Story, Failure]] = field(default_factory=list)


class Worker:
    """Plays stories on the arm called ``arm``.

    Args:
        setting: name of the arm; folder in which a file is kept of the story that is being played, for the
            case that it never ends.
    """

    def __init__(self, setting: tuple[str, Path]) -> None:
        name, self._folder = setting
        self._arm = find_arm(name)

    def run(self, seed: int, stories: int, chunks: int) -> Batch:
        """Play ``stories`` stories of ``chunks`` chunks, drawn from ``seed`` and the numbers that follow.

        A story that takes longer than ``HANG`` ends the process, with a traceback on stderr.
        """
        batch, began = Batch(), time.monotonic()
        playing = self._folder / f"playing-{os.getpid()}"
        for number in range(seed, seed + stories):
            playing.write_text(str(number))
            faulthandler.dump_traceback_later(HANG, exit=True, file=_STDERR)
            outcome, story = play(self._arm, number, chunks)
            faulthandler.cancel_dump_traceback_later()
            batch.tally.add(outcome, number)
            if outcome.failures:
                batch.failed.append((story, outcome.failures[0]))
        playing.unlink()
        batch.seconds = time.monotonic() - began
        return batch
