"""Checkpoints of the public Diffusion Policy: the transformer on images and joints or poses.

What a checkpoint holds: ``cfg``, the settings of its training, and under ``state_dicts`` the weights, those
that were averaged (``ema_model``) and the last (``model``). What cannot be expressed is refused with its
name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract import FORMAT, Contract
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.importers.archive import Stored, plain, read_archive
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.importers.resnet_weights import MisplacedWeight, camera_weights
from sag_ros.policy.importers.settings import SettingsError, find

HYBRID = (
    "diffusion_policy.policy.diffusion_transformer_hybrid_image_policy.DiffusionTransformerHybridImagePolicy"
)
# Setting of the policy, the one value that is understood, what another one means.
_REQUIRED = (
    ("obs_as_cond", True, "observations are inpainted, not condition tokens"),
    ("time_as_cond", True, "the time is not a condition token"),
    ("causal_attn", True, "tokens see later ones"),
    ("pred_action_steps_only", False, "the horizon begins with the executed actions"),
    ("noise_scheduler.prediction_type", "epsilon", "the network predicts something else than the noise"),
    ("noise_scheduler.beta_schedule", "squaredcos_cap_v2", "another noise schedule"),
    ("noise_scheduler.variance_type", "fixed_small", "another variance of the added noise"),
)
_PREFIXES = ("module.", "_orig_mod.")  # of DistributedDataParallel and torch.compile


@dataclass(frozen=True)
class Imported:
    """A policy, and what its user should know."""

    bundle: PolicyBundle
    remarks: tuple[str, ...]


def import_checkpoint(path: str | Path, meaning: Meaning) -> Imported:
    """Read a ``.ckpt``; nothing in it is executed.

    Raises:
        ArchiveError: a file that cannot be read.
        ImportRefused: what cannot be expressed.
        BundleError: sizes that do not fit each other.
    """
    with read_archive(path) as content:
        if not isinstance(content, Mapping) or not {"cfg", "state_dicts"} <= content.keys():
            raise ImportRefused(
                f"{path}: holds no cfg and state_dicts; a checkpoint of Diffusion Policy does"
            )
        settings = plain(content["cfg"])
        states = content["state_dicts"]
        if meaning.weights not in states:
            raise ImportRefused(f"{path}: has no {meaning.weights}; it has {', '.join(states)}")
        state = {
            _bare(key): value.load()
            for key, value in states[meaning.weights].items()
            if isinstance(value, Stored)
        }
    try:
        return _import(settings, state, meaning, Path(path).name)
    except (SettingsError, MisplacedWeight) as error:
        raise ImportRefused(f"{path}: {error}") from None
    except KeyError as error:
        raise ImportRefused(f"{path}: the weights have no {error.args[0]}") from None


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix).replace(f".{prefix}", ".")
    return key


def _import(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    target = find(settings, "policy._target_")
    if target != HYBRID:
        raise ImportRefused(f"policy._target_ is {target}; only {HYBRID} is understood")
    for key, value, otherwise in _REQUIRED:
        found = find(settings, f"policy.{key}", value)
        if found != value:
            raise ImportRefused(f"policy.{key} is {found!r}: {otherwise}; only {value!r} is understood")
    observations = find(settings, "policy.shape_meta.obs")
    cameras = {key: one["shape"] for key, one in observations.items() if one.get("type") == "rgb"}
    low = {key: one["shape"] for key, one in observations.items() if key not in cameras}
    meaning.require(low, int(find(settings, "policy.shape_meta.action.shape")[0]))
    weights, norms = {}, set()
    for camera in cameras:
        weights[camera], norm = camera_weights(state, f"obs_encoder.obs_nets.{camera}.")
        norms.add(norm)
    contract = _contract(settings, state, cameras, weights, norms, meaning, name)
    dpt, encoder, normaliser = empty_modules(contract)
    theirs = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}
    order = _feature_order(observations, cameras, contract.encoder.features, meaning)
    theirs["cond_obs_emb.weight"] = theirs["cond_obs_emb.weight"][:, order]
    _fill(dpt, theirs)
    _fill(
        encoder,
        {f"nets.{_name(camera)}.{key}": one for camera, own in weights.items() for key, one in own.items()},
    )
    _fill(
        normaliser,
        {
            f"params_dict.{field}.{part}": torch.cat(
                [state[f"normalizer.params_dict.{key}.{part}"].reshape(-1) for key in keys]
            )
            for field, keys in (("state", meaning.state), ("action", ["action"]))
            for part in ("scale", "offset")
        },
    )
    remarks = []
    cropped = contract.encoder.resnet18 is not None and contract.encoder.resnet18.crop is not None
    if not find(settings, "policy.eval_fixed_crop", False) and cropped:
        remarks.append("the original crops its pictures at random also when it acts; here it is the middle")
    steps = find(settings, "policy.num_inference_steps", None)
    if steps not in (None, contract.diffusion.steps):
        remarks.append(f"it was run with {steps} steps: set sampler: ddim{steps} for as many here")
    bundle = PolicyBundle(contract, dpt, encoder, normaliser, None, "", "").freeze()
    return Imported(bundle, tuple(remarks))


def _name(camera: str) -> str:
    """A camera's name in a contract."""
    return re.sub(r"[^A-Za-z0-9_]", "_", camera)


