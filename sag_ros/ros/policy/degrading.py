"""Doing less before doing nothing: cheaper rungs of the policy, then fewer frames, and back."""

from __future__ import annotations

from collections.abc import Callable

from sag_ros.control.watch.pressure import Pressure, PressureSettings
from sag_ros.engines.ladder import Ladder
from sag_ros.ros.policy.chunk_record import ChunkRecord

SLOWER = (2, 4)  # of so many sets of frames one is used, once the last rung is reached


class Degrading:
    """Chooses the rung of a ladder and how many frames are used, after each chunk.

    All but the reading of attributes is for the thread that infers.

    Args:
        ladder: of the policy.
        latency: camera to command from which a chunk is late, s.
        say: called with a sentence at each step, in the thread that infers.

    Attributes:
        steps: down, since it was made.
    """

    def __init__(
        self, ladder: Ladder, latency: float, say: Callable[[str], object] = lambda text: None
    ) -> None:
        self._ladder, self._say = ladder, say
        self._pressure = Pressure(len(ladder.rungs) + len(SLOWER), PressureSettings(latency))
        self._last = len(ladder.rungs) - 1
        self.steps = 0

    def reset(self) -> None:
        """Begin with what was asked for."""
        self._pressure.reset()

    @property
    def rung(self) -> int:
        """Number of the rung."""
        return min(self._pressure.level, self._last)

    @property
    def every(self) -> int:
        """Of so many sets of frames one is used."""
        beyond = self._pressure.level - self._last
        return SLOWER[beyond - 1] if beyond > 0 else 1

    def reconfigure(self, latency: float) -> None:
        """Take another latency, s."""
        self._pressure.settings = PressureSettings(latency)

    def after(self, now: float, record: ChunkRecord) -> None:
        """Take what became of a chunk; ``now`` in s."""
        before = self._pressure.level
        own = record.denoised_ms - record.received_ms
        level = self._pressure.look(now, 1e-3 * record.denoised_ms, 1e-3 * own)
        if level == before:
            return
        self._ladder.choose(self.rung)
        self.steps += level > before
        self._say(
            f"{'chunks come late' if level > before else 'there is time again'}, from now on {self.text}"
        )

    @property
    def text(self) -> str:
        """What is done now."""
        often = {1: "every set", 2: "every second set"}.get(self.every, f"every {self.every}th set")
        return f"{self._ladder.rungs[self.rung].name} on {often} of frames"

    @property
    def reduced(self) -> str:
        """What is done instead of what was asked for, or an empty text."""
        return self.text if self.rung or self.every > 1 else ""
