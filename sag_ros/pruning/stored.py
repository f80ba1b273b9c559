"""Schedules that were searched or trained, on disk in ``<bundle>/schedules/<name>.json``.

A schedule is either static, a mask for every observation, or predicted by a pruner whose weights lie beside
it as ``<name>.safetensors``. The file says for which policy, sampler and reuse rule it was made, from what
data and with what seed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from torch import Tensor

from sag_ros.policy.contract import PrunerSpec, Section
from sag_ros.policy.contract_file import MISSING, BundleError, InWords, require_inside
from sag_ros.policy.weights_file import check_finite, read_weights, replace_file, serialise
from sag_ros.values import Mask, frozen

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

FOLDER = "schedules"
COMPUTED, PRUNED = "#", "."
ANEW = "Search or train it again (sag search schedule --help, sag train pruner --help)."
OWNER = "policy_sha256"
StoredReuse = Literal[
    "type", "block"
]  # "gate" would need a source in the file, and no search gave one worth it


class ScheduleFile(Section):
    """Content of the JSON file.

    Attributes:
        steps, blocks: n steps of the sampler, 3L.
        reuse: what a pruned block reads.
        policy_sha256: of the policy file that it was made for.
        rows: n strings of 3L characters, ``#`` computed and ``.`` pruned; None when a pruner predicts them.
        pruner: sizes of that pruner; None for a static schedule.
        provenance: method, data, seed, ...
    """

    format: Literal["sag_ros-schedule-1"] = "sag_ros-schedule-1"
    steps: Annotated[int, Field(ge=1, le=10000)]
    blocks: Annotated[int, Field(ge=3, le=10000)]
    reuse: StoredReuse
    policy_sha256: str
    rows: list[str] | None = None
    pruner: PrunerSpec | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Schedule:
    """A static mask, or the weights of a pruner that predicts one.

    Attributes:
        steps, blocks: n, 3L.
        reuse: what a pruned block reads.
        pruned: (n, 3L) bool, or None.
        pruner, state: sizes and weights of the pruner, or None.
        provenance: where it comes from.
    """

    steps: int
    blocks: int
    reuse: StoredReuse
    pruned: NDArray[np.bool_] | None = None
    pruner: PrunerSpec | None = None
    state: Mapping[str, Tensor] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.pruned is None) == (self.state is None) or (self.pruner is None) != (self.state is None):
            raise ValueError("a schedule has either a mask or a pruner with its weights")
        if self.pruned is not None and self.pruned.shape != (self.steps, self.blocks):
            raise ValueError(f"the mask is {self.pruned.shape}; need ({self.steps}, {self.blocks})")


def schedule_key(name: str, steps: int, train_steps: int) -> str:
    """File name of schedule ``name`` for a sampler of ``steps`` steps: ``bac9``; ``sag-30`` for DDIM-30."""
    return name if steps == train_steps else f"{name}-{steps}"


def stored_names(bundle: PolicyBundle) -> list[str]:
    """Names of the schedules that lie in the bundle's folder."""
    if bundle.folder is None:
        return []
    return sorted(path.stem for path in (bundle.folder / FOLDER).glob("*.json"))


def load_schedule(bundle: PolicyBundle, key: str) -> Schedule:
    """Read schedule ``key`` of ``bundle``.

    Raises:
        ValueError: the bundle holds none of that name, or is not on disk.
        BundleError: the file is damaged, or belongs to another policy.
    """
    folder = None if bundle.folder is None else bundle.folder / FOLDER
    file = Path(f"{key}.json") if folder is None else folder / f"{key}.json"
    if folder is None or Path(key).name != key or not file.exists():
        there = ", ".join(stored_names(bundle)) or "none"
        raise ValueError(f"the policy has no schedule {key!r}; there is: {there}. {ANEW}")
    require_inside(file)
    try:
        content = ScheduleFile.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        problem = InWords(" ".join(str(error).split()))
        raise BundleError(file, "", problem, "a schedule", ANEW) from error
    if content.policy_sha256 != bundle.policy_hash:
        raise BundleError(file, OWNER, content.policy_sha256, bundle.policy_hash, f"Another policy's. {ANEW}")
    blocks = bundle.contract.blocks
    if content.blocks != blocks:
        raise BundleError(file, "blocks", content.blocks, str(blocks), ANEW)
    pruned = None if content.rows is None else _mask(file, content)
    state = None
    if content.pruner is not None:
        weights = read_weights(file.with_suffix(".safetensors"))
        check_finite(file.with_suffix(".safetensors"), weights.tensors)
        state = weights.tensors
    if (pruned is None) == (state is None):
        raise BundleError(
            file, "rows", MISSING if pruned is None else InWords("given"), "rows or pruner", ANEW
        )
    return Schedule(content.steps, blocks, content.reuse, pruned, content.pruner, state, content.provenance)


def save_schedule(bundle: PolicyBundle, key: str, schedule: Schedule) -> Path:
    """Write ``schedule`` into the bundle's folder, each file atomically; returns the JSON file.

    Raises:
        ValueError: the bundle is not on disk. BundleError: weights that fp16 cannot hold.
    """
    if bundle.folder is None:
        raise ValueError("this policy lies in memory only; save the bundle before its schedules")
    rows = None
    if schedule.pruned is not None:
        rows = ["".join(PRUNED if pruned else COMPUTED for pruned in row) for row in schedule.pruned]
    content = ScheduleFile(
        steps=schedule.steps,
        blocks=schedule.blocks,
        reuse=schedule.reuse,
        policy_sha256=bundle.policy_hash,
        rows=rows,
        pruner=schedule.pruner,
        provenance=dict(schedule.provenance),
    )
    file = bundle.folder / FOLDER / f"{key}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if schedule.state is not None:
        weights = file.with_suffix(".safetensors")
        check_finite(weights, schedule.state)
        replace_file(weights, serialise(schedule.state, **{OWNER: bundle.policy_hash})[0])
    text = json.dumps(content.model_dump(mode="json"), indent=1, ensure_ascii=False)
    replace_file(file, (text + "\n").encode())
    return file


def mask_of(schedule: Schedule) -> Mask:
    """The mask of a static schedule; raises ValueError for a predicted one."""
    if schedule.pruned is None:
        raise ValueError("this schedule is predicted from the observation; it has no mask of its own")
    return Mask(frozen(schedule.pruned.copy()))


def _mask(file: Path, content: ScheduleFile) -> NDArray[np.bool_]:
    rows = content.rows or []
    if len(rows) != content.steps:
        raise BundleError(file, "rows", InWords(f"{len(rows)} rows"), f"{content.steps} rows", ANEW)
    for number, row in enumerate(rows):
        if len(row) != content.blocks or set(row) - {COMPUTED, PRUNED}:
            allowed = f"{content.blocks} characters {COMPUTED} or {PRUNED}"
            raise BundleError(file, f"rows.{number}", row, allowed, ANEW)
    return np.array([[character == PRUNED for character in row] for row in rows])
