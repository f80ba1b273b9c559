"""What the papers report, in per cent of 50 episodes, and how many times faster than dense (wall clock).

Sparse ActionGen, arXiv 2601.12894: demonstrations of one skilled person (PH) for robosuite's tasks; Franka
Kitchen, where ``p_n`` is the share of episodes in which at least n of four parts were done.
"""

from __future__ import annotations

# method of the paper -> task -> (success, speed-up; None: not reported for this task)
_PH = ("lift", "can", "square", "transport", "tool_hang")
_ROWS: dict[str, tuple[tuple[float, float], ...]] = {
    "dense": ((100, 1), (99, 1), (88, 1), (78, 1), (51, 1)),
    "ddim30": ((100, 3.32), (96, 3.33), (86, 3.34), (76, 3.30), (42, 3.32)),
    "uniform": ((100, 3.37), (75, 3.36), (86, 3.32), (60, 3.24), (38, 3.35)),
    "l2c": ((100, 1.26), (86, 1.26), (23, 1.26), (66, 1.33), (2, 1.29)),
    "bac": ((100, 3.23), (94, 3.42), (87, 3.42), (78, 3.09), (51, 3.33)),
    "falcon": ((100, 1.81), (85, 1.13), (60, 1.22), (50, 2.85), (42, 1.17)),
    "streaming": ((100, 1.88), (96, 1.70), (85, 1.70), (72, 1.67), (17, 1.77)),
    "cm": ((78, 15.0), (38, 14.9), (22, 14.8), (51, 10.2), (0, 14.2)),
    "sag": ((100, 3.72), (98, 3.70), (89, 3.64), (85, 3.44), (50, 3.65)),
}
_KITCHEN: dict[str, tuple[tuple[float, float, float, float], float]] = {
    "dense": ((100, 100, 100, 99), 1),
    "ddim30": ((100, 100, 100, 99), 3.37),
    "uniform": ((20, 2, 0, 0), 3.71),
    "l2c": ((100, 100, 100, 97), 1.28),
    "bac": ((100, 100, 97, 90), 3.66),
    "falcon": ((100, 100, 99, 99), 3.01),
    "streaming": ((100, 100, 100, 99), 1.63),
    "cm": ((76, 63, 46, 12), 31.4),
    "sag": ((100, 100, 100, 99), 4.03),
}
NAMES = {
    "dense": "DP (dense)",
    "ddim": "DDIM",
    "uniform": "EfficientVLA",
    "bac": "BAC",
    "evo": "EVO",
    "l2c": "L2C",
    "falcon": "Falcon",
    "streaming": "SDP",
    "cm": "CP",
    "sag": "SAG",
    "sag_mean": "one fixed mask: mean of SAG's",
    "sag_block": "SAG, cache of each block",
    "sag_budget": "SAG, budget of each block",
    "geometric": "by hand, denser at the end",
}


def published(task: str, family: str, method: str) -> dict[str, object] | None:
    """What the paper has for a method of ours; None for what it has not.

    Args:
        task: ours; demonstrations of several people are another table of the paper.
        family, method: ``ddim`` and ``ddim30``: of DDIM the paper has 30 steps.

    Returns:
        ``success`` (per cent; of the kitchen that of all four parts), ``speedup``; of the kitchen ``parts``.
    """
    key = method if family == "ddim" else family
    if task == "kitchen" and key in _KITCHEN:
        parts, speedup = _KITCHEN[key]
        return {"success": parts[-1], "speedup": speedup, "parts": list(parts)}
    if task in _PH and key in _ROWS:
        success, speedup = _ROWS[key][_PH.index(task)]
        return {"success": success, "speedup": speedup}
    return None
