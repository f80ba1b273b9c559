"""Noise of whole chunks, and how much of it features get."""

from __future__ import annotations

import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.schedule import CoefficientTable


def chunk_noise(
    bundle: PolicyBundle, table: CoefficientTable, batch: int, generator: torch.Generator | None = None
) -> Tensor:
    """(n + 1, B, T', A) of every step, for the tokens up to the last executed one."""
    contract = bundle.contract
    shape = (len(table) + 1, batch, contract.executed.stop, contract.action_dim)
    return torch.randn(shape, generator=generator)


def feature_deviation(contract: Contract, cameras: float, state: float) -> Tensor:
    """(D,) deviation of the noise on the features of a frame: of the cameras' and of the state."""
    deviation = torch.full((contract.obs_dim,), cameras)
    deviation[contract.obs_dim - contract.state_dim :] = state
    return deviation
