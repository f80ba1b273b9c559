"""``sag bench reuse``: how well may a cached residual stand in for the one that is not computed?

Test-time sparsity (arXiv 2605.13316) lets a pruned block read one of three: the last residual of its type in
the current forward pass, its own of the previous step, or its own of the same step in the previous rollout
iteration. For a policy and its demonstrations this measures the relative error of each stand-in,
``|stand-in - residual| / |residual|`` in the L1 norm, under dense denoising.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.policy.samplers import table_for
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.data.windows import Windows
from sag_ros.train.schedules.action_error import Batch
from sag_ros.train.schedules.activations import block_residuals

Residuals = NDArray[np.float32]  # (3L, n, M)
TYPES = 3


@dataclass(frozen=True)
class Reuse:
    """Relative error of what a pruned block may read instead of computing."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path = Path("models/pick_release")
    """folder of the policy"""
    samplers: tuple[str, ...] = ("ddpm", "ddim10")
    windows: int = 6
    """pairs of observations"""
    shifts: tuple[int, ...] = (1, 8)
    """actions between two rollout iterations"""
    features: Path = Path("out/train/features.safetensors")
    """cache of the encoder's features"""
    seed: int = 0

    def run(self) -> None:
        """Measure and print the table."""
        torch.set_num_threads(1)
        bundle = load_bundle(self.bundle)
        windows = policy_windows(bundle, self.data, self.features).validation
        shown = Table(title="relative error of a stand-in for a residual, first and second half of the steps")
        for name in ("stand-in", *self.samplers):
            shown.add_column(name, no_wrap=True)
        columns = [
            measure(bundle, table_for(name, bundle.contract), windows, self.windows, self.shifts, self.seed)
            for name in self.samplers
        ]
        for stand_in in columns[0]:
            halves = [column[stand_in] for column in columns]
            shown.add_row(stand_in, *(f"{early:.3f}  {late:.3f}" for early, late in halves))
        Console().print(shown)


def measure(
    bundle: PolicyBundle,
    table: CoefficientTable,
    windows: Windows,
    count: int,
    shifts: tuple[int, ...],
    seed: int,
) -> Mapping[str, tuple[float, float]]:
    """Stand-in -> relative error in the first and second half of the steps, mean over blocks.

    Raises:
        ValueError: no episode is longer than the largest shift.
    """
    rng = np.random.default_rng(seed)
    chosen = pairs(windows, max(shifts), count, rng)
    contract = bundle.contract
    shape = count, len(table) + 1, contract.horizon, contract.action_dim
    noise, other = (rng.standard_normal(shape, np.float32) for _ in "ab")

    def residuals(back: int, drawn: NDArray[np.float32]) -> Residuals:
        features, actions = windows.at(torch.from_numpy(chosen - back))
        return block_residuals(bundle, table, Batch(features.numpy(), actions.numpy(), drawn))

    now = residuals(0, noise)
    found = {
        "current forward: the layer before": relative(now[:-TYPES], now[TYPES:]),
        "previous step, own": relative(now[:, :-1], now[:, 1:]),
    }
    for shift in shifts:
        name = f"previous rollout, {shift} action{'s' if shift > 1 else ''} ago"
        found[f"{name}, new noise"] = relative(residuals(shift, other), now)
        found[f"{name}, same noise"] = relative(residuals(shift, noise), now)
    return found


def pairs(windows: Windows, shift: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(count,) windows whose predecessor by ``shift`` actions is in the same episode; raises ValueError."""
    first = windows.frames[:, 0].numpy()
    fitting = np.flatnonzero(first[shift:] - first[:-shift] == shift) + shift
    if not len(fitting):
        raise ValueError(f"no episode has windows {shift} actions apart; use smaller shifts")
    return rng.choice(fitting, count)


def relative(stand_in: Residuals, residual: Residuals) -> tuple[float, float]:
    """Mean over blocks and steps of the relative L1 error, first and second half of the steps."""
    error = np.abs(stand_in - residual).mean(axis=2) / np.maximum(np.abs(residual).mean(axis=2), 1e-12)
    half = max(error.shape[1] // 2, 1)
    return float(error[:, :half].mean()), float(error[:, -half:].mean())
