"""The result of ``sag bench tasks``: content of the JSON file, and what is written beside it.

Schema of the JSON (numbers are null where nothing was measured):

- ``complete``: false after an interruption. ``created``: UTC. ``command``: gives this report again.
- ``settings``: task, episodes, seed (of the first episode), execute, noise, margin (points), recorded (which
  observations the times are from). ``hardware``: where the times were measured.
- ``rows``: one for each method, in the order of the command.
    - ``task``, ``method``, ``family`` (name without numbers), ``sampler``, ``mask_source``, ``engine``,
      ``bundle`` (folder, empty for that of the run), ``weights`` (SHA-256).
    - ``episodes``, ``successes``, ``success`` (share), ``ci95`` (Wilson, shares), ``failed`` (seeds),
      ``parts`` (shares with at least 1, 2, ... parts of the task done; null where it has none).
    - ``paired``: against dense on common seeds; null for dense. ``pairs``, ``method_only`` and ``dense_only``
      (seeds on which only one succeeds), ``difference`` and ``ci95`` (points, Tango), ``p`` (exact McNemar,
      two sided), ``p_holm`` (over all methods). ``verdict``: see :func:`rows.verdict`.
    - ``density``: blocks computed as a share of the K x 3L blocks of the full sampler.
    - ``ms``: ``encode``, ``pruner``, ``plan``, ``denoise``, ``policy`` (the last three) and ``total`` (all
      four), each with ``p50`` and ``p99``; ``chunks``. ``torch_ms``: the same in the reference engine.
    - ``ms_p50``, ``ms_p99``: of ``total``. ``speedup``, ``policy_speedup``: p50 of dense over the own one.
    - ``smoothness``: ``rms_jerk`` (rad/s^3), ``peak_jerk`` (share of the limit), ``rms_acceleration``
      (rad/s^2), ``jump`` and ``bend`` (rad), each with ``mean``, ``ci95`` (bootstrap) and, paired with dense,
      ``difference`` and ``difference_ci95``.
    - ``seconds``: mean duration of successes, s. Sums: ``chunks``, ``clipped``, ``refused``, ``violations``.
- ``budgets``: ``ms`` (pruner + plan + denoising), ``total_ms`` (with encoding), ``methods`` that fit,
  ``best_success`` (several when equal), ``smoothest`` of those not significantly worse than dense.
- ``pareto``: methods on the front of success against ``ms.policy.p50``. ``curves``: family -> methods, the
  sparsest first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sag_ros.bench.run import progress
from sag_ros.bench.tasks.choice import at_equal_ms, curves, pareto
from sag_ros.bench.tasks.rows import Measured, rows
from sag_ros.bench.tasks.tables import all_tables, terminal


def report(
    measured: Sequence[Measured],
    settings: Mapping[str, Any],
    hardware: Mapping[str, Any],
    budgets: Sequence[float],
    command: str,
    complete: bool,
) -> dict[str, Any]:
    """The content of the JSON file; ``settings`` as there, ``budgets`` in ms."""
    lines = rows(settings["task"], measured, settings["margin"])
    return {
        "rows": lines,
        "budgets": at_equal_ms(lines, budgets),
        "pareto": pareto(lines),
        "curves": curves(lines),
        "complete": complete,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": command,
        "settings": dict(settings),
        "hardware": dict(hardware),
    }


def write(content: Mapping[str, Any], path: Path) -> list[Path]:
    """Write the JSON file at ``path``, picture and page beside it; what was written."""
    from sag_ros.bench.tasks.page import page
    from sag_ros.bench.tasks.pictures import draw

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if not content["rows"]:
        return [path]
    picture, html = path.with_suffix(".png"), path.with_suffix(".html")
    draw(content, picture)
    html.write_text(page(content, picture.read_bytes()), encoding="utf-8")
    return [path, html, picture]


def show(content: Mapping[str, Any]) -> None:
    """Print the tables."""
    for cells in all_tables(content):
        progress.console.print(terminal(cells))
        progress.console.print()
