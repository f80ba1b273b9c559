"""A bundle with random weights: for tests, and for timing without a trained policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sag_ros.policy import meanings
from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract import FORMAT, Contract
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.meanings import UNITS
from sag_ros.policy.normaliser import limits_scale_offset
from sag_ros.policy.rotations import from_matrix

READY = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])  # rad; repeated
TOOL = np.array([0.307, 0.0, 0.487])  # m: where an FR3 has its tool then
DOWN = np.diag([1.0, -1.0, -1.0])  # and how it is turned
Values = NDArray[np.float64]
SMALL: dict[str, Any] = {
    "cameras": {"front": {"height": 28, "width": 28}, "wrist": {"height": 28, "width": 28}},
    "diffusion": {"steps": 10},
    "network": {"layers": 2, "heads": 2, "width": 32},
    "encoder": {"width": 8, "keypoints": 4, "features": 6},
}


def full_contract() -> dict[str, Any]:
    """The contract of the shipped size, as a mapping, without a pruner."""
    joints = [f"fr3_joint{i}" for i in range(1, 8)]
    return {
        "format": FORMAT,
        "task": "random weights",
        "cameras": {"front": {"height": 84, "width": 84}, "wrist": {"height": 84, "width": 84}},
        "joints": joints,
        "action": [{"name": name, "meaning": "joint_position", "unit": "rad"} for name in joints]
        + [{"name": "gripper", "meaning": "gripper_width", "unit": "m"}],
        "control_period": 0.05,
        "horizon": 16,
        "observation_steps": 2,
        "action_steps": 8,
        "diffusion": {
            "steps": 100,
            "schedule": "squaredcos_cap_v2",
            "prediction": "epsilon",
            "clip_sample": True,
        },
        "network": {"layers": 8, "heads": 4, "width": 256, "cond_layers": 0},
        "encoder": {"width": 16, "keypoints": 32, "features": 64},
        "pruner": None,
        "provenance": {},
    }


def pose_actions(rotation: str, gripper: str = "gripper_width") -> list[dict[str, str]]:
    """Actions of a policy that moves the tool centre point, its rotations given as ``rotation``."""
    return [*meanings.pose_actions(rotation), {"name": "gripper", "meaning": gripper, "unit": UNITS[gripper]}]


def random_bundle(seed: int = 0, size: Literal["small", "full"] = "small", **overrides: Any) -> PolicyBundle:
    """A frozen bundle in memory; every weight and bias is random, so that each matters in a test.

    Args:
        seed: same seed and sizes, same weights.
        size: ``full`` is the shipped size (9 M weights), ``small`` runs in a few milliseconds.
        overrides: keys of the contract; sections are merged (``network={"layers": 3}``), except
            ``cameras``, which replaces; where there are none there is no encoder; with ``unet`` there is no
            ``network``. With ``pruner={...}`` the ``pruner_state`` stays None: whoever needs a pruner builds
            and initialises it.

    Raises:
        BundleError: a key or value the contract does not allow.
    """
    content = full_contract()
    for changes in (SMALL if size == "small" else {}, overrides):
        for key, value in changes.items():
            old = content.get(key)
            merge = key != "cameras" and isinstance(old, Mapping) and isinstance(value, Mapping)
            content[key] = {**old, **value} if merge and old is not None else value
    if content.get("unet") is not None:
        content["network"] = None
    if not content["cameras"]:
        content["encoder"] = None
    contract = parse_contract(content)
    generator = torch.Generator().manual_seed(seed)
    denoiser, encoder, normaliser = empty_modules(contract)
    for module in (denoiser, encoder, normaliser):
        module.to_empty(device="cpu")
    if isinstance(denoiser, DPT):
        denoiser.set_masks()
    for module in (denoiser, encoder):
        _randomise(module, generator)
    longest = max(contract.state_dim, contract.action_dim)
    share = np.random.default_rng(seed).uniform(0.6, 1.0, longest)
    for field, (centre, reach) in _ranges(contract).items():
        reach = share[: len(reach)] * reach
        normaliser.set(field, *limits_scale_offset(np.stack((centre - reach, centre + reach))))
    identity = f"random {seed} {contract.model_dump_json()}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return PolicyBundle(contract, denoiser, encoder, normaliser, None, digest, digest).freeze()


def _ranges(contract: Contract) -> dict[str, tuple[Values, Values]]:
    """Middle and half of the range of states and of actions."""
    joints, tcp = np.resize(READY, len(contract.joints)), contract.tcp
    rotation = "axis_angle" if tcp is None else tcp.rotation
    down = from_matrix(DOWN[None], rotation)[0]
    seen = down if tcp is None else from_matrix(DOWN[None], tcp.observed_as)[0]
    width = np.full(contract.grippers, 0.04)
    middles = {
        "joint_position": joints, "tcp_position": TOOL, "tcp_rotation": seen, "gripper_width": width,
        "gripper_fingers": np.outer(width, [0.5, -0.5]).ravel(),
    }  # fmt: skip
    wide = {"joint_position": 0.4, "tcp_position": 0.1, "tcp_rotation": 0.1, "gripper_width": 0.04}
    wide["gripper_fingers"] = 0.02
    for name, signal in contract.signals.items():
        middles[name], wide[name] = np.zeros(signal.size), 0.5
    parts = list(contract.state_parts)
    state = np.concatenate([middles[part] for part in parts])
    apart = np.concatenate([np.full(len(middles[part]), wide[part]) for part in parts])
    # Actions of random weights are noise; wider, the guard would not believe that an arm could follow them.
    action, narrow = np.append(joints, width), np.append(np.full(len(joints), 0.1), width)
    if contract.commands_setpoints:
        action, narrow = np.zeros(contract.action_dim), np.full(contract.action_dim, 0.1)
    if contract.commands_poses and tcp is not None:
        middle = np.append(TOOL, down)
        if tcp.relative != "no":
            middle = np.append(np.zeros(3), from_matrix(np.eye(3)[None], rotation)[0])
        action, narrow = np.append(middle, 0.04), np.append(np.full(len(middle), 0.01), 0.04)
    return {"state": (state, apart), "action": (action, narrow)}


@torch.no_grad()
def _randomise(module: nn.Module, generator: torch.Generator) -> None:
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "pos_emb" in name:
            parameter.copy_(0.3 * noise)
        elif parameter.ndim > 1:
            parameter.copy_(0.7 * noise / max(parameter[0].numel(), 1) ** 0.5)
        elif name.endswith("weight"):  # of a norm: centred at 1
            parameter.copy_(1.0 + 0.1 * noise)
        else:
            parameter.copy_(0.1 * noise)
