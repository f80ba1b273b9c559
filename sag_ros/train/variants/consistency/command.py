"""Distil a policy into one that samples in 1 to 3 steps. ``sag train consistency``.

Consistency Policy (arXiv 2405.07503) on the policy of a bundle. What differs from the paper, and why:

- The teacher is the bundle's DP-T: noise prediction on a variance-preserving cosine schedule, solved by DDIM,
  not an EDM solved by Heun's method. The student starts as its copy.
- The paper's student is a consistency *trajectory* model: it is also told the time s to stop at. One that is
  only ever asked for s = 0, as in the paper's own sampling, needs no second time input; the objective is then
  consistency distillation (arXiv 2303.01469, algorithm 2) plus the denoising term of the paper. The bundle
  therefore holds an ordinary DP-T and every engine runs it.
- The first sample has unit variance, the paper's less: the sampler's first step has no factor for it.
- Where alpha-bar is below ``ALPHA_BAR_FLOOR``, a noise prediction hardly determines x0. There two samples of
  one trajectory come from a demonstration and one noise instead of the teacher's step (consistency training).
- A share of the samples (``preset_share``) is drawn at the timesteps that the validated samplers visit.
- The averaged weights are both the target and what is shipped.

Only the tokens up to the last executed one are trained: by causality they never see the rest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import torch

from sag_ros.policy.bundle import PolicyBundle, dpt_config, load_bundle, save_bundle
from sag_ros.policy.dpt import DPT
from sag_ros.policy.samplers import require_training
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.run import parallel
from sag_ros.train.run.stop import Stop
from sag_ros.train.variants.consistency.options import ConsistencyOptions
from sag_ros.train.variants.consistency.trainer import ConsistencyTrainer


@dataclass(frozen=True)
class ConsistencyTraining(ConsistencyOptions):
    """Distil a policy into one that samples in 1 to 3 steps; run again to continue."""

    def run(self) -> bool:
        """Train what is left to train and write the bundle; returns whether all of it is done.

        Raises:
            BundleError, StoreError, CheckpointError, ValueError: unusable input, with what to do.
        """
        if self.output.resolve() == self.bundle.resolve():
            raise ValueError(f"--output {self.output} is the teacher's own folder; choose another one")
        parallel.join()
        torch.set_num_threads(self.threads)
        teacher = load_bundle(self.bundle)
        require_training("ddim", teacher.contract.diffusion.training)
        trainer = self.trainer(teacher)
        with Stop(self.minutes) as stop:
            done = trainer.loop.run(trainer.loss, trainer.validate, stop)
        if not parallel.rank():
            self._write(teacher, trainer)
        return done

    def trainer(self, teacher: PolicyBundle) -> ConsistencyTrainer:
        """The training of a copy of ``teacher``, or where it was interrupted."""
        cache = self.out / "features.safetensors"
        windows = policy_windows(teacher, self.data, cache, self.episodes, self.hold_out, self.seed)
        student = DPT(dpt_config(teacher.contract, p_drop_attn=self.dropout))
        student.load_state_dict(teacher.dpt.state_dict())
        return ConsistencyTrainer(self, teacher, student, windows.training, windows.validation)

    def _write(self, teacher: PolicyBundle, trainer: ConsistencyTrainer) -> None:
        arguments = asdict(self)
        for name in ("out", "output", "bundle", "minutes", "threads"):
            arguments.pop(name)  # where and how long at a time, not what
        arguments["data"] = self.data.name
        provenance = {k: v for k, v in teacher.contract.provenance.items() if k != "pruner"}
        provenance["consistency"] = {
            "teacher_sha256": teacher.weights_hash,
            "arguments": json.loads(json.dumps(arguments)),
            "iterations": trainer.loop.iteration,
            "minutes": round(trainer.minutes, 1),
            "torch": torch.__version__,
        }
        diffusion = teacher.contract.diffusion.model_copy(update={"training": "consistency"})
        contract = teacher.contract.model_copy(
            update={"diffusion": diffusion, "pruner": None, "provenance": provenance}
        )
        student = trainer.ema.module
        assert isinstance(student, DPT)
        save_bundle(self.output, replace(teacher, contract=contract, denoiser=student, pruner_state=None))
        print(f"student of iteration {trainer.loop.iteration} written to {self.output}", flush=True)
