"""Sizes of the kernel of engine ``persistent``: what it can run, and tiles that fit the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.savings.cross_attention import require_token_wise
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.contract import Contract, NetworkSpec

SMALLEST = 16  # rows or columns of a matrix product on tensor cores
MOST_PARTS = 8
LARGEST_TOKENS, LARGEST_WIDTH, LARGEST_MEMORY = 32, 256, 64
BESIDES = {2: 24 * 1024, 4: 40 * 1024}  # bytes of shared memory for all but weights, by bytes of a number
REMEDY = "use engine cuda_graph"


class Sizes(NamedTuple):
    """Compile-time constants of the kernel, by its names for them; see ``persistent.kernel.chunk``.

    Attributes:
        BT, AP: T' tokens and A actions, rounded up to what tensor cores multiply.
        MEMORY: memory tokens, rounded up to a power of two, with heads at least 16 rows.
        PARTS: programs that share the work; HEAD_PARTS: that share the heads.
        TILE: hidden columns that are multiplied at once.
        ATTENTION_STAGES, STAGES: of weights fetched ahead, per head and per tile.
        PRODUCTS: how float32 is multiplied, see ``blocks.product``.
    """

    TOKENS: int
    BT: int
    WIDTH: int
    HEADS: int
    LAYERS: int
    ACTIONS: int
    AP: int
    FRAMES: int
    MEMORY: int
    STEPS: int
    PER_TOKEN: bool
    PARTS: int
    HEAD_PARTS: int
    TILE: int
    ATTENTION_STAGES: int
    STAGES: int
    PRODUCTS: str


def require_runnable(contract: Contract, all_tokens: bool = False) -> None:
    """Raise ValueError for a policy that the kernel cannot run, with ``all_tokens`` or the executed ones."""
    network, memory = contract.transformer, 1 + contract.observation_steps
    require_token_wise(network.cond_layers)
    size = network.width // network.heads
    if network.width & (network.width - 1) or network.heads & (network.heads - 1):
        raise ValueError(
            f"engine persistent needs a width and a number of heads that are powers of two, the policy has "
            f"width {network.width} and {network.heads} heads; {REMEDY}"
        )
    _require("width", network.width, LARGEST_WIDTH)
    if size < SMALLEST:
        raise ValueError(
            f"engine persistent needs heads of at least {SMALLEST} columns, the policy has "
            f"{network.width} / {network.heads} = {size}; {REMEDY}"
        )
    _require("tokens to compute", tokens_of(contract, all_tokens), LARGEST_TOKENS)
    _require("actions", contract.action_dim, SMALLEST)
    _require("rows of memory (tokens times heads)", _power_of_two(memory) * network.heads, LARGEST_MEMORY)


def choose_parts(network: NetworkSpec, gpu: bool) -> int:
    """Programs that share a block where nobody says: the fastest of 1, 4 and 8 on the one GPU that was
    measured (``bench/gpu_notes.md``), if the policy divides by them; one under the interpreter."""
    heads = network.heads
    divides = heads & (heads - 1) == 0 and 4 * network.width % (MOST_PARTS * SMALLEST) == 0
    return MOST_PARTS if gpu and divides else 1


def choose_sizes(
    contract: Contract,
    table: CoefficientTable,
    precision: str,
    shared_memory: int | None,
    parts: int | None = None,
    tile: int | None = None,
    stages: int | None = None,
    all_tokens: bool = False,
) -> Sizes:
    """Sizes for ``contract``; None is for what suits the GPU.

    shared_memory: bytes that one program of the GPU may use; None for the interpreter.

    Raises:
        ValueError: parts or a tile that do not divide the work.
    """
    network, tokens = contract.transformer, tokens_of(contract, all_tokens)
    width, heads = network.width, network.heads
    item = 4 if precision == "f32" else 2
    room = (shared_memory or 100 * 1024) - BESIDES[item]
    if parts is None:
        parts = choose_parts(network, gpu=shared_memory is not None)
    if tile is None:
        tile = 64
        # Two projections of a tile, and one more of each on its way.
        while tile > SMALLEST and (4 * tile * width * item > room or 4 * width % (tile * parts)):
            tile //= 2
    if parts < 1 or parts & (parts - 1) or 4 * width % (tile * parts) or tile < SMALLEST or tile & (tile - 1):
        raise ValueError(
            f"{parts} parts with tiles of {tile} columns do not share {4 * width} hidden columns; parts must "
            f"be a power of two up to {4 * width // SMALLEST}, the tile one from {SMALLEST}"
        )
    head_bytes = 4 * width * (width // heads) * item
    memory = _power_of_two(1 + contract.observation_steps)
    return Sizes(
        TOKENS=tokens,
        BT=max(SMALLEST, _power_of_two(tokens)),
        WIDTH=width,
        HEADS=heads,
        LAYERS=network.layers,
        ACTIONS=contract.action_dim,
        AP=SMALLEST,
        FRAMES=contract.observation_steps,
        MEMORY=max(memory, SMALLEST // heads),
        STEPS=len(table),
        PER_TOKEN=table.per_token,
        PARTS=parts,
        HEAD_PARTS=min(parts, heads),
        TILE=tile,
        ATTENTION_STAGES=2 if head_bytes <= room else 1,
        STAGES=3 if stages is None else stages,
        PRODUCTS="tf32x3" if shared_memory else "widened",
    )


def _require(what: str, value: int, bound: int) -> None:
    if value > bound:
        raise ValueError(f"engine persistent runs at most {bound} {what}, the policy has {value}; {REMEDY}")


def _power_of_two(value: int) -> int:
    """The least one that is not smaller."""
    return 1 << (value - 1).bit_length()
