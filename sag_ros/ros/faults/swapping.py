"""One policy after another, while the arm moves."""

from __future__ import annotations

from sag_ros.bench.faults.holding import Holding, least
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.demo.processes import POLICY_NODE
from sag_ros.ros.faults.stage import CONFIGURE_SECONDS, Stage

_APART = 0.15  # s: some ten chunks of each


def swap(stage: Stage, mask_source: str, count: int) -> None:
    """Let a policy be prepared, then take it and give it back so often; half of that leaves nothing over."""
    stage.set_parameter("next.mask_source", mask_source)
    stage.ask("load")
    stage.monitor.wait(
        lambda: "is ready" in stage.monitor.diagnostics.get("next", ""), CONFIGURE_SECONDS, mask_source
    )
    pid, held = stage.processes.process(POLICY_NODE).pid, []
    for _ in range(2 * count):
        answer = stage.ask("swap")
        if not answer.success:
            raise GraphTimeout(f"a swap was refused: {answer.message}")
        stage.wait(_APART)
        held.append(Holding.of(pid))
    stage.left_over = least(held[count:]).left_over(least(held[1:count]))
