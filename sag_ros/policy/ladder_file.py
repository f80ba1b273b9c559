"""What a policy does instead when there is no time, as a file of the bundle: ``ladder.yaml``, if any.

Each rung names a sampler and a mask source, cheaper than the rung before, and how often the policy succeeds
with it: whoever lets an arm run on half of the computation has to know what that costs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from sag_ros.policy.contract import Section
from sag_ros.policy.contract_file import BundleError, InWords, require_inside

LADDER_FILE = "ladder.yaml"
_REMEDY = "Measure the rungs with `sag bench tasks` and write them down, or remove the file."


class RungSpec(Section):
    """One rung.

    Attributes:
        sampler, mask_source: as the parameters of policy_node.
        successes, episodes: measured, of ``task``.
    """

    sampler: Annotated[str, Field(min_length=1)]
    mask_source: Annotated[str, Field(min_length=1)]
    task: Annotated[str, Field(min_length=1)]
    successes: Annotated[int, Field(ge=0)]
    episodes: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _share(self) -> RungSpec:
        if self.successes > self.episodes:
            raise ValueError(f"{self.successes} successes of {self.episodes} episodes")
        return self

    @property
    def name(self) -> str:
        """``ddim10+sag``."""
        return f"{self.sampler}+{self.mask_source}"

    @property
    def stated(self) -> str:
        """``ddim10+sag (188 of 200 pick_release)``."""
        return f"{self.name} ({self.successes} of {self.episodes} {self.task})"


class _LadderFile(Section):
    policy_sha256: str
    rungs: list[RungSpec]


def read_ladder(folder: Path, policy_hash: str) -> list[RungSpec]:
    """The rungs, the most expensive first; empty where the bundle has none.

    Args:
        policy_hash: of the policy; success with other weights says nothing.

    Raises:
        BundleError: a damaged file, or one of another policy.
    """
    file = folder / LADDER_FILE
    require_inside(file)
    try:
        content = _LadderFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
    except (OSError, ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        problem = InWords(" ".join(str(error).split()))
        raise BundleError(file, "", problem, "policy_sha256 and rungs", _REMEDY) from error
    if content.policy_sha256 != policy_hash:
        raise BundleError(
            file, "policy_sha256", content.policy_sha256, policy_hash, f"Another policy's. {_REMEDY}"
        )
    names = [rung.name for rung in content.rungs]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise BundleError(file, "rungs", repeated[0], "each once", _REMEDY)
    return content.rungs
