"""Teach a pruner which of several searched masks belongs to an observation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.stored import load_schedule, mask_of
from sag_ros.train.pruner.command import PrunerTraining
from sag_ros.train.pruner.distil import DistilConfig
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.schedules.action_error import ActionErrorMetric
from sag_ros.train.schedules.search import SearchConfig

if TYPE_CHECKING:
    from sag_ros.bench.accelerate.options import AccelerationOptions
    from sag_ros.train.data.windows import Windows

_GROUPS = 6  # of similar observations
_FEWEST, _MOST = 40, 2000  # changes tried for each
_DISTIL = 60.0  # s that the network takes to learn them


def teach(
    bundle: PolicyBundle,
    start: Mapping[str, Any],
    windows: Windows,
    options: AccelerationOptions,
    out: Path,
    seconds: float,
) -> dict[str, Any]:
    """Search a mask for each group of observations from ``start``, and train the bundle's pruner on them.

    Args:
        start: a searched schedule, as ``searching.Searched``.
        windows: of the episodes that are trained on.
        seconds: about how long it may take.

    Returns:
        What was done, JSON-ready.
    """
    prior = mask_of(load_schedule(bundle, start["method"])).pruned
    file = out / "prior.npy"
    np.save(file, prior)
    each = max(_seconds_a_change(bundle, prior, windows, options.engine), 1e-3)
    changes = min(int((seconds - _DISTIL) / _GROUPS / each), _MOST)
    if changes < _FEWEST:
        return {"taught": False, "reason": "not enough time is left"}
    assert bundle.folder is not None  # it was loaded from there
    training = PrunerTraining(
        data=options.data,
        bundle=bundle.folder,
        out=out / "pruner",
        density=start["density"],
        engine=options.engine,
        prior=file,
        search=SearchConfig(proposals=0, groups=_GROUPS, group_proposals=changes, windows=(8, 24, 32)),
        distil=DistilConfig(),
        loop=LoopConfig(iterations=0),
        threads=options.processes,
    )
    training.run()
    return {"taught": True, "from": start["method"], "changes": changes, **asdict(training.search)}


def _seconds_a_change(bundle: PolicyBundle, mask: Any, windows: Windows, engine: str) -> float:
    """About: most changes are judged by the first eight windows, a few by all."""
    metric = ActionErrorMetric(bundle, table_for("ddpm", bundle.contract), "type", engine)
    batch = metric.batch(windows, torch.arange(len(windows)), 8, 0)
    metric.distance(mask, batch)
    began = time.perf_counter()
    metric.distance(mask, batch)
    return 2.0 * (time.perf_counter() - began)
