"""Compiles all parts of a policy for TensorRT on this GPU, ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from sag_ros.engines.gpu.device import DTYPES, cuda_obstacle
from sag_ros.engines.savings.cross_attention import require_token_wise
from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.tensorrt.build import build
from sag_ros.engines.tensorrt.export import export, make_parts
from sag_ros.engines.tensorrt.spec import ENGINE
from sag_ros.engines.tensorrt.store import Key, timing_cache

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


def missing() -> tuple[str, ...]:
    """What this machine lacks for engine ``tensorrt``: packages and a GPU; imports neither package."""
    return tuple(reason for reason in (ENGINE.missing(), cuda_obstacle()) if reason)


def compile_parts(
    bundle: PolicyBundle, key: Key, device: torch.device, compile_part: Callable[..., bytes] = build
) -> Iterator[tuple[str, bytes]]:
    """Compile one part after the other: its name and its engine, when it is done. Takes minutes in all.

    Args:
        key: says for how many tokens and in which precision.
        compile_part: see ``build.build``.

    Raises:
        TensorRtError: a part cannot be compiled.
        ValueError: conditioning that is not token-wise.
        ImportError: Torch-TensorRT or TensorRT is missing.
    """
    config = bundle.dpt.config
    require_token_wise(config.n_cond_layers)
    timings = timing_cache(key)
    for part in make_parts(fold(bundle.dpt), config, int(key.tokens), DTYPES[key.precision]):
        program = export(part, device)
        yield part.name, compile_part(part.name, program, part.signature, device, timings)
