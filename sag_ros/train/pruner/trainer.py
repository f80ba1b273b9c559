"""Loss, validation and the best weights of a pruner's training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.plan import cache_slots
from sag_ros.pruning.pruner import Pruner, gates
from sag_ros.pruning.static_masks import forced_blocks
from sag_ros.train.data.noise import chunk_noise, feature_deviation
from sag_ros.train.data.windows import Windows
from sag_ros.train.pruner.options import PrunerOptions
from sag_ros.train.pruner.straight_through import straight_through_rollout
from sag_ros.train.run.checkpoint import load_checkpoint, save_checkpoint
from sag_ros.train.run.ema import Ema
from sag_ros.train.run.loop import Loop
from sag_ros.train.run.precision import autocast
from sag_ros.train.schedules.action_error import ActionErrorMetric


class PrunerTrainer:
    """Loss and validation of one training."""

    def __init__(
        self,
        config: PrunerOptions,
        bundle: PolicyBundle,
        pruner: Pruner,
        training: Windows,
        validation: Windows,
    ) -> None:
        self.config, self.bundle, self.pruner = config, bundle, pruner
        self.training, self.validation = training, validation
        contract = bundle.contract
        self.table = table_for(config.sampler, contract)
        self.metric = ActionErrorMetric(bundle, self.table, config.reuse, config.engine)
        self.forced = forced_blocks(contract.blocks, config.reuse)
        self.executed = contract.executed
        self.tokens = contract.executed.stop
        self.feature_noise = feature_deviation(contract, config.feature_noise, 0.0)
        self.ema = Ema(pruner, 0.75, 0.99)
        bias = [pruner.logit_bias]
        rest = [p for p in pruner.parameters() if p is not pruner.logit_bias]
        optimizer = torch.optim.AdamW(
            [
                {"params": bias, "lr_scale": config.bias_scale},
                {"params": rest},
            ],
            config.loop.learning_rate,
            eps=config.adam_epsilon,
            weight_decay=0.0,
        )
        self.loop = Loop(
            config.out, "pruner", config.loop, pruner, optimizer, len(training), config.seed, self.ema
        )
        self._dense: NDArray[np.float32] | None = None
        self._best_path = config.out / "best.pt"
        if not self.loop.iteration:
            self._best_path.unlink(missing_ok=True)

    def noisy(self, indices: Tensor) -> Tensor:
        """Features (B, To, D) of training windows, with noise on those of the cameras."""
        features = self.training.at(indices)[0]
        return features + self.feature_noise * torch.randn_like(features)

    def loss(self, indices: Tensor) -> Tensor:
        """L1 on the generated tokens plus the global sparsity term."""
        features, actions = self.noisy(indices), self.training.at(indices)[1]
        gate = gates(self.pruner.logits(features), self.forced)
        noise = chunk_noise(self.bundle, self.table, len(indices))
        with autocast(self.config.bf16):
            chunk = straight_through_rollout(
                self.bundle.dpt,
                self.table,
                features,
                gate,
                noise,
                self.config.explore,
                cache_slots(self.bundle.contract.blocks, self.config.reuse),
                through_cache=self.config.through_cache,
            )
        distance = (chunk.float() - actions[:, : self.tokens]).abs().mean()
        return distance + self.config.sparsity_weight * self._sparsity(gate)

    def _sparsity(self, gate: Tensor) -> Tensor:
        # One mean over steps, blocks and batch: a budget per block would forbid what the pruner is for.
        width = self.config.sparsity_width
        return functional.huber_loss(gate.mean(), gate.new_tensor(self.config.density), delta=width) / width

    def validate(self) -> dict[str, Any]:
        """L1 of the executed actions, sparse and dense under the same noise, and the density per window."""
        metric = self.metric
        everything = torch.arange(len(self.validation))
        batch = metric.batch(self.validation, everything, self.config.validation_windows, 0)
        pruned = self.ema.module.mask(torch.from_numpy(batch.features))  # type: ignore[operator]
        pruned[:, 0, : self.forced] = False
        compute = (~pruned).float()
        count = len(compute)
        if self._dense is None:
            self._dense = metric.chunks(metric.dense(), batch)
        sparse = np.concatenate([metric.chunks(own.numpy(), batch.only(i)) for i, own in enumerate(pruned)])
        density = compute.mean(dim=(1, 2))
        values = {
            "l1": float(np.abs(sparse - batch.actions).mean()),
            "l1_dense": float(np.abs(self._dense - batch.actions).mean()),
            "from_dense": float(np.abs(sparse - self._dense).mean()),
            "density": float(density.mean()),
            "density_range": [float(density.min()), float(density.max())],
            "varying": float((compute.std(dim=0) > 0).float().mean()) if count > 1 else 0.0,
        }
        self._keep_best(values)
        return values

    def _keep_best(self, values: Mapping[str, Any]) -> None:
        excess = max(0.0, values["density"] - self.config.density)
        score = values["l1"] + self.config.search.price * excess
        if self._best_path.exists() and score >= load_checkpoint(self._best_path)["score"]:
            return
        state = self.ema.module.state_dict()
        content = {"score": score, "iteration": self.loop.iteration, "state": state, "values": dict(values)}
        save_checkpoint(self._best_path, content)

    def best(self) -> dict[str, Any]:
        """Iteration, values and weights of the best validation; the present ones when there was none."""
        if self._best_path.exists():
            return load_checkpoint(self._best_path)
        return {"iteration": self.loop.iteration, "values": {}, "state": self.ema.module.state_dict()}
