"""One call executes a whole plan: no interpreter between blocks, its lock is free for a chunk's duration.

Shapes: T' tokens, d width, L layers, H heads, n steps, S = 1 + To memory tokens.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.cpu import kernels
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.blocks import (
    BlockBuffers,
    LayerWeights,
    cross_attention,
    feed_forward,
    self_attention,
)
from sag_ros.engines.native.memory_tokens import (
    Memory,
    MemoryWeights,
    embed_frames,
    hide_frames,
    project_memory,
    stack_rows,
    take_row,
)
from sag_ros.engines.native.packed_matmul import Float32, Tile
from sag_ros.engines.savings import step_tail
from sag_ros.engines.savings.folded_weights import NORM_EPSILON
from sag_ros.engines.savings.step_tail import TailArrays
from sag_ros.engines.savings.switches import Savings
from sag_ros.pruning.plan import Op

# Plain numbers: compiled code does not know enumerations.
ADD_RUN, STEP_END = int(Op.ADD_RUN), int(Op.STEP_END)


class Program(NamedTuple):
    """A plan as compiled code reads it.

    Attributes:
        kind, argument: see ``Plan``.
        runs: (R, slots), how often each cached residual is added.
        resumes: (n,), for each step the next one, from it on, that computes anything; n when there is none.
        layers: (L,), whether cross-attention is ever computed.
        first: step that ``kind`` begins with.
    """

    kind: NDArray[np.int8]
    argument: NDArray[np.int32]
    runs: Float32
    resumes: NDArray[np.int64]
    layers: NDArray[np.bool_]
    first: int


class TimeTable(NamedTuple):
    """The time tokens' part of cross-attention: folded A (n, L, H, d), bias (n, L, H), B (n, L, H, d), and
    key and value (n, L, d)."""

    a: Float32
    bias: Float32
    b: Float32
    key: Float32
    value: Float32


class Tiles(NamedTuple):
    """For action tokens, frames, the time token."""

    tokens: Tile
    frames: Tile
    time: Tile


class Network(NamedTuple):
    """What does not change from chunk to chunk."""

    layers: LayerWeights
    memory: MemoryWeights
    table: TimeTable
    savings: Savings


class State(NamedTuple):
    """What a chunk writes.

    Attributes:
        h: (T', d) stream.
        cache: (slots or more, T', d).
        features: (rows of frames, D') of the observation.
        frames, time: memory tokens. time_now: ``time`` seen as a table of one step. visible: (L, T', To, H),
            the frames' score offsets.
        key, value: (S, d), for cross-attention that is not folded.
    """

    h: Float32
    cache: Float32
    blocks: BlockBuffers
    features: Float32
    frames: Memory
    time: Memory
    time_now: TimeTable
    visible: Float32
    key: Float32
    value: Float32
    tail: TailArrays


@kernel
def denoise(tiles: Tiles, program: Program, network: Network, state: State, trace: Float32) -> None:
    """Execute ``program`` on the sample in ``state.tail.x`` (T', A).

    trace (n + 1, T', A): row i + 1 is given the sample after step i, which takes a network without idle
    steps; none when empty.
    """
    tail, cache, savings = state.tail, state.cache, network.savings
    folded = savings.folded_cross_attention
    slots, heads = program.runs.shape[1], network.table.a.shape[2]
    h = state.h[: tail.x.shape[0]]
    nothing = np.zeros(slots, np.float32)
    # Not literals: the compiler would make one more version of everything that takes them.
    none: Any = np.int64(-1)
    step: Any = np.int64(program.first)
    place: Any = np.int64(0)
    run = pending = none  # run and computed slot not yet added to the stream
    embedded = False  # whether h holds this step's stream
    framed = timed = none  # steps for which the two parts of the memory are ready
    while place < len(program.kind):
        kind, argument = program.kind[place], program.argument[place]
        place += 1
        if kind == ADD_RUN:
            run = argument
            continue
        if not embedded:
            if kind == STEP_END and savings.idle_steps:
                # Nothing is computed until step `end`, so all these runs are alike.
                end = program.resumes[step]
                step_tail.skip(tail, step, end, program.runs[run], cache)
                place += 2 * (end - step - 1)  # ADD_RUN and STEP_END each
                step, run = end, none
                continue
            step_tail.embed(tail, h)
            embedded = True
        if run >= 0 or pending >= 0:
            weights = program.runs[run] if run >= 0 else nothing
            if savings.collapsed_runs:
                kernels.add_cached(weights, pending, cache, h)
            else:
                kernels.add_one_by_one(weights, pending, cache, h)
        run = pending = none
        if kind == STEP_END:
            step_tail.finish(tail, step, h)
            step, embedded = step + 1, False
            if len(trace):
                for t in range(tail.x.shape[0]):
                    for i in range(tail.x.shape[1]):
                        trace[step, t, i] = tail.x[t, i]
            continue
        layer, pending = argument // 3, argument % slots
        if argument % 3 == 0:
            self_attention(
                tiles.tokens, state.h, layer, len(h), heads, network.layers, state.blocks, cache[pending]
            )
        elif argument % 3 == 2:
            feed_forward(tiles.tokens, state.h, layer, network.layers, state.blocks, cache[pending])
        else:
            if framed < 0 or (not savings.observation_once and framed != step):
                embed_frames(tiles.frames, state.features, network.memory, state.frames)
                project_memory(tiles.frames, network.memory, program.layers, folded, state.frames)
                hide_frames(program.layers, state.frames.bias, state.visible)
                framed = step
            time, row = network.table, step
            if not savings.time_table:
                time, row = state.time_now, none + 1
                if timed != step:
                    take_row(network.memory.time_tokens, step, state.time.tokens)
                    project_memory(tiles.time, network.memory, program.layers, folded, state.time)
                    timed = step
            frames, out = state.frames, cache[pending]
            count = state.visible.shape[2]
            if folded:
                now = time.a[row, layer], time.bias[row, layer], time.b[row, layer]
                seen = frames.a[layer, :count], state.visible[layer], frames.b[layer, :count]
                kernels.cross_attention(h, now, seen, NORM_EPSILON, out)
            else:
                stack_rows(time.key[row, layer], frames.key[layer], state.key)
                stack_rows(time.value[row, layer], frames.value[layer], state.value)
                w = network.memory
                weights = (
                    w.whole_query[layer],
                    w.whole_query_bias[layer],
                    w.whole_out[layer],
                    w.whole_out_bias[layer],
                )
                cross_attention(
                    tiles.tokens, state.h, len(h), heads, weights, (state.key, state.value), state.blocks, out
                )
