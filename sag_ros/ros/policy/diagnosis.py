"""What the policy node says of itself, and what keeps it from moving the arm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from sag_ros.control.states import State
from sag_ros.control.watch.causes import Cause, Causes, Rank
from sag_ros.control.watch.hand import HandWatch
from sag_ros.ros.diagnostics import ERROR, OK, WARN
from sag_ros.ros.policy.publishers import PolicyPublishers
from sag_ros.ros.policy.rivals import listed, onlookers, publishers
from sag_ros.ros.policy.running import Running
from sag_ros.ros.policy.subscriptions import Subscriptions
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import StampClock

_MANY_LATE = 0.2  # share of the chunks
_RUNS_AWAY = 1e-3  # s that the system's clock gains in a second; NTP slews by half of that at most
_LOOKED = 0.1  # s between two looks at the clock, at least
_ERROR_LASTS = 2.0  # s that a failed inference is worth mentioning
_STATES = {  # that have a reason: its rank, and what to do
    State.STOPPING: (Rank.OTHER, ""),
    State.HOLDING: (Rank.OTHER, ""),
    State.FAULT: (Rank.RIVAL, "call ~/resume when the arm may go on"),
    State.PAUSED: (Rank.OPERATOR, "call ~/resume when the policy may go on"),
    State.TAKEN: (Rank.OPERATOR, "give the arm back, then call ~/resume"),
    State.HOMING: (Rank.OPERATOR, "~/pause stops it"),
}


class Diagnosis:
    """Gathers what is wrong in one place.

    Args:
        node, config, clock: of the policy; ``config`` may be replaced.
        inputs: its subscriptions.
        policy: that runs; may be replaced.
        listeners: how many others take our trajectories.
        outputs: its publishers.
        latency: how many chunks were executed since activation, and how many of them missed the deadline.

    Attributes:
        joints_rival: who else reports the arm, or an empty text.
    """

    def __init__(
        self,
        node: Node,
        config: PolicyNode,
        clock: StampClock,
        inputs: Subscriptions,
        policy: Running,
        latency: Callable[[], tuple[int, int]],
        listeners: Callable[[], int],
        outputs: PolicyPublishers,
    ) -> None:
        self.policy, self._outputs = policy, outputs
        self._hand = HandWatch()
        outputs.on_gripper = self._on_gripper
        self._listeners = listeners
        self._node, self.config, self._stamps = node, config, clock
        self._inputs, self._latency = inputs, latency
        self._lock = threading.Lock()
        self.causes = Causes()
        self.errors, self.last_error, self._failed = 0, "", -1e9
        self._rival = self.joints_rival = ""
        self._clock_set = clock.set_by
        self._drift = clock.now(), clock.drifted_by
        self._dropped: dict[str, int] = {}
        self._chunks = (0, 0)

    # What keeps the arm still; asked for every chunk, so it only looks at what is known --------------------

    def gate(self, now: float) -> str:
        """Why chunks may not be executed now, or an empty text."""
        return self._rival or self._inputs.gripper_stale(now) or self._picture()

    def _picture(self) -> str:
        if self.config.pictures != "hold":
            return ""
        for name, watch in self.policy.check.watches.items():
            if watch.problem:
                return f"camera {name} shows {watch.problem}"
        return ""

    # What is wrong -----------------------------------------------------------------------------------------

    def on_error(self, error: Exception) -> None:
        """An inference failed; in its thread."""
        with self._lock:
            self.errors += 1
            self.last_error = f"{type(error).__name__}: {error}"
            self._failed = self._stamps.now()

    def _on_gripper(self, width: float) -> None:
        """The hand was told to be ``width`` m open; in the inference thread."""
        measured = self._inputs.width
        if measured is not None:
            with self._lock:
                self._hand.tell(self._stamps.now(), width, measured)

    def _hand_cause(self, now: float) -> Cause | None:
        topic = self._node.resolve_topic_name(self.config.topics.gripper_command)
        if self._outputs.hand_listeners <= onlookers(self._node, self.config.topics.gripper_command):
            text = f"nobody takes commands of the hand from {topic}"
            return Cause(Rank.ABSENT, "hand", text, "start the gripper's node")
        width = self._inputs.width
        if width is None or self._inputs.gripper_stale(now):
            return None  # which is said elsewhere
        with self._lock:
            text = self._hand.look(now, width)
        if not text:
            return None
        return Cause(Rank.STALE, "hand", text, f"look at who takes {topic}, and at the hand")

    def look(self, now: float, supervisor: Any) -> None:
        """Gather causes. It asks the graph who is there, so not for every chunk.

        Args:
            now: s; supervisor: its status.
        """
        if supervisor.state is State.INACTIVE:  # what was told before is over
            with self._lock:
                self._hand = HandWatch()
        found = self._inputs.causes(now)
        rivals = [cause.text for cause in found if cause.rank is Rank.RIVAL]
        self._rival = rivals[0] if rivals else ""
        self.joints_rival = next(
            (c.text for c in found if c.rank is Rank.RIVAL and c.name == "joint_states"), ""
        )
        found += self._commanders()
        unheard = self.unheard()
        if unheard:
            found.append(Cause(Rank.ABSENT, "controller", unheard))
        for name, watch in self.policy.check.watches.items():
            if watch.problem and self.config.pictures != "ignore":
                text = f"camera {name} shows {watch.problem}"
                found.append(Cause(Rank.PICTURE, name, text, "look at the camera, its driver and the light"))
        found += filter(None, (self._late(), self._hand_cause(now)))
        if now - self._failed < _ERROR_LASTS:
            found.append(Cause(Rank.ENGINE, "inference", f"inference fails: {self.last_error}"))
        if supervisor.reason and supervisor.state in _STATES:
            rank, remedy = _STATES[supervisor.state]
            found.append(Cause(rank, "supervisor", supervisor.reason, remedy))
        moved = self._stamps.set_by - self._clock_set
        if moved:
            self._clock_set += moved
            self.causes.note(now, f"the system's clock was set by {moved:+.3f} s")
        found += filter(None, [self._runs_away(now)])
        self.causes.update(now, found)
        for what, count in list(self._inputs.dropped.items()):
            more, self._dropped[what] = count - self._dropped.get(what, 0), count
            if more and what not in self._inputs.problems:  # it came and went between two looks
                text = (
                    f"{more} message{'s' if more > 1 else ''} not used, the last: {self._inputs.latest[what]}"
                )
                self.causes.note(now, f"{what}: {text}")

    def _runs_away(self, now: float) -> Cause | None:
        """Whether the system's clock gains or loses since the last look, against the steady one."""
        (since, before), drifted = self._drift, self._stamps.drifted_by
        self._drift = now, drifted
        gained = (drifted - before) / max(now - since, _LOOKED)
        if abs(gained) < _RUNS_AWAY:
            return None
        text = f"the system's clock {'gains' if gained > 0 else 'loses'} {1e3 * abs(gained):.1f} ms a second"
        return Cause(
            Rank.HINT, "clock", f"{text} on the steady one; stamps are translated",
            "look at what sets it (NTP, the host of a virtual machine)",
        )  # fmt: skip

    def _late(self) -> Cause | None:
        """Whether many of the chunks since the last look missed the deadline."""
        count, misses = self._latency()
        (before, missed), self._chunks = self._chunks, (count, misses)
        new, late = count - before, misses - missed
        reduced = self.policy.degrading.reduced
        if reduced:
            text = f"chunks came later than {1e3 * self.config.ladder_latency:.0f} ms, now {reduced}"
        elif new > 0 and late >= _MANY_LATE * new:
            text = f"{late} of the last {new} chunks came later than {1e3 * self.config.deadline:.0f} ms"
        else:
            return None
        return Cause(Rank.LATE, "deadline", text, "leave it more of the machine, or take a sparser schedule")

    def others(self, topic: str) -> list[str]:
        """Names of the nodes beside ours that publish a topic."""
        own = f"{self._node.get_namespace().rstrip('/')}/{self._node.get_name()}"
        return [name for name in publishers(self._node, topic) if name != own]

    def unheard(self) -> str:
        """Why commands would reach nobody, or an empty text."""
        if self._listeners():
            return ""
        topic = self._node.resolve_topic_name(self.config.topics.trajectory)
        return f"nobody takes commands from {topic}; start the controller"

    def _commanders(self) -> list[Cause]:
        # One that only might command is worth saying, no more: what takes over now and then is such a one.
        found = []
        for topic in (self.config.topics.trajectory, self.config.topics.gripper_command):
            others = self.others(topic)
            if others:
                text = f"{listed(others)} may also command {self._node.resolve_topic_name(topic)}"
                found.append(Cause(Rank.HINT, f"commander of {topic}", text, "let one alone command the arm"))
        return found

    def summary(self, now: float, supervisor: Any) -> tuple[bytes, str]:
        """Level and message of an active node."""
        state, top = supervisor.state, self.causes.top(now)
        if not top and state is State.WAITING:
            top = supervisor.reason
        message = f"{state.value}: {top}" if top else state.value
        if state is State.FAULT:
            return ERROR, message
        return (OK if state is State.RUNNING and not top else WARN), message

    def values(self, now: float) -> dict[str, object]:
        """What /diagnostics shows beyond the message."""
        shown: dict[str, object] = {
            "inference_errors": self.errors,
            "last_inference_error": self.last_error,
            "clock_set_by_s": self._clock_set,
            "computed": self.policy.degrading.text,
            "steps_down": self.policy.degrading.steps,
        }
        shown |= {
            f"pictures {name}, of allowed": watch.furthest
            for name, watch in self.policy.check.watches.items()
        }
        shown |= {f"cause {n}": c.text for n, (_, c) in enumerate(self.causes.ranked)}
        shown |= {f"remedy {n}": c.remedy for n, (_, c) in enumerate(self.causes.ranked) if c.remedy}
        shown |= {f"problem {name}": text for name, text in list(self._inputs.problems.items())}
        shown |= {f"dropped {name}": count for name, count in list(self._inputs.dropped.items())}
        shown |= {f"history {n}": text for n, text in enumerate(self.causes.history(now))}
        return shown
