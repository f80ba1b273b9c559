"""The inner loop of ``packed_matmul``: vector code, generated for this CPU and compiled by LLVM.

Vectors are as wide as the CPU's, or as ``SAG_ROS_VECTOR_LANES`` = 8 or 16 asks (``cpu.vectors``). While one
line of the weights is used, those 4 KB ahead are fetched. All sums of a panel stay in registers, so the
number of rows is part of the code.

A row of x is one or several lines of numbers that lie ``skip`` apart: one in a product of matrices, one for
each line of the kernel in a convolution. Rows lie ``stride`` apart and may overlap.

Forms of a product: ``f32``; ``pairs`` of bfloat16, which the CPU has to multiply; ``widened``, weights that
lie in memory as bfloat16 and become float32 in registers, x and all arithmetic being float32; ``whole``
numbers of 16 bits, multiplied in pairs and added in 32 bits, which is exact: twice as many products per
instruction as with float32, on any CPU. There the last number of a row of x and the last line of a panel are
float32, by which the sum is multiplied.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir

from sag_ros.engines.cpu.assembly import FLOAT, FLOATS, INT, INTS, LONG, VECTOR, assemble, load, store
from sag_ros.engines.cpu.vectors import HAS, LANES

FETCH_AHEAD, CACHE_LINE = 4096, 64  # bytes
FORMATS = ("f32", "bf16", "int16")
FORMS = ("f32", "pairs", "widened", "whole")
# x, weights, bias, out; units in a line of x, width of out, units from one row of x to the next, lines, units
# from one line to the next
ARGUMENTS = [INTS, INTS, FLOATS, FLOATS, *[LONG] * 5]

# 32 registers of 16 numbers, or 16 of 8; two are needed for weights, one for a number of x.
MOST_ROWS = {16: 14, 8: 6}[LANES]


def available_forms() -> tuple[str, ...]:
    """Forms that this CPU computes in, with vectors of :data:`LANES` numbers."""
    pairs = LANES == 16 and "avx512bf16" in HAS
    # Without a list of features, the name of a CPU that has AVX2 was given.
    whole = "avx512bw" in HAS if LANES == 16 else "avx2" in HAS or not HAS
    without = {name for name, there in (("pairs", pairs), ("whole", whole)) if not there}
    return tuple(form for form in FORMS if form not in without)


def form_of(precision: str) -> str:
    """The form for weights in ``f32``, ``bf16`` (pairs where the CPU multiplies them) or ``int16``.

    Raises:
        ValueError: this CPU does not compute in it.
    """
    form = {"f32": "f32", "bf16": available_forms()[1], "int16": "whole"}[precision]
    if form not in available_forms():
        raise ValueError(f"precision {precision} needs AVX2, or AVX-512BW with vectors of 16: use bf16")
    return form


def quickest_precision() -> str:
    """What ``auto`` is: bf16 where the CPU multiplies it, else int16 where it has that, else bf16."""
    forms = available_forms()
    return "bf16" if "pairs" in forms or "whole" not in forms else "int16"


def address(rows: int, vectors: int, form: str) -> int:
    """Of compiled code with :data:`ARGUMENTS` for ``rows`` rows and panels of ``vectors`` vectors.

    Widened ones have two vectors.
    """
    return _compiled(rows, vectors, form)[0]


class _BFloat(ir.Type):
    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


@cache
def _compiled(rows: int, vectors: int, form: str) -> tuple[int, Any]:
    """Address of the code, and what keeps it in memory."""
    return assemble(ARGUMENTS, lambda b, arguments: _generate(b, arguments, rows, vectors, form))


def _widen(b: Any, both: Any, vector: ir.Type) -> list[Any]:
    """Two vectors of float32 from one of pairs: a bfloat16 is the upper half of a float32."""
    upper, kept = (ir.Constant(both.type, [value] * LANES) for value in (16, 0xFFFF0000))
    return [b.bitcast(b.shl(both, upper), vector), b.bitcast(b.and_(both, kept), vector)]


def _generate(b: Any, arguments: Any, rows: int, vectors: int, form: str) -> None:
    x, weights, bias, out, inner, width, stride, lines, skip = arguments
    half, widened, whole = (form == name for name in ("pairs", "widened", "whole"))
    if widened and vectors != 2:
        raise ValueError(f"a widened panel has 2 vectors, not {vectors}")
    number = INT if half or whole else FLOAT
    vector = ir.VectorType(number, LANES)
    sums = vector if whole else VECTOR
    pairs = ir.VectorType(ir.IntType(16) if whole else _BFloat(), 2 * LANES)
    units = LANES if widened else vectors * LANES  # of weights, for one of x

    def constant(value: int) -> Any:
        return ir.Constant(LONG, value)

    if whole:
        name = "llvm.x86.avx2.pmadd.wd" if LANES == 8 else "llvm.x86.avx512.pmaddw.d.512"
    else:
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * LANES}" if half else f"llvm.fma.v{LANES}f32"
    takes = [pairs, pairs] if whole else [sums, pairs, pairs] if half else [sums, sums, sums]
    instruction = b.module.declare_intrinsic(name, fnty=ir.FunctionType(sums, takes))
    byte = ir.IntType(8).as_pointer()
    fetch = b.module.declare_intrinsic(
        "llvm.prefetch.p0", fnty=ir.FunctionType(ir.VoidType(), [byte, INT, INT, INT])
    )

    added = [load(b, b.gep(bias, [constant(v * LANES)]), VECTOR) for v in range(vectors)]
    first = [ir.Constant(sums, [0] * LANES)] * vectors if whole else added
    numbers = b.sub(inner, constant(1)) if whole else inner  # behind them is the scale
    entry, line_begin, loop, line_end, end = (
        b.block,
        *(b.append_basic_block(name) for name in ("line", "inner", "next", "store")),
    )
    b.branch(line_begin)
    b.position_at_end(line_begin)
    line, passed = b.phi(LONG), b.phi(LONG)  # number of the line, units of weights before it
    before = [b.phi(sums) for _ in range(rows * vectors)]
    for value in (line, passed):
        value.add_incoming(constant(0), entry)
    for place, total in enumerate(before):
        total.add_incoming(first[place % vectors], entry)
    start = b.gep(x, [b.mul(line, skip)])
    x_rows = [b.gep(start, [b.mul(constant(r), stride)]) for r in range(rows)]
    panel = b.gep(weights, [b.mul(passed, constant(units))])
    b.branch(loop)
    b.position_at_end(loop)
    index = b.phi(LONG)
    index.add_incoming(constant(0), line_begin)
    totals = [b.phi(sums) for _ in range(rows * vectors)]
    for total, value in zip(totals, before, strict=True):
        total.add_incoming(value, line_begin)
    offset = b.mul(index, constant(units))
    factors = []
    for v in range(units // LANES):
        pointer = b.gep(panel, [b.add(offset, constant(v * LANES))])
        if widened:
            factors += _widen(b, load(b, pointer, ir.VectorType(INT, LANES)), vector)
        else:
            factors.append(load(b, pointer, vector))
        if 4 * LANES * v % CACHE_LINE == 0:
            ahead = b.gep(b.bitcast(pointer, byte), [constant(FETCH_AHEAD)])
            b.call(fetch, [ahead, ir.Constant(INT, 0), ir.Constant(INT, 3), ir.Constant(INT, 1)])
    results = []
    for r in range(rows):
        value = _broadcast(b, load(b, b.gep(x_rows[r], [index]), number))
        for v in range(vectors):
            total = totals[r * vectors + v]
            if whole:
                product = b.call(instruction, [b.bitcast(value, pairs), b.bitcast(factors[v], pairs)])
                results.append(b.add(total, product))
                continue
            if half:
                operands = [total, b.bitcast(value, pairs), b.bitcast(factors[v], pairs)]
            else:
                operands = [value, factors[v], total]
            results.append(b.call(instruction, operands))
    following = b.add(index, constant(1))
    index.add_incoming(following, b.block)
    for total, result in zip(totals, results, strict=True):
        total.add_incoming(result, b.block)
    b.cbranch(b.icmp_signed("<", following, numbers), loop, line_end)
    b.position_at_end(line_end)
    for value, following in ((line, b.add(line, constant(1))), (passed, b.add(passed, inner))):
        value.add_incoming(following, b.block)
    for total, result in zip(before, results, strict=True):
        total.add_incoming(result, b.block)
    b.cbranch(b.icmp_signed("<", b.add(line, constant(1)), lines), line_begin, end)
    b.position_at_end(end)
    if whole:
        behind = b.gep(panel, [b.mul(numbers, constant(units))])
        scales = [load(b, b.gep(behind, [constant(v * LANES)]), VECTOR) for v in range(vectors)]
    for r in range(rows):
        for v in range(vectors):
            result = results[r * vectors + v]
            if whole:
                scale = b.fmul(_broadcast(b, load(b, b.gep(x_rows[r], [numbers]), FLOAT)), scales[v])
                result = b.fadd(b.fmul(b.sitofp(result, VECTOR), scale), added[v])
            pointer = b.gep(out, [b.add(b.mul(constant(r), width), constant(v * LANES))])
            store(b, result, pointer)
    b.ret_void()


def _broadcast(b: Any, value: Any) -> Any:
    """A vector of one number."""
    vector = ir.VectorType(value.type, LANES)
    undefined, zeros = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(INT, LANES), [0] * LANES)
    return b.shuffle_vector(b.insert_element(undefined, value, ir.Constant(INT, 0)), undefined, zeros)
