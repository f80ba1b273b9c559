"""A bundle with random weights: for tests, and for timing without a trained policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract import FORMAT
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.normaliser import limits_scale_offset

READY = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])  # rad; repeated
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


def random_bundle(seed: int = 0, size: Literal["small", "full"] = "small", **overrides: Any) -> PolicyBundle:
    """A frozen bundle in memory; every weight and bias is random, so that each matters in a test.

    Args:
        seed: same seed and sizes, same weights.
        size: ``full`` is the shipped size (9 M weights), ``small`` runs in a few milliseconds.
        overrides: keys of the contract; sections are merged (``network={"layers": 3}``), except
            ``cameras``, which replaces. With ``pruner={...}`` the ``pruner_state`` stays None: whoever
            needs a pruner builds and initialises it.

    Raises:
        BundleError: a key or value the contract does not allow.
    """
    content = full_contract()
    for changes in (SMALL if size == "small" else {}, overrides):
        for key, value in changes.items():
            old = content.get(key)
            merge = key != "cameras" and isinstance(old, Mapping) and isinstance(value, Mapping)
            content[key] = {**old, **value} if merge and old is not None else value
    contract = parse_contract(content)
    generator = torch.Generator().manual_seed(seed)
    dpt, encoder, normaliser = empty_modules(contract)
    for module in (dpt, encoder, normaliser):
        module.to_empty(device="cpu")
    dpt.set_masks()
    for module in (dpt, encoder):
        _randomise(module, generator)
    joints = len(contract.joints)
    centre = np.append(np.resize(READY, joints), 0.04)
    share = np.random.default_rng(seed).uniform(0.6, 1.0, joints + 1)
    # Actions of random weights are noise; wider, the guard would not believe that an arm could follow them.
    for field, radians in (("state", 0.4), ("action", 0.1)):
        reach = share * np.append(np.full(joints, radians), 0.04)
        normaliser.set(field, *limits_scale_offset(np.stack((centre - reach, centre + reach))))
    identity = f"random {seed} {contract.model_dump_json()}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return PolicyBundle(contract, dpt, encoder, normaliser, None, digest, digest).freeze()


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
