"""What ``sag bench tasks`` measures: one record for each episode and each turn of the stop watch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpisodeResult:
    """Outcome of one episode; nothing in it depends on how fast the machine is, except ``wall``.

    Attributes:
        method: name at the time of the measurement; what was really run says the identity beside it.
        seed: of episode and noise.
        success, message: by the task. seconds: simulated duration.
        density: mean share of the K x 3L blocks of the full sampler that a chunk computed.
        chunks: number of inferences.
        rms_jerk: of the executed motion over time and joints, rad/s^3.
        peak_jerk: its maximum as a share of the FR3's limit; None of other arms.
        rms_acceleration: rad/s^2.
        jump: mean distance of a chunk's first action from where the one before was heading, rad; None with
            fewer than two chunks. bend: the same within chunks (see ``smoothness.Agreement``).
        clipped: limits the guard had to enforce; refused: chunks it did not let pass;
        violations: limits the command broke after the guard (an independent check).
        completed: parts of the task that were done, where it has any.
        wall: how long it took, s; only to say how long the rest will take.
    """

    method: str
    seed: int
    success: bool
    message: str
    seconds: float
    density: float
    chunks: int = 0
    rms_jerk: float = 0.0
    peak_jerk: float | None = 0.0
    rms_acceleration: float = 0.0
    jump: float | None = None
    bend: float | None = None
    clipped: int = 0
    refused: int = 0
    violations: int = 0
    completed: int = 0
    wall: float = 0.0

    @property
    def key(self) -> int:
        """What tells results of one method apart."""
        return self.seed


@dataclass(frozen=True)
class Turn:
    """Times of one method on the observations of one recorded episode, ms for each chunk.

    Attributes:
        number: of the turn; the recorded episodes are played in rotation.
        encode: one new frame of every camera and the state.
        pruner: the mask; plan: the list of operations; denoise: all steps, noise and units included.
    """

    method: str
    number: int
    encode: list[float]
    pruner: list[float]
    plan: list[float]
    denoise: list[float]

    @property
    def key(self) -> int:
        """What tells results of one method apart."""
        return self.number
