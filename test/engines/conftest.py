from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.pruner import Pruner, pruner_config

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests
PRUNER = {"width": 32, "layers": 1, "heads": 4, "feedforward": 64}


@pytest.fixture(scope="session", autouse=True)
def rounding():
    """Kernels round as on a GPU."""
    from gpu_rounding import round_as_a_gpu

    round_as_a_gpu()


@pytest.fixture(scope="session")
def bundle():
    """A small policy with a random pruner whose masks depend on the observation."""
    bundle = random_bundle(0, pruner=PRUNER)
    torch.manual_seed(0)
    pruner = Pruner(pruner_config(bundle))
    with torch.no_grad():
        pruner.head[-1].weight.normal_(std=1.0)
    return replace(bundle, pruner_state=pruner.state_dict())


@pytest.fixture
def draw():
    """bundle, table, seed -> features (To, D), noise (n + 1, T, A)."""

    def function(bundle, table, seed=0):
        rng, config = np.random.default_rng(seed), bundle.dpt.config
        obs = rng.standard_normal((config.obs_steps, config.obs_dim), dtype=np.float32)
        noise = rng.standard_normal((len(table) + 1, config.horizon, config.action_dim), dtype=np.float32)
        return obs, noise

    return function
