"""A policy on disk: a folder with ``policy.yaml``, ``policy.safetensors`` and ``pruner.safetensors``.

Weights are fp16 on disk and fp32 in memory; the normaliser is fp32 on disk too, because fp16 would cost
half a milliradian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sag_ros.policy.contract import Contract
from sag_ros.policy.contract_file import (
    CONTRACT_FILE,
    BundleError,
    InWords,
    contract_text,
    parse_contract,
    read_contract,
)
from sag_ros.policy.dpt import DPT, DPTConfig
from sag_ros.policy.encoder import EncoderConfig, ObservationEncoder
from sag_ros.policy.normaliser import Normaliser
from sag_ros.policy.resnet import ResNetConfig
from sag_ros.policy.unet import UNet, UNetConfig
from sag_ros.policy.weights_file import (
    RESTORE,
    check_finite,
    check_shapes,
    read_weights,
    replace_file,
    serialise,
    shapes,
)

POLICY_FILE = "policy.safetensors"
PRUNER_FILE = "pruner.safetensors"
PREFIXES = ("model.", "obs_encoder.", "normalizer.")
MASKS = ("model.mask", "model.memory_mask")
OWNER = "policy_sha256"  # metadata of the pruner file: the policy file it was trained for


@dataclass(frozen=True, eq=False)
class PolicyBundle:
    """A policy in memory.

    Attributes:
        contract: sizes and meanings.
        denoiser, encoder, normaliser: fp32 modules.
        pruner_state: state dict of the pruner, fp32; None without one. The network is built in pruning.
        weights_hash: SHA-256 over the weight files, hexadecimal; empty when never saved.
        policy_hash: SHA-256 of the policy file alone: what schedules and pruners belong to.
        folder: where the bundle lies on disk, for what is read only when it is asked for; None in memory.
    """

    contract: Contract
    denoiser: DPT | UNet
    encoder: ObservationEncoder
    normaliser: Normaliser
    pruner_state: Mapping[str, Tensor] | None = None
    weights_hash: str = ""
    policy_hash: str = ""
    folder: Path | None = None

    def freeze(self) -> PolicyBundle:
        """Put the modules into evaluation mode and their parameters out of reach of gradients; self."""
        for module in (self.denoiser, self.encoder, self.normaliser):
            module.eval().requires_grad_(False)
        return self

    @property
    def dpt(self) -> DPT:
        """The denoiser of a transformer policy; raises ValueError for a U-Net."""
        if not isinstance(self.denoiser, DPT):
            raise ValueError("this needs transformer blocks; the policy's denoiser is a U-Net")
        return self.denoiser


def dpt_config(contract: Contract, p_drop_emb: float = 0.0, p_drop_attn: float = 0.0) -> DPTConfig:
    """Sizes of the contract's DP-T."""
    return DPTConfig(
        action_dim=contract.action_dim,
        obs_dim=contract.obs_dim,
        horizon=contract.horizon,
        obs_steps=contract.observation_steps,
        layers=contract.transformer.layers,
        heads=contract.transformer.heads,
        width=contract.transformer.width,
        n_cond_layers=contract.transformer.cond_layers,
        p_drop_emb=p_drop_emb,
        p_drop_attn=p_drop_attn,
    )


def unet_config(contract: Contract) -> UNetConfig | None:
    """Sizes of the contract's U-Net; None for a transformer."""
    size = contract.unet
    if size is None:
        return None
    return UNetConfig(
        contract.action_dim, contract.obs_dim, contract.horizon, contract.observation_steps,
        tuple(size.down_dims), size.kernel_size, size.groups, size.step_dim, size.film_scale,
    )  # fmt: skip


def encoder_config(contract: Contract) -> EncoderConfig:
    """Sizes of the contract's observation encoder."""
    size = contract.encoder
    if size is None:
        return EncoderConfig()  # of no camera
    resnet, own = size.resnet18, None
    if resnet is not None:
        crop = None if resnet.crop is None else (resnet.crop[0], resnet.crop[1])
        others = tuple((name, _colours(one.mean), _colours(one.std)) for name, one in resnet.cameras.items())
        mean, std = _colours(resnet.mean), _colours(resnet.std)
        own = ResNetConfig(resnet.norm, crop, mean, std, resnet.relu, others)
    return EncoderConfig(size.width, size.keypoints, size.features, own)


