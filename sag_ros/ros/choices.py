"""Which policy a node runs, by its parts or by a name, and which one it changes to.

No ROS import: the command line reads it too.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationInfo, field_validator, model_validator

from sag_ros.ros.sections import Section, param

C = TypeVar("C", bound="Chosen")
PARTS = ("bundle", "sampler", "mask_source")


class Choice(Section):
    """A policy that has a name."""

    bundle: str = param("models/pick_release", "folder; relative: in the package", min_length=1)
    sampler: str = param("ddpm", "as sampler", min_length=1)
    mask_source: str = param("sag", "as mask_source", min_length=1)


class Next(Section):
    """The policy that ~/load prepares and ~/swap takes over; empty: as it is."""

    policy: str = param("", "one of policies; what is given below replaces what is said there")
    bundle: str = param("", "folder; relative: in the package")
    sampler: str = param("", "as sampler")
    mask_source: str = param("", "as mask_source")


class Chosen(Section):
    """What is said of policies in the parameters of a node.

    ``policy`` names what ``bundle``, ``sampler`` and ``mask_source`` then are; once something else runs, it
    is empty or another name.
    """

    policy: str = param("", "one of policies to begin with; empty: the bundle, sampler, mask_source below")
    policies: dict[str, Choice] = param(
        {}, "policies by name, to begin with or to change to", validate_default=True
    )
    bundle: str = param("models/pick_release", "folder; relative: in the package", min_length=1)
    sampler: str = param("ddpm", "ddpm, ddim<steps>, falcon, rtc or streaming", min_length=1)
    mask_source: str = param(
        "sag",
        "which blocks run: sag, dense, uniform10, or a schedule of the policy (sag check-bundle lists them)",
        min_length=1,
    )
    next: Next = Next()

    @model_validator(mode="before")
    @classmethod
    def _chosen(cls, values: Any) -> Any:
        """What is said of ``policy`` in ``policies`` is what the node runs."""
        policies = values.get("policies") if isinstance(values, dict) else None
        chosen = policies.get(values.get("policy")) if isinstance(policies, dict) else None
        if chosen is None:  # or it is not among them, which is found below
            return values
        if isinstance(chosen, Choice):
            chosen = chosen.model_dump()
        usual = Choice()
        return {**values, **{part: chosen.get(part, getattr(usual, part)) for part in PARTS}}

    @field_validator("policies")
    @classmethod
    def _among(cls, policies: dict[str, Choice], info: ValidationInfo) -> dict[str, Choice]:
        _require(info.data.get("policy", ""), policies)
        return policies

    @field_validator("next")
    @classmethod
    def _next_among(cls, following: Next, info: ValidationInfo) -> Next:
        _require(following.policy, info.data.get("policies", {}))
        return following


def _require(name: str, policies: dict[str, Choice]) -> None:
    if name and name not in policies:
        known = ", ".join(policies) or "none"
        raise ValueError(f"policy '{name}' is not one of policies.<name>; there is {known}")


def following(config: C) -> C:
    """``config`` with the policy that ``next`` names; what it leaves out stays."""
    wanted = config.next
    given = {part: getattr(wanted, part) for part in PARTS if getattr(wanted, part)}
    if wanted.policy:
        named = config.policies[wanted.policy].model_dump()
    else:
        named = {part: getattr(config, part) for part in PARTS}
    name = "" if given else wanted.policy or config.policy
    return config.model_copy(update={**named, **given, "policy": name})


def swapped(config: C, other: C) -> C:
    """``config`` with the policy of another one."""
    return config.model_copy(update={part: getattr(other, part) for part in ("policy", *PARTS)})
