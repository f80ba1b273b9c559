from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.pruner import Pruner, pruner_config
from sag_ros.train.pruner.need import allocate, calibrate

SIZE = {"width": 16, "layers": 1, "heads": 2, "feedforward": 32}


@st.composite
def problems(draw):
    masks, observations = draw(st.integers(2, 4)), draw(st.integers(1, 6))
    number = st.floats(0.0, 1.0, allow_nan=False)
    errors = draw(st.lists(number, min_size=masks * observations, max_size=masks * observations))
    densities = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=masks, max_size=masks)))
    budget = float(densities.min() + draw(number) * (densities.max() - densities.min()))
    return np.array(errors).reshape(masks, observations), densities, budget


@given(problems())
@settings(deadline=None)
def test_the_budget_is_kept_and_nothing_cheaper_is_better(problem) -> None:
    errors, densities, budget = problem
    labels = allocate(errors, densities, budget)
    columns = np.arange(errors.shape[1])
    spent, error = densities[labels].mean(), errors[labels, columns].sum()
    assert spent <= budget + 1e-9
    # Of all choices that cost no more than this one, none has a smaller error: so says Lagrange.
    for other in product(range(len(densities)), repeat=errors.shape[1]):
        chosen = np.array(other)
        if densities[chosen].mean() <= spent - 1e-9:
            assert errors[chosen, columns].sum() >= error - 1e-6


def test_a_budget_for_the_densest_buys_each_observation_what_is_best_for_it() -> None:
    errors = np.array([[0.3, 0.1, 0.3], [0.2, 0.2, 0.1]])
    assert allocate(errors, np.array([0.1, 0.5]), 0.5).tolist() == [1, 0, 1]


def test_what_gains_most_gets_the_dense_mask_first() -> None:
    errors = np.array([[0.3, 0.9, 0.4, 0.3], [0.2, 0.1, 0.1, 0.3]])
    densities = np.array([0.1, 0.5])
    assert allocate(errors, densities, 0.1).tolist() == [0, 0, 0, 0]
    assert allocate(errors, densities, 0.2).tolist() == [0, 1, 0, 0]
    assert allocate(errors, densities, 0.3).tolist() == [0, 1, 1, 0]
    assert allocate(errors[::-1], densities[::-1], 0.2).tolist() == [1, 0, 1, 1]


def test_a_budget_below_the_sparsest_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.05 of the blocks; the sparsest mask computes 0\.1"):
        allocate(np.zeros((2, 3)), np.array([0.1, 0.5]), 0.05)


@pytest.mark.parametrize("budget", [0.15, 0.4, 0.8])
def test_calibration_spends_the_budget(budget: float) -> None:
    torch.manual_seed(0)
    bundle = random_bundle(0, pruner=SIZE)
    config = pruner_config(bundle)
    pruner = Pruner(pruner_config(bundle, size=bundle.contract.pruner.model_copy(update={"masks": 3})))
    torch.nn.init.normal_(pruner.head[-1].weight, std=1.0)
    shape = config.steps, config.blocks
    pruner.codebook.copy_(torch.stack([torch.rand(shape) < pruned for pruned in (0.9, 0.5, 0.1)]))
    features = torch.randn(200, config.obs_steps, config.obs_dim)
    told = calibrate(pruner, features, budget)
    densities = 1.0 - pruner.codebook.mean(dim=(1, 2)).numpy()
    assert densities[told].mean() <= budget + 1e-6
    assert densities[told].mean() > budget - 0.1
    logits = pruner.logits(features)
    again = pruner.choice(logits[..., 1] - logits[..., 0]).numpy()
    assert (again == told).mean() > 0.98  # the shift is in the weights
