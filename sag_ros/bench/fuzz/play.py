"""Play a story: chunks to a supervisor, its commands to the judge."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from sag_ros.bench.fuzz.author import Author
from sag_ros.bench.fuzz.judge import Executed, judge
from sag_ros.bench.fuzz.story import Event, Story
from sag_ros.control.motion import at_rest, of_command
from sag_ros.control.splice import SpliceSettings
from sag_ros.control.states import State, SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk, JointCommand

_TICK = 0.02  # s
_SLOW = 1.02  # times the speed that is set
_SEAM = 1e-8  # rad, rad/s; rad/s^2 a hundred times as much: a new command begins on the old one
_LETS = (State.PAUSED, State.TAKEN, State.FAULT)  # in which others may move the arm
_SILENT = (*_LETS, State.HOMING)


@dataclass(frozen=True)
class Failure:
    """Something that must not happen.

    Attributes:
        what: ``exception``, ``internal``, ``jump``, ``moving``, ``fast``, or the limit that is broken.
        text: what exactly, when, in answer to which kind of event.
    """

    what: str
    text: str


@dataclass
class Outcome:
    """What happened in a story.

    Attributes:
        chunks, accepted, clipped: how many.
        failures: empty if all is well.
        chunk_ms: of every ``on_chunk``, by the clock; cpu_ms: of its thread's processor time.
        actions: of every chunk.
        step: of the commands, s.
        refusals: kind of violation -> how often.
        acts: kind of what else happened -> how often; ``resumed``, ``went home``: where that was let.
    """

    chunks: int = 0
    accepted: int = 0
    clipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    chunk_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    step: float = SpliceSettings.step
    refusals: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)


class _Stage:
    """The supervisor, the arm that does what it is commanded, and the clock."""

    def __init__(self, arm: Arm, story: Story) -> None:
        self.arm, self.outcome = arm, Outcome(step=story.splice.get("step", SpliceSettings.step))
        settings = SupervisorSettings(splice=SpliceSettings(**story.splice), **story.limits)
        self.supervisor = Supervisor(arm, settings)
        self.slow = _SLOW * settings.home_speed
        self.supervisor.start(0.0, story.start)
        self.motion = of_command(at_rest(0.0, story.start))
        self.executed = Executed(self.motion)
        self.now = 0.0

    def look(self) -> None:
        self.supervisor.on_joint_state(self.now, *self.motion.at(self.now)[:2])

    def tick_until(self, now: float) -> None:
        """The node ticks between the events."""
        while self.now + _TICK < now:
            self.now += _TICK
            self.look()
            self.take(self.supervisor.tick(self.now), "tick")
        self.now = now

    def happen(self, event: Event) -> None:
        self.look()
        self.outcome.acts[event.kind] += event.chunk is None
        if event.chunk is not None:
            self.chunk(event.chunk, event.kind)
        elif event.kind == "restart":
            self.restart()
        elif event.kind == "move":
            if event.place is not None and self.supervisor.state in _LETS:
                self.motion = of_command(at_rest(self.now, event.place))
                self.executed = Executed(self.motion)
        else:
            self.take(self.act(event.kind), event.kind)

    def act(self, kind: str) -> JointCommand | None:
        supervisor, now, reason = self.supervisor, self.now, "a story wants it"
        if kind == "hold":
            return supervisor.hold(now, reason)
        if kind in ("pause", "take"):
            return supervisor.pause(now, reason, human=kind == "take")
        if kind == "give back":
            supervisor.give_back(now, reason)
        elif kind == "resume":
            self.outcome.acts["resumed"] += not supervisor.resume(now)
        elif kind == "home" and not supervisor.home(now):
            self.outcome.acts["went home"] += 1
        return None

    def close(self) -> Outcome:
        self.outcome.clipped = self.supervisor.status().clipped
        return self.outcome

    def chunk(self, chunk: ActionChunk, kind: str) -> None:
        outcome = self.outcome
        outcome.chunks += 1
        outcome.actions.append(len(chunk.positions))
        began, worked = time.perf_counter(), time.thread_time()
        try:
            command = self.supervisor.on_chunk(chunk, self.now)
        except Exception as error:  # that is what is looked for
            self.fail("exception", kind, f"{type(error).__name__}: {error}")
            return
        outcome.cpu_ms.append(1e3 * (time.thread_time() - worked))
        outcome.chunk_ms.append(1e3 * (time.perf_counter() - began))
        if command is not None:
            outcome.accepted += 1
            self.take(command, kind)
            return
        violation = self.supervisor.status().violations[-1]
        outcome.refusals[violation.kind] += 1
        if violation.kind == "internal":
            self.fail("internal", kind, violation.message)

    def restart(self) -> None:
        """Stop, wait until the arm is at rest, start again."""
        moves = self.supervisor.rest_in(self.now) > 0.0
        command = self.supervisor.stop(self.now)
        self.take(command if moves else None, "stop")  # at rest nothing is published
        while self.supervisor.status().state is State.STOPPING:
            self.tick_until(self.now + 2.0 * _TICK)
        self.supervisor.start(self.now, self.motion.at(self.now)[0])

    def take(self, command: JointCommand | None, kind: str) -> None:
        if command is None:
            return
        motion = of_command(command)
        where = max(self.now, float(command.time[0]))
        for name, old, new, slack in zip(
            ("position", "velocity", "acceleration"),
            self.motion.at(where),
            motion.at(where),
            (_SEAM, _SEAM, 100.0 * _SEAM),
            strict=True,
        ):
            gap = float(np.abs(old - new).max())
            if gap > slack:
                self.fail("jump", kind, f"{name} jumps by {gap:.3g} where it begins")
        if command.velocity[-1].any() or command.acceleration[-1].any():
            self.fail("moving", kind, "it does not end at rest")
        if self.supervisor.state is State.HOMING and np.abs(command.velocity).max() > self.slow:
            self.fail("fast", kind, "it is not slow on the way home")
        for excess in judge(self.executed, motion, self.now, self.arm):
            self.fail(excess.kind, kind, str(excess))
        self.motion = motion
        self.executed.replace(motion, self.now)

    def fail(self, what: str, kind: str, text: str) -> None:
        self.outcome.failures.append(Failure(what, f"{kind} at {self.now:.3f} s: {text}"))


def play(arm: Arm, seed: int, chunks: int = 25) -> tuple[Outcome, Story]:
    """Think a story up and play it to its end or to its first failure.

    Returns:
        What happened, and the story, with which :func:`replay` does the same.
    """
    author = Author(arm, seed, chunks)
    stage = _Stage(arm, author.story())
    while not stage.outcome.failures:
        stage.tick_until(stage.now + author.gap())
        silent = stage.supervisor.state in _SILENT
        event = author.next(stage.now, *stage.motion.at(stage.now)[:2], silent)
        if event is None:
            break
        stage.happen(event)
    return stage.close(), author.story()


def replay(arm: Arm, story: Story) -> Outcome:
    """Play a story to its end or to its first failure."""
    stage = _Stage(arm, story)
    for event in story.events:
        stage.tick_until(max(event.now, stage.now))
        stage.happen(event)
        if stage.outcome.failures:
            break
    return stage.close()
