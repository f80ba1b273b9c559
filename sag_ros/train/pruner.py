"""Train the observation-conditioned pruner of a frozen policy. ``sag train pruner``.

Sparse ActionGen (arXiv 2601.12894, equations 9 and 10): the sparsified diffusion is run through all K
steps; the loss is the L1 distance between the generated and the demonstrated actions plus
``sparsity_weight * |mean(pruned) - target|`` with one mean over the whole K x 3L mask and the batch.
Only the tokens that can influence executed actions are generated: the network is causal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.data.windows import hold_out
from sag_ros.policy.bundle import PolicyBundle, load_bundle, save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.pruner import Pruner, gates, pruner_config
from sag_ros.pruning.rollout import sparse_rollout

from . import parallel
from .checkpoint import load_checkpoint, save_checkpoint
from .distil import DistilConfig, distil
from .ema import Ema
from .features import cached_features
from .groups import group_observations
from .loop import Loop, LoopConfig
from .prior import firmness, late_prior
from .schedule_search import Batch, ScheduleSearch, SearchConfig
from .stop import Stop
from .straight_through import straight_through_rollout
from .window import Windows, build_windows


@dataclass(frozen=True)
class PrunerTraining:
    """Train the pruner of a policy bundle; run again to continue an interrupted training."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of the trained policy; the pruner is added to it"""
    out: Path = Path("out/train/pruner")
    """checkpoints, logs, cached features"""
    density: float = 0.04
    """share of the blocks to compute: 1 - rho"""
    sparsity_weight: float = 5.0
    """lambda of |mean(pruned) - rho|"""
    sparsity_width: float = 0.01
    """below this distance from rho that term is a parabola: its gradient then settles at what the last block
    is worth instead of switching between -lambda and lambda, a hundred times what a block contributes"""
    explore: float = 0.1
    """share of the skipped blocks that are evaluated for their gradient"""
    through_cache: bool = True
    """let gradients pass through what is cached; test-time sparsity's public code does not"""
    prior: Path | None = None
    """a mask to start from, .npy (K, 3L) bool, True = pruned; default: two layers in some late steps"""
    prior_density: float = 0.045
    """of that default"""
    search: SearchConfig = field(default_factory=SearchConfig)
    distil: DistilConfig = field(default_factory=DistilConfig)
    prior_logit: float = 0.3
    """how firmly the start is believed near the blocks it computes"""
    far_logit: float = 1.5
    """and elsewhere, see ``train.prior.firmness``"""
    bias_scale: float = 10.0
    """learning rate of the observation-independent logits, relative"""
    adam_epsilon: float = 1e-3
    """gradients below it move a weight in proportion: a gate that hardly matters must not flip as soon as one
    that does"""
    feature_noise: float = 0.05
    """on the camera features, in their standard deviations"""
    bf16: bool = False
    """bfloat16 autocast; slower for small batches, whose time goes into casting the frozen weights"""
    episodes: int | None = None
    """use only the first so many"""
    hold_out: float = 0.05
    """share of the episodes kept for validation"""
    seed: int = 0
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint"""
    validation_windows: int = 64
    """of held-out episodes; the weights that do best on them are kept"""
    size: PrunerSpec = field(
        default_factory=lambda: PrunerSpec(width=128, layers=1, heads=4, feedforward=256)
    )
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(1200, 16, 2e-5, 20, log_seconds=90.0))

    def run(self) -> bool:
        """Train what is left to train; returns whether all of it is done."""
        parallel.join()
        torch.set_num_threads(self.threads)
        bundle = load_bundle(self.bundle)
        training, validation = self._windows(bundle)
        bundle = _with_pruner(bundle, self.size)
        torch.manual_seed(self.seed)
        pruner = Pruner(pruner_config(bundle))
        pruner.set_feature_statistics(training.features[0])
        with Stop(self.minutes) as stop:
            trainer = _Trainer(self, bundle, pruner, training, validation)
            if not trainer.loop.iteration:  # not resumed
                trainer.prepare(self._start(pruner), stop)
            done = trainer.loop.run(trainer.loss, trainer.validate, stop)
        if parallel.rank():
            return done
        best = trainer.best()
        state = best["state"]
        provenance = dict(bundle.contract.provenance)
        provenance["pruner"] = self._provenance(trainer, best)
        contract = bundle.contract.model_copy(update={"provenance": provenance})
        save_bundle(self.bundle, replace(bundle, contract=contract, pruner_state=state))
        return done

    def _windows(self, bundle: PolicyBundle) -> tuple[Windows, Windows]:
        demonstrations = Demonstrations(self.data, self.episodes)
        features = cached_features(
            self.out / "features.safetensors", bundle.encoder, bundle.normaliser, demonstrations
        )
        contract = bundle.contract
        training, validation = (
            build_windows(
                demonstrations,
                features,
                bundle.normaliser,
                contract.horizon,
                contract.observation_steps,
                contract.action_steps,
                episodes,
            )
            for episodes in hold_out(len(demonstrations.ends), self.hold_out, self.seed)
        )
        return training, validation

    def _start(self, pruner: Pruner) -> np.ndarray:
        config = pruner.config
        if self.prior is None:
            return late_prior(config.steps, config.blocks, self.prior_density)
        mask = np.load(self.prior, allow_pickle=False)
        if mask.shape != (config.steps, config.blocks) or mask.dtype != np.bool_:
            raise ValueError(
                f"{self.prior} holds {mask.shape} {mask.dtype}; "
                f"a prior is a ({config.steps}, {config.blocks}) bool array"
            )
        return mask

    def _provenance(self, trainer: _Trainer, best: Mapping[str, Any]) -> dict[str, Any]:
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


def _with_pruner(bundle: PolicyBundle, size: PrunerSpec) -> PolicyBundle:
    return replace(bundle, contract=bundle.contract.model_copy(update={"pruner": size}))


class _Trainer:
    """Loss and validation of one training."""

    def __init__(
        self,
        config: PrunerTraining,
        bundle: PolicyBundle,
        pruner: Pruner,
        training: Windows,
        validation: Windows,
    ) -> None:
        self.config, self.bundle, self.pruner = config, bundle, pruner
        self.training, self.validation = training, validation
        contract = bundle.contract
        self.table = build_table("ddpm", contract.diffusion.steps, contract.clip)
        self.executed = contract.executed
        self.tokens = contract.executed.stop
        columns = contract.obs_dim - contract.state_dim
        self.feature_noise = torch.zeros(contract.obs_dim)
        self.feature_noise[:columns] = config.feature_noise
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
        self._dense: Tensor | None = None
        self._best_path = config.out / "best.pt"
        if not self.loop.iteration:
            self._best_path.unlink(missing_ok=True)

    def loss(self, indices: Tensor) -> Tensor:
        """L1 on the generated tokens plus the global sparsity term."""
        features, actions = self.training.at(indices)
        features = features + self.feature_noise * torch.randn_like(features)
        gate = gates(self.pruner.logits(features))
        noise = self._noise(len(indices))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
            chunk = straight_through_rollout(
                self.bundle.dpt,
                self.table,
                features,
                gate,
                noise,
                self.config.explore,
                through_cache=self.config.through_cache,
            )
        distance = (chunk.float() - actions[:, : self.tokens]).abs().mean()
        return distance + self.config.sparsity_weight * self._sparsity(gate)

    def prepare(self, start: np.ndarray, stop: Stop) -> None:
        """Search from ``start`` (K, 3L), for all observations and for groups; teach the pruner the result."""
        config, pruner = self.config, self.pruner
        search = config.search
        everything = torch.arange(len(self.training))
        common = self._search(
            "schedule", start, everything, stop, search.proposals, search.price, config.density
        )
        logits = firmness(common, config.prior_logit, config.far_logit)
        pruner.set_prior(torch.from_numpy(common), torch.from_numpy(logits))
        if search.groups:
            observations = self.training.at(everything)[0].flatten(1).numpy()
            labels = torch.from_numpy(group_observations(observations, search.groups, config.seed))
            masks = []
            for group in range(search.groups):
                members = (labels == group).nonzero()[:, 0]
                name = f"schedule_{group}"
                masks.append(
                    self._search(name, common, members, stop, search.group_proposals, search.group_price, 0.0)
                )
            stacked = torch.from_numpy(np.stack(masks))
            agreement = distil(pruner, self._noisy, labels, stacked, config.distil, config.seed)
            print(f"[distil] {100 * agreement:.2f} % of the gates as the search wants them", flush=True)
        self.ema.module.load_state_dict(pruner.state_dict())
        if not parallel.rank():
            print(f"[start] {self.validate()}", flush=True)

    def _search(
        self,
        name: str,
        start: np.ndarray,
        among: Tensor,
        stop: Stop,
        proposals: int,
        price: float,
        density: float,
    ) -> np.ndarray:
        batches = [self._judge(number, among) for number in range(self.config.search.batches)]
        search = ScheduleSearch(
            self.config.search, self.bundle.dpt, self.table, self.executed, batches,
            proposals, price, density, self.config.out / f"{name}.npz",
        )  # fmt: skip
        return search.run(start, stop)[0]

    def _judge(self, number: int, among: Tensor) -> Batch:
        """This process's share of a batch of windows with fixed noise, for the search."""
        config = self.config.search
        generator = torch.Generator().manual_seed(config.seed + number)
        chosen = among[torch.randperm(len(among), generator=generator)[: config.windows]]
        features, actions = self.training.at(parallel.share(chosen))
        noise = self._noise(len(chosen), generator)[:, parallel.rank() :: parallel.world()].contiguous()
        return Batch(features, actions[:, self.executed], noise)

    def _noisy(self, indices: Tensor) -> Tensor:
        features = self.training.at(indices)[0]
        return features + self.feature_noise * torch.randn_like(features)

    def _sparsity(self, gate: Tensor) -> Tensor:
        # One mean over steps, blocks and batch: a budget per block would forbid what the pruner is for.
        width = self.config.sparsity_width
        return functional.huber_loss(gate.mean(), gate.new_tensor(self.config.density), delta=width) / width

    def _noise(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        shape = (len(self.table) + 1, batch, self.tokens, self.bundle.contract.action_dim)
        return torch.randn(shape, generator=generator)

    def validate(self) -> dict[str, Any]:
        """L1 of the executed actions, sparse and dense under the same noise, and the density per window."""
        count = min(self.config.validation_windows, len(self.validation))
        chosen = torch.linspace(0, len(self.validation) - 1, count).long()
        features, actions = self.validation.at(chosen)
        noise = self._noise(count, torch.Generator().manual_seed(0))
        target, dpt = actions[:, self.executed], self.bundle.dpt
        compute = (~self.ema.module.mask(features)).float()  # type: ignore[operator]
        if self._dense is None:
            everything = torch.ones_like(compute)
            self._dense = sparse_rollout(dpt, self.table, features, everything, noise)
        sparse = torch.empty_like(self._dense)
        # Windows with one mask together: a block that one window needs would else be computed for all.
        masks, group = compute.flatten(1).unique(dim=0, return_inverse=True)
        for number in range(len(masks)):
            own = (group == number).nonzero()[:, 0]
            sparse[own] = sparse_rollout(dpt, self.table, features[own], compute[own], noise[:, own])
        density = compute.mean(dim=(1, 2))
        values = {
            "l1": float((sparse[:, self.executed] - target).abs().mean()),
            "l1_dense": float((self._dense[:, self.executed] - target).abs().mean()),
            "from_dense": float((sparse - self._dense)[:, self.executed].abs().mean()),
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
