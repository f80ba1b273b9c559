"""The contract of a policy: what it observes, what its actions mean, and its sizes.

Read from ``policy.yaml``; unknown keys and values of another type are refused. Torch-free.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

FORMAT = "sag_ros-policy-1"
# The action meanings this node can execute, and the unit each must have. Joints: where to be; how far
# from where the joint is in the newest observation; how far from the action before, the first from that one.
JOINT_MEANINGS = ("joint_position", "joint_offset", "joint_step")
GRIPPER_MEANINGS = ("gripper_width", "gripper_binary")
ACTION_UNITS = {**dict.fromkeys(JOINT_MEANINGS, "rad"), "gripper_width": "m", "gripper_binary": "1"}

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Count = Annotated[int, Field(ge=1, le=65536)]


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CameraSpec(Section):
    """Size of the images the encoder was trained on, pixels."""

    height: Annotated[int, Field(ge=16, le=4096)]
    width: Annotated[int, Field(ge=16, le=4096)]


class ActionSpec(Section):
    """One action dimension."""

    name: Name
    meaning: Literal["joint_position", "joint_offset", "joint_step", "gripper_width", "gripper_binary"]
    unit: Literal["rad", "m", "1"]


class BinaryGripper(Section):
    """Which values of a gripper action mean open and closed (the nearer counts), and how wide that is, m."""

    open: Annotated[float, Field(allow_inf_nan=False)]
    closed: Annotated[float, Field(allow_inf_nan=False)]
    width_open: Annotated[float, Field(ge=0.0, le=1.0)]
    width_closed: Annotated[float, Field(ge=0.0, le=1.0)]


class DiffusionSpec(Section):
    """Noise process of the training: K steps.

    ``training`` says which samplers the weights are for: ``noise`` is ordinary noise prediction (DDPM, DDIM,
    Falcon), ``consistency`` a distilled student (Consistency Policy), ``streaming`` noise levels that rise
    along the horizon (Streaming Diffusion Policy).
    """

    steps: Annotated[int, Field(ge=1, le=10000)]
    schedule: Literal["squaredcos_cap_v2"]
    prediction: Literal["epsilon"]
    clip_sample: bool
    training: Literal["noise", "consistency", "streaming"] = "noise"


class NetworkSpec(Section):
    """Size of DP-T: L, heads, d, and transformer layers on the condition tokens (0: token-wise MLP)."""

    layers: Count
    heads: Count
    width: Annotated[int, Field(ge=4, le=65536)]
    cond_layers: Annotated[int, Field(ge=0, le=1024)]


class ResNetSpec(Section):
    """A ResNet18 as the public Diffusion Policy has them: norm, middle of the picture that it sees (px; null
    for all of it), mean and deviation of colours in [0, 1]."""

    norm: Literal["group", "affine"]
    crop: Annotated[list[Count], Field(min_length=2, max_length=2)] | None
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]
    std: Annotated[list[Annotated[float, Field(gt=0.0)]], Field(min_length=3, max_length=3)]


class EncoderSpec(Section):
    """Channels of the first stage, keypoints and features per camera, and what it is if it is a ResNet18."""

    width: Count
    keypoints: Count
    features: Count
    resnet18: ResNetSpec | None = None


class PrunerSpec(Section):
    """Size of the pruner; ``masks``: how many it chooses from, 0 = it decides gate by gate."""

    width: Count
    layers: Count
    heads: Count
    feedforward: Count
    masks: Annotated[int, Field(ge=0, le=1024)] = 0


class Contract(Section):
    """Everything the rest of the node needs to know about a policy besides its weights.

    The state is the positions of ``joints`` (rad) followed by the gripper width (m).
    """

    format: Literal["sag_ros-policy-1"]
    task: Annotated[str, Field(min_length=1)]
    cameras: Annotated[dict[Name, CameraSpec], Field(min_length=1)]
    joints: Annotated[list[Name], Field(min_length=1, max_length=64)]
    action: Annotated[list[ActionSpec], Field(min_length=2, max_length=65)]
    control_period: Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
    horizon: Count
    observation_steps: Count
    action_steps: Count
    diffusion: DiffusionSpec
    network: NetworkSpec
    encoder: EncoderSpec
    pruner: PrunerSpec | None
    binary_gripper: BinaryGripper | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        if len(set(self.joints)) != len(self.joints):
            raise _inconsistent("joints", self.joints, "different names", "name every joint once")
        first = self.action[0].meaning
        kind = first if first in JOINT_MEANINGS else JOINT_MEANINGS[0]
        expected = [(name, kind) for name in self.joints]
        if len(self.action) != len(expected) + 1:
            raise _inconsistent(
                "action",
                f"{len(self.action)} dimensions",
                f"{len(expected) + 1}: the {len(expected)} joints and the gripper",
                "list one action for each joint, then the gripper width",
            )
        for i, action in enumerate(self.action):
            key = f"action.{i}"
            if i < len(expected) and (action.name, action.meaning) != expected[i]:
                raise _inconsistent(
                    key,
                    f"{action.name} ({action.meaning})",
                    f"{expected[i][0]} ({expected[i][1]})",
                    "list the joints in their order",
                )
            if i == len(expected) and action.meaning not in GRIPPER_MEANINGS:
                raise _inconsistent(
                    f"{key}.meaning",
                    action.meaning,
                    " or ".join(GRIPPER_MEANINGS),
                    "the gripper comes after the joints",
                )
            if action.unit != ACTION_UNITS[action.meaning]:
                raise _inconsistent(
                    f"{key}.unit",
                    action.unit,
                    ACTION_UNITS[action.meaning],
                    f"give {action.meaning} in {ACTION_UNITS[action.meaning]}",
                )
        self._check_gripper()
        longest = self.horizon - self.observation_steps + 1
        if self.action_steps > longest:
            raise _inconsistent(
                "action_steps",
                self.action_steps,
                f"at most horizon - observation_steps + 1 = {longest}",
                "execute fewer actions, or restore the horizon of the training",
            )
        for key, spec, multiple in (("network", self.network, 2), ("pruner", self.pruner, 1)):
            if spec is not None and spec.width % (multiple * spec.heads):
                raise _inconsistent(
                    f"{key}.width",
                    spec.width,
                    f"a multiple of {multiple * spec.heads}",
                    "restore the width and heads of the training",
                )
        return self

    def _check_gripper(self) -> None:
        binary, gripper = self.action[-1].meaning == "gripper_binary", self.binary_gripper
        if binary != (gripper is not None):
            raise _inconsistent(
                "binary_gripper",
                None if gripper is None else "given",
                "a mapping with open, closed, width_open, width_closed" if binary else "null",
                "it goes with an action of meaning gripper_binary, and with no other",
            )
        if gripper is not None and gripper.open == gripper.closed:
            raise _inconsistent(
                "binary_gripper.closed",
                gripper.closed,
                "another value than open",
                "say which value closes it",
            )

    @property
    def state_dim(self) -> int:
        """Joint positions and gripper width."""
        return len(self.joints) + 1

    @property
    def action_dim(self) -> int:
        """A, length of one action."""
        return len(self.action)

    @property
    def obs_dim(self) -> int:
        """D, features of one frame: all cameras', then the state."""
        return len(self.cameras) * self.encoder.features + self.state_dim

    @property
    def blocks(self) -> int:
        """3L, residual blocks of DP-T."""
        return 3 * self.network.layers

    @property
    def executed(self) -> slice:
        """Tokens that are executed, To - 1 ... To - 1 + Ta - 1."""
        return slice(self.observation_steps - 1, self.observation_steps - 1 + self.action_steps)

    @property
    def clip(self) -> float:
        """Bound on the predicted clean sample; infinity for none."""
        return 1.0 if self.diffusion.clip_sample else math.inf


def _inconsistent(key: str, value: object, allowed: str, remedy: str) -> PydanticCustomError:
    context = {"key": key, "value": value, "allowed": allowed, "remedy": remedy}
    return PydanticCustomError("inconsistent", "{key} does not fit the other keys", context)
