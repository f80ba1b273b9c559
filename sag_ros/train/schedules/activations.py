"""What the residual blocks of a policy add in every denoising step, to compute schedules from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.rollout import apply_row
from sag_ros.train.schedules.action_error import Batch


@torch.no_grad()
def block_residuals(bundle: PolicyBundle, table: CoefficientTable, batch: Batch) -> NDArray[np.float32]:
    """Residuals of dense denoising, (3L, n, M): M numbers a block and step, over windows, tokens and width.

    Of the tokens that influence executed actions; steps in the order of execution.
    """
    dpt, tokens = bundle.dpt, bundle.contract.executed.stop
    obs = torch.from_numpy(batch.features)
    noise = torch.from_numpy(batch.noise).transpose(0, 1)[:, :, :tokens]
    steps, blocks = len(table), dpt.config.blocks
    found = np.empty((blocks, steps, len(obs) * tokens * dpt.config.width), np.float32)
    sample = noise[0]
    for k, row in enumerate(table.coefficients):
        memory, h = dpt.memory(int(table.timesteps[k]), obs), dpt.embed(sample)
        for block in range(blocks):
            residual = dpt.block(h, memory, block)
            found[block, k] = residual.flatten().numpy()
            h = h + residual
        sample = apply_row(row, table.clip, sample, dpt.readout(h), noise[k + 1])
    return found


def cosine_similarity(residuals: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3L, n, M) -> (3L, n, n): cosine between what a block adds in two steps."""
    unit = residuals / np.maximum(np.linalg.norm(residuals, axis=2, keepdims=True), 1e-12)
    return np.stack([(block @ block.T).astype(np.float64) for block in unit])


def mean_distance(residuals: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3L, n, M) -> (3L,): mean L1 distance between what a block adds in two different steps."""
    steps = residuals.shape[1]
    if steps < 2:
        return np.zeros(len(residuals))
    return np.array(
        [
            sum(float(np.abs(block[k + 1 :] - block[k]).mean(axis=1).sum()) for k in range(steps - 1))
            / (steps * (steps - 1) / 2)
            for block in residuals
        ]
    )


def change(residuals: NDArray[np.float32]) -> NDArray[np.float64]:
    """(3L, n, M) -> (n, 3L): mean L1 distance of a residual to that of the step before; first step 0."""
    distance = np.zeros(residuals.shape[:2])
    for number, block in enumerate(residuals):
        distance[number, 1:] = np.abs(np.diff(block, axis=0)).mean(axis=1)
    return distance.T
