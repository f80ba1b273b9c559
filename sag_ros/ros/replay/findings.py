"""What a replay found, in numbers and in sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sag_ros.bench.run import machine
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.ros.replay.chunks import Compared
from sag_ros.ros.replay.commands import Made
from sag_ros.ros.replay.evidence import Evidence
from sag_ros.ros.schema import Comparison


def differences(evidence: Evidence, bundle: PolicyBundle, engine: str) -> list[str]:
    """Why chunks need not be the same to the bit; empty where they have to be."""
    told, found = evidence.policies[-1][1] if evidence.policies else {}, []
    weights = told.get("weights_sha256", "")
    if weights != bundle.weights_hash:
        found.append(f"weights {weights[:12] or 'unknown'} then, {bundle.weights_hash[:12]} now")
    if told.get("engine", "") != engine:
        found.append(f"engine {told.get('engine') or 'unknown'} then, {engine} now")
    then, now = json.loads(evidence.metadata["machine"]), machine.describe()
    for name in ("cpu", "gpus", "packages"):
        if then.get(name) != now.get(name):
            found.append(f"{name}: {_changed(then.get(name), now.get(name))}")
    return found


def _changed(then: Any, now: Any) -> str:
    if isinstance(then, dict) and isinstance(now, dict):
        names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
        return ", ".join(f"{name} {then.get(name)} then, {now.get(name)} now" for name in names)
    return f"{then} then, {now} now"


def of_chunks(found: Sequence[Compared]) -> dict[str, Any]:
    """How many are equal, and by how much the others differ."""
    return {
        "chunks": len(found),
        "equal": sum(one.equal for one in found),
        "from_pictures": sum(one.pictures for one in found),
        "largest_feature_difference": _most([one.features for one in found]),
        "largest_action_difference": _most([one.actions for one in found]),
        "largest_gripper_difference_m": _most([one.gripper for one in found]),
        "masks_that_differ": sum(one.blocks > 0 for one in found),
        "different": [one.number for one in found if not one.equal][:20],
    }


def within(found: Sequence[Compared], precision: str, comparison: Comparison) -> tuple[bool, float]:
    """Whether all actions agree as engines have to agree with the reference, and that bound, rad or m."""
    relative = comparison.lower.get(precision, comparison.tolerance)
    largest = max((float(np.abs(one.positions).max()) for one in found), default=1.0)
    return all(one.actions <= relative * largest for one in found), relative * largest


def of_commands(made: Sequence[Made]) -> dict[str, Any]:
    """The same of commands."""
    compared = [one for one in made if not math.isnan(one.difference)]
    refused = [
        one for one in made if math.isnan(one.difference) and not one.blocked and one.chunk is not None
    ]
    missing = [one for one in made if one.refusal and not one.equal]
    return {
        "commands": len(compared) + len(missing),
        "equal": sum(one.equal for one in compared),
        "stops": sum(one.chunk is None for one in compared),
        "begun_at_the_recorded_place": sum(one.begun for one in compared),
        "largest_difference_rad": _most([one.difference for one in compared]),
        "refused_then": len(refused),
        "refused_again": sum(one.equal for one in refused),
        "not_asked": sum(one.blocked for one in made),
        "different": [one.chunk for one in made if not one.equal][:20],
    }


def of_another(found: Sequence[Compared], own: float) -> dict[str, Any]:
    """What another policy or setting does beside it; ``own``: by how much decisions in a row differ."""
    actions = np.array([one.actions for one in found])
    return {
        "chunks": len(found),
        "action_difference": {
            "median": float(np.median(actions)),
            "largest": float(actions.max()),
            "of_decisions_in_a_row": own,
        },
        "density": {name: _mean([one.density[i] for one in found]) for i, name in enumerate(("then", "now"))},
        "ms_p50": {name: _median([one.ms[i] for one in found]) for i, name in enumerate(("then", "now"))},
    }


def sentences(result: Mapping[str, Any]) -> list[str]:
    """For a person."""
    said = []
    if chunks := result.get("chunks"):
        text = f"chunks: {chunks['equal']} of {chunks['chunks']} bit for bit"
        if chunks["from_pictures"] < chunks["chunks"]:
            missing = chunks["chunks"] - chunks["from_pictures"]
            text += f" ({missing} from recorded features: a picture is missing)"
        if chunks["equal"] < chunks["chunks"]:
            text += f"; actions differ by up to {chunks['largest_action_difference']:.2g}"
        said.append(text)
        said += [f"  not the same: {reason}" for reason in result["not_the_same"]]
        if "within" in result:
            word = "inside" if result["within"]["all"] else "OUTSIDE"
            said.append(f"  {word} the tolerance of engines, {result['within']['bound']:.2g}")
    if commands := result.get("commands"):
        text = f"commands: {commands['equal']} of {commands['commands']} bit for bit"
        if commands["stops"]:
            text += f", {commands['stops']} of them stops"
        if commands["equal"] < commands["commands"]:
            text += f"; positions differ by up to {commands['largest_difference_rad']:.2g} rad"
        said.append(text)
        if commands["refused_then"]:
            again = f"{commands['refused_again']} of {commands['refused_then']} refused chunks refused again"
            said.append(f"  {again}; what a pause or a hold refused is not asked for again")
        if commands["not_asked"]:
            said.append(f"  {commands['not_asked']} chunks not executed: deadman, hand or pictures")
    if other := result.get("another"):
        difference, density, ms = other["action_difference"], other["density"], other["ms_p50"]
        said.append(
            f"{other['name']}: in the middle chunk an action differs by {difference['median']:.2g} rad, "
            f"in the worst by {difference['largest']:.2g}; two decisions in a row differ by "
            f"{difference['of_decisions_in_a_row']:.2g}. It computes {100 * density['now']:.1f} % of the "
            f"blocks (then {100 * density['then']:.1f} %), {ms['now']:.1f} ms a chunk (then {ms['then']:.1f})"
        )
    return said


def _most(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return max(known, default=0.0)


def _mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values)) if len(values) else math.nan


def _median(values: Sequence[float]) -> float:
    return float(np.nanmedian(values)) if len(values) else math.nan
