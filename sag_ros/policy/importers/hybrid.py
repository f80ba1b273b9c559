"""The public Diffusion Policy on images: ``Diffusion{Transformer,Unet}HybridImagePolicy``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, empty_modules
from sag_ros.policy.contract import Contract
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.importers.denoisers import Reader, transformer, unet
from sag_ros.policy.importers.meaning import ImportRefused, Meaning, name_of
from sag_ros.policy.importers.parts import (
    CAUSAL,
    GLOBAL,
    OBS_AS_COND,
    SCHEDULER,
    TIME_AS_COND,
    WHOLE_HORIZON,
    Imported,
    common,
    encoder_spec,
    fill,
    fill_normaliser,
    require,
    steps_remark,
)
from sag_ros.policy.importers.resnet_weights import camera_weights
from sag_ros.policy.importers.settings import find


def import_transformer(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    """The one with a transformer; see :func:`_import`."""
    require(settings, (OBS_AS_COND, TIME_AS_COND, CAUSAL, WHOLE_HORIZON, *SCHEDULER))
    return _import(settings, state, meaning, name, transformer)


def import_unet(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str
) -> Imported:
    """The one with a U-Net; see :func:`_import`."""
    require(settings, (GLOBAL, *SCHEDULER))
    return _import(settings, state, meaning, name, unet)


def _import(
    settings: Mapping[str, Any], state: Mapping[str, Tensor], meaning: Meaning, name: str, read: Reader
) -> Imported:
    """A policy of its settings and weights.

    Raises:
        ImportRefused, SettingsError, MisplacedWeight, BundleError: what cannot be expressed.
        KeyError: a weight is missing.
    """
    observations = find(settings, "policy.shape_meta.obs")
    cameras = {key: one["shape"] for key, one in observations.items() if one.get("type") == "rgb"}
    low = {key: one["shape"] for key, one in observations.items() if key not in cameras}
    meaning.require(low, int(find(settings, "policy.shape_meta.action.shape")[0]))
    weights, norms = {}, set()
    for camera in cameras:
        weights[camera], norm = camera_weights(state, f"obs_encoder.obs_nets.{camera}.")
        norms.add(norm)
    denoiser = read(settings, state, "policy")
    content = common(settings, denoiser.sizes, low, meaning, name)
    contract = _contract(content, settings, state, cameras, weights, norms)
    assert contract.encoder is not None  # there are cameras
    network, encoder, normaliser = empty_modules(contract)
    order = _feature_order(observations, cameras, contract.encoder.features, meaning)
    fill(network, denoiser.weights(order))
    fill(
        encoder,
        {f"nets.{name_of(camera)}.{key}": one for camera, own in weights.items() for key, one in own.items()},
    )
    fields = {"state": list(meaning.state), "action": ["action"]}
    fill_normaliser(normaliser, state, fields)
    remarks = []
    cropped = contract.encoder.resnet18 is not None and contract.encoder.resnet18.crop is not None
    if not find(settings, "policy.eval_fixed_crop", False) and cropped:
        remarks.append("the original crops its pictures at random also when it acts; here it is the middle")
    remarks += steps_remark(settings, contract.diffusion.steps)
    bundle = PolicyBundle(contract, network, encoder, normaliser, None, "", "").freeze()
    return Imported(bundle, tuple(remarks))


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


def _contract(
    content: dict[str, Any],
    settings: Mapping[str, Any],
    state: Mapping[str, Tensor],
    cameras: Mapping[str, Sequence[int]],
    weights: Mapping[str, Mapping[str, Tensor]],
    norms: set[str],
) -> Contract:
    if not cameras:
        raise ImportRefused("a policy of images that observes no camera")
    colours = {}
    for camera in cameras:
        own = f"normalizer.params_dict.{camera}"
        scale, offset = (float(state[f"{own}.{part}"].reshape(-1)[0]) for part in ("scale", "offset"))
        colours[name_of(camera)] = (-offset / scale,) * 3, (1.0 / scale,) * 3
    encoder = encoder_spec(weights, norms, colours, find(settings, "policy.crop_shape", None))
    seen = {name_of(key): {"height": shape[1], "width": shape[2]} for key, shape in cameras.items()}
    return parse_contract({**content, "cameras": seen, "encoder": encoder})
