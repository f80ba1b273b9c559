"""Train a static schedule for a policy and keep it in its bundle. ``sag train schedule``."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.stored import Schedule, save_schedule, schedule_key
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric
from sag_ros.train.schedules.router import RouterConfig, train_router


@dataclass(frozen=True)
class ScheduleTraining:
    """Train a static schedule; run again to continue an interrupted training.

    It is kept as l2c, or with a requested density as l2c<density in percent>.
    """

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of the policy; the schedule is added to it"""
    method: Literal["l2c"] = "l2c"
    """l2c: the router of Learning-to-Cache"""
    sampler: str = "ddpm"
    """ddpm, or ddimN"""
    out: Path = Path("out/train/l2c")
    """checkpoints and logs; the features beside it serve other trainings, too"""
    router: RouterConfig = field(default_factory=RouterConfig)
    engine: str = "auto"
    """that judges the result"""
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint; what there is then is kept"""

    def run(self) -> Path:
        """Train and save; returns the file."""
        torch.set_num_threads(self.threads)
        started = time.monotonic()
        bundle = load_bundle(self.bundle)
        table = table_for(self.sampler, bundle.contract)
        windows = policy_windows(bundle, self.data, self.out.parent / "features.safetensors")
        with Stop(self.minutes) as stop:
            pruned = train_router(self.router, bundle, table, windows.training, stop, self.out)
        metric = ActionErrorMetric(bundle, table, "block", self.engine)
        held_out = metric.batch(windows.validation, torch.arange(len(windows.validation)), 64, 0)
        provenance = {
            "arguments": self._arguments(),
            "held_out": metric.errors(pruned, held_out),
            "minutes": round((time.monotonic() - started) / 60.0, 1),
            "stopped": stop.reason,
        }
        density = self.router.density
        name = self.method if density is None else f"{self.method}{round(100 * density)}"
        key = schedule_key(name, len(table), bundle.contract.diffusion.steps)
        steps, blocks = pruned.shape
        file = save_schedule(bundle, key, Schedule(steps, blocks, "block", pruned, provenance=provenance))
        print(f"{file}: {provenance['held_out']}", flush=True)
        return file

    def _arguments(self) -> dict[str, Any]:
        own = asdict(replace(self, bundle=Path(), out=Path()))
        return {**{k: v for k, v in own.items() if k not in ("bundle", "out", "minutes", "threads")},
                "data": self.data.name}  # fmt: skip
