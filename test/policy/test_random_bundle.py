from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.random_bundle import random_bundle

PRUNER = {"width": 8, "layers": 1, "heads": 2, "feedforward": 16}


def states(bundle: PolicyBundle) -> dict[str, Tensor]:
    modules = {"dpt": bundle.dpt, "encoder": bundle.encoder, "normaliser": bundle.normaliser}
    return {f"{name}.{k}": v for name, module in modules.items() for k, v in module.state_dict().items()}


def test_reproducible_and_finite() -> None:
    one, same, other = random_bundle(1), random_bundle(1), random_bundle(2)
    assert one.weights_hash == same.weights_hash != other.weights_hash
    for key, value in states(one).items():
        assert torch.equal(value, states(same)[key]), key
        assert bool(value.isfinite().all()) or key.endswith("mask"), key
    assert not torch.equal(one.dpt.head.weight, other.dpt.head.weight)


def test_every_weight_matters() -> None:
    for name, parameter in random_bundle(0).dpt.named_parameters():
        assert bool((parameter != 0).all()), name


def test_sizes_and_overrides() -> None:
    assert random_bundle(1, network={"layers": 3}).dpt.config.layers == 3
    assert random_bundle(1, pruner=PRUNER).contract.pruner == PrunerSpec(**PRUNER)
    with pytest.raises(BundleError, match=r"network\.depth"):
        random_bundle(1, network={"depth": 3})
    assert random_bundle(0, "full").dpt.config.width == 256
