"""Folders as LeRobot writes them, of a policy of ours: names, orders and statistics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.random_bundle import random_bundle

UNET = {"down_dims": [16, 32], "kernel_size": 5, "groups": 8, "step_dim": 16, "film_scale": True}
LAYERS = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
MODES = {"VISUAL": "MEAN_STD", "STATE": "MIN_MAX", "ENV": "MIN_MAX", "ACTION": "MIN_MAX"}
COLOURS = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def policy(**changes: Any) -> PolicyBundle:
    """A small policy with ResNets and a U-Net; its state is joints and gripper."""
    size = {"height": 40, "width": 48}
    resnet = {"norm": "group", "crop": [32, 37], "mean": COLOURS[0], "std": COLOURS[1], "relu": True}
    encoder = {"width": 64, "keypoints": 5, "features": 10, "resnet18": resnet}
    cameras = {"front": size, "wrist": size}
    return random_bundle(0, **{"cameras": cameras, "encoder": encoder, "unet": UNET, **changes})


def config(bundle: PolicyBundle, environment: int = 0) -> dict[str, Any]:
    """``config.json``."""
    contract, size = bundle.contract, bundle.contract.unet
    inputs = {
        f"observation.images.{name}": {"type": "VISUAL", "shape": [3, one.height, one.width]}
        for name, one in contract.cameras.items()
    }
    inputs["observation.state"] = {"type": "STATE", "shape": [contract.state_dim - environment]}
    if environment:
        inputs["observation.environment_state"] = {"type": "ENV", "shape": [environment]}
    return {
        "type": "diffusion",
        "n_obs_steps": contract.observation_steps,
        "horizon": contract.horizon,
        "n_action_steps": contract.action_steps,
        "input_features": inputs,
        "output_features": {"action": {"type": "ACTION", "shape": [contract.action_dim]}},
        "normalization_mapping": MODES,
        "vision_backbone": "resnet18",
        "crop_shape": [32, 37],
        "down_dims": size.down_dims,
        "kernel_size": size.kernel_size,
        "n_groups": size.groups,
        "diffusion_step_embed_dim": size.step_dim,
        "use_film_scale_modulation": size.film_scale,
        "noise_scheduler_type": "DDPM",
        "num_train_timesteps": contract.diffusion.steps,
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "epsilon",
        "clip_sample": True,
        "clip_sample_range": 1.0,
        "num_inference_steps": None,
    }  # fmt: skip


def weights(bundle: PolicyBundle, environment: int = 0) -> dict[str, Tensor]:
    """Their names for our weights; a network for each camera."""
    contract, found = bundle.contract, {}
    pictures = contract.obs_dim - contract.state_dim
    state = contract.state_dim - environment
    # Ours: pictures, state, environment; theirs: state, pictures, environment.
    columns = [*range(pictures, pictures + state), *range(pictures)]
    columns += range(pictures + state, contract.obs_dim)
    width = contract.unet.step_dim
    for key, tensor in bundle.denoiser.state_dict().items():
        name = re.sub(r"\.blocks\.([01])\.block", lambda one: f".conv{int(one[1]) + 1}.block", key)
        name = name.replace(".2.conv.", ".2.") if re.match(r"(down|up)_modules", name) else name
        if key.endswith("cond_encoder.1.weight"):
            frames = tensor[:, width:].unflatten(1, (-1, contract.obs_dim))[:, :, columns]
            tensor = torch.cat((tensor[:, :width], frames.flatten(1)), dim=1)
        found[f"diffusion.unet.{name}"] = tensor
    for number, net in enumerate(bundle.encoder.nets.values()):
        place = f"diffusion.rgb_encoder.{number}."
        for key, tensor in net.state_dict().items():
            part, _, rest = key.partition(".")
            if part in LAYERS:
                found[f"{place}backbone.{LAYERS[part]}.{rest}"] = tensor
            elif part == "maps":
                found[f"{place}pool.nets.{rest}"] = tensor
        half = net.project.weight.shape[1] // 2
        turns = torch.stack((net.project.weight[:, :half], net.project.weight[:, half:]), dim=2)
        found |= {f"{place}out.weight": turns.flatten(1), f"{place}out.bias": net.project.bias}
        found[f"{place}pool.pos_grid"] = torch.zeros(4, 2)
    return found


def statistics(bundle: PolicyBundle, environment: int = 0) -> dict[str, Tensor]:
    """Least and largest of states and actions, mean and deviation of colours."""
    found: dict[str, Tensor] = {}
    for field, key in (("state", "observation.state"), ("action", "action")):
        scale, offset = (value.double() for value in bundle.normaliser.vectors(field))
        found[f"{key}.min"], found[f"{key}.max"] = (-1.0 - offset) / scale, (1.0 - offset) / scale
    if environment:
        for part in ("min", "max"):
            whole = found[f"observation.state.{part}"]
            found[f"observation.state.{part}"] = whole[:-environment].clone()
            found[f"observation.environment_state.{part}"] = whole[-environment:].clone()
    for camera in bundle.contract.cameras:
        for part, values in zip(("mean", "std"), COLOURS, strict=True):
            found[f"observation.images.{camera}.{part}"] = torch.tensor(values).reshape(3, 1, 1)
    return found


def save(
    folder: Path, state: dict[str, Tensor], cfg: dict[str, Any], own: dict[str, Tensor], old: bool = False
) -> Path:
    """A folder; ``old``: with the statistics among the weights."""
    folder.mkdir()
    if old:
        for key, value in own.items():
            name, _, part = key.rpartition(".")
            state[f"normalize_inputs.buffer_{name.replace('.', '_')}.{part}"] = value
    else:
        save_file({key: value.float() for key, value in own.items()}, folder / "step.safetensors")
        steps = [{"registry_name": "device_processor"}, {"state_file": "step.safetensors"}]
        (folder / "policy_preprocessor.json").write_text(json.dumps({"steps": steps}))
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(cfg))
    return folder
