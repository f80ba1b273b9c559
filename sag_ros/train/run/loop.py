"""The training loop: learning rate, gradient step, average, log, checkpoint, stop, resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sag_ros.train.run import parallel
from sag_ros.train.run.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from sag_ros.train.run.ema import Ema
from sag_ros.train.run.iteration import BatchOrder, cosine_factor, reseed
from sag_ros.train.run.progress import Progress
from sag_ros.train.run.stop import Stop


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train."""

    iterations: int = 10_000
    """gradient steps"""
    batch: int = 64
    """samples per step"""
    learning_rate: float = 2e-4
    """peak of the cosine schedule"""
    warmup: int = 500
    """steps of linear warm-up"""
    clip_norm: float = 1.0
    """largest norm of the gradient; 0 = no clipping"""
    log_seconds: float = 60.0
    """between log lines, s"""
    checkpoint_minutes: float = 3.0
    """between checkpoints, min"""


class Loop:
    """Trains ``model`` on samples 0 ... size-1; the file ``<folder>/checkpoint.pt`` is all it needs to go on.

    Args:
        folder: for checkpoint.pt, log.jsonl, loss.png.
        name: shown in the log.
        config: schedule.
        model: what is saved and, unless the optimiser holds less, trained.
        optimizer: its groups' ``lr`` is overwritten by ``learning_rate * cosine * group["lr_scale"] (1)``.
        size: number of samples.
        seed: of order and random numbers.
        ema: updated after every step, if given.
        extra: saved with the checkpoint (tensors, numbers, strings), for whoever reads it later.

    Raises:
        CheckpointError: the folder holds a checkpoint of another model.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        config: LoopConfig,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        size: int,
        seed: int,
        ema: Ema | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.config, self.seed = Path(folder), config, seed
        self.model, self.optimizer, self.ema, self.extra = model, optimizer, ema, dict(extra or {})
        self.order = BatchOrder(size, config.batch, seed)
        self.progress = Progress(folder, name, config.iterations, config.log_seconds)
        self.path = self.folder / "checkpoint.pt"
        self.iteration = 0
        if self.path.exists():
            self._resume()
        self.progress.continue_from(self.iteration)

    @property
    def finished(self) -> bool:
        return self.iteration >= self.config.iterations

    def _resume(self) -> None:
        content = load_checkpoint(self.path)
        try:
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            if self.ema is not None:
                self.ema.load_state_dict(content["ema"])
            self.iteration = int(content["iteration"])
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise CheckpointError(
                f"{self.path} does not fit this model ({error}); delete it or choose another output folder"
            ) from error

    def save(self) -> None:
        """Write the checkpoint and the loss curve."""
        content = {"iteration": self.iteration, "model": self.model.state_dict(), "extra": self.extra}
        content["optimizer"] = self.optimizer.state_dict()
        content["ema"] = None if self.ema is None else self.ema.state_dict()
        save_checkpoint(self.path, content)
        self.progress.plot()

    def run(
        self,
        loss: Callable[[Tensor], Tensor],
        validate: Callable[[], Mapping[str, Any]] | None = None,
        stop: Stop | None = None,
    ) -> bool:
        """Train to the end, or until ``stop``; returns whether the end was reached.

        Args:
            loss: (batch,) sample numbers -> 0-d loss with gradient; it may use torch's global generator.
            validate: further values for each record, after switching nothing but the model's mode.
        """
        stop = Stop() if stop is None else stop
        saved = time.monotonic()
        if self.finished:
            return True
        while not self.finished and not parallel.anyone(bool(stop)):
            self._step(loss)
            if parallel.rank():
                continue
            if self.progress.due or self.finished:
                self._record(validate)
            if time.monotonic() - saved >= 60.0 * self.config.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        if not parallel.rank():
            if not self.finished:
                print(
                    f"stopped at iteration {self.iteration} ({stop.reason}); run again to continue",
                    flush=True,
                )
            self.save()
        return self.finished

    def _step(self, loss: Callable[[Tensor], Tensor]) -> None:
        config = self.config
        factor = cosine_factor(self.iteration, config.warmup, config.iterations)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor * group.get("lr_scale", 1.0)
        reseed(self.seed, self.iteration * parallel.world() + parallel.rank())
        self.model.train()
        value = loss(parallel.share(self.order.indices(self.iteration)))
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        parallel.average_gradients(parameters)
        if config.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm)
        self.optimizer.step()
        if self.ema is not None:
            self.ema.update(self.model)
        self.iteration += 1
        self.progress.add(value.detach())

    def _record(self, validate: Callable[[], Mapping[str, Any]] | None) -> None:
        values: dict[str, Any] = {"learning_rate": self.optimizer.param_groups[0]["lr"]}
        if validate is not None:
            self.model.eval()
            with torch.no_grad():
                values |= validate()
        self.progress.record(self.iteration, values)
