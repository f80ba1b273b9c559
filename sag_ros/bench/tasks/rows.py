"""From records to the rows of ``sag bench tasks``: one for each method, JSON-ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from sag_ros.bench.run.methods import Method
from sag_ros.bench.run.paired import bootstrap_mean, holm, mcnemar, tango
from sag_ros.bench.run.records import EpisodeResult, Turn
from sag_ros.bench.run.statistics import mean, percentile, wilson

REFERENCE = "dense"
LEVEL = 0.05  # of significance
SMOOTHNESS = ("rms_jerk", "peak_jerk", "rms_acceleration", "jump", "bend")
SUMS = ("chunks", "clipped", "refused", "violations")
PARTS = ("encode", "pruner", "plan", "denoise")


@dataclass(frozen=True)
class Measured:
    """All that is known of one method.

    Attributes:
        identity: what its episodes depend on; see ``Worker.identity``.
        turns: times in the engine of the run; torch_turns: in plain torch.
    """

    method: Method
    identity: Mapping[str, Any]
    episodes: Sequence[EpisodeResult]
    turns: Sequence[Turn] = ()
    torch_turns: Sequence[Turn] = ()


def rows(task: str, measured: Sequence[Measured], margin: float = 2.0) -> list[dict[str, Any]]:
    """Rows of all methods that have episodes, in the given order; ``report`` documents the keys.

    Args:
        margin: points of success by which a method may fall short of dense; see :func:`verdict`.
    """
    found = [one for one in measured if one.episodes]
    dense = next((one for one in found if one.method.name == REFERENCE), None)
    out = [{"task": task, **_row(one, dense)} for one in found]
    paired = [row["paired"] for row in out if row["paired"] is not None]
    for own, corrected in zip(paired, holm([own["p"] for own in paired]), strict=True):
        own["p_holm"] = corrected
    reference = None if dense is None else times(dense.turns)
    for row in out:
        row["verdict"] = None if row["paired"] is None else verdict(row["paired"], margin)
        for key, part in (("speedup", "total"), ("policy_speedup", "policy")):
            both = reference and row["ms"]
            row[key] = reference[part]["p50"] / row["ms"][part]["p50"] if both else None
    return [_json(row) for row in out]


def _row(one: Measured, dense: Measured | None) -> dict[str, Any]:
    episodes, method = one.episodes, one.method
    successes = sum(result.success for result in episodes)
    other = None if dense is None or dense is one else dense
    ms = times(one.turns)
    total = {"p50": None, "p99": None} if ms is None else ms["total"]
    return {
        "method": method.name,
        "family": method.family,
        **{key: one.identity.get(key) for key in ("sampler", "mask_source", "engine", "weights")},
        "bundle": method.bundle,
        "episodes": len(episodes),
        "successes": successes,
        "success": successes / len(episodes),
        "ci95": list(wilson(successes, len(episodes))),
        "parts": _parts([result.completed for result in episodes]),
        "failed": [result.seed for result in episodes if not result.success],
        "paired": None if other is None else compare(episodes, other.episodes),
        "density": mean([result.density for result in episodes]),
        "ms_p50": total["p50"],
        "ms_p99": total["p99"],
        "ms": ms,
        "torch_ms": times(one.torch_turns),
        "smoothness": {key: _smoothness(key, one, other) for key in SMOOTHNESS},
        "seconds": mean([result.seconds for result in episodes if result.success]),
        **{key: sum(getattr(result, key) for result in episodes) for key in SUMS},
    }


def _parts(completed: Sequence[int]) -> list[float] | None:
    """Share of episodes with at least 1, 2, ... parts done; None of a task that has none."""
    most = max(completed)
    return [mean([n >= part for n in completed]) or 0.0 for part in range(1, most + 1)] if most else None


def compare(own: Sequence[EpisodeResult], dense: Sequence[EpisodeResult]) -> dict[str, Any] | None:
    """Success on the seeds that both have played; None when there is none."""
    reference = {result.seed: result.success for result in dense}
    pairs = [(result.success, reference[result.seed]) for result in own if result.seed in reference]
    if not pairs:
        return None
    alone = sum(mine and not other for mine, other in pairs)
    dense_alone = sum(other and not mine for mine, other in pairs)
    return {
        "pairs": len(pairs),
        "method_only": alone,
        "dense_only": dense_alone,
        "difference": 100 * (alone - dense_alone) / len(pairs),
        "ci95": [100 * bound for bound in tango(alone, dense_alone, len(pairs))],
        "p": mcnemar(alone, dense_alone),
    }


def verdict(paired: Mapping[str, Any], margin: float) -> str:
    """What may be said about a method beside dense.

    ``worse`` and ``better`` must survive Holm's correction. ``not inferior``: the whole interval is above
    ``-margin``. ``within margin``: the observed difference is, and not significantly below zero; this claim
    is the stricter the more readily a difference counts, so it takes the raw p. Else ``unclear``: more
    episodes would tell.
    """
    if paired["p_holm"] < LEVEL:
        return "worse" if paired["difference"] < 0 else "better"
    if paired["ci95"][0] >= -margin:
        return "not inferior"
    if not significantly_worse(paired) and paired["difference"] >= -margin:
        return "within margin"
    return "unclear"


def significantly_worse(paired: Mapping[str, Any] | None) -> bool:
    """Worse than dense at 5 % without any correction; dense itself is not."""
    return paired is not None and paired["difference"] < 0 and paired["p"] < LEVEL


def times(turns: Sequence[Turn]) -> dict[str, Any] | None:
    """Percentiles over all chunks of ``turns``; ``policy`` is without encoding, ``total`` with it."""
    if not turns:
        return None
    parts = {name: np.concatenate([getattr(turn, name) for turn in turns]) for name in PARTS}
    parts["policy"] = parts["pruner"] + parts["plan"] + parts["denoise"]
    parts["total"] = parts["policy"] + parts["encode"]
    out = {name: {f"p{q}": percentile(values, q) for q in (50, 99)} for name, values in parts.items()}
    return {**out, "chunks": len(parts["total"])}


def _smoothness(key: str, one: Measured, dense: Measured | None) -> dict[str, Any]:
    own, other = (
        {result.seed: getattr(result, key) for result in episodes if getattr(result, key) is not None}
        for episodes in (one.episodes, dense.episodes if dense else ())
    )
    values, differences = list(own.values()), [own[seed] - other[seed] for seed in own if seed in other]
    return {
        "mean": mean(values),
        "ci95": list(bootstrap_mean(values)),
        "difference": mean(differences),
        "difference_ci95": list(bootstrap_mean(differences)),
    }


def _json(value: Any) -> Any:
    """Numbers that JSON has, with as many digits as mean anything."""
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if isfinite(value) else None
