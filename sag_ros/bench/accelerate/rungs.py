"""The ladder of the bundle, from what was stated: what policy_node steps down to when there is no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sag_ros.policy.ladder_file import LADDER_FILE
from sag_ros.policy.weights_file import replace_file

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

_CHEAPER = 0.9  # of the rung before


def rungs(rows: Sequence[Mapping[str, Any]], recommended: str, task: str) -> list[dict[str, Any]]:
    """The recommended one, then each that is a tenth cheaper than the one before, with its success."""
    stated = [row for row in rows if row.get("stated")]
    first = next((row for row in stated if row["name"] == recommended), None)
    if first is None:
        return []
    found = [first]
    for row in sorted(stated, key=lambda row: -row["ms"][0]):
        if row["ms"][0] <= _CHEAPER * found[-1]["ms"][0]:
            found.append(row)
    return [
        {
            "sampler": row["sampler"],
            "mask_source": row["mask_source"],
            "task": task,
            "successes": row["stated"]["successes"],
            "episodes": row["stated"]["episodes"],
        }
        for row in found
    ]


def write_ladder(bundle: PolicyBundle, found: Sequence[Mapping[str, Any]]) -> Path:
    """Write ``ladder.yaml``; a former one is kept beside it."""
    assert bundle.folder is not None  # it was loaded from there
    file: Path = bundle.folder / LADDER_FILE
    if file.exists():
        replace_file(file.with_suffix(".before.yaml"), file.read_bytes())
    content = {"policy_sha256": bundle.policy_hash, "rungs": list(found)}
    replace_file(file, yaml.safe_dump(content, sort_keys=False).encode())
    return file
