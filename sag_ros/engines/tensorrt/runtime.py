"""TensorRT as engine ``tensorrt`` uses it: load an engine, bind addresses, enqueue.

TensorRT reports failure by what a call returns, which nobody has to look at; here everybody does. The library
is handed in, so that these calls can be checked where it is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sag_ros.engines.gpu.state import ALIGNMENT
from sag_ros.engines.tensorrt.export import Signature

ANEW = "compile it anew: sag compile --engine tensorrt --force"


class TensorRtError(RuntimeError):
    """TensorRT refused something; what it has to say itself is in its log on the standard error."""

    def __init__(self, part: str, refused: str, remedy: str = ANEW) -> None:
        super().__init__(f"TensorRT, part {part}: {refused}; {remedy}")


def import_tensorrt() -> Any:
    """The library.

    Raises:
        ImportError: not installed, or its shared libraries are not found.
    """
    import tensorrt

    return tensorrt


class Context:
    """One loaded part; not thread-safe."""

    def __init__(self, name: str, engine: Any, context: Any, output: str, signature: Signature) -> None:
        """See :meth:`Runtime.load`. The engine is kept because its context does not keep it."""
        self.name = name
        self._engine, self._context = engine, context
        self._shapes = {**signature.inputs, output: signature.output}
        self._output = output

    def enqueue(self, out: Tensor, inputs: Mapping[str, Tensor], stream: int) -> None:
        """Ask for one execution on ``stream`` (a handle), from the memory of ``inputs`` into that of ``out``.

        The addresses are those of this call: in a recording they stay as they are now.

        Raises:
            TensorRtError: TensorRT refuses an address or the execution.
            ValueError: a tensor that does not fit, or too few or too many.
        """
        tensors = {**inputs, self._output: out}
        if tensors.keys() != self._shapes.keys():
            raise ValueError(f"part {self.name} has {sorted(self._shapes)}; got {sorted(tensors)}")
        for name, tensor in tensors.items():
            self._require(name, tensor)
            if not self._context.set_tensor_address(name, tensor.data_ptr()):
                raise TensorRtError(self.name, f"it does not take the address of {name}")
        if not self._context.execute_async_v3(stream):
            raise TensorRtError(self.name, "it does not enqueue the execution")

    def _require(self, name: str, tensor: Tensor) -> None:
        expected = self._shapes[name]
        if (
            tuple(tensor.shape) != expected
            or tensor.dtype != torch.float32
            or not tensor.is_contiguous()
            or (tensor.is_cuda and tensor.data_ptr() % ALIGNMENT)
        ):
            found = f"{tensor.dtype} {tuple(tensor.shape)} at {tensor.data_ptr():#x}"
            raise ValueError(
                f"part {self.name}: {name} is {found}; it has to be contiguous torch.float32 {expected} at a "
                f"multiple of {ALIGNMENT} bytes"
            )


class Runtime:
    """Loads engines. They hold native code: load only what this machine compiled itself."""

    def __init__(self, library: Any) -> None:
        """``library``: the module tensorrt."""
        self._library = library
        self._logger = library.Logger(library.Logger.WARNING)
        self._runtime = library.Runtime(self._logger)

    def load(self, name: str, data: bytes, signature: Signature) -> Context:
        """The part ``name`` from its serialised engine.

        Raises:
            TensorRtError: TensorRT does not load it, or its inputs and output are not those of ``signature``.
        """
        engine = self._runtime.deserialize_cuda_engine(data)
        if engine is None:
            raise TensorRtError(name, "it does not load the engine")
        output = self._require_fit(name, engine, signature)
        context = engine.create_execution_context()
        if context is None:
            raise TensorRtError(name, "it makes no execution context", "is the GPU's memory full?")
        return Context(name, engine, context, output, signature)

    def _require_fit(self, name: str, engine: Any, signature: Signature) -> str:
        """Name of the engine's output, which TensorRT's builder has chosen."""
        library = self._library
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        outputs = [x for x in names if engine.get_tensor_mode(x) == library.TensorIOMode.OUTPUT]
        inputs = set(names) - set(outputs)
        if len(outputs) != 1 or inputs != set(signature.inputs):
            raise TensorRtError(
                name,
                f"the engine has inputs {sorted(inputs)} and outputs {outputs}; it should have inputs "
                f"{sorted(signature.inputs)} and one output",
            )
        for key, shape in {**signature.inputs, outputs[0]: signature.output}.items():
            found, dtype = tuple(engine.get_tensor_shape(key)), engine.get_tensor_dtype(key)
            if found != shape or dtype != library.DataType.FLOAT:
                raise TensorRtError(name, f"{key} is {dtype} {found}; it should be float32 {shape}")
        return outputs[0]