def _colours(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue


def empty_modules(contract: Contract) -> tuple[DPT | UNet, ObservationEncoder, Normaliser]:
    """The contract's modules without memory (meta tensors): instant, to be given tensors afterwards."""
    unet = unet_config(contract)
    with torch.device("meta"):
        return (
            DPT(dpt_config(contract)) if unet is None else UNet(unet),
            ObservationEncoder(list(contract.cameras), encoder_config(contract)),
            Normaliser(contract.state_dim, contract.action_dim),
        )


def load_bundle(folder: str | Path) -> PolicyBundle:
    """Read and check a bundle; its modules are frozen.

    Raises:
        BundleError: a missing, damaged or inconsistent file; the message names file, key, value and remedy.
    """
    folder = Path(folder)
    contract = read_contract(folder / CONTRACT_FILE)
    file = folder / POLICY_FILE
    weights = read_weights(file)
    modules = _checked_modules(folder, contract, weights.tensors)
    for prefix, module in zip(PREFIXES, modules, strict=True):
        own = {k.removeprefix(prefix): v for k, v in weights.tensors.items() if k.startswith(prefix)}
        module.load_state_dict(own, assign=True)
    pruner_state, pruner_digest = _load_pruner(folder / PRUNER_FILE, contract, weights.sha256)
    digest = _combine(weights.sha256, pruner_digest)
    return PolicyBundle(contract, *modules, pruner_state, digest, weights.sha256, folder).freeze()


def save_bundle(folder: str | Path, bundle: PolicyBundle, half: bool = True) -> PolicyBundle:
    """Write a bundle; returns it with its new ``weights_hash``. Each file is replaced atomically.

    Args:
        folder: of the bundle; made if it is not there.
        bundle: what to write.
        half: weights in fp16, which takes half of the space; else as they are, fp32.

    Raises:
        BundleError: the modules do not have the contract's sizes, hold values fp16 cannot, or the
            contract and ``pruner_state`` disagree on whether there is a pruner.
    """
    folder = Path(folder)
    contract = parse_contract(bundle.contract.model_dump(), folder / CONTRACT_FILE)
    text = contract_text(contract)
    tensors = _flatten((bundle.denoiser, bundle.encoder, bundle.normaliser))
    _checked_modules(folder, contract, tensors)
    policy, digest = serialise(tensors, single="normalizer." if half else "", format=contract.format)
    if (contract.pruner is None) != (bundle.pruner_state is None):
        found, allowed = ("null", "the pruner's sizes") if contract.pruner is None else ("given", "null")
        remedy = "Set the contract's pruner together with pruner_state."
        raise BundleError(
            folder / CONTRACT_FILE, "pruner", InWords(found), f"{allowed}, to agree with pruner_state", remedy
        )
    pruner, pruner_digest = None, ""
    if bundle.pruner_state is not None:
        check_finite(folder / PRUNER_FILE, bundle.pruner_state)
        pruner, pruner_digest = serialise(bundle.pruner_state, **{OWNER: digest})

    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / POLICY_FILE, policy)
    if pruner is None:
        (folder / PRUNER_FILE).unlink(missing_ok=True)
    else:
        replace_file(folder / PRUNER_FILE, pruner)
    replace_file(folder / CONTRACT_FILE, text.encode())
    combined = _combine(digest, pruner_digest)
    return replace(bundle, weights_hash=combined, policy_hash=digest, folder=folder)


def _load_pruner(
    file: Path, contract: Contract, policy_digest: str
) -> tuple[Mapping[str, Tensor] | None, str]:
    if contract.pruner is None:
        if file.exists():
            remedy = f"Describe the pruner, or remove {PRUNER_FILE}."
            raise BundleError(file.parent / CONTRACT_FILE, "pruner", None, "the pruner's sizes", remedy)
        return None, ""
    weights = read_weights(file)
    check_finite(file, weights.tensors)
    owner = weights.metadata.get(OWNER, policy_digest)
    if owner != policy_digest:
        remedy = f"This pruner was saved with another {POLICY_FILE}; train it for this policy."
        raise BundleError(file, OWNER, owner, policy_digest, remedy)
    return weights.tensors, weights.sha256


def _checked_modules(
    folder: Path, contract: Contract, tensors: Mapping[str, Tensor]
) -> tuple[DPT | UNet, ObservationEncoder, Normaliser]:
    """Empty modules for ``tensors``, once they are known to fit."""
    file = folder / POLICY_FILE
    try:
        modules = empty_modules(contract)
    except KeyError as error:  # torch refuses the names of its own attributes, such as "keys"
        remedy = f"Rename the camera: {error.args[0]}."
        raise BundleError(
            folder / CONTRACT_FILE, "cameras", list(contract.cameras), "other names", remedy
        ) from error
    check_shapes(file, tensors, shapes(_flatten(modules)))
    check_finite(file, {k: v for k, v in tensors.items() if k not in MASKS})
    for key, ahead in zip(MASKS, (0, 1), strict=True):  # engines rely on exactly these masks
        if contract.network is None:
            break
        if not torch.equal(tensors[key], torch.full_like(tensors[key], -torch.inf).triu(ahead + 1)):
            raise BundleError(file, key, InWords("another pattern"), "the causal pattern of DP-T", RESTORE)
    for key in (k for k in tensors if k.startswith("normalizer.") and k.endswith(".scale")):
        if bool((tensors[key] == 0).any()):
            raise BundleError(file, key, tensors[key].tolist(), "scales other than 0", RESTORE)
    return modules


def _flatten(modules: Sequence[nn.Module]) -> dict[str, Tensor]:
    states = zip(PREFIXES, (module.state_dict() for module in modules), strict=True)
    return {prefix + key: tensor for prefix, state in states for key, tensor in state.items()}


def _combine(digest: str, pruner_digest: str) -> str:
    return hashlib.sha256((digest + pruner_digest).encode()).hexdigest()
