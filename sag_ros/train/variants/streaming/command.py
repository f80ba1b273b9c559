"""Retrain a policy for Streaming Diffusion Policy (arXiv 2406.04806). ``sag train streaming``.

DP-T learns to predict the noise in windows whose segments are at rising levels, as its sampler will meet them
(``policy.samplers.streaming``), starting from the weights of a policy of ordinary training. The horizon grows
to whole segments (To - 1 + h Ta); tokens it did not have begin with the position of the last one it had.

The paper trains from scratch and draws levels also without order between segments; here every batch has the
levels of the sampler, those of later chunks more often than those of the first one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sag_ros.policy.bundle import PolicyBundle, dpt_config, load_bundle, save_bundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.samplers.streaming import Segments
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.policy.export import bundle_of
from sag_ros.train.run.progress import read_records
from sag_ros.train.run.stop import Stop
from sag_ros.train.variants.streaming.options import StreamingOptions
from sag_ros.train.variants.streaming.trainer import StreamingTrainer


@dataclass(frozen=True)
class StreamingTraining(StreamingOptions):
    """Retrain a policy for the sampler ``streaming``; run again to continue an interrupted training."""

    def run(self) -> bool:
        """Train what is left to train; returns whether all of it is done.

        Raises:
            StoreError, CheckpointError, BundleError, ValueError: unusable input, with what to do.
        """
        torch.set_num_threads(self.threads)
        bundle = load_bundle(self.bundle)
        contract = streaming_contract(bundle.contract, self.segments, self._provenance(bundle))
        cache = self.out / "features.safetensors"
        windows = policy_windows(bundle, self.data, cache, self.episodes, self.hold_out, self.seed, contract)
        model = wider_horizon(bundle.dpt, contract)
        with Stop(self.minutes) as stop:
            trainer = StreamingTrainer(self, contract, model, windows.training, windows.validation, bundle)
            done = trainer.loop.run(trainer.loss, trainer.validate, stop)
        self._export(trainer.loop.path)
        return done

    def _export(self, checkpoint: Path) -> None:
        """Write the averaged policy of ``checkpoint`` to ``output``."""
        bundle = bundle_of(checkpoint)
        provenance = bundle.contract.provenance
        iterations = provenance.pop("iterations")
        minutes = training_minutes(read_records(checkpoint.with_name("log.jsonl")), iterations)
        provenance["streaming"] |= {"iterations": iterations, "minutes": minutes}
        save_bundle(self.output, bundle)
        print(f"streaming policy of iteration {iterations} written to {self.output}", flush=True)

    def _provenance(self, bundle: PolicyBundle) -> dict[str, Any]:
        kept = {k: v for k, v in bundle.contract.provenance.items() if k != "pruner"}
        kept["begun_from_iterations"] = kept.pop("iterations", None)
        arguments = {
            k: v for k, v in asdict(self).items() if k not in ("out", "output", "minutes", "threads")
        }
        arguments["data"], arguments["bundle"] = self.data.name, self.bundle.name
        streaming = {
            "arguments": json.loads(json.dumps(arguments, default=str)),
            "begun_from": bundle.weights_hash,
            "torch": torch.__version__,
        }
        return {**kept, "streaming": streaming}


def training_minutes(records: Sequence[Mapping[str, Any]], iterations: int) -> float:
    """Minutes of ``iterations`` gradient steps by the records of a log, over all its interruptions; steps
    behind the last record are counted at its pace."""
    seconds, before, pace = 0.0, 0, 0.0
    for record in records:
        pace = record.get("seconds_per_iteration", pace)
        seconds += (record["iteration"] - before) * pace
        before = record["iteration"]
    return round((seconds + max(iterations - before, 0) * pace) / 60.0, 1)


def streaming_contract(contract: Contract, segments: int, provenance: Mapping[str, Any]) -> Contract:
    """The contract of the retrained policy: horizon To - 1 + h Ta, no pruner.

    Raises:
        ValueError: a policy of another training, or h that does not divide K.
    """
    if contract.diffusion.training != "noise":
        raise ValueError(
            f"streaming starts from a policy of diffusion.training 'noise'; this one's is "
            f"'{contract.diffusion.training}'; give the bundle of sag train policy"
        )
    horizon = contract.observation_steps - 1 + segments * contract.action_steps
    Segments(contract.diffusion.steps, horizon, contract.observation_steps, contract.action_steps)
    content = contract.model_dump()
    content |= {"horizon": horizon, "pruner": None, "provenance": dict(provenance)}
    content["diffusion"]["training"] = "streaming"
    return parse_contract(content)


def wider_horizon(dpt: DPT, contract: Contract) -> DPT:
    """A copy of ``dpt`` with the contract's horizon; new tokens get the position of the last one."""
    model = DPT(dpt_config(contract))
    state = {key: value.clone() for key, value in dpt.state_dict().items()}
    tokens = torch.arange(contract.horizon).clamp(max=dpt.config.horizon - 1)
    state["pos_emb"] = state["pos_emb"][:, tokens]
    for key in ("mask", "memory_mask"):
        state[key] = model.state_dict()[key]
    model.load_state_dict(state)
    return model.requires_grad_(True)
