"""Loss, validation and state of the training of a consistency student."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.dpt import DPT
from sag_ros.policy.samplers import build_table
from sag_ros.train.data.noise import feature_deviation
from sag_ros.train.data.windows import Windows
from sag_ros.train.policy.denoiser import action_error
from sag_ros.train.run.checkpoint import load_checkpoint
from sag_ros.train.run.ema import Ema
from sag_ros.train.run.loop import Loop
from sag_ros.train.variants.consistency.loss import ConsistencyLoss
from sag_ros.train.variants.consistency.options import ConsistencyOptions


class ConsistencyTrainer:
    """One training: ``student`` learns from the policy of the bundle ``teacher``."""

    def __init__(
        self,
        config: ConsistencyOptions,
        teacher: PolicyBundle,
        student: DPT,
        training: Windows,
        validation: Windows,
    ) -> None:
        self.config, self.teacher, self.student = config, teacher, student
        self.training, self.validation = training, validation
        contract = teacher.contract
        K = contract.diffusion.steps
        self.objective = ConsistencyLoss(K, config.stride, contract.clip, config.denoising_weight)
        self.tables = {name: build_table(name, K, contract.clip) for name in config.samplers}
        visited = sorted({int(k) for table in self.tables.values() for k in table.timesteps})
        self.visited = torch.tensor(visited or range(K))
        self.deviation = feature_deviation(contract, config.feature_noise, config.state_noise)
        self.ema = Ema(student, config.ema_power, config.ema_maximum)
        optimizer = torch.optim.AdamW(
            student.optim_groups(config.weight_decay), config.loop.learning_rate, betas=(0.9, 0.95)
        )
        self.loop = Loop(
            config.out, "consistency", config.loop, student, optimizer, len(training), config.seed, self.ema
        )
        self._earlier = 0.0
        if self.loop.iteration:
            self._earlier = float(load_checkpoint(self.loop.path)["extra"]["minutes"])
        self.loop.extra["minutes"] = self._earlier
        self._began = time.monotonic()

    @property
    def minutes(self) -> float:
        """Training time so far, of all runs."""
        return self._earlier + (time.monotonic() - self._began) / 60.0

    def loss(self, indices: Tensor) -> Tensor:
        """The loss of training windows ``indices`` (B,)."""
        self.loop.extra["minutes"] = self.minutes
        features, actions = self.training.at(indices)
        actions = actions[:, : self.teacher.contract.executed.stop]
        features = features + self.deviation * torch.randn_like(features)
        noise = torch.randn_like(actions)
        anywhere = torch.randint(self.objective.steps, (len(indices),))
        preset = self.visited[torch.randint(len(self.visited), (len(indices),))]
        k = torch.where(torch.rand(len(indices)) < self.config.preset_share, preset, anywhere)
        return self.objective(self.student, self.ema.module, self.teacher.dpt, features, actions, k, noise)

    def validate(self) -> dict[str, Any]:
        """Action error of the averaged student on held-out episodes, with each sampler."""
        if not len(self.validation):
            return {}
        contract, student = self.teacher.contract, self.ema.module
        assert isinstance(student, DPT)
        return {
            name: action_error(
                student,
                table,
                self.validation,
                self.teacher.normaliser,
                contract.executed,
                self.config.validation_windows,
            )
            for name, table in self.tables.items()
        }
