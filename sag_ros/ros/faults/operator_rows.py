"""What operators do: they pause the policy, move the arm themselves, take it, send it home."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Bool

from sag_ros.bench.faults.outcome import Expected
from sag_ros.ros import qos
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.faults.row import ALWAYS, COMMAND, RESUME, Row
from sag_ros.ros.faults.stage import TAKEOVER, Stage
from sag_ros.ros.joints import TrajectoryWriter
from sag_ros.values import JointCommand

_PAUSES, _PAUSED, _BETWEEN = 8, 0.5, 0.6  # s
_BY, _LASTS = 0.15, 2.0  # rad, s: how far and how long another moves the arm
_HOME = 15.0  # s


def ask(stage: Stage, name: str, patience: float = 3.0) -> None:
    """Call a service until it does what it is asked. Raises GraphTimeout with its reason."""
    message = ""

    def done() -> bool:
        nonlocal message
        answer = stage.ask(name)
        message = answer.message
        return bool(answer.success)

    if not stage.wait(patience, done):
        raise GraphTimeout(f"{name} was refused: {message}")


def until(stage: Stage, state: str, seconds: float = 5.0) -> None:
    """Wait for a state of the supervisor. Raises GraphTimeout."""
    stage.monitor.wait(lambda: stage.monitor.diagnostics.get("state") == state, seconds, f"state {state}")


def pause_often(stage: Stage) -> None:
    """Pause it and let it go on, again and again."""
    for _ in range(_PAUSES):
        ask(stage, "pause")
        stage.wait(_PAUSED)
        ask(stage, "resume")
        stage.wait(_BETWEEN)


def move(stage: Stage) -> None:
    """Pause it; then another controller moves the arm."""
    ask(stage, "pause")
    until(stage, "paused")
    now = stage.clock.now() + 0.05
    here = stage.commands[-1][1].at(now)[0]
    positions, still = np.stack([here, here + _BY]), np.zeros((2, len(here)))
    command = JointCommand(np.array([now, now + _LASTS]), positions, still, still)
    # To the controller alone: the policy hears of it by the arm that moves.
    message = TrajectoryWriter(stage.joints).write(command, stage.clock)
    stage.relay.post(lambda: stage.relay.send(COMMAND, message))
    stage.wait(_LASTS + 0.3)


def go_home(stage: Stage) -> None:
    """Pause it, and send the arm home."""
    ask(stage, "pause")
    until(stage, "paused")
    ask(stage, "home")
    stage.monitor.wait(
        lambda: "at home" in stage.monitor.diagnostics.get("reason", ""), _HOME, "the arm at home"
    )


def take(stage: Stage) -> None:
    """A human has the arm, and gives it back."""
    publisher = stage.monitor.create_publisher(Bool, TAKEOVER, qos.STATE)
    try:
        stage.monitor.wait(lambda: publisher.get_subscription_count() > 0, 5.0, "who hears of a takeover")
        for taken, state in ((True, "taken over"), (False, "paused")):
            # Again and again, as whoever says so does: a single one may be lost.
            say = lambda taken=taken: publisher.publish(Bool(data=taken))  # noqa: E731
            stage.monitor.wait(
                lambda say=say, state=state: say() or stage.monitor.diagnostics.get("state") == state,
                5.0,
                f"state {state}",
            )
            stage.wait(0.5)
    finally:
        stage.monitor.destroy_publisher(publisher)


def operators() -> list[Row]:
    """See the module."""
    nothing = lambda stage: None  # noqa: E731
    return [
        Row(
            "paused",
            "an operator pauses the policy",
            Expected(RESUME, "an operator paused it", 0.6),
            lambda stage: ask(stage, "pause"),
            nothing,
        ),
        Row(
            "paused-often",
            f"the policy is paused and goes on {_PAUSES} times",
            Expected(ALWAYS, "an operator paused it", or_itself=True),
            pause_often,
            nothing,
        ),
        Row(
            "moved",
            f"while it is paused, another moves every joint by {_BY} rad",
            Expected(RESUME, "an operator paused it", 6.0),
            move,
            nothing,
            lasts=0.5,
        ),
        Row(
            "taken-over",
            "a human takes the arm and gives it back",
            Expected(RESUME, "a human has the arm"),
            take,
            nothing,
            lasts=0.5,
        ),
        Row(
            "home",
            "it is paused, and the arm is sent home",
            Expected(RESUME, "on the way home", _HOME),
            go_home,
            nothing,
            lasts=0.5,
        ),
    ]
