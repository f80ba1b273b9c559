"""Which candidate to take, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

GOOD = ("better", "not inferior", "within margin")  # verdicts of sag bench tasks
FASTER = 1.1  # a search has to be that much faster than what needs none
TOLERANCE = 0.05  # of dense's action error, by which another one's may be larger

Row = Mapping[str, Any]  # name, kind, ms, error, error_difference; success of the choosing episodes


def holds(played: Mapping[str, Any], margin: float) -> bool:
    """Whether episodes let one pass as good as dense.

    By the verdict of ``sag bench tasks``, or with at most as many successes fewer as ``margin`` points are,
    rounded up to whole episodes: with 80 of them one is 1.25 points, and two would never be within 2.
    """
    if played["verdict"] in GOOD:
        return True
    if played["verdict"] == "worse" or played["difference"] is None:
        return False
    episodes = played["episodes"]
    fewer = -played["difference"][0] * episodes / 100.0
    return bool(fewer <= math.ceil(margin * episodes / 100.0) + 1e-9)


def acceptable(rows: Sequence[Row], margin: float = 2.0) -> list[Row]:
    """Those that cost no success as far as is known, the fastest first.

    By the choosing episodes where a task was played (:func:`holds`), else by the action error: the upper end
    of the interval of its difference from dense is at most ``TOLERANCE`` of dense's error.
    """
    dense = next(row for row in rows if row["kind"] == "dense")
    played = any(row.get("chosen") for row in rows)
    found = [dense]
    for row in rows:
        if row is dense:
            continue
        if played:
            good = bool(row.get("chosen")) and holds(row["chosen"], margin)
        else:
            good = row["error_difference"][2] <= TOLERANCE * dense["error"]
        if good:
            found.append(row)
    return sorted(found, key=lambda row: row["ms"][0])


def recommend(rows: Sequence[Row], margin: float = 2.0) -> tuple[Row, str]:
    """The row to take, and a sentence with the reason.

    The fastest that is acceptable; but what was searched has to beat what anybody can have without a search
    by the factor ``FASTER``.
    """
    good = acceptable(rows, margin)
    fastest = good[0]
    plain = next(row for row in good if row["kind"] != "searched")
    if fastest["kind"] == "searched" and plain["ms"][0] < FASTER * fastest["ms"][0]:
        reason = (
            f"as fast as what was searched ({fastest['name']}, {fastest['ms'][0]:.2f} ms) within "
            f"{100 * (FASTER - 1):.0f} %, without a search"
        )
        return plain, reason
    if fastest["kind"] == "searched":
        times = plain["ms"][0] / fastest["ms"][0]
        return fastest, f"{times:.1f} times as fast as the best that needs no search ({plain['name']})"
    if fastest["kind"] == "dense":
        return fastest, "nothing cheaper is as good"
    return fastest, "the fastest that is as good as dense; no searched schedule beats it"


def to_state(rows: Sequence[Row], margin: float = 2.0, most: int = 3) -> list[str]:
    """Names whose success is stated on episodes that no choice has seen: dense, the recommended one, the
    fastest acceptable ones, and of each kind the best."""
    chosen, _ = recommend(rows, margin)
    names = ["dense", chosen["name"]]
    good = acceptable(rows, margin)
    for kind in ("searched", "cheap"):
        names += [row["name"] for row in good if row["kind"] == kind][:1]
    names += [row["name"] for row in good]
    return list(dict.fromkeys(names))[: most + 1]


def confirmed(row: Row, margin: float = 2.0) -> bool | None:
    """Whether the stating episodes agree that it is as good as dense; None where nothing was played."""
    stated = row.get("stated")
    if not stated or stated["verdict"] is None:
        return None
    return holds(stated, margin)
