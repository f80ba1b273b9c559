"""The contract of a policy: what it observes, what its actions mean, and its sizes.

Read from ``policy.yaml``; unknown keys and values of another type are refused. Torch-free.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sag_ros.policy.meanings import (
    SETPOINT,
    TCP_MEANINGS,
    ActionSpec,
    BinaryGripper,
    Name,
    Section,
    SignalSpec,
    TcpSpec,
    check_actions,
    check_state,
    grippers,
    inconsistent,
    part_sizes,
)

FORMAT = "sag_ros-policy-1"
Count = Annotated[int, Field(ge=1, le=65536)]


class CameraSpec(Section):
    """Size of the images the encoder was trained on, pixels."""

    height: Annotated[int, Field(ge=16, le=4096)]
    width: Annotated[int, Field(ge=16, le=4096)]


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


class UNetSpec(Section):
    """Size of a U-Net: channels of its levels, odd kernel, groups of norms, embedding of the step, and
    whether conditions scale channels or only shift them."""

    down_dims: Annotated[list[Count], Field(min_length=1, max_length=6)]
    kernel_size: Annotated[int, Field(ge=1, le=31)]
    groups: Count
    step_dim: Annotated[int, Field(ge=4, le=65536)]
    film_scale: bool


class ColourSpec(Section):
    """Mean and deviation of the colours of one camera's pictures, in [0, 1]."""

    mean: Annotated[list[float], Field(min_length=3, max_length=3)]
    std: Annotated[list[Annotated[float, Field(gt=0.0)]], Field(min_length=3, max_length=3)]


class ResNetSpec(ColourSpec):
    """A ResNet18 as the public Diffusion Policy has them: norm, middle of the picture that it sees (px; null
    for all of it), mean and deviation of colours in [0, 1]; whether features end in a ReLU; ``cameras``:
    whose colours are others."""

    norm: Literal["group", "affine"]
    crop: Annotated[list[Count], Field(min_length=2, max_length=2)] | None
    relu: bool = False
    cameras: dict[str, ColourSpec] = Field(default_factory=dict)


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


def check_denoiser(
    network: NetworkSpec | None, unet: UNetSpec | None, horizon: int, pruner: PrunerSpec | None
) -> None:
    """Raise unless there is one denoiser, and a U-Net's sizes go together."""
    if network is None and unet is None:
        raise inconsistent("network", None, "its sizes", "a transformer has them here, a U-Net under unet")
    if unet is None:
        return
    if network is not None:
        raise inconsistent("unet", "given", "null beside network", "a policy has one denoiser")
    restore, halved = "restore that of the training", 2 ** (len(unet.down_dims) - 1)
    if horizon % halved:
        raise inconsistent("horizon", horizon, f"a multiple of {halved}", restore)
    for channels in unet.down_dims:
        if channels % unet.groups:
            raise inconsistent("unet.down_dims", channels, f"multiples of {unet.groups}", restore)
    if unet.down_dims[0] % 8:  # its last norm always has 8 groups
        raise inconsistent("unet.down_dims", unet.down_dims[0], "a multiple of 8 first", restore)
    if unet.kernel_size % 2 == 0:
        raise inconsistent("unet.kernel_size", unet.kernel_size, "an odd number", restore)
    if unet.step_dim % 2:
        raise inconsistent("unet.step_dim", unet.step_dim, "an even number", restore)
    if pruner is not None:
        remedy = "masks are of transformer blocks; take fewer steps, as sampler ddim10"
        raise inconsistent("pruner", "given", "null with a U-Net", remedy)


