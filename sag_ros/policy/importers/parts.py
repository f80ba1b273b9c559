"""What importers share: the settings that must be so, the contract's common part, weights put in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import FORMAT
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.importers.settings import find
from sag_ros.policy.normaliser import Normaliser

# Setting below the policy, the one value that is understood, what another one means.
SCHEDULER = (
    ("noise_scheduler.prediction_type", "epsilon", "the network predicts something else than the noise"),
    ("noise_scheduler.beta_schedule", "squaredcos_cap_v2", "another noise schedule"),
    ("noise_scheduler.variance_type", "fixed_small", "another variance of the added noise"),
)
GLOBAL = ("obs_as_global_cond", True, "observations are not the condition of all steps")
OBS_AS_COND = ("obs_as_cond", True, "observations are inpainted, not condition tokens")
WHOLE_HORIZON = ("pred_action_steps_only", False, "the horizon begins with the executed actions")
TIME_AS_COND = ("time_as_cond", True, "the time is not a condition token")
OWN_STEP = ("oa_step_convention", True, "actions begin one step later")
CAUSAL = ("causal_attn", True, "tokens see later ones")


@dataclass(frozen=True)
class Imported:
    """A policy, and what its user should know."""

    bundle: PolicyBundle
    remarks: tuple[str, ...]


def require(
    settings: Mapping[str, Any], wanted: Sequence[tuple[str, Any, str]], place: str = "policy"
) -> None:
    """Raise ImportRefused where a setting is another than the one that is understood."""
    for key, value, otherwise in wanted:
        found = find(settings, f"{place}.{key}", value)
        if found != value:
            raise ImportRefused(f"{place}.{key} is {found!r}: {otherwise}; only {value!r} is understood")


def action_and_state(low: Mapping[str, Any], meaning: Meaning) -> dict[str, Any]:
    """What a contract says of states and actions; ``low``: low-dimensional observation -> its shape."""
    kind, unit = ("gripper_binary", "1") if meaning.gripper is not None else ("gripper_width", "m")
    return {
        "format": FORMAT,
        "joints": list(meaning.joints),
        "state": meaning.contract_state,
        "signals": meaning.signals(low),
        "tcp": None if meaning.tcp is None else meaning.tcp.model_dump(),
        "action": [*meaning.contract_actions, {"name": "gripper", "meaning": kind, "unit": unit}],
        "binary_gripper": meaning.gripper.model_dump() if meaning.gripper is not None else None,
        "control_period": meaning.period,
    }


def common(
    settings: Mapping[str, Any],
    sizes: Mapping[str, Any],
    low: Mapping[str, Any],
    meaning: Meaning,
    name: str,
) -> dict[str, Any]:
    """What a contract says of every policy, besides cameras and encoder; ``sizes`` of its denoiser."""
    return {
        **action_and_state(low, meaning),
        "task": str(find(settings, "task_name", name)),
        "horizon": find(settings, "policy.horizon"),
        "observation_steps": find(settings, "policy.n_obs_steps"),
        "action_steps": find(settings, "policy.n_action_steps"),
        "diffusion": {
            "steps": find(settings, "policy.noise_scheduler.num_train_timesteps"),
            "schedule": "squaredcos_cap_v2",
            "prediction": "epsilon",
            "clip_sample": find(settings, "policy.noise_scheduler.clip_sample"),
        },
        **sizes,
        "pruner": None,
        "provenance": {"imported": name, "weights": meaning.weights},
    }


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a module its weights, all of them and no other. Raises KeyError, ImportRefused."""
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


def fill_normaliser(
    normaliser: Normaliser, state: Mapping[str, Tensor], fields: Mapping[str, Sequence[str]]
) -> None:
    """Scales and offsets; ``fields``: ``state`` and ``action`` -> their fields, joined in this order."""
    found = {}
    for field, keys in fields.items():
        for part in ("scale", "offset"):
            values = torch.cat([state[f"normalizer.params_dict.{key}.{part}"].reshape(-1) for key in keys])
            found[f"params_dict.{field}.{part}"] = values
    fill(normaliser, found)


def steps_remark(settings: Mapping[str, Any], steps: int) -> list[str]:
    """What to say where it was run with fewer steps."""
    own = find(settings, "policy.num_inference_steps", None)
    if own in (None, steps):
        return []
    return [fewer_steps(own)]


def fewer_steps(steps: int) -> str:
    """How to run as many."""
    return f"it was run with {steps} steps: set sampler: ddim{steps} for as many here"


def encoder_spec(
    nets: Mapping[str, Mapping[str, Tensor]],
    norms: set[str],
    colours: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    crop: Sequence[int] | None,
) -> dict[str, Any]:
    """What a contract says of ResNets with a ReLU behind them, as both projects have; all cameras' alike, but
    for their colours.

    Args:
        nets: camera -> its weights. norms: kinds of norm that they have.
        colours: camera -> mean and deviation of its colours, in [0, 1]; three numbers each.

    Raises:
        ImportRefused: cameras that differ.
    """
    sizes = {(own["maps.weight"].shape[0], own["project.weight"].shape[0]) for own in nets.values()}
    if len(sizes) > 1 or len(norms) > 1:
        raise ImportRefused("the cameras' networks differ in size or norm; they have to be alike")
    (mean, std), ((keypoints, features),) = next(iter(colours.values())), sizes
    others = {
        name: {"mean": list(own[0]), "std": list(own[1])}
        for name, own in colours.items()
        if own != (mean, std)
    }
    resnet: dict[str, Any] = {
        "norm": next(iter(norms)),
        "crop": None if crop is None else list(crop),
        "mean": list(mean),
        "std": list(std),
        "relu": True,
    }
    if others:
        resnet["cameras"] = others
    return {"width": 64, "keypoints": keypoints, "features": features, "resnet18": resnet}
