"""Differentiable sparse rollout whose cost follows the density, for the training of the pruner.

The literal rule (``pruning.rollout``) with straight-through gates needs every block, computed or not:
the gradient of a gate is ``<dL/dh, d - tau>``, and a skipped block has no ``d``. Here a skipped block is
evaluated only for a random share ``explore`` of the (step, block) positions, without gradient of its own
(its gate is 0), and its gate's gradient is weighted with ``1 / explore``: unbiased, at about
``3 density + explore`` of the cost of one dense pass instead of four.

What a block leaves in the cache is part of what its gate is worth: at density .04 a residual is used dozens
of times before the next one of its type. So the gradient passes through the cache,
``tau <- g d + (1 - g) tau`` and ``h <- h + tau``, where the public code of test-time sparsity
(arXiv 2605.13316) detaches it. Detached, it had the wrong sign for many computed blocks, as finite
differences showed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sag_ros.policy.dpt import DPT
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.rollout import apply_row


def memory_tokens(dpt: DPT, table: CoefficientTable, obs: Tensor) -> tuple[Tensor, Tensor]:
    """Time tokens (n, 1, d) of all steps and observation tokens (B, To, d), each computed once.

    Raises:
        ValueError: the network has conditioning layers, whose tokens depend on each other.
    """
    if dpt.config.n_cond_layers:
        raise ValueError("the conditioning can be split only for n_cond_layers = 0 (a token-wise MLP)")
    steps = torch.tensor(table.timesteps.tolist())
    time = dpt.memory(steps, obs[:1].expand(len(steps), -1, -1))[:, :1]
    return time, dpt.memory(0, obs)[:, 1:]


def straight_through_rollout(
    dpt: DPT,
    table: CoefficientTable,
    obs: Tensor,
    gates: Tensor,
    noise: Tensor,
    explore: float = 0.15,
    slots: int = 3,
    through_cache: bool = True,
) -> Tensor:
    """Denoise under gates with the gradient described above.

    Args:
        obs: (B, To, D) observation features.
        gates: (B, n, 3L) straight-through gates: value 1 = compute or 0 = reuse, gradient of the soft gate.
            The first block of each cache slot must be computed.
        noise: (n + 1, B, T', A), T' <= T.
        explore: share of the skipped positions that receive a gradient, in [0, 1].
        slots: 3 = caches shared by block type, 3L = one per block.
        through_cache: whether the gradient knows that what is cached is used again.

    Returns:
        (B, T', A) normalised actions.
    """
    time, frames = memory_tokens(dpt, table, obs)
    drawn = torch.rand(gates.shape[1:]) < explore
    cache: list[Tensor] = [torch.empty(0)] * slots
    sample = noise[0]
    for k, row in enumerate(table.coefficients):
        memory = torch.cat((time[k].expand(len(obs), -1, -1), frames), dim=1)
        h = dpt.embed(sample)
        for b in range(dpt.config.blocks):
            slot = b % slots
            weight = 1.0 / explore if drawn[k, b] else 0.0
            h, cache[slot] = _block(dpt, h, memory, b, gates[:, k, b], cache[slot], weight)
            if not through_cache:
                cache[slot] = cache[slot].detach()
        sample = apply_row(row, table.clip, sample, dpt.readout(h), noise[k + 1])
    return sample


def _block(
    dpt: DPT, h: Tensor, memory: Tensor, index: int, gate: Tensor, tau: Tensor, weight: float
) -> tuple[Tensor, Tensor]:
    """One block under its gates (B,): the new (B, T', d) stream and cache."""
    computed = gate.detach() > 0.5
    if not tau.numel():
        residual = dpt.block(h, memory, index)
        return h + residual, residual
    everyone, nobody = bool(computed.all()), not bool(computed.any())
    if nobody and not weight:
        return h + tau, tau
    if everyone:
        used = fresh = dpt.block(h, memory, index)
    else:
        used = fresh = tau
        if not nobody:
            rows = computed.nonzero()[:, 0]
            used = fresh = tau.index_copy(0, rows, dpt.block(h[rows], memory[rows], index))
        if weight:
            rows = (~computed).nonzero()[:, 0]
            with torch.no_grad():
                skipped = dpt.block(h[rows], memory[rows], index)
            fresh = used.detach().index_copy(0, rows, skipped)
    if gate.requires_grad:
        scale = torch.where(computed, 1.0, weight)
        through = ((gate - gate.detach()) * scale)[:, None, None]
        used = used + through * (fresh - tau).detach()
    return h + used, used
