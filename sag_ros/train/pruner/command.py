"""Train the observation-conditioned pruner of a frozen policy. ``sag train pruner``.

1. Search a static schedule, then one for each group of similar observations (``schedules.search``).
2. Teach the pruner which schedule belongs to which observation (``distil``).
3. Sparse ActionGen's own training (arXiv 2601.12894, equations 9 and 10): the sparsified diffusion is run
   through all K steps with straight-through gates; the loss is the L1 distance between the generated and the
   demonstrated actions plus ``sparsity_weight * |mean(pruned) - target|`` with one mean over the whole
   K x 3L mask and the batch. The weights that do best on held-out episodes are kept.

Only the tokens that can influence executed actions are generated: the network is causal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from sag_ros.policy.bundle import PolicyBundle, load_bundle, save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.pruner import Pruner, pruner_config
from sag_ros.pruning.stored import Schedule, load_schedule, mask_of, save_schedule, schedule_key
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.pruner.need import learn_need
from sag_ros.train.pruner.options import PrunerOptions
from sag_ros.train.pruner.start import PrunerStart
from sag_ros.train.pruner.trainer import PrunerTrainer
from sag_ros.train.run import parallel
from sag_ros.train.run.stop import Stop


@dataclass(frozen=True)
class PrunerTraining(PrunerOptions):
    """Train the pruner of a policy bundle; run again to continue an interrupted training."""

    def run(self) -> bool:
        """Train what is left to train; returns whether all of it is done."""
        parallel.join()
        torch.set_num_threads(self.threads)
        started = time.monotonic()
        bundle = load_bundle(self.bundle)
        windows = policy_windows(
            bundle,
            self.data,
            self.out.parent / "features.safetensors",
            self.episodes,
            self.hold_out,
            self.seed,
        )
        steps = len(table_for(self.sampler, bundle.contract))
        torch.manual_seed(self.seed)
        size = self._size()
        pruner = Pruner(pruner_config(bundle, steps, size))
        pruner.set_feature_statistics(windows.training.features[0])
        with Stop(self.minutes) as stop:
            trainer = PrunerTrainer(self, bundle, pruner, windows.training, windows.validation)
            need = {}
            if self.among:
                masks = self._among(bundle, steps)
                need = {"need": learn_need(trainer, masks, self.need_windows, self.need_draws)}
                print(f"[need] {need['need']}", flush=True)
                trainer.validate()
            elif not trainer.loop.iteration:  # not resumed
                PrunerStart(trainer, stop).prepare(self._start(pruner))
            done = trainer.loop.run(trainer.loss, trainer.validate, stop) and not stop
        if not parallel.rank():
            minutes = (time.monotonic() - started) / 60.0
            self._save(bundle, steps, trainer, {**need, "minutes": round(minutes, 1)})
        return done

    def _size(self) -> PrunerSpec:
        if self.among:
            return self.size.model_copy(update={"masks": len(self.among)})
        if not self.choose:
            return self.size
        if not self.search.groups or self.loop.iterations:
            raise ValueError(
                "--choose needs schedules to choose from and no third stage: "
                f"--search.groups is {self.search.groups} (at least 1), "
                f"--loop.iterations {self.loop.iterations} (must be 0)"
            )
        return self.size.model_copy(update={"masks": self.search.groups})

    def _among(self, bundle: PolicyBundle, steps: int) -> np.ndarray:
        """(G, n, 3L) masks of the named schedules. Raises ValueError for one that does not fit."""
        masks = []
        for name in self.among:
            found = load_schedule(bundle, schedule_key(name, steps, bundle.contract.diffusion.steps))
            if found.reuse != self.reuse:
                raise ValueError(f"schedule {name!r} has caches by {found.reuse}; use --reuse {found.reuse}")
            masks.append(mask_of(found).pruned)
        return np.stack(masks)

    def _save(
        self, bundle: PolicyBundle, steps: int, trainer: PrunerTrainer, more: Mapping[str, Any]
    ) -> None:
        best = trainer.best()
        provenance = self._provenance(trainer, best) | dict(more)
        train_steps = bundle.contract.diffusion.steps
        if self.name == "sag" and steps == train_steps:
            everything = {**bundle.contract.provenance, "pruner": provenance}
            contract = bundle.contract.model_copy(update={"pruner": self._size(), "provenance": everything})
            save_bundle(self.bundle, replace(bundle, contract=contract, pruner_state=best["state"]))
            return
        key = schedule_key(self.name, steps, train_steps)
        schedule = Schedule(
            steps, bundle.contract.blocks, self.reuse, None, self._size(), best["state"], provenance
        )
        print(f"[saved] {save_schedule(bundle, key, schedule)}", flush=True)

    def _start(self, pruner: Pruner) -> np.ndarray | None:
        config = pruner.config
        if self.prior is None:
            return None
        mask = np.load(self.prior, allow_pickle=False)
        if mask.shape != (config.steps, config.blocks) or mask.dtype != np.bool_:
            raise ValueError(
                f"{self.prior} holds {mask.shape} {mask.dtype}; "
                f"a prior is a ({config.steps}, {config.blocks}) bool array"
            )
        return mask

    def _provenance(self, trainer: PrunerTrainer, best: Mapping[str, Any]) -> dict[str, Any]:
        arguments = {
            k: v for k, v in asdict(self).items() if k not in ("out", "bundle", "minutes", "threads", "size")
        }
        arguments["data"] = self.data.name
        arguments["prior"] = None if self.prior is None else self.prior.name
        return {
            "arguments": arguments,
            "iterations": trainer.loop.iteration,
            "kept_iteration": best["iteration"],
            "validation": best["values"],
            "torch": torch.__version__,
        }
