"""Faults of nodes, of the engine, of the clock, and of who else is there."""

from __future__ import annotations

from collections.abc import Callable

from sag_ros.bench.faults.outcome import Expected, GoesOn
from sag_ros.ros.faults.broken import swap_broken
from sag_ros.ros.faults.relay import untouched
from sag_ros.ros.faults.repeated import cycle, swap
from sag_ros.ros.faults.row import ALWAYS, ARM, COMMAND, FRONT, GRIPPER, ITSELF, RESUME, Row
from sag_ros.ros.faults.spoilers import late, position, silent
from sag_ros.ros.faults.stage import CLOCK_SET, Stage


def graph() -> list[Row]:
    """Faults of nodes, of the engine, of the clock, and of who else is there."""
    send_away: Callable[[Stage], None] = lambda stage: stage.strangers.end()  # noqa: E731
    heal: Callable[[Stage], None] = lambda stage: stage.control.set()  # noqa: E731

    def engine(ails: str) -> Callable[[Stage], None]:
        return lambda stage: stage.control.set(engine=ails)

    def clock(seconds: float) -> Callable[[Stage], None]:
        return lambda stage: stage.control.set(clock=seconds)

    def stopped(name: str) -> tuple[Callable[[Stage], None], Callable[[Stage], None]]:
        return (lambda stage: stage.freeze(name)), (lambda stage: stage.thaw(name))

    return [
        Row(
            "joints-twice",
            "a second node reports the arm 0.2 rad off",
            Expected(RESUME, "two sources|2 nodes"),
            lambda stage: stage.strangers.twin(ARM, position(0, 0.2, add=True)),
            send_away,
        ),
        Row(
            "camera-twice",
            "a second node publishes the front camera",
            Expected(ITSELF, "2 nodes publish"),
            lambda stage: stage.strangers.twin(FRONT, untouched),
            send_away,
        ),
        Row(
            "second-commander",
            "a second node commands the arm",
            Expected(RESUME, "not ours"),
            lambda stage: stage.rival(),
            send_away,
        ),
        Row(
            "controller-gone",
            "commands do not arrive",
            Expected(RESUME, "do not arrive", 2.0),
            lambda stage: stage.relay.spoil(COMMAND, silent),
            reaches=False,
        ),
        Row(
            "command-late",
            "commands arrive 30 ms late",
            Expected(ALWAYS),
            lambda stage: stage.relay.spoil(COMMAND, late(0.03)),
        ),
        Row(
            "engine-raises", "every inference fails", Expected(ITSELF, "told to fail"), engine("raises"), heal
        ),
        Row("engine-nan", "actions are NaN", Expected(ITSELF, "not finite|NaN|nan"), engine("nan"), heal),
        Row(
            "engine-absurd",
            "actions are 1e30",
            Expected(ITSELF, "1e\\+30|outside|refused"),
            engine("absurd"),
            heal,
        ),
        Row(
            "engine-hangs",
            "an inference does not end",
            Expected(ITSELF, "observation"),
            engine("hangs"),
            heal,
        ),
        Row(
            "engine-slow",
            "inference takes 10 times as long",
            Expected(ALWAYS, "later than 50 ms"),
            engine("slow"),
            heal,
        ),
        Row(
            "engine-crawls",
            "inference takes 30 times as long",
            Expected(ALWAYS, r"later than 100 ms, now \S+ \(\d+ of", or_itself=True),
            engine("crawls"),
            heal,
            lasts=4.0,
        ),
        Row(
            "policy-stopped",
            "policy_node is stopped for 1.5 s (SIGSTOP)",
            Expected(ITSELF),
            *stopped("policy_node"),
            lasts=1.5,
        ),
        Row(
            "starved",
            "4 busy processes on the policy's core",
            Expected(ALWAYS, or_itself=True),
            lambda stage: stage.strain.starve(4),
            lambda stage: stage.strain.feed(),
        ),
        Row(
            "clock-forward",
            "the system's clock is set 1 h ahead",
            Expected(ALWAYS, "clock was set"),
            clock(CLOCK_SET),
            heal,
        ),
        Row(
            "clock-back",
            "the system's clock is set 1 h back",
            Expected(ALWAYS, "clock was set"),
            clock(-CLOCK_SET),
            heal,
        ),
        Row(
            "clock-gains",
            "the system's clock gains 5 ms a second",
            Expected(ALWAYS, "clock gains"),
            lambda stage: stage.control.set(gains=5e-3),
            lambda stage: stage.control.set(clock=1e-9 * stage.control.clock_ns),
        ),
        Row(
            "bundle-gone",
            "the bundle's folder is removed while it runs",
            Expected(ALWAYS),
            lambda stage: stage.hide_bundle(),
            lambda stage: stage.show_bundle(),
        ),
        Row(
            "activated-twice",
            "activate is asked of an active node",
            Expected(ALWAYS),
            lambda stage: stage.transition("activate"),
            lasts=1.0,
        ),
        Row(
            "deactivated",
            "deactivated and activated again while it moves",
            Expected(GoesOn.ACTIVATE),
            lambda stage: stage.transition("deactivate"),
            lambda stage: None,
            lasts=1.5,
        ),
        Row(
            "cycled",
            "deactivated and activated 200 times; what it holds counted after 100",
            Expected(ALWAYS, or_itself=True),
            lambda stage: cycle(stage, 100),
            lambda stage: None,
        ),
        Row(
            "swapped",
            "another mask source is prepared, taken and given back 100 times; what it holds counted after 50",
            Expected(ALWAYS),
            lambda stage: swap(stage, "sag_mean", 50),
            lambda stage: None,
        ),
        Row(
            "swap-broken",
            "a cut, a misfit, a slow and a failing policy are loaded, and taken where it is let",
            Expected(ALWAYS),
            swap_broken,
            lambda stage: stage.forget_next(),
        ),
        Row(
            "configured-again",
            "deactivated, cleaned up, configured and activated 20 times; counted after 10",
            Expected(ALWAYS, or_itself=True),
            lambda stage: cycle(stage, 10, ("deactivate", "cleanup", "configure", "activate")),
            lambda stage: None,
        ),
        Row(
            "disk-full",
            "no file that policy_node writes can grow",
            Expected(ALWAYS),
            lambda stage: stage.strain.fill_disk(),
            lambda stage: stage.strain.relieve(),
        ),
        Row(
            "memory-gone",
            "policy_node gets no more memory than it has",
            Expected(ALWAYS),
            lambda stage: stage.strain.take_memory(),
            lambda stage: stage.strain.relieve(),
        ),
        Row(
            "network-gone",
            "nothing passes between robot and policy",
            # The stop does not arrive either: the arm ends its last motion somewhere else than it is held.
            Expected(RESUME, "and at the network", or_itself=True),
            lambda stage: stage.part(),
        ),
        Row(
            "hand-gone",
            "commands of the hand do not arrive",
            Expected(ALWAYS, "the hand was told"),
            lambda stage: stage.relay.spoil(GRIPPER, silent),
            lasts=9.0,
        ),
        Row(
            "simulated-time",
            "somebody sets use_sim_time while it runs",
            Expected(ALWAYS),
            lambda stage: stage.set_parameter("use_sim_time", True),
        ),
        Row(
            "configuring-interrupted",
            "cleaned up, configured, and asked to deactivate meanwhile",
            Expected(ALWAYS, or_itself=True),
            lambda stage: stage.interrupt_configuring(),
            lambda stage: None,
        ),
        Row(
            "policy-killed",
            "policy_node is killed (SIGKILL) and started again",
            Expected(GoesOn.RESTART),
            lambda stage: stage.kill("policy_node"),
            lambda stage: stage.start("policy_node"),
        ),
    ]
