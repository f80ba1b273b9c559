"""Checkpoints as the public Diffusion Policy writes them, of a policy of ours: names, orders and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.importers.diffusion_policy import KINDS
from sag_ros.policy.random_bundle import random_bundle

HYBRID, LOWDIM, _, UNET = KINDS
JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
LOW = {"joint_pos": 7, "hand": 1}  # low-dimensional observations
ROBOMIMIC = {"eef_pos": 3, "eef_quat": 4, "gripper_qpos": 2}
LAYERS = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}


def policy(**changes: Any) -> PolicyBundle:
    """A small policy with ResNets."""
    size = {"height": 40, "width": 48}
    resnet = {"norm": "group", "crop": [32, 37], "mean": [0.5] * 3, "std": [0.5] * 3, "relu": True}
    encoder = {"width": 64, "keypoints": 5, "features": 6, "resnet18": resnet}
    return random_bundle(0, cameras={"wrist_image": size, "front_image": size}, encoder=encoder, **changes)


def order(low: dict[str, int]) -> list[str]:
    """Of the observations in theirs."""
    first, *others = low
    return ["wrist_image", first, "front_image", *others]


def settings(bundle: PolicyBundle, low: dict[str, int] = LOW) -> dict[str, Any]:
    """What the training's YAML says, interpolations included."""
    contract = bundle.contract
    kinds = {name: {"shape": [size], "type": "low_dim"} for name, size in low.items()}
    del kinds[list(low)[-1]]["type"]
    image = {"shape": [3, 40, 48], "type": "rgb"}
    return {
        "task_name": "pick",
        "horizon": contract.horizon,
        "n_obs_steps": contract.observation_steps,
        "n_action_steps": contract.action_steps,
        "n_latency_steps": 0,
        "shape_meta": {
            "action": {"shape": [contract.action_dim]},
            "obs": {name: kinds.get(name, image) for name in order(low)},
        },
        "policy": {
            "_target_": HYBRID,
            "shape_meta": "${shape_meta}",
            "noise_scheduler": {
                "num_train_timesteps": contract.diffusion.steps,
                "beta_schedule": "squaredcos_cap_v2",
                "variance_type": "fixed_small",
                "clip_sample": True,
                "prediction_type": "epsilon",
            },
            "horizon": "${horizon}",
            "n_obs_steps": "${n_obs_steps}",
            "n_action_steps": "${eval:'${n_action_steps}+${n_latency_steps}'}",
            "num_inference_steps": contract.diffusion.steps,
            "crop_shape": [32, 37],
            "eval_fixed_crop": True,
            "n_head": contract.network.heads,
            "n_cond_layers": 0,
            "obs_as_cond": True,
            "time_as_cond": True,
            "causal_attn": True,
        },
    }


def weights(bundle: PolicyBundle, low: dict[str, int] = LOW) -> dict[str, Tensor]:
    """Their names for our weights."""
    found = {f"model.{key}": tensor for key, tensor in bundle.dpt.state_dict().items()}
    features = bundle.contract.encoder.features
    ours = {"wrist_image": range(features), "front_image": range(features, 2 * features)}
    begin, places = 0, {}
    for name, size in low.items():
        places[name] = slice(begin, begin + size)
        ours[name] = range(2 * features + begin, 2 * features + begin + size)
        begin += size
    columns = [column for key in order(low) for column in ours[key]]
    found["model.cond_obs_emb.weight"] = found["model.cond_obs_emb.weight"][:, columns]
    for camera, net in bundle.encoder.nets.items():
        where = f"obs_encoder.obs_nets.{camera}."
        for key, tensor in net.state_dict().items():
            part, _, rest = key.partition(".")
            if part in LAYERS:
                for name in ("backbone.nets", "nets.0.nets"):  # the same weights stand there twice
                    found[f"{where}{name}.{LAYERS[part]}.{rest}"] = tensor
            elif part == "maps":
                found[f"{where}pool.nets.{rest}"] = tensor
        half = net.project.weight.shape[1] // 2
        turns = torch.stack((net.project.weight[:, :half], net.project.weight[:, half:]), dim=2)
        found[f"{where}nets.3.weight"] = turns.flatten(1)
        found[f"{where}nets.3.bias"] = net.project.bias
        found[f"{where}pool.temperature"] = torch.ones(())
        found |= {
            f"normalizer.params_dict.{camera}.scale": torch.tensor([2.0]),
            f"normalizer.params_dict.{camera}.offset": torch.tensor([-1.0]),
        }
    for part, index in (("scale", 0), ("offset", 1)):
        own = bundle.normaliser.vectors("state")[index]
        found |= {f"normalizer.params_dict.{name}.{part}": own[place] for name, place in places.items()}
        found[f"normalizer.params_dict.action.{part}"] = bundle.normaliser.vectors("action")[index]
    return found


