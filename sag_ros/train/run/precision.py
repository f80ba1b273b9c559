"""In which numbers a training step computes."""

from __future__ import annotations

import torch


def multiplies_bf16() -> bool:
    """Whether this CPU has instructions for products of bfloat16.

    Without them torch emulates each product: on an AVX2 machine an iteration took eight times as long as in
    float32.
    """
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def autocast(bf16: bool | None) -> torch.autocast:
    """A context for the forward pass: bfloat16 if True, float32 if False, None: what this CPU is quick in."""
    return torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bf16() if bf16 is None else bf16)
