"""Commands made again from recorded chunks, by the supervisor with its splice and guard, and compared.

A command follows from the motion before it, the chunk, and the time for which it was made. The first is the
recorded command before, the others are in ``~/chunk``; so every command is reproduced to the bit. The
supervisor is told in their order what the node heard, as far as the recorder heard the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.replayed import ReplayedSupervisor
from sag_ros.control.states import State
from sag_ros.messages.stamps import SECOND
from sag_ros.policy.contract import Contract
from sag_ros.robots.registry import find_arm
from sag_ros.ros.policy.provenance.detail import ChunkDetail
from sag_ros.ros.policy.settings import supervisor_settings
from sag_ros.ros.replay.evidence import Decided, Evidence
from sag_ros.values import ActionChunk, JointCommand, PoseChunk

_SLACK = 2_000_000  # ns between when a command was sent and when the node noted that


@dataclass(frozen=True)
class Made:
    """A recorded command, or chunk without one, and what the supervisor makes of the same.

    Attributes:
        chunk: its number; None for a stop.
        at: when, ns since 1970.
        equal: the same to the bit; for a chunk that was refused: it is refused again.
        difference: largest of a position, rad; NaN where there is no command to compare with.
        begun: the arm was at rest, and where the motion begins was taken from the recorded command.
        refusal: why the supervisor refuses it now.
        blocked: the supervisor was not asked: a deadman, a stale gripper or a picture kept the arm still.
    """

    chunk: int | None
    at: int
    equal: bool
    difference: float
    begun: bool = False
    refusal: str = ""
    blocked: bool = False


def chunk_of(detail: ChunkDetail, contract: Contract | None = None) -> ActionChunk | PoseChunk:
    """What the supervisor was given. Raises ValueError for poses without their contract."""
    if not len(detail.rotations):
        return ActionChunk(detail.stamp, detail.period, detail.positions, detail.gripper)
    if contract is None or contract.tcp is None:
        raise ValueError("chunks of poses need the contract of the policy")
    from sag_ros.policy.rotations import frames

    tcp = contract.tcp
    observed = detail.states[-1, : len(contract.joints)]
    rotations = detail.rotations.reshape(-1, 3, 3)
    return PoseChunk(
        detail.stamp, detail.period, detail.positions, rotations, detail.gripper, tcp.relative, tcp.frame,
        observed, *frames(tcp),
    )  # fmt: skip


@dataclass(frozen=True)
class Happened:
    """Something the supervisor is told: when (ns), in which order at the same time, what, and the rest."""

    at: int
    order: int
    what: str
    value: Any


def matched(evidence: Evidence) -> dict[int, Decided]:
    """Index of a command -> the chunk that it was made of."""
    found: dict[int, Decided] = {}
    sent = np.array([command.sent for command in evidence.commands])
    for decided in evidence.chunks:
        record, detail = decided.record, decided.detail
        if record is None or record.refused or math.isnan(detail.asked):
            continue
        asked = detail.nanoseconds(detail.asked)
        ended = asked + round(1e6 * max(record.splice_ms, 0.0))
        place = int(np.searchsorted(sent, asked - _SLACK))
        while place < len(sent) and sent[place] <= ended + _SLACK:
            if place not in found:
                found[place] = decided
                break
            place += 1
    return found


class CommandReplay:
    """Goes through a recording once.

    Args:
        evidence: the recording.
        contract: of the policy, for chunks of poses.
    """

    def __init__(self, evidence: Evidence, contract: Contract | None = None) -> None:
        self._evidence, self._contract, self._clock = evidence, contract, evidence.clock
        config = evidence.config
        settings = supervisor_settings(config)
        self._step = settings.splice.step
        self._supervisor = ReplayedSupervisor(find_arm(config.arm), settings, list(evidence.sensors))
        self._last: JointCommand | None = None  # recorded, executed now
        self._motion: Motion | None = None  # the same
        self._newest = -math.inf
        self._told: dict[str, tuple[Any, ...]] = {}
        self.made: list[Made] = []

    def run(self) -> list[Made]:
        """Compare all commands and refused chunks."""
        for event in sorted(self._events(), key=lambda one: (one.at, one.order)):
            if event.what in ("joint_states", "desired_states"):
                self._on_state(event)
            elif event.what == "chunk":
                self._on_chunk(*event.value)
            elif event.what == "stop":
                self._on_stop(event.value)
            else:
                self._tell("sensor", event.what, self._seconds(event.value))
        return self.made

    def _seconds(self, stamp: int) -> float:
        return self._clock.seconds(stamp)

    def _events(self) -> list[Happened]:
        evidence, found = self._evidence, []
        for told in evidence.joints:
            found.append(Happened(told.received, 0, "joint_states", told))
        for told in evidence.desired:
            found.append(Happened(told.received, 0, "desired_states", told))
        for sensor, messages in evidence.sensors.items():
            found += [Happened(received, 0, sensor, stamp) for received, stamp in messages]
        of_chunks = matched(evidence)
        place_of = {id(decided): place for place, decided in of_chunks.items()}
        for decided in evidence.chunks:
            asked = decided.detail.asked
            at = decided.received if math.isnan(asked) else decided.detail.nanoseconds(asked)
            found.append(Happened(at, 1, "chunk", (decided, place_of.get(id(decided)))))
        for place, sent in enumerate(evidence.commands):
            if place not in of_chunks:
                found.append(Happened(sent.sent, 1, "stop", place))
        return found

    # What the supervisor is told ----------------------------------------------------------------------------

    def _on_state(self, event: Happened) -> None:
        told, stamp = event.value, self._seconds(event.value.stamp)
        if event.what == "joint_states":
            self._tell("joints", stamp, told.position, told.velocity)
        else:
            self._tell("desired", stamp, told.position, self._seconds(event.at))

    def _tell(self, what: str, *values: Any) -> None:
        """And remember the last of each, for a supervisor that begins anew."""
        self._told[f"{what} {values[0]}" if what == "sensor" else what] = (what, values)
        act = {
            "joints": self._supervisor.on_joint_state,
            "desired": self._supervisor.on_desired,
            "sensor": self._supervisor.on_sensor,
        }
        act[what](*values)

    def _take_up(self, now: float, command: JointCommand, newest: float) -> None:
        self._supervisor.take_up(now, command, newest)
        for what, values in list(self._told.values()):
            if what != "desired":
                self._tell(what, *values)

    # What it makes of it ------------------------------------------------------------------------------------

    def _on_chunk(self, decided: Decided, place: int | None) -> None:
        detail, number = decided.detail, decided.detail.chunk
        if math.isnan(detail.asked):
            self.made.append(Made(number, decided.received, True, math.nan, blocked=True))
            return
        now, at = detail.asked, detail.nanoseconds(detail.asked)
        chunk = chunk_of(detail, self._contract)
        recorded = None if place is None else self._recorded(place)
        begun = recorded is not None and self._begin(now, recorded)
        if self._motion is None:  # the recording begins in the middle: nothing is known yet
            if recorded is not None:
                self._follow(now, recorded, detail.stamp)
            return
        command = self._supervisor.on_chunk(chunk, now)
        refusal = self._supervisor.refusal if command is None else ""
        if recorded is None:
            if decided.record is not None:  # else the command was not recorded, and nothing is known
                self.made.append(Made(number, at, command is None, math.nan, refusal=refusal))
            if command is not None:
                self._supervisor.retract(math.inf)
            return
        equal, difference = _compare(command, recorded)
        self.made.append(Made(number, at, equal, difference, begun, refusal))
        self._follow(now, recorded, detail.stamp, equal)

    def _on_stop(self, place: int) -> None:
        recorded, sent = self._recorded(place), self._evidence.commands[place].sent
        first = float(recorded.time[0])
        if self._motion is None:
            self._follow(first, recorded, self._newest)
            return
        found = False, math.nan
        # When exactly it was made is not told; all that counts is between which samples that was.
        for share in (0.5, 0.0, 0.9995):
            now = first + share * self._step
            if self._last is not None:
                self._take_up(now, self._last, self._newest)
            stop = (
                self._supervisor.fault
                if self._evidence.became(sent) == State.FAULT.value
                else self._supervisor.hold
            )
            found = _compare(stop(now, "as recorded"), recorded)
            if found[0]:
                break
        self.made.append(Made(None, sent, *found))
        self._follow(first, recorded, self._newest, found[0])

    def _recorded(self, place: int) -> JointCommand:
        return self._evidence.command(self._evidence.commands[place], self._step)

    def _begin(self, now: float, recorded: JointCommand) -> bool:
        """Begin from rest where the recorded command does, after a start or a resume."""
        first = recorded.position[0]
        if recorded.velocity[0].any() or recorded.acceleration[0].any():
            return False
        if self._motion is not None:
            q, v, _ = self._motion.at(now)
            if v.any() or np.array_equal(q, first):
                return False
        self._last = at_rest(now, first)
        self._motion = of_command(self._last)
        self._take_up(now, self._last, -math.inf)
        return True

    def _follow(self, now: float, recorded: JointCommand, newest: float, equal: bool = False) -> None:
        """Whatever came out, the arm got what was recorded."""
        self._motion, self._last, self._newest = of_command(recorded), recorded, newest
        if not equal:
            self._take_up(now, recorded, newest)


def _published(command: JointCommand) -> np.ndarray:
    """Times of a command as a message has them, ns."""
    return np.rint(np.append(command.time[0], command.time - command.time[0]) * SECOND).astype(np.int64)


def _compare(command: JointCommand | None, recorded: JointCommand) -> tuple[bool, float]:
    """Whether they are the same to the bit, and the largest difference of a position, rad."""
    if command is None:
        return False, math.nan
    pairs = [(getattr(command, name), getattr(recorded, name)) for name in ("position", "velocity")]
    pairs.append((command.acceleration, recorded.acceleration))
    if all(np.array_equal(a, b) for a, b in [(_published(command), _published(recorded)), *pairs]):
        return True, 0.0
    one, other = of_command(command), of_command(recorded)
    times = np.union1d(command.time, recorded.time)
    return False, float(np.abs(one.sample(times)[0] - other.sample(times)[0]).max())
