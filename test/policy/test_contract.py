from __future__ import annotations

import math

import pytest

from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract


def test_sizes_of_the_shipped_policy() -> None:
    contract = parse_contract(full_contract())
    assert (contract.state_dim, contract.action_dim, contract.obs_dim, contract.blocks) == (8, 8, 136, 24)
    assert list(range(16))[contract.executed] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(contract.cameras) == ["front", "wrist"]
    assert contract.clip == 1.0


def test_camera_order_is_kept_and_clip_may_be_off() -> None:
    content = full_contract()
    content["cameras"] = dict(reversed(content["cameras"].items()))
    content["diffusion"]["clip_sample"] = False
    contract = parse_contract(content)
    assert list(contract.cameras) == ["wrist", "front"]
    assert contract.clip == math.inf


def test_contract_cannot_be_changed() -> None:
    contract = parse_contract(full_contract())
    with pytest.raises(ValueError, match="frozen"):
        contract.horizon = 3  # type: ignore[misc]
