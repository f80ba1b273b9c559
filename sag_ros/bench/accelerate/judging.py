"""What a candidate costs and how far its actions are from demonstrated ones, on held-out windows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.bench.run.machine import one_core
from sag_ros.bench.run.methods import parse_methods
from sag_ros.bench.run.paired import bootstrap_mean
from sag_ros.bench.run.statistics import percentile
from sag_ros.engines.registry import build_engine, build_mask_source_for
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.memo import Memo
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.values import Mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.train.data.windows import Windows

_SEED = 2024  # of windows and noise


@dataclass(frozen=True)
class Held:
    """Held-out windows: features (W, To, D), executed demonstrated actions (W, Ta, A), normalised, and
    noise (W, K + 1, T, A).
    """

    features: NDArray[np.float32]
    actions: NDArray[np.float32]
    noise: NDArray[np.float32]


def held_out(bundle: PolicyBundle, windows: Windows, count: int) -> Held:
    """``count`` of the windows, or all if there are fewer, with noise of their own."""
    contract = bundle.contract
    generator = torch.Generator().manual_seed(_SEED)
    chosen = torch.randperm(len(windows), generator=generator)[:count]
    shape = len(chosen), contract.diffusion.steps + 1, contract.horizon, contract.action_dim
    features, actions = windows.at(chosen)
    executed = np.ascontiguousarray(actions[:, contract.executed].numpy())
    return Held(features.numpy(), executed, torch.randn(shape, generator=generator).numpy())


@dataclass(frozen=True)
class Judged:
    """What was measured of a candidate.

    Attributes:
        engine: and its precision.
        density: share of the K x 3L blocks that it computes.
        errors: (W,) mean L1 distance to the demonstrated actions, normalised; chunks: its actions.
        ms: of every chunk: pruner, plan and denoising.
    """

    engine: str
    density: float
    errors: NDArray[np.float64]
    chunks: NDArray[np.float32]
    ms: list[float]

    def row(self, dense: Judged) -> dict[str, object]:
        """JSON-ready, beside dense on the same windows."""
        low, high = bootstrap_mean(list(self.errors - dense.errors))
        return {
            "engine": self.engine,
            "density": round(self.density, 4),
            "ms": [round(percentile(self.ms, q), 3) for q in (50, 99)],
            "speedup": round(percentile(dense.ms, 50) / percentile(self.ms, 50), 2),
            "error": round(float(self.errors.mean()), 5),
            "error_difference": [round(float((self.errors - dense.errors).mean()), 5), low, high],
            "from_dense": round(float(np.abs(self.chunks - dense.chunks).mean()), 5),
        }


def judge(bundle: PolicyBundle, names: Sequence[str], engine: str, held: Held) -> Mapping[str, Judged]:
    """Run every candidate on every window, in turns, on one core.

    Raises:
        ValueError: a name that does not exist, or parts that do not fit each other.
    """
    ways = {name: _Way(bundle, name, engine) for name in names}
    for way in ways.values():  # compiled code is slow at first
        way.chunk(held.features[0], held.noise[0])
        way.ms.clear()
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    densities: dict[str, list[float]] = {name: [] for name in names}
    with one_core():
        for features, noise in zip(held.features, held.noise, strict=True):
            for name, way in ways.items():
                chunk, density = way.chunk(features, noise)
                found[name].append(chunk)
                densities[name].append(density)
    chunks = {name: np.stack(rows) for name, rows in found.items()}
    return {
        name: Judged(
            way.engine,
            float(np.mean(densities[name])),
            np.abs(chunks[name] - held.actions).mean(axis=(1, 2)).astype(np.float64),
            chunks[name],
            way.ms,
        )
        for name, way in ways.items()
    }


class _Way:
    """Sampler, mask source and engine of one candidate."""

    def __init__(self, bundle: PolicyBundle, name: str, engine: str) -> None:
        (method,) = parse_methods(name)
        self._table = table_for(method.sampler, bundle.contract)
        self._engine = build_engine(engine, bundle, self._table)
        steps = len(self._table)
        own = self._engine.name
        self._source = build_mask_source_for(own, method.mask_source, bundle, steps)
        self._plan: Memo[Mask, Plan] = Memo(
            lambda mask: make_plan(mask, self._source.reuse), lambda mask: mask.key
        )
        self._all = bundle.contract.diffusion.steps
        precision = getattr(self._engine, "precision", None)
        self.engine = own if precision is None else f"{own}-{precision}"
        self.ms: list[float] = []

    def chunk(
        self, features: NDArray[np.float32], noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float]:
        """Executed actions (Ta, A), normalised, and the share of the full sampler's blocks computed."""
        begin = time.perf_counter()
        mask = self._source.mask(features)
        plan = self._plan(mask)
        chunk = self._engine.denoise(features, plan, noise[: len(self._table) + 1])
        self.ms.append(1e3 * (time.perf_counter() - begin))
        return np.array(chunk), mask.density * len(self._table) / self._all
