"""The inner loop of ``packed_matmul``: vector code, generated for this CPU and compiled by LLVM.

Vectors are as wide as the CPU's, or as ``SAG_ROS_VECTOR_LANES`` = 8 or 16 asks (``cpu.vectors``). While one
line of the weights is used, those 4 KB ahead are fetched. All sums of a panel stay in registers, so the
number of rows is part of the code.

Forms of a product: ``f32``; ``pairs`` of bfloat16, which the CPU has to multiply; ``widened``, weights that
lie in memory as bfloat16 and become float32 in registers, x and all arithmetic being float32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding
from llvmlite import ir

from sag_ros.engines.cpu.vectors import CPU_FEATURES, CPU_NAME, HAS, LANES

FETCH_AHEAD = 4096  # bytes
FORMATS = ("f32", "bf16")
FORMS = ("f32", "pairs", "widened")
_INT, _LONG, _FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
# x, weights, bias, out, inner units, width of out
SIGNATURE = ir.FunctionType(
    ir.VoidType(), [*[_INT.as_pointer()] * 2, *[_FLOAT.as_pointer()] * 2, _LONG, _LONG]
)


# 32 registers of 16 numbers, or 16 of 8; two are needed for weights, one for a number of x.
MOST_ROWS = {16: 14, 8: 6}[LANES]


def available_forms() -> tuple[str, ...]:
    """Forms that this CPU computes in, with vectors of :data:`LANES` numbers."""
    return FORMS if "avx512bf16" in HAS and LANES == 16 else ("f32", "widened")


def form_of(precision: str) -> str:
    """The form for weights in ``f32`` or ``bf16``: pairs where the CPU multiplies them."""
    return "f32" if precision == "f32" else available_forms()[1]


def address(rows: int, vectors: int, form: str) -> int:
    """Of compiled code with :data:`SIGNATURE` for ``rows`` rows and panels of ``vectors`` vectors.

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
    module = ir.Module("panel")
    function = ir.Function(module, SIGNATURE, "panel")
    _generate(ir.IRBuilder(function.append_basic_block()), function.args, rows, vectors, form)
    llvm = llvmlite.binding
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=CPU_NAME, features=CPU_FEATURES, opt=3, jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), machine)
    engine.finalize_object()
    return engine.get_function_address("panel"), engine


def _widen(b: Any, both: Any, vector: ir.Type) -> list[Any]:
    """Two vectors of float32 from one of pairs: a bfloat16 is the upper half of a float32."""
    upper, kept = (ir.Constant(both.type, [value] * LANES) for value in (16, 0xFFFF0000))
    return [b.bitcast(b.shl(both, upper), vector), b.bitcast(b.and_(both, kept), vector)]


def _generate(b: Any, arguments: Any, rows: int, vectors: int, form: str) -> None:
    x, weights, bias, out, inner, width = arguments
    half, widened = form == "pairs", form == "widened"
    if widened and vectors != 2:
        raise ValueError(f"a widened panel has 2 vectors, not {vectors}")
    number = _INT if half else _FLOAT
    vector, sums = ir.VectorType(number, LANES), ir.VectorType(_FLOAT, LANES)
    pairs = ir.VectorType(_BFloat(), 2 * LANES)

    def constant(value: int) -> Any:
        return ir.Constant(_LONG, value)

    def load(pointer: Any, kind: Any) -> Any:
        value = b.load(b.bitcast(pointer, kind.as_pointer()))
        value.align = 4
        return value

    name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * LANES}" if half else f"llvm.fma.v{LANES}f32"
    takes = [sums, pairs, pairs] if half else [sums, sums, sums]
    instruction = b.module.declare_intrinsic(name, fnty=ir.FunctionType(sums, takes))
    byte = ir.IntType(8).as_pointer()
    fetch = b.module.declare_intrinsic(
        "llvm.prefetch.p0", fnty=ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
    )

    x_rows = [b.gep(x, [b.mul(constant(r), inner)]) for r in range(rows)]
    first = [load(b.gep(bias, [constant(v * LANES)]), sums) for v in range(vectors)]
    entry, loop, end = b.block, b.append_basic_block("inner"), b.append_basic_block("store")
    b.branch(loop)
    b.position_at_end(loop)
    index = b.phi(_LONG)
    index.add_incoming(constant(0), entry)
    totals = [b.phi(sums) for _ in range(rows * vectors)]
    for place, total in enumerate(totals):
        total.add_incoming(first[place % vectors], entry)
    lines = 1 if widened else vectors  # vectors in memory
    offset = b.mul(index, constant(lines * LANES))
    factors = []
    for v in range(lines):
        pointer = b.gep(weights, [b.add(offset, constant(v * LANES))])
        if widened:
            factors += _widen(b, load(pointer, ir.VectorType(_INT, LANES)), vector)
        else:
            factors.append(load(pointer, vector))
        ahead = b.gep(b.bitcast(pointer, byte), [constant(FETCH_AHEAD)])
        b.call(fetch, [ahead, ir.Constant(_INT, 0), ir.Constant(_INT, 3), ir.Constant(_INT, 1)])
    undefined, zeros = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
    results = []
    for r in range(rows):
        value = load(b.gep(x_rows[r], [index]), number)
        value = b.shuffle_vector(b.insert_element(undefined, value, ir.Constant(_INT, 0)), undefined, zeros)
        for v in range(vectors):
            total = totals[r * vectors + v]
            if half:
                operands = [total, b.bitcast(value, pairs), b.bitcast(factors[v], pairs)]
            else:
                operands = [value, factors[v], total]
            results.append(b.call(instruction, operands))
    following = b.add(index, constant(1))
    index.add_incoming(following, b.block)
    for total, result in zip(totals, results, strict=True):
        total.add_incoming(result, b.block)
    b.cbranch(b.icmp_signed("<", following, inner), loop, end)
    b.position_at_end(end)
    for r in range(rows):
        for v in range(vectors):
            pointer = b.gep(out, [b.add(b.mul(constant(r), width), constant(v * LANES))])
            b.store(results[r * vectors + v], b.bitcast(pointer, sums.as_pointer())).align = 4
    b.ret_void()
