"""Safetensors files: read as fp32, check against expected shapes, write atomically. Nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sag_ros.policy.contract_file import MISSING, BundleError, InWords, require_inside

RESTORE = "Export the policy again, or restore the file that belongs to this policy.yaml."


@dataclass(frozen=True, eq=False)
class Weights:
    """Content of one weights file: fp32 tensors, SHA-256 of the file (hexadecimal), its metadata."""

    tensors: dict[str, Tensor]
    sha256: str
    metadata: Mapping[str, str]


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Key -> shape."""
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def read_weights(file: Path) -> Weights:
    """Read ``file``. Raises BundleError when missing, damaged, or not all floating-point."""
    require_inside(file)
    try:
        content = file.read_bytes()
        tensors = load(content)
    except FileNotFoundError:
        raise BundleError(file, "", MISSING, "a safetensors file", RESTORE) from None
    except (OSError, SafetensorError, ValueError) as error:
        raise BundleError(
            file, "", InWords(f"unreadable ({error})"), "a complete safetensors file", RESTORE
        ) from error
    for key, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise BundleError(file, key, InWords(tensor.dtype), "a floating-point tensor", RESTORE)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    single = {key: tensor.float() for key, tensor in tensors.items()}
    return Weights(single, hashlib.sha256(content).hexdigest(), header.get("__metadata__", {}))


def serialise(tensors: Mapping[str, Tensor], single: str | None = None, **metadata: str) -> tuple[bytes, str]:
    """File content and its SHA-256: fp16, but fp32 for keys starting with ``single``.

    At most one metadata entry keeps the content, and so the hash, reproducible.
    """

    def stored(key: str) -> torch.dtype:
        return torch.float32 if single is not None and key.startswith(single) else torch.float16

    content = save({k: v.detach().to("cpu", stored(k)).contiguous() for k, v in tensors.items()}, metadata)
    return content, hashlib.sha256(content).hexdigest()


def check_shapes(file: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse missing, extra and wrongly shaped tensors with BundleError."""
    for key in sorted(expected.keys() - tensors.keys()):
        raise BundleError(file, key, MISSING, f"a tensor of shape {expected[key]}", RESTORE)
    for key, shape in sorted(shapes(tensors).items()):
        if expected.get(key) != shape:
            allowed = f"shape {expected[key]}" if key in expected else "only the tensors of this contract"
            raise BundleError(file, key, InWords(f"a tensor of shape {shape}"), allowed, RESTORE)


def check_finite(
    file: Path, tensors: Mapping[str, Tensor], limit: float = torch.finfo(torch.float16).max
) -> None:
    """Refuse values that are not finite, or that fp16 cannot hold, with BundleError."""
    for key, tensor in tensors.items():
        largest = float(tensor.abs().max()) if tensor.numel() else 0.0
        if not largest <= limit:  # also true for NaN
            raise BundleError(
                file, key, InWords(f"a magnitude of {largest}"), f"finite values up to {limit:g}", RESTORE
            )


def replace_file(file: Path, content: bytes) -> None:
    """Write ``content`` so that a reader sees either the old or the new file."""
    handle, name = tempfile.mkstemp(prefix=file.name + ".", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(name, 0o644)  # mkstemp makes it private
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
