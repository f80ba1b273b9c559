"""For what engines are compiled: this policy, on this GPU, with these libraries."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sag_ros.engines.tensorrt.store import Key

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

# What an engine computes, and how it was asked for, is written in these files.
SOURCES = ("savings/folded_weights.py", "gpu/blocks.py", "tensorrt/export.py", "tensorrt/build.py")


def engine_key(bundle: PolicyBundle, tokens: int, precision: str, device: torch.device, library: Any) -> Key:
    """The key of ``bundle``'s engines for T' = ``tokens``; ``library`` is the module tensorrt.

    Raises:
        ValueError: a policy without a hash: it was never saved.
    """
    if not bundle.policy_hash:
        raise ValueError(
            "this policy was never saved, so that compiled engines could not be told apart; save it"
        )
    sizes = asdict(bundle.dpt.config)
    return Key(
        policy=bundle.policy_hash,
        network=", ".join(
            f"{name} {value}" for name, value in sizes.items() if not name.startswith("p_drop")
        ),
        tokens=str(tokens),
        precision=precision,
        gpu=_gpu(device),
        tensorrt=str(library.__version__),
        torch_tensorrt=_version("torch_tensorrt"),
        torch=torch.__version__,
        code=_code(),
    )


def _gpu(device: torch.device) -> str:
    if device.type != "cuda":
        return device.type
    major, minor = torch.cuda.get_device_capability(device)
    return f"{torch.cuda.get_device_name(device)} ({major}.{minor})"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _code() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((Path(__file__).parents[1] / name).read_bytes())
    return digest.hexdigest()[:16]
