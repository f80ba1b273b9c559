"""Torch-TensorRT as ``sag compile`` uses it: exported program -> serialised engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from sag_ros.engines.tensorrt.export import Signature
from sag_ros.engines.tensorrt.runtime import TensorRtError

# Formats are those of the program: in 2.11 as in 2.13 that is the default, and 2.13 knows no other.
OPTIONS: dict[str, Any] = {
    "disable_tf32": True,  # what is float32 here is so on purpose
    "use_fp32_acc": True,  # sums of float16 products
    "require_full_compilation": True,  # an engine, not a mixture of engines and torch
    "min_block_size": 1,
    "immutable_weights": True,  # the engine may rearrange them
    "truncate_double": False,  # there are none; a program that has some is wrong
    "max_aux_streams": 0,  # parts are chains of operations
    "hardware_compatible": False,  # for this GPU
    "version_compatible": False,  # and this release
    "cache_built_engines": False,  # the store does that
    "reuse_cached_engines": False,
}
LOG = "Torch-TensorRT's log above says why"


def import_torch_tensorrt() -> Any:
    """The library.

    Raises:
        ImportError: not installed, or it finds no TensorRT.
    """
    try:
        import torch_tensorrt
    except ImportError:
        raise
    except Exception as error:  # how it reports that TensorRT's own libraries are missing
        raise ImportError(f"torch_tensorrt does not load: {error}") from error
    return torch_tensorrt


def build(
    name: str,
    program: ExportedProgram,
    signature: Signature,
    device: torch.device,
    timing_cache: Path | None = None,
    library: Any = None,
) -> bytes:
    """Compile the part ``name`` for the GPU ``device``.

    Args:
        timing_cache: a file that TensorRT reads and writes, to be faster next time.
        library: the module torch_tensorrt; None imports it.

    Raises:
        TensorRtError: it cannot be compiled.
        ImportError: the library is missing.
    """
    library = import_torch_tensorrt() if library is None else library
    inputs = [library.Input(shape=shape, dtype=torch.float32) for shape in signature.inputs.values()]
    options = OPTIONS if timing_cache is None else {**OPTIONS, "timing_cache_path": str(timing_cache)}
    try:
        engine = library.dynamo.convert_exported_program_to_serialized_trt_engine(
            program, arg_inputs=inputs, device=device, **options
        )
    except Exception as error:  # of any kind: 2.11 logs what went wrong and stumbles over the missing result
        raise TensorRtError(name, f"it is not compiled ({type(error).__name__}: {error})", LOG) from error
    if not isinstance(engine, bytes) or not engine:
        raise TensorRtError(name, f"compiling gave {type(engine).__name__}, not the bytes of an engine", LOG)
    return engine