def lowdim_settings(bundle: PolicyBundle, keys: list[str] | None = None) -> dict[str, Any]:
    """What the YAML of a training on numbers alone says."""
    contract, own = bundle.contract, settings(policy())["policy"]
    model = {
        "input_dim": "${eval:'${action_dim} if ${obs_as_cond} else ${obs_dim} + ${action_dim}'}",
        "n_head": contract.network.heads,
        "n_cond_layers": contract.network.cond_layers,
        "causal_attn": True,
        "time_as_cond": True,
        "obs_as_cond": "${obs_as_cond}",
    }
    scheduler = {**own["noise_scheduler"], "num_train_timesteps": contract.diffusion.steps}
    return {
        "task_name": "lift",
        "task": {"obs_keys": keys} if keys else {},
        "obs_as_cond": True,
        "obs_dim": contract.state_dim,
        "action_dim": contract.action_dim,
        "policy": {
            "_target_": LOWDIM,
            "model": model,
            "noise_scheduler": scheduler,
            "horizon": contract.horizon,
            "obs_dim": "${obs_dim}",
            "action_dim": "${action_dim}",
            "n_obs_steps": contract.observation_steps,
            "n_action_steps": contract.action_steps,
            "num_inference_steps": contract.diffusion.steps,
            "obs_as_cond": "${obs_as_cond}",
            "pred_action_steps_only": False,
        },
    }


def unet_settings(bundle: PolicyBundle, keys: list[str]) -> dict[str, Any]:
    """The same of one with a U-Net."""
    cfg, size = lowdim_settings(policy_like(bundle), keys), bundle.contract.unet
    cfg["policy"] |= {"_target_": UNET, "obs_as_global_cond": True, "oa_step_convention": True}
    cfg["policy"]["horizon"] = bundle.contract.horizon
    cfg["policy"]["model"] = {
        "down_dims": size.down_dims,
        "n_groups": size.groups,
        "cond_predict_scale": size.film_scale,
    }
    return cfg


def policy_like(bundle: PolicyBundle) -> PolicyBundle:
    """A transformer with the state and actions of ``bundle``, for what settings have in common."""
    same = ("signals", "state", "tcp", "action")
    content = bundle.contract.model_dump(mode="json")
    return random_bundle(0, cameras={}, **{key: content[key] for key in same})


def lowdim_weights(bundle: PolicyBundle) -> dict[str, Tensor]:
    """Their names for our weights of a policy on numbers alone."""
    found = {f"model.{key}": tensor for key, tensor in bundle.denoiser.state_dict().items()}
    for ours, theirs in (("state", "obs"), ("action", "action")):
        for part, values in zip(("scale", "offset"), bundle.normaliser.vectors(ours), strict=True):
            found[f"normalizer.params_dict.{theirs}.{part}"] = values
    return found


def save(path: Path, state: dict[str, Tensor], cfg: Any) -> Path:
    """A checkpoint."""
    other = {key: tensor + 1.0 for key, tensor in state.items()}
    content = {
        "cfg": cfg,
        "state_dicts": {"model": other, "ema_model": state},
        "pickles": {"epoch": b"\x80\x04K\x03."},
    }
    torch.save(content, path)
    return path
