"""Vector code of our own in numba's functions: compiled by LLVM for this CPU, and called by its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sag_ros.engines.cpu.vectors import CPU_FEATURES, CPU_NAME, LANES

INT, LONG, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
INTS, FLOATS, VECTOR = INT.as_pointer(), FLOAT.as_pointer(), ir.VectorType(FLOAT, LANES)


def assemble(arguments: list[ir.Type], generate: Callable[[ir.IRBuilder, Any], None]) -> tuple[int, Any]:
    """Address of a function without a result, and what keeps it in memory.

    Args:
        generate: (builder at its begin, its arguments) writes it.
    """
    module = ir.Module("code")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "code")
    generate(ir.IRBuilder(function.append_basic_block()), function.args)
    llvm = llvmlite.binding
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=CPU_NAME, features=CPU_FEATURES, opt=3, jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), machine)
    engine.finalize_object()
    return engine.get_function_address("code"), engine


def load(b: ir.IRBuilder, pointer: Any, kind: ir.Type) -> Any:
    """A value that need not begin on a multiple of its size."""
    value = b.load(b.bitcast(pointer, kind.as_pointer()))
    value.align = 4
    return value


def store(b: ir.IRBuilder, value: Any, pointer: Any) -> None:
    """The same the other way."""
    b.store(value, b.bitcast(pointer, value.type.as_pointer())).align = 4


@intrinsic
def call(typingctx: Any, code: Any, arrays: Any, starts: Any, sizes: Any) -> tuple[Any, Any]:
    """Call what :func:`assemble` made.

    Args:
        code: its address.
        arrays: a tuple of contiguous ones, of which it is given pointers: to float32, and to int32 for
            others.
        starts: where in each, in units of 4 bytes.
        sizes: numbers that follow the pointers.
    """
    if any(array.layout != "C" for array in arrays.types):
        raise numba.TypingError("vector code needs contiguous arrays")
    numbers = (types.UniTuple(types.intp, part.count) for part in (starts, sizes))
    return types.void(types.intp, arrays, *numbers), _call


def _call(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
    code, arrays, starts, sizes = arguments
    _, kinds, _, counts = signature.args
    places = []
    for number, kind in enumerate(kinds.types):
        data = context.make_array(kind)(context, b, b.extract_value(arrays, number)).data
        unit = FLOATS if kind.dtype == types.float32 else INTS
        places.append(b.gep(b.bitcast(data, unit), [b.extract_value(starts, number)]))
    values = [*places, *(b.extract_value(sizes, number) for number in range(counts.count))]
    function = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    b.call(b.inttoptr(code, function.as_pointer()), values)
    return context.get_dummy_value()
