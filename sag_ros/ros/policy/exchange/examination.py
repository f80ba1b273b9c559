"""A policy is loaded, built and compared with the reference in a process of its own.

So that what runs meanwhile keeps its core and its interpreter.
``python -m sag_ros.ros.policy.exchange.examination`` takes a configuration as JSON on standard input, and its
last line is the verdict.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sag_ros.ros.schema import PolicyNode

MODULE = "sag_ros.ros.policy.exchange.examination"
NICENESS = 10
_POLL = 0.2  # s


@dataclass(frozen=True)
class Verdict:
    """Why it is refused, or an empty text; hash of what was examined, what was measured and said."""

    refused: str
    weights: str = ""
    report: dict[str, Any] | None = None
    said: tuple[str, ...] = ()


def examine_apart(
    config: PolicyNode, stopped: Callable[[], bool] = lambda: False, patience: float = 600.0
) -> Verdict:
    """Examine what ``config`` names; takes seconds to a minute, at a low priority.

    Args:
        config: of the node, naming the policy.
        stopped: looked at now and then; once it is true, it is given up.
        patience: s after which it is refused.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    text: str | None = config.model_dump_json()
    waited = 0.0
    while True:
        try:
            out, error = process.communicate(text, timeout=_POLL)
            break
        except subprocess.TimeoutExpired:
            text, waited = None, waited + _POLL
        if stopped() or waited > patience:
            process.kill()
            process.communicate()
            return Verdict("given up" if stopped() else f"it was not examined within {patience:g} s")
    try:
        found = json.loads(out.strip().splitlines()[-1])
        return Verdict(found["refused"], found["weights"], found["report"], tuple(found["said"]))
    except (IndexError, ValueError, KeyError, TypeError):
        last = (error.strip().splitlines() or ["it said nothing"])[-1]
        return Verdict(f"its examination ended with status {process.returncode}: {last}")


def examine(config: PolicyNode) -> Verdict:
    """The same in this process."""
    from sag_ros.ros.policy.preflight import Refused
    from sag_ros.ros.policy.running import prepare

    said: list[str] = []
    try:
        prepared = prepare(config, said.append)
    except Refused as error:
        return Verdict(str(error), said=tuple(said))
    except Exception as error:  # a damaged policy may fail in any way
        return Verdict(f"{type(error).__name__}: {error}", said=tuple(said))
    return Verdict("", prepared.bundle.weights_hash, asdict(prepared.report), tuple(said))


def main() -> int:
    """Examine what standard input names."""
    os.nice(NICENESS)
    print(json.dumps(asdict(examine(PolicyNode.model_validate_json(sys.stdin.read())))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
