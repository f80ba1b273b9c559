"""torch -> OpenVINO, each network once.

A traced network is never given back whole: torch keeps 1 MiB of what it compiled for every one (2.13). So a
policy that is configured again takes the model that was made of the same network before.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import openvino as ov
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import Tensor, nn

from sag_ros.engines.pruner_margins import plain_attention
from sag_ros.pruning.memo import Memo

KEPT = 8  # models: two policies of three cameras and a pruner
_PLAIN = (bool, int, float, str, tuple, type(None))


def convert(module: nn.Module, *examples: Tensor) -> ov.Model:
    """As :func:`trace`, but of a network that was converted before the same model: do not change it."""
    return _models((module, *examples))


def fingerprint(module: nn.Module, *examples: Tensor) -> str:
    """Equal for networks of the same structure, settings and weights with examples of the same shapes."""
    found = hashlib.sha256()
    for example in examples:
        found.update(f"{tuple(example.shape)} {example.dtype}".encode())
    for name, part in module.named_modules():
        settings = {key: value for key, value in vars(part).items() if isinstance(value, _PLAIN)}
        config = repr(getattr(part, "config", None))
        told = f"{name} {type(part).__qualname__} {sorted(settings.items(), key=str)} {config}"
        found.update(told.encode())
    for tensors in (module.named_parameters(), module.named_buffers()):
        for name, tensor in tensors:
            found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            found.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def trace(module: nn.Module, *examples: Tensor) -> ov.Model:
    """A model with the examples' static shapes.

    By the frontend itself: ``openvino.convert_model`` reports its use over the network.
    """
    with torch.no_grad(), plain_attention(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns about constants that are constants here
        frontend = FrontEndManager().load_by_framework("pytorch")
        # What it holds must not be the module's own memory: that may be changed or freed.
        decoder = TorchScriptPythonDecoder(
            module.eval(), example_input=examples, trace_kwargs={"check_trace": False}, shared_memory=False
        )
        model = frontend.convert(frontend.load(decoder))
    for port, example in zip(model.inputs, examples, strict=True):
        parameter = port.get_node()
        parameter.set_element_type(ov.Type(example.numpy().dtype))
        parameter.set_partial_shape(ov.PartialShape(list(example.shape)))
    model.validate_nodes_and_infer_types()
    return model


_models: Memo[tuple[Any, ...], ov.Model] = Memo(
    lambda given: trace(*given), lambda given: fingerprint(*given), most=KEPT
)
