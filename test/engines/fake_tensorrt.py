"""A stand-in for the module tensorrt: records what is called, and computes at the addresses it is given."""

from __future__ import annotations

import ctypes
import math
from enum import Enum
from types import SimpleNamespace

import torch

from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.tensorrt.export import make_parts

HEADER = "fake engine of "


def serialised(bundle, tokens, dtype=torch.float32):
    """What the library's builder would make of each part, by name: here, its name and the policy's hash."""
    parts = make_parts(fold(bundle.dpt), bundle.dpt.config, tokens, dtype)
    return {part.name: f"{HEADER}{part.name} {tokens} {bundle.policy_hash}".encode() for part in parts}


def at(address, shape):
    """The float32 tensor (CPU) that lies at ``address``."""
    count = math.prod(shape)
    return torch.frombuffer((ctypes.c_float * count).from_address(address), dtype=torch.float32).view(shape)


class Mode(Enum):
    INPUT = 1
    OUTPUT = 2


class FakeTensorRt:
    """Attributes: calls, in order; ``refuse``, names of calls that fail as the library's do, from now on."""

    __version__ = "10.15.1"
    TensorIOMode = Mode
    DataType = SimpleNamespace(FLOAT="float32", HALF="float16")

    def __init__(self, bundle, tokens, dtype=torch.float32):
        self.calls, self.refuse = [], set()
        self.change = lambda engine: None  # of every engine that is loaded
        parts = make_parts(fold(bundle.dpt), bundle.dpt.config, tokens, dtype)
        known = serialised(bundle, tokens, dtype)
        self.parts = {known[part.name]: part for part in parts}
        library = self

        class Logger:
            WARNING = "warning"

            def __init__(self, severity):
                assert severity == self.WARNING

        class Runtime:
            def __init__(self, logger):
                assert isinstance(logger, Logger)

            def deserialize_cuda_engine(self, data):
                part = library.parts.get(data)
                if part is None or "deserialize" in library.refuse:
                    return None
                library.calls.append(("load", part.name))
                engine = FakeEngine(library, part)
                library.change(engine)
                return engine

        self.Logger, self.Runtime = Logger, Runtime

    def enqueued(self):
        """Names of the parts executed so far, in order."""
        return [call[1] for call in self.calls if call[0] == "enqueue"]


class FakeEngine:
    def __init__(self, library, part):
        self.library, self.part = library, part
        self.shapes = {**part.signature.inputs, "output0": part.signature.output}
        self.modes = dict.fromkeys(part.signature.inputs, Mode.INPUT) | {"output0": Mode.OUTPUT}
        self.dtypes = dict.fromkeys(self.shapes, "float32")

    @property
    def num_io_tensors(self):
        return len(self.shapes)

    def get_tensor_name(self, index):
        return list(self.shapes)[index]

    def get_tensor_mode(self, name):
        return self.modes[name]

    def get_tensor_shape(self, name):
        return list(self.shapes[name])  # the library's own class of sizes is no tuple either

    def get_tensor_dtype(self, name):
        return self.dtypes[name]

    def create_execution_context(self):
        return None if "context" in self.library.refuse else FakeContext(self)


class FakeContext:
    def __init__(self, engine):
        self.engine, self.addresses = engine, {}

    def set_tensor_address(self, name, address):
        assert type(address) is int
        library, part = self.engine.library, self.engine.part
        library.calls.append(("address", part.name, name, address))
        if "address" in library.refuse or name not in self.engine.shapes or not address:
            return False
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream):
        library, part = self.engine.library, self.engine.part
        library.calls.append(("enqueue", part.name, stream, dict(self.addresses)))
        if "enqueue" in library.refuse or self.addresses.keys() != self.engine.shapes.keys():
            return False
        given = [at(self.addresses[name], shape) for name, shape in part.signature.inputs.items()]
        with torch.inference_mode():
            at(self.addresses["output0"], part.signature.output).copy_(part.module(*given))
        return True
