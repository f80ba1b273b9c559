"""Where the training of the pruner begins: searched schedules, taught to the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sag_ros.train.pruner.distil import distil
from sag_ros.train.pruner.groups import group_observations
from sag_ros.train.pruner.trainer import PrunerTrainer
from sag_ros.train.run import parallel
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import Pruned
from sag_ros.train.schedules.mutate import MutationSpace
from sag_ros.train.schedules.prior import firmness, starts
from sag_ros.train.schedules.search import ScheduleSearch, search_batches


@dataclass(frozen=True)
class PrunerStart:
    """Searches schedules with the windows and the policy of a trainer."""

    trainer: PrunerTrainer
    stop: Stop

    def prepare(self, start: Pruned | None) -> None:
        """Search, for all observations and for groups of them; teach the pruner the result.

        ``start`` (n, 3L), or None: the best of ``prior.starts``.
        """
        trainer = self.trainer
        config, pruner, search = trainer.config, trainer.pruner, trainer.config.search
        everything = torch.arange(len(trainer.training))
        if start is None:
            start = self._best_start()
        common = self._search("schedule", start, everything, search.proposals, search.price, config.density)
        logits = firmness(common, config.prior_logit, config.far_logit)
        pruner.set_prior(torch.from_numpy(common), torch.from_numpy(logits))
        if search.groups:
            observations = trainer.training.at(everything)[0].flatten(1).numpy()
            labels = torch.from_numpy(group_observations(observations, search.groups, config.seed))
            masks = []
            for group in range(search.groups):
                members = (labels == group).nonzero()[:, 0]
                name = f"schedule_{group}"
                masks.append(
                    self._search(name, common, members, search.group_proposals, search.group_price, 0.0)
                )
            wanted = torch.from_numpy(np.stack(masks))
            if pruner.config.masks:
                pruner.codebook.copy_(wanted)
            agreement = distil(pruner, trainer.noisy, labels, wanted, config.distil, config.seed)
            if not parallel.rank():
                print(f"[distil] {100 * agreement:.2f} % of the gates as the search wants them", flush=True)
        trainer.ema.module.load_state_dict(pruner.state_dict())
        if not parallel.rank():
            print(f"[start] {trainer.validate()}", flush=True)

    def _best_start(self) -> Pruned:
        trainer, config = self.trainer, self.trainer.config
        pruner, metric = trainer.pruner.config, trainer.metric
        batch = metric.batch(trainer.training, torch.arange(len(trainer.training)), 32, config.search.seed)
        per_block = config.budget == "block"
        candidates = starts(pruner.steps, pruner.blocks, config.density, config.reuse, per_block)
        return min(candidates, key=lambda pruned: metric.distance(pruned, batch))

    def _search(
        self, name: str, start: Pruned, among: Tensor, proposals: int, price: float, density: float
    ) -> Pruned:
        trainer, config = self.trainer, self.trainer.config
        batches = search_batches(config.search, trainer.metric, trainer.training, among)
        search = ScheduleSearch(
            config.search,
            trainer.metric,
            batches,
            MutationSpace(trainer.forced, config.budget == "block"),
            proposals,
            price,
            density,
            config.out / f"{name}.npz",
        )
        return search.run(start, self.stop)[0]