def _feature_order(
    observations: Mapping[str, Any], cameras: Collection[str], features: int, meaning: Meaning
) -> list[int]:
    """Column of theirs for each of ours: cameras, then the state."""
    begin, where = 0, {}
    for key, one in observations.items():
        count = features if key in cameras else int(one["shape"][0])
        where[key] = list(range(begin, begin + count))
        begin += count
    return [column for key in (*cameras, *meaning.state) for column in where[key]]


def _fill(module: torch.nn.Module, state: Mapping[str, Tensor]) -> None:
    own = module.state_dict()
    for key in own:
        if key not in state:
            raise KeyError(key)
        if state[key].shape != own[key].shape:
            raise ImportRefused(
                f"{key} is of shape {tuple(state[key].shape)}; {tuple(own[key].shape)} would fit"
            )
    extra = next((key for key in state if key not in own), None)
    if extra is not None:
        raise ImportRefused(f"{extra} has no place in the network")
    module.load_state_dict({key: state[key].float() for key in own}, assign=True)


def _contract(
    settings: Mapping[str, Any],
    state: Mapping[str, Tensor],
    cameras: Mapping[str, Sequence[int]],
    weights: Mapping[str, Mapping[str, Tensor]],
    norms: set[str],
    meaning: Meaning,
    name: str,
) -> Contract:
    if not cameras:
        raise ImportRefused("the policy observes no camera; low-dimensional policies are not understood yet")
    colours = {
        tuple(
            float(state[f"normalizer.params_dict.{camera}.{part}"].reshape(-1)[0])
            for part in ("scale", "offset")
        )
        for camera in cameras
    }
    sizes = {(own["maps.weight"].shape[0], own["project.weight"].shape[0]) for own in weights.values()}
    if len(colours) > 1 or len(sizes) > 1 or len(norms) > 1:
        raise ImportRefused("the cameras' networks differ in size, norm or colours; they have to be alike")
    ((scale, offset),), ((keypoints, features),) = colours, sizes
    crop = find(settings, "policy.crop_shape", None)
    layers = {int(key.split(".")[3]) for key in state if key.startswith("model.decoder.layers.")}
    binary = meaning.gripper is not None
    kind, unit = ("gripper_binary", "1") if binary else ("gripper_width", "m")
    return parse_contract(
        {
            "format": FORMAT,
            "task": str(find(settings, "task_name", name)),
            "cameras": {
                _name(key): {"height": shape[1], "width": shape[2]} for key, shape in cameras.items()
            },
            "joints": list(meaning.joints),
            "state": meaning.contract_state,
            "tcp": None if meaning.tcp is None else meaning.tcp.model_dump(),
            "action": [*meaning.contract_actions, {"name": "gripper", "meaning": kind, "unit": unit}],
            "binary_gripper": meaning.gripper.model_dump() if meaning.gripper is not None else None,
            "control_period": meaning.period,
            "horizon": find(settings, "policy.horizon"),
            "observation_steps": find(settings, "policy.n_obs_steps"),
            "action_steps": find(settings, "policy.n_action_steps"),
            "diffusion": {
                "steps": find(settings, "policy.noise_scheduler.num_train_timesteps"),
                "schedule": "squaredcos_cap_v2",
                "prediction": "epsilon",
                "clip_sample": find(settings, "policy.noise_scheduler.clip_sample"),
            },
            "network": {
                "layers": len(layers),
                "heads": find(settings, "policy.n_head"),
                "width": state["model.input_emb.weight"].shape[0],
                "cond_layers": find(settings, "policy.n_cond_layers", 0),
            },
            "encoder": {
                "width": 64,
                "keypoints": keypoints,
                "features": features,
                "resnet18": {
                    "norm": next(iter(norms)),
                    "crop": None if crop is None else list(crop),
                    "mean": [-offset / scale] * 3,
                    "std": [1.0 / scale] * 3,
                },
            },
            "pruner": None,
            "provenance": {"imported": name, "weights": meaning.weights},
        }
    )