class Contract(Section):
    """Everything the rest of the node needs to know about a policy besides its weights.

    ``state``: what is observed besides pictures, in this order: positions of ``joints`` (rad), the tool
    centre point in the base frame (m, and a rotation as ``tcp`` says), gripper width (m), or the positions
    of its two fingers, the second one negative, m; and any of ``signals``. A policy of several arms has the
    joints of all of them behind each other, then a gripper for each. Without cameras there is no encoder.
    The denoiser is a transformer (``network``) or a U-Net (``unet``).
    """

    format: Literal["sag_ros-policy-1"]
    task: Annotated[str, Field(min_length=1)]
    cameras: dict[Name, CameraSpec]
    joints: Annotated[list[Name], Field(min_length=1, max_length=64)]
    state: Annotated[list[Name], Field(min_length=1)] = Field(default=["joint_position", "gripper_width"])
    signals: dict[Name, SignalSpec] = Field(default_factory=dict)
    action: Annotated[list[ActionSpec], Field(min_length=2, max_length=72)]
    tcp: TcpSpec | None = None
    control_period: Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
    horizon: Count
    observation_steps: Count
    action_steps: Count
    diffusion: DiffusionSpec
    network: NetworkSpec | None = None
    unet: UNetSpec | None = None
    encoder: EncoderSpec | None
    pruner: PrunerSpec | None
    binary_gripper: BinaryGripper | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        if len(set(self.joints)) != len(self.joints):
            raise inconsistent("joints", self.joints, "different names", "name every joint once")
        check_actions(self.action, self.joints, self.tcp)
        check_state(self.state, self.action, self.tcp, self.signals)
        if (self.encoder is None) == bool(self.cameras):
            raise inconsistent(
                "encoder",
                None if self.encoder is None else "given",
                "its sizes" if self.cameras else "null",
                "pictures of cameras are encoded, and nothing else is",
            )
        resnet = None if self.encoder is None else self.encoder.resnet18
        for camera in () if resnet is None else resnet.cameras:
            if camera not in self.cameras:
                key, known = f"encoder.resnet18.cameras.{camera}", ", ".join(self.cameras)
                raise inconsistent(key, "given", known, "colours are those of a camera of the policy")
        self._check_gripper()
        longest = self.horizon - self.observation_steps + 1
        if self.action_steps > longest:
            raise inconsistent(
                "action_steps",
                self.action_steps,
                f"at most horizon - observation_steps + 1 = {longest}",
                "execute fewer actions, or restore the horizon of the training",
            )
        check_denoiser(self.network, self.unet, self.horizon, self.pruner)
        for key, spec, multiple in (("network", self.network, 2), ("pruner", self.pruner, 1)):
            if spec is not None and spec.width % (multiple * spec.heads):
                raise inconsistent(
                    f"{key}.width",
                    spec.width,
                    f"a multiple of {multiple * spec.heads}",
                    "restore the width and heads of the training",
                )
        return self

    def _check_gripper(self) -> None:
        binary, gripper = self.action[-1].meaning == "gripper_binary", self.binary_gripper
        if binary != (gripper is not None):
            raise inconsistent(
                "binary_gripper",
                None if gripper is None else "given",
                "a mapping with open, closed, width_open, width_closed" if binary else "null",
                "it goes with an action of meaning gripper_binary, and with no other",
            )
        if gripper is not None and gripper.open == gripper.closed:
            raise inconsistent(
                "binary_gripper.closed",
                gripper.closed,
                "another value than open",
                "say which value closes it",
            )

    @property
    def state_dim(self) -> int:
        """Numbers of the state."""
        return sum(self.state_parts.values())

    @property
    def state_parts(self) -> dict[str, int]:
        """Part of the state -> how many numbers it has, in their order."""
        return part_sizes(self.state, len(self.joints), self.tcp, self.signals, self.grippers)

    @property
    def grippers(self) -> int:
        """G, how many grippers it commands, and observes."""
        return grippers(self.action)

    @property
    def commands_poses(self) -> bool:
        """Whether actions say where the tool centre point has to be, not the joints."""
        return self.action[0].meaning in TCP_MEANINGS

    @property
    def commands_setpoints(self) -> bool:
        """Whether actions are for the controller of a benchmark; the policy moves no other arm then."""
        return self.action[0].meaning == SETPOINT

    @property
    def observes_poses(self) -> bool:
        """Whether the state has the pose of the tool centre point in it."""
        return bool(set(self.state) & set(TCP_MEANINGS))

    @property
    def action_dim(self) -> int:
        """A, length of one action."""
        return len(self.action)

    @property
    def obs_dim(self) -> int:
        """D, features of one frame: all cameras', then the state."""
        pictures = 0 if self.encoder is None else len(self.cameras) * self.encoder.features
        return pictures + self.state_dim

    @property
    def transformer(self) -> NetworkSpec:
        """Sizes of DP-T; raises ValueError where the denoiser is none."""
        if self.network is None:
            raise ValueError("this needs a transformer; the policy's denoiser is a U-Net")
        return self.network

    @property
    def blocks(self) -> int:
        """3L, residual blocks of DP-T; of a U-Net, which is computed whole, 3."""
        return 3 if self.network is None else 3 * self.network.layers

    @property
    def executed(self) -> slice:
        """Tokens that are executed, To - 1 ... To - 1 + Ta - 1."""
        return slice(self.observation_steps - 1, self.observation_steps - 1 + self.action_steps)

    @property
    def clip(self) -> float:
        """Bound on the predicted clean sample; infinity for none."""
        return 1.0 if self.diffusion.clip_sample else math.inf
