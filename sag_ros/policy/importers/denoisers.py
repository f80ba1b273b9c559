"""The two denoisers of the public code: what a contract says of one, and its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sag_ros.policy.importers.settings import find

State = Mapping[str, Tensor]
_PREFIX = "model."


@dataclass(frozen=True)
class Denoiser:
    """One, as a checkpoint has it.

    Attributes:
        sizes: for the contract: ``network`` and ``unet``, one of them None.
        weights: (columns of a frame's features, ours from theirs) -> weights with our names.
    """

    sizes: dict[str, Any]
    weights: Callable[[Sequence[int]], dict[str, Tensor]]


Reader = Callable[[Mapping[str, Any], State, str], Denoiser]


def transformer(settings: Mapping[str, Any], state: State, place: str) -> Denoiser:
    """The transformer; ``place``: where its settings are."""
    own = _own(state)
    layers = {int(key.split(".")[2]) for key in own if key.startswith("decoder.layers.")}
    network = {
        "layers": len(layers),
        "heads": find(settings, f"{place}.n_head"),
        "width": own["input_emb.weight"].shape[0],
        "cond_layers": find(settings, f"{place}.n_cond_layers", 0),
    }

    def weights(order: Sequence[int]) -> dict[str, Tensor]:
        return {**own, "cond_obs_emb.weight": own["cond_obs_emb.weight"][:, list(order)]}

    return Denoiser({"network": network, "unet": None}, weights)


def unet(settings: Mapping[str, Any], state: State, place: str) -> Denoiser:
    """The U-Net; ``place``: where its settings are."""
    own = _own(state)
    width = int(own["diffusion_step_encoder.1.weight"].shape[1])
    size = {
        "down_dims": [int(one) for one in find(settings, f"{place}.down_dims", [256, 512, 1024])],
        "kernel_size": int(own["final_conv.0.block.0.weight"].shape[2]),
        "groups": find(settings, f"{place}.n_groups", 8),
        "step_dim": width,
        "film_scale": bool(find(settings, f"{place}.cond_predict_scale", place == "policy")),
    }
    return Denoiser({"network": None, "unet": size}, lambda order: reordered(own, width, order))


def reordered(own: State, width: int, order: Sequence[int]) -> dict[str, Tensor]:
    """Weights of a U-Net whose frames' features come in another order.

    Args:
        width: of the step's embedding, which comes first in each condition.
        order: columns of a frame's features, ours from theirs.
    """
    found = dict(own)
    for key, value in own.items():
        if not key.endswith("cond_encoder.1.weight"):
            continue
        frames = value[:, width:].unflatten(1, (-1, len(order)))[:, :, list(order)]
        found[key] = torch.cat((value[:, :width], frames.flatten(1)), dim=1)
    return found


def _own(state: State) -> dict[str, Tensor]:
    """Those of the denoiser, without their prefix."""
    return {key.removeprefix(_PREFIX): value for key, value in state.items() if key.startswith(_PREFIX)}
