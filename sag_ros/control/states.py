"""What the supervisor can be told and can tell: states, settings, status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from sag_ros.control.splice import SpliceSettings
from sag_ros.values import Violation


class State(str, Enum):
    """What the supervisor does with chunks."""

    INACTIVE = "inactive"  # not started, or stopped: refuses chunks
    WAITING = "waiting"  # started, holds still until the first chunk
    RUNNING = "running"  # follows chunks
    STOPPING = "stopping"  # decelerates
    HOLDING = "holding"  # at rest because inputs stopped; the next good chunk resumes
    FAULT = "fault"  # the arm does not follow, say: somebody has to look, and to resume
    PAUSED = "paused"  # at rest because an operator wants it so, until resume; others may move the arm
    TAKEN = "taken over"  # the same because a human has the arm
    HOMING = "homing"  # on the way to the arm's home pose


# At rest until somebody says otherwise: no chunk is executed, and it is no fault where the arm is.
SILENT = (State.INACTIVE, State.FAULT, State.PAUSED, State.TAKEN)


@dataclass(frozen=True)
class SupervisorSettings:
    """Ages in s, angles in rad.

    Attributes:
        observation_age: largest age of the observation behind the executed chunk.
        joint_state_age, camera_age, signal_age: largest age of the newest message.
        deadline: a longer time between two chunks is a deadline miss.
        tracking_error: a joint further than this from its command is a fault.
        tracking_lag: so long, s, a joint may be further than ``resume_error`` from its command.
        resume_error: a joint further than this from where it is held keeps the arm from going on by itself.
        unseen_error: the same where joint states did not come for a while, and maybe commands did not arrive.
        rest_error: a joint at rest further than this from all it was commanded within tracking_lag is a
            fault after some moments.
        command_error: a joint whose controller follows something further than this from all it was
            commanded within ``command_lag``, s, did not get it.
        at_rest: faster joints are moving, rad/s.
        home_speed: of the fastest joint on the way home, rad/s.
        limit_factor, position_margin: see :func:`sag_ros.control.guard.guard.guard_limits`.
        splice: how chunks are joined.
    """

    observation_age: float = 0.25
    joint_state_age: float = 0.1
    camera_age: float = 0.2
    signal_age: float = 0.2
    deadline: float = 0.05
    tracking_error: float = 0.15
    tracking_lag: float = 0.15
    resume_error: float = 0.05
    unseen_error: float = 0.01
    rest_error: float = 0.02
    command_error: float = 0.002
    command_lag: float = 0.03
    at_rest: float = 0.05
    home_speed: float = 0.3
    limit_factor: float = 0.95
    position_margin: float = 0.005
    splice: SpliceSettings = field(default_factory=SpliceSettings)

    def ages(self, sensors: Iterable[str]) -> dict[str, float]:
        """What a watchdog watches: input -> largest age, s. ``sensors``: ``camera front``, ``signal bag``."""
        own = {"observation": self.observation_age, "joint_state": self.joint_state_age}
        return own | {
            name: self.signal_age if name.startswith("signal ") else self.camera_age for name in sensors
        }

    def require_live(self, other: SupervisorSettings) -> None:
        """Raise ValueError where ``other`` differs in what guard and sampling are built from."""
        for name in ("limit_factor", "position_margin"):
            if getattr(other, name) != getattr(self, name):
                raise ValueError(f"{name} cannot be changed while the supervisor runs")
        if other.splice.step != self.splice.step:
            raise ValueError("splice.step cannot be changed while the supervisor runs")


@dataclass(frozen=True)
class Counts:
    """What has happened; see :class:`SupervisorStatus`."""

    chunks: int = 0
    refused: int = 0
    clipped: int = 0
    late_steps: int = 0
    deadline_misses: int = 0
    stops: int = 0

    def plus(self, **more: int) -> Counts:
        """With so many more of some."""
        return replace(self, **{name: getattr(self, name) + number for name, number in more.items()})


@dataclass(frozen=True)
class SupervisorStatus:
    """A snapshot.

    Attributes:
        state, reason: what it does and why, for a person.
        chunks: accepted; refused: not executed; clipped: accepted, but changed by the guard.
        late_steps: actions dropped because their time had passed.
        deadline_misses: chunks that came later than the deadline after their predecessor.
        stops: smooth stops, wanted or not.
        violations: of the last chunk that had any.
        off: largest distance of a joint from its command since the start, rad.
    """

    state: State
    reason: str
    chunks: int
    refused: int
    clipped: int
    late_steps: int
    deadline_misses: int
    stops: int
    violations: tuple[Violation, ...]
    off: float = 0.0
