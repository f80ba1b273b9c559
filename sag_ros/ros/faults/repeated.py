"""What is done to the policy many times, and leaves nothing over."""

from __future__ import annotations

import re
from collections.abc import Callable

from sag_ros.bench.faults.holding import MEMORY, Holding, least
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.demo.processes import POLICY_NODE
from sag_ros.ros.faults.stage import CONFIGURE_SECONDS, Stage

_APART = 0.15  # s: some ten chunks of each policy


def _repeat(stage: Stage, count: int, act: Callable[[], None], memory: float = MEMORY) -> None:
    """Act twice so often; ``stage.left_over`` is what the second half holds and the first did not."""
    pid, held = stage.processes.process(POLICY_NODE).pid, []
    for _ in range(2 * count):
        act()
        held.append(Holding.of(pid))
    stage.left_over = least(held[count:]).left_over(least(held[1:count]), memory)


def cycle(stage: Stage, count: int, steps: tuple[str, ...] = ("deactivate", "activate")) -> None:
    """Let the policy go through transitions."""

    def act() -> None:
        for step in steps:
            stage.monitor.transition(step, CONFIGURE_SECONDS, retry=15.0)

    # Where whole policies are built and freed, what the allocator holds of it varies by tens of MiB.
    _repeat(stage, count, act, 2.0 * MEMORY if "configure" in steps else MEMORY)


def load(stage: Stage, said: str, **parts: str) -> None:
    """Let the policy of ``parts`` (of ``next``) be prepared until ``said`` is said of it, see ``until``."""
    for part, value in parts.items():
        stage.set_parameter(f"next.{part}", value)
    stage.ask("load")
    until(stage, said)


def until(stage: Stage, said: str) -> None:
    """Wait until a regular expression is found in what is said of the next policy. Raises GraphTimeout."""
    stage.monitor.wait(
        lambda: re.search(said, stage.monitor.diagnostics.get("next", ""), re.S) is not None,
        CONFIGURE_SECONDS,
        f"'{said}' of the next policy",
    )


def swap(stage: Stage, mask_source: str, count: int) -> None:
    """Let another policy be prepared, then take it and give it back."""
    load(stage, "is ready", mask_source=mask_source)

    def act() -> None:
        answer = stage.ask("swap")
        if not answer.success:
            raise GraphTimeout(f"a swap was refused: {answer.message}")
        stage.wait(_APART)

    _repeat(stage, count, act)
