"""Where the training of the pruner begins: searched schedules, taught to the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import parallel
from .distil import distil
from .groups import group_observations
from .prior import firmness
from .pruner_trainer import PrunerTrainer
from .schedule_search import Batch, Pruned, ScheduleSearch
from .stop import Stop


@dataclass(frozen=True)
class PrunerStart:
    """Searches schedules with the windows and the policy of a trainer."""

    trainer: PrunerTrainer
    stop: Stop

    def prepare(self, start: Pruned) -> None:
        """Search from ``start`` (K, 3L), for all observations and for groups; teach the pruner the result."""
        trainer = self.trainer
        config, pruner, search = trainer.config, trainer.pruner, trainer.config.search
        everything = torch.arange(len(trainer.training))
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
            agreement = distil(pruner, trainer.noisy, labels, wanted, config.distil, config.seed)
            if not parallel.rank():
                print(f"[distil] {100 * agreement:.2f} % of the gates as the search wants them", flush=True)
        trainer.ema.module.load_state_dict(pruner.state_dict())
        if not parallel.rank():
            print(f"[start] {trainer.validate()}", flush=True)

    def _search(
        self, name: str, start: Pruned, among: Tensor, proposals: int, price: float, density: float
    ) -> Pruned:
        trainer = self.trainer
        search = ScheduleSearch(
            trainer.config.search,
            trainer.bundle.dpt,
            trainer.table,
            trainer.executed,
            [self._judge(number, among) for number in range(trainer.config.search.batches)],
            proposals,
            price,
            density,
            trainer.config.out / f"{name}.npz",
        )
        return search.run(start, self.stop)[0]

    def _judge(self, number: int, among: Tensor) -> Batch:
        """This process's share of a batch of windows with fixed noise."""
        trainer, config = self.trainer, self.trainer.config.search
        generator = torch.Generator().manual_seed(config.seed + number)
        chosen = among[torch.randperm(len(among), generator=generator)[: config.windows]]
        features, actions = trainer.training.at(parallel.share(chosen))
        noise = trainer.noise(len(chosen), generator)[:, parallel.rank() :: parallel.world()].contiguous()
        return Batch(features, actions[:, trainer.executed], noise)
