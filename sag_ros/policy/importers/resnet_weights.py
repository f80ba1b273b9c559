"""A camera's network of a public Diffusion Policy checkpoint, as :class:`sag_ros.policy.resnet.ResNetCamera`
has it.

Theirs (robomimic's VisualCore): ``backbone.nets`` are the layers of torchvision's ResNet18 without the last
two, ``pool.nets`` the maps, ``nets.3`` the projection of the keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_LAYERS = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}


class MisplacedWeight(ValueError):
    """A weight that has no place in the network; the text names it."""


def camera_weights(state: Mapping[str, Tensor], where: str) -> tuple[dict[str, Tensor], str]:
    """Weights below the prefix ``where``, and the kind of norm.

    Raises:
        KeyError: a weight that is missing, by its name.
        MisplacedWeight: one that has no place.
    """
    own = {key.removeprefix(where): tensor for key, tensor in state.items() if key.startswith(where)}
    found: dict[str, Tensor] = {}
    for key, tensor in own.items():
        if key.startswith("backbone.nets."):
            number, _, rest = key.removeprefix("backbone.nets.").partition(".")
            if number not in _LAYERS:
                raise MisplacedWeight(f"{where}{key} has no place in a ResNet18")
            found[f"{_LAYERS[number]}.{rest}"] = tensor
    batch = any(key.endswith("running_mean") for key in found)
    if batch:
        found = _affine(found)
    temperature = own.get("pool.temperature", torch.ones(1)).reshape(-1)[0]
    found["maps.weight"] = own["pool.nets.weight"] / temperature
    found["maps.bias"] = own["pool.nets.bias"] / temperature
    # Theirs are x and y of each keypoint in turn, ours x of all, then y of all.
    weight = own["nets.3.weight"]
    found["project.weight"] = torch.cat((weight[:, 0::2], weight[:, 1::2]), dim=1)
    found["project.bias"] = own["nets.3.bias"]
    return found, "affine" if batch else "group"


def _affine(state: Mapping[str, Tensor], epsilon: float = 1e-5) -> dict[str, Tensor]:
    """Batch norms as what they do once they are trained; epsilon is torch's default."""
    found = {}
    for key, tensor in state.items():
        name, _, part = key.rpartition(".")
        mean = state.get(f"{name}.running_mean")
        if mean is None:
            found[key] = tensor
        elif part == "weight":
            scale = tensor.double() / torch.sqrt(state[f"{name}.running_var"].double() + epsilon)
            found[f"{name}.weight"] = scale.to(tensor.dtype)
            shift = state[f"{name}.bias"].double() - mean.double() * scale
            found[f"{name}.bias"] = shift.to(tensor.dtype)
    return found
