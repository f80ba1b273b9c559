"""What a supervisor was told around a fault, as a small file, and a test that tells it again."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.fuzz.judge import Executed, judge
from sag_ros.control.motion import of_command
from sag_ros.control.replayed import ReplayedSupervisor
from sag_ros.control.splice import SpliceSettings
from sag_ros.control.states import State, SupervisorSettings
from sag_ros.messages.stamps import SECOND
from sag_ros.policy.contract import Contract
from sag_ros.robots.arm import Arm
from sag_ros.robots.registry import find_arm
from sag_ros.ros.policy.settings import supervisor_settings
from sag_ros.ros.replay.commands import chunk_of, matched
from sag_ros.ros.replay.evidence import Evidence, Told
from sag_ros.values import ActionChunk, JointCommand, PoseChunk

SEAM = (1e-8, 1e-8, 1e-6)  # rad, rad/s, rad/s^2: a command begins on the one before
_JOINTS = 0.01  # s between joint states that are kept
_TEST = '''"""{title}

Recorded {written}. What the supervisor was told then is in {story}; whatever it makes of that, no command
breaks a limit of the arm, jumps, or ends in motion.
"""

from pathlib import Path

from sag_ros.ros.replay.told import play, read


def test_{name}():
    played = play(read(Path(__file__).with_name("{story}")))
    assert played.commands > 0
    assert played.failures == []
'''


@dataclass(frozen=True)
class Story:
    """What is told.

    Attributes:
        arm: whose.
        settings: of its supervisor.
        sensors: that are watched.
        first: the command that was executed when it begins.
        begin: when, s; newest: stamp of the observation behind that command.
        events: (now, what, values) in their order: ``joints``, ``desired``, ``sensor``, ``chunk``, ``stop``.
    """

    arm: str
    settings: SupervisorSettings
    sensors: tuple[str, ...]
    first: JointCommand
    begin: float
    newest: float
    events: tuple[tuple[float, str, dict[str, Any]], ...]


@dataclass(frozen=True)
class Played:
    """What came of it: commands and refused chunks, and what must not have happened."""

    commands: int
    refused: int
    failures: list[str]


def story_of(evidence: Evidence, begin: int, end: int, contract: Contract | None = None) -> Story:
    """What was told between two times, ns since 1970.

    Raises:
        ValueError: no command was sent before; there is nothing to begin with.
    """
    config, seconds = evidence.config, evidence.clock.seconds
    settings = supervisor_settings(config)
    of_chunks = matched(evidence)
    before = [place for place, sent in enumerate(evidence.commands) if sent.sent <= begin]
    if not before:
        later = [place for place, sent in enumerate(evidence.commands) if sent.sent < end]
        if not later:
            raise ValueError("nothing was commanded around then: there is nothing to make a test of")
        before, begin = later[:1], evidence.commands[later[0]].sent
    place = before[-1]
    newest = of_chunks[place].detail.stamp if place in of_chunks else -math.inf
    events: list[tuple[float, str, dict[str, Any]]] = []

    def states(what: str, messages: list[Told]) -> None:
        last = -math.inf
        for told in messages:
            if begin - SECOND // 5 <= told.received < end and seconds(told.stamp) - last >= _JOINTS - 1e-4:
                last = seconds(told.stamp)
                values = {"stamp": last, "position": told.position.tolist()}
                if what == "joints":
                    values["velocity"] = told.velocity.tolist()
                events.append((seconds(told.received), what, values))

    states("joints", evidence.joints)
    states("desired", evidence.desired)
    for sensor, messages in evidence.sensors.items():
        for received, stamp in messages:
            if begin - SECOND // 5 <= received < end:
                events.append((seconds(received), "sensor", {"name": sensor, "stamp": seconds(stamp)}))
    for decided in evidence.chunks:
        detail = decided.detail
        if not math.isnan(detail.asked) and begin < detail.nanoseconds(detail.asked) < end:
            events.append((detail.asked, "chunk", _plain(chunk_of(detail, contract))))
    for number, sent in enumerate(evidence.commands):
        if number not in of_chunks and begin < sent.sent < end:
            first = evidence.command(sent, settings.splice.step).time[0]
            fault = evidence.became(sent.sent) == State.FAULT.value
            events.append((float(first) + 0.5 * settings.splice.step, "stop", {"fault": fault}))
    first = evidence.command(evidence.commands[place], settings.splice.step)
    events.sort(key=lambda event: event[0])
    return Story(config.arm, settings, tuple(evidence.sensors), first, seconds(begin), newest, tuple(events))


def _plain(chunk: ActionChunk | PoseChunk) -> dict[str, Any]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(chunk).items()
    }


def _chunk(values: dict[str, Any]) -> ActionChunk | PoseChunk:
    arrays = {name: np.array(part) if isinstance(part, list) else part for name, part in values.items()}
    return PoseChunk(**arrays) if "rotations" in arrays else ActionChunk(**arrays)


def write(story: Story, path: Path) -> Path:
    """As JSON, in which every number keeps all its bits; returns ``path``."""
    command = {name: getattr(story.first, name).tolist() for name in ("time", "position", "velocity")}
    command["acceleration"] = story.first.acceleration.tolist()
    entry = {
        "arm": story.arm,
        "settings": asdict(story.settings),
        "sensors": list(story.sensors),
        "begin": story.begin,
        "newest": story.newest,
        "first": command,
        "events": [[now, what, values] for now, what, values in story.events],
    }
    path.write_text(json.dumps(entry) + "\n")
    return path


def read(path: Path) -> Story:
    """The inverse of :func:`write`."""
    entry = json.loads(path.read_text())
    settings = entry["settings"]
    settings["splice"] = SpliceSettings(**settings["splice"])
    first = JointCommand(**{name: np.array(values) for name, values in entry["first"].items()})
    events = tuple((now, what, values) for now, what, values in entry["events"])
    return Story(
        entry["arm"], SupervisorSettings(**settings), tuple(entry["sensors"]), first, entry["begin"],
        entry["newest"], events,
    )  # fmt: skip


class _Telling:
    """Tells a supervisor, and judges what it commands without its help."""

    def __init__(self, story: Story) -> None:
        self._arm: Arm = find_arm(story.arm)
        self._supervisor = ReplayedSupervisor(self._arm, story.settings, story.sensors)
        self._supervisor.take_up(story.begin, story.first, story.newest)
        self._motion = of_command(story.first)
        self._executed = Executed(self._motion)
        self.commands = self.refused = 0
        self.failures: list[str] = []

    def tell(self, now: float, what: str, values: dict[str, Any]) -> None:
        supervisor = self._supervisor
        if what == "joints":
            position, velocity = np.array(values["position"]), np.array(values["velocity"])
            supervisor.on_joint_state(values["stamp"], position, velocity)
        elif what == "desired":
            supervisor.on_desired(values["stamp"], np.array(values["position"]), now)
        elif what == "sensor":
            supervisor.on_sensor(values["name"], values["stamp"])
        elif what == "chunk":
            command = supervisor.on_chunk(_chunk(values), now)
            self.refused += command is None
            self.take(command, now, what)
        else:
            stop = supervisor.fault if values["fault"] else supervisor.hold
            self.take(stop(now, "as recorded"), now, what)

    def take(self, command: JointCommand | None, now: float, what: str) -> None:
        if command is None:
            return
        self.commands += 1
        motion, where = of_command(command), max(now, float(command.time[0]))
        for name, old, new, slack in zip(
            ("position", "velocity", "acceleration"),
            self._motion.at(where), motion.at(where), SEAM, strict=True,
        ):  # fmt: skip
            gap = float(np.abs(old - new).max())
            if gap > slack:
                self.failures.append(f"{what} at {now:.3f} s: {name} jumps by {gap:.3g}")
        if command.velocity[-1].any() or command.acceleration[-1].any():
            self.failures.append(f"{what} at {now:.3f} s: it does not end at rest")
        self.failures += [
            f"{what} at {now:.3f} s: {excess}" for excess in judge(self._executed, motion, now, self._arm)
        ]
        self._motion = motion
        self._executed.replace(motion, now)


def play(story: Story) -> Played:
    """Tell a supervisor the story."""
    telling = _Telling(story)
    for now, what, values in story.events:
        telling.tell(now, what, values)
    return Played(telling.commands, telling.refused, telling.failures)


def write_test(story: Story, path: Path, reason: str, written: str) -> tuple[Path, Path]:
    """Write a test file ``test_<...>.py`` and the story beside it; returns both paths.

    Raises:
        ValueError: a name that pytest would not find.
    """
    if not re.fullmatch(r"test_\w+\.py", path.name):
        raise ValueError(f"a test is called test_<something>.py, not {path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = write(story, path.with_suffix(".json"))
    title = re.sub(r"\s+", " ", reason)[:100].replace("\\", "").replace('"', "'").rstrip(".") + "."
    text = _TEST.format(title=title, written=written, name=path.stem.removeprefix("test_"), story=beside.name)
    path.write_text(text)
    return path, beside
