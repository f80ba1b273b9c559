"""Launches of a chunk as the kernel of engine ``persistent`` reads them: 32-bit words, one array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.gpu.launches import Kind, Launches
from sag_ros.values import frozen

HEAD = 8  # words: kind, layer, slot, step, stop, first far entry, behind the last, repeats (float32)
ENTRY = 2  # words: slot, weight (float32)
NEAR = 4  # entries in the record itself; the others are far
RECORD = HEAD + NEAR * ENTRY
BLOCK_KINDS = 3


@dataclass(frozen=True)
class Program:
    """Words of one chunk.

    Attributes:
        count: N, its records.
        words: (N * RECORD + far entries,) int32, read-only: N records, then far entries.
        crosses: there is a cross-attention among them.
    """

    count: int
    words: NDArray[np.int32]
    crosses: bool


def make_program(launches: Launches, first: int, stop: int) -> Program:
    """The launches of steps ``first`` ... ``stop - 1``.

    A record's ``repeats`` is how often the last residual is added, which is still at hand; its entries say
    which cached residuals are added besides, and how often. Near entries of weight 0 say nothing; far ones
    are padded to a multiple of NEAR for each record.
    """
    chosen = (launches.step >= first) & (launches.step < stop)
    kind, weights = launches.kind[chosen], launches.weights[chosen]
    slot, count = launches.slot[chosen], len(kind)
    index = np.arange(count)
    blocks = np.where(kind < BLOCK_KINDS, index, -1)
    before = np.maximum.accumulate(np.append(-1, blocks))[:-1]  # the block in front of each, -1: none
    last = np.maximum(slot[before], 0)
    repeats = np.where(before >= 0, weights[index, last], np.float32(0.0))
    weights[index, last] *= before < 0
    row, of_slot = np.nonzero(weights)
    entries = np.bincount(row, minlength=count)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(entries) - entries, entries)
    far = -(-np.maximum(entries - NEAR, 0) // NEAR) * NEAR
    behind = np.cumsum(far)
    out = np.zeros(count * RECORD + int(behind[-1:].sum()) * ENTRY, np.int32)

    records = out[: count * RECORD].reshape(count, RECORD)
    columns = kind, launches.layer[chosen], slot, launches.step[chosen], launches.stop[chosen]
    for place, column in enumerate((*columns, behind - far, behind)):
        records[:, place] = column
    np.minimum(records[:, 4], stop, out=records[:, 4])
    records.view(np.float32)[:, 7] = repeats
    # Where each entry lies: in its record, or behind all records.
    is_near = rank < NEAR
    near = row * RECORD + HEAD + rank * ENTRY
    distant = count * RECORD + (behind[row] - far[row] + rank - NEAR) * ENTRY
    at = np.where(is_near, near, distant)
    out[at] = of_slot
    out.view(np.float32)[at + 1] = weights[row, of_slot]
    return Program(count, frozen(out), bool((kind == Kind.CROSS_ATTENTION).any()))


def largest_program(steps: int, blocks: int) -> int:
    """Words that no plan of ``steps`` steps of ``blocks`` blocks exceeds, whatever its reuse rule."""
    launches = steps * (blocks + 1)
    return launches * (RECORD + ENTRY * (blocks + NEAR)) + RECORD  # the kernel reads a record ahead
