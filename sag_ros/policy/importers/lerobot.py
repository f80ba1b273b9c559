"""Folders of LeRobot's diffusion policy: ``config.json``, ``model.safetensors`` and statistics.

Its denoiser is the U-Net of Diffusion Policy with other names, its encoder the same ResNet. Statistics lie in
the files that ``policy_preprocessor.json`` names, in older folders among the weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.importers.denoisers import reordered
from sag_ros.policy.importers.meaning import ImportRefused, Meaning, name_of
from sag_ros.policy.importers.parts import Imported, action_and_state, encoder_spec, fewer_steps, fill
from sag_ros.policy.importers.resnet_weights import camera_weights

_STATE, _ENVIRONMENT, _ACTION = "observation.state", "observation.environment_state", "action"
# Key of config.json, the one value that is understood, what another one means.
_REQUIRED = (
    ("type", "diffusion", "another kind of policy"),
    ("vision_backbone", "resnet18", "another network for pictures"),
    ("resize_shape", None, "pictures are resized before they are cropped: let their driver do that"),
    ("beta_schedule", "squaredcos_cap_v2", "another noise schedule"),
    ("prediction_type", "epsilon", "the network predicts something else than the noise"),
    ("clip_sample_range", 1.0, "samples are clipped elsewhere"),
)
_LARGEST = 6e4  # scale; what was always the same then moves by 2e-5
_EPSILON = 1e-8  # LeRobot's, beside a deviation and in place of a range of 0
_RENAMED = (
    (re.compile(r"\.conv([12])\.block\."), lambda found: f".blocks.{int(found[1]) - 1}.block."),
    (re.compile(r"^(down|up)_modules\.(\d+)\.2\."), r"\1_modules.\2.2.conv."),
)


def import_folder(folder: Path, meaning: Meaning) -> Imported:
    """Read a folder; nothing in it is executed.

    ``meaning.state`` says in order what ``observation.state``, then ``observation.environment_state`` are
    made of.

    Raises:
        ImportRefused: what is missing or cannot be expressed.
        BundleError: sizes that do not fit each other.
    """
    config, state = _read(folder)
    for key, value, otherwise in _REQUIRED:
        if config.get(key, value) != value:
            raise ImportRefused(f"{key} is {config[key]!r}: {otherwise}; only {value!r} is understood")
    inputs = config["input_features"]
    cameras = {key: one["shape"] for key, one in inputs.items() if one["type"] == "VISUAL"}
    vectors = [key for key in (_STATE, _ENVIRONMENT) if key in inputs]
    sizes = {key: int(inputs[key]["shape"][0]) for key in vectors}
    low = meaning.flat(sum(sizes.values()))
    meaning.require(low, int(config["output_features"][_ACTION]["shape"][0]))
    statistics = _Statistics(folder, config, state)
    nets, norms = {}, set()
    for number, camera in enumerate(cameras):
        nets[camera], norm = camera_weights(_of_camera(state, number), "")
        norms.add(norm)
    contract = parse_contract(
        {
            **action_and_state(low, meaning),
            "task": folder.name,
            "cameras": {_short(key): {"height": one[1], "width": one[2]} for key, one in cameras.items()},
            "encoder": _encoder(config, nets, norms, statistics, list(cameras)),
            "horizon": config["horizon"],
            "observation_steps": config["n_obs_steps"],
            "action_steps": config["n_action_steps"],
            "diffusion": {
                "steps": config["num_train_timesteps"],
                "schedule": "squaredcos_cap_v2",
                "prediction": "epsilon",
                "clip_sample": config["clip_sample"],
            },
            "unet": {
                "down_dims": list(config["down_dims"]),
                "kernel_size": config["kernel_size"],
                "groups": config["n_groups"],
                "step_dim": config["diffusion_step_embed_dim"],
                "film_scale": config["use_film_scale_modulation"],
            },
            "pruner": None,
            "provenance": {"imported": folder.name, "format": "lerobot diffusion"},
        }
    )
    network, encoder, normaliser = empty_modules(contract)
    features = 0 if contract.encoder is None else contract.encoder.features
    order = _order(sizes, len(cameras) * features)
    fill(network, reordered(_unet(state), config["diffusion_step_embed_dim"], order))
    named = [(f"nets.{_short(key)}.{name}", one) for key, own in nets.items() for name, one in own.items()]
    fill(encoder, dict(named))
    scales = {
        "state": [statistics.observed(key, sizes[key]) for key in vectors],
        "action": [statistics.commanded(contract.action_dim)],
    }
    fill(
        normaliser,
        {
            f"params_dict.{field}.{part}": torch.cat([one[place] for one in found])
            for field, found in scales.items()
            for place, part in enumerate(("scale", "offset"))
        },
    )
    bundle = PolicyBundle(contract, network, encoder, normaliser, None, "", "").freeze()
    return Imported(bundle, tuple(_remarks(config)))


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        state = load_file(folder / "model.safetensors")
    except FileNotFoundError as error:
        raise ImportRefused(f"{error.filename} is missing; a folder of LeRobot has it") from None
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        raise ImportRefused(f"{folder}: damaged ({error}); copy it again") from None
    return config, {key.replace("._orig_mod.", "."): value for key, value in state.items()}


def _short(camera: str) -> str:
    """``observation.images.wrist`` -> ``wrist``."""
    return name_of(camera.removeprefix("observation.images.").removeprefix("observation."))


def _of_camera(state: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """Weights of a camera's network with robomimic's names; one network may serve all cameras."""
    place = "diffusion.rgb_encoder."
    own = f"{place}{number}." if f"{place}{number}.out.weight" in state else place
    found = {}
    for key, value in state.items():
        if key.startswith(own):
            name = key.removeprefix(own)
            name = re.sub(r"^backbone\.", "backbone.nets.", name)
            found[re.sub(r"^out\.", "nets.3.", name)] = value
    return {key: value.clone() for key, value in found.items()}  # of each camera its own


def _unet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for key, value in state.items():
        if key.startswith("diffusion.unet."):
            name = key.removeprefix("diffusion.unet.")
            for pattern, new in _RENAMED:
                name = pattern.sub(new, name)
            found[name] = value
    return found


def _order(vectors: Mapping[str, int], pictures: int) -> list[int]:
    """Column of theirs for each of ours. Theirs: state, pictures, environment; ours: pictures, vectors."""
    first = vectors.get(_STATE, 0)
    environment = range(first + pictures, first + pictures + vectors.get(_ENVIRONMENT, 0))
    return [*range(first, first + pictures), *range(first), *environment]


def _encoder(
    config: Mapping[str, Any],
    nets: Mapping[str, Mapping[str, Tensor]],
    norms: set[str],
    statistics: _Statistics,
    cameras: Sequence[str],
) -> dict[str, Any] | None:
    if not cameras:
        return None
    colours = {_short(camera): statistics.colours(camera) for camera in cameras}
    return encoder_spec(nets, norms, colours, config.get("crop_shape"))


class _Statistics:
    """What the numbers were normalised with."""

    def __init__(self, folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
        self._modes = config["normalization_mapping"]
        self._found: dict[str, Tensor] = {}
        for key, value in state.items():  # older folders
            match = re.match(r"^(?:un)?normalize_\w+\.buffer_(\w+)\.(\w+)$", key)
            if match:
                self._found[f"{match[1]}.{match[2]}"] = value
        for file in ("policy_preprocessor.json", "policy_postprocessor.json"):
            if (folder / file).exists():
                for step in json.loads((folder / file).read_text(encoding="utf-8"))["steps"]:
                    self._load(folder, step.get("state_file"))

    def _load(self, folder: Path, name: str | None) -> None:
        if name is None:
            return
        if Path(name).name != name:
            raise ImportRefused(f"{name} is not a file of the folder")
        for key, value in load_file(folder / name).items():
            key, _, part = key.rpartition(".")
            self._found[f"{key.replace('.', '_')}.{part}"] = value

    def _get(self, key: str, part: str) -> Tensor:
        value = self._found.get(f"{key.replace('.', '_')}.{part}")
        if value is None:
            raise ImportRefused(f"no statistics of {key} ({part}); they are in policy_preprocessor's files")
        return value.double().reshape(-1)

    def colours(self, camera: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of a camera's colours."""
        mode = self._modes.get("VISUAL", "IDENTITY")
        if mode == "IDENTITY":
            return (0.0,) * 3, (1.0,) * 3
        if mode != "MEAN_STD":
            raise ImportRefused(f"normalization_mapping.VISUAL is {mode}; MEAN_STD is understood")
        mean, std = self._get(camera, "mean"), self._get(camera, "std") + _EPSILON
        return tuple(mean.tolist()), tuple(std.tolist())

    def observed(self, key: str, size: int) -> tuple[Tensor, Tensor]:
        """Scale and offset of a state of ``size`` numbers, float32."""
        mode = self._modes.get("ENV" if key == _ENVIRONMENT else "STATE", "IDENTITY")
        return self._vectors(key, size, mode, 1.0, _EPSILON)

    def commanded(self, size: int) -> tuple[Tensor, Tensor]:
        """Scale and offset of the actions, float32; an action that was always the same stays so."""
        return self._vectors(_ACTION, size, self._modes.get("ACTION", "IDENTITY"), _LARGEST, 0.0)

    def _vectors(
        self, key: str, size: int, mode: str, constant: float, beside: float
    ) -> tuple[Tensor, Tensor]:
        """``constant``: scale of what was always the same."""
        if mode == "IDENTITY":  # LeRobot's default of an environment's state
            return torch.ones(size), torch.zeros(size)
        if mode == "MEAN_STD":
            mean, std = self._get(key, "mean"), self._get(key, "std") + beside
            scale = torch.where(std > 0.0, 1.0 / std, constant)
            return scale.float(), (-mean * scale).float()
        if mode != "MIN_MAX":
            raise ImportRefused(
                f"{key} is normalised by {mode}; MIN_MAX, MEAN_STD and IDENTITY are understood"
            )
        low, high = self._get(key, "min"), self._get(key, "max")
        scale = torch.where(high > low, 2.0 / (high - low), constant)
        same = torch.where(high > low, -1.0, -1.0 if constant == 1.0 else 0.0)
        return scale.float(), (same - low * scale).float()


def _remarks(config: Mapping[str, Any]) -> list[str]:
    steps = config.get("num_inference_steps") or config["num_train_timesteps"]
    if config.get("noise_scheduler_type", "DDPM") == "DDIM" or steps != config["num_train_timesteps"]:
        return [fewer_steps(steps)]
    return []
