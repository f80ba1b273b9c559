"""A checkpoint of stage 2 becomes a policy bundle, also while its training goes on."""

from __future__ import annotations

import json
from pathlib import Path

from sag_ros.policy.bundle import PolicyBundle, dpt_config, encoder_config, save_bundle
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.encoder import ObservationEncoder
from sag_ros.policy.normaliser import Normaliser
from sag_ros.train.run.checkpoint import CheckpointError, load_checkpoint


def bundle_of(checkpoint: str | Path) -> PolicyBundle:
    """The averaged policy in a checkpoint of stage 2, in memory; provenance tells the iteration.

    Raises:
        CheckpointError: missing, unreadable, or not of stage 2.
    """
    content = load_checkpoint(checkpoint)
    try:
        extra, weights = content["extra"], content["ema"]["module"]
        contract = parse_contract(json.loads(extra["contract"]), Path(checkpoint))
        contract.provenance["iterations"] = content["iteration"]
        dpt = DPT(dpt_config(contract))
        dpt.load_state_dict(weights)
        encoder = ObservationEncoder(list(contract.cameras), encoder_config(contract))
        encoder.load_state_dict(extra["encoder"])
        normaliser = Normaliser(contract.state_dim, contract.action_dim)
        normaliser.load_state_dict(extra["normaliser"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{checkpoint} is not a checkpoint of the denoiser ({error}); give <out>/denoiser/checkpoint.pt"
        ) from error
    return PolicyBundle(contract, dpt, encoder, normaliser)


def export(checkpoint: str | Path, folder: str | Path) -> PolicyBundle:
    """Write ``bundle_of(checkpoint)`` to ``folder``; returns the saved bundle. A pruner there is removed:
    it belongs to other weights."""
    bundle = save_bundle(folder, bundle_of(checkpoint))
    print(f"policy of iteration {bundle.contract.provenance['iterations']} written to {folder}", flush=True)
    return bundle
