"""Sums over the programs of one launch, as Triton device functions: a barrier on a counter in global memory.

All programs have to be resident at once, which a cooperative launch guarantees.
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def wait_for_all(counter, target):
    """Return when ``counter`` (one int32, 0 before the launch) has been raised ``target`` times.

    What any program wrote before is visible behind it.
    """
    tl.debug_barrier()  # the stores of all threads come before this program is counted
    tl.atomic_add(counter, 1, sem="release", scope="gpu")
    while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < target:
        pass
    tl.debug_barrier()


@triton.jit
def sum_over_programs(
    share,
    partials,
    counter,
    program,
    sums,
    PARTS: tl.constexpr,
    SUMMED: tl.constexpr,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Sum of ``share`` (BT, d) over the first SUMMED of PARTS programs, alike to the bit in all of them;
    rows that do not count are 0.

    partials (2, PARTS, BT, d) is used in turns: who is still reading one half is at most one barrier behind,
    so the other half may be written. ``sums`` counts the sums of this launch before this one.
    """
    if PARTS == 1:
        return share
    tokens = tl.arange(0, BT)[:, None]
    tile = tokens * WIDTH + tl.arange(0, WIDTH)[None, :]
    real = tokens < TOKENS
    half = partials + (sums % 2) * (PARTS * BT * WIDTH)
    if program < SUMMED:
        tl.store(half + program * (BT * WIDTH) + tile, share, real, cache_modifier=".cg")
    wait_for_all(counter, (sums + 1) * PARTS)
    total = tl.load(half + tile, real, 0.0, cache_modifier=".cg")
    for other in tl.static_range(1, SUMMED):
        total += tl.load(half + other * (BT * WIDTH) + tile, real, 0.0, cache_modifier=".cg")
    return total
