"""The network's parts as programs of static shape, each to be compiled into an engine of its own.

A part has float32 inputs and one float32 output; in which format it multiplies is its own affair. T' tokens,
d width, H heads, S memory tokens, A action dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.export import ExportedProgram

from sag_ros.engines.gpu.blocks import CrossAttention, FeedForward, Head, SelfAttention
from sag_ros.engines.savings.folded_weights import FoldedWeights
from sag_ros.policy.dpt import DPTConfig

HEAD = "head"
KINDS = ("self_attention", "cross_attention", "feed_forward")  # in the order of a layer's blocks


@dataclass(frozen=True)
class Signature:
    """Shapes of a part's inputs, by name and in order, and of its output."""

    inputs: Mapping[str, tuple[int, ...]]
    output: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """One part: its name (``layer3.feed_forward``, ``head``), what computes it, and between which shapes."""

    name: str
    module: nn.Module
    signature: Signature


def part_name(layer: int, kind: str) -> str:
    """Name of the part of ``layer`` that is one of ``KINDS``."""
    return f"layer{layer}.{kind}"


def signatures(config: DPTConfig, tokens: int) -> dict[str, Signature]:
    """What goes in and out of each part of a policy, 3L blocks and the head; ``tokens`` is T'."""
    stream = tokens, config.width
    memory = config.memory_tokens, config.heads, config.width
    alone = Signature({"h": stream}, stream)
    crossed = {"h": stream, "a": memory, "bias": (tokens, *memory[:2]), "b": memory}
    found = {
        part_name(layer, kind): Signature(crossed, stream) if kind == "cross_attention" else alone
        for layer in range(config.layers)
        for kind in KINDS
    }
    return {**found, HEAD: Signature({"h": stream}, (tokens, config.action_dim))}


def make_parts(weights: FoldedWeights, config: DPTConfig, tokens: int, dtype: torch.dtype) -> list[Part]:
    """All parts, in the order of ``signatures``; self-attention and feed-forward multiply in ``dtype``."""
    modules: list[nn.Module] = []
    for layer in weights.layers:
        modules.append(SelfAttention(layer.self_attention, config.heads, tokens, dtype, explicit=True))
        modules.append(CrossAttention())
        modules.append(FeedForward(layer.feed_forward, dtype))
    modules.append(Head(weights.readout))
    return [
        Part(name, module, signature)
        for module, (name, signature) in zip(modules, signatures(config, tokens).items(), strict=True)
    ]


def export(part: Part, device: torch.device) -> ExportedProgram:
    """The program of ``part`` with its weights on ``device``."""
    examples = tuple(torch.zeros(shape, device=device) for shape in part.signature.inputs.values())
    with torch.no_grad():
        return torch.export.export(part.module.eval().to(device), examples, strict=False)
