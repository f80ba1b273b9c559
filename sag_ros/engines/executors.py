"""What executes the observation encoder and the pruner beside an engine: GPU, OpenVINO, our code, torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sag_ros.engines.protocol import FrameEncoder
from sag_ros.engines.reference import ReferenceFrameEncoder
from sag_ros.pruning.mask_sources import Execute, MaskSource, SagMask
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


@dataclass(frozen=True)
class Executors:
    """Builders of the two.

    Attributes:
        frame_encoder: (bundle, options of the engine) -> encoder.
        pruner: device, which is for those on a GPU -> what makes a mask source of a pruner.
        package: that both need.
    """

    frame_encoder: Callable[..., FrameEncoder]
    pruner: Callable[[str], Execute]
    package: str | None = None


def _gpu_encoder(bundle: PolicyBundle, **options: str) -> FrameEncoder:
    from sag_ros.engines.gpu.encoders import GpuFrameEncoder

    return GpuFrameEncoder(bundle, **options)


def _gpu_pruner(device: str) -> Execute:
    from sag_ros.engines.gpu.encoders import GpuSagMask

    return partial(GpuSagMask, device=device)


def _openvino_encoder(bundle: PolicyBundle, **options: str) -> FrameEncoder:
    from sag_ros.engines.openvino.encoders import OpenVinoFrameEncoder

    return OpenVinoFrameEncoder(bundle, **options)


def _openvino_pruner(device: str) -> Execute:
    from sag_ros.engines.openvino.encoders import OpenVinoSagMask

    return OpenVinoSagMask


def _native_encoder(bundle: PolicyBundle, **options: str) -> FrameEncoder:
    from sag_ros.engines.native.encoder import NativeFrameEncoder, obstacle

    if any(obstacle(net) for net in bundle.encoder.nets.values()):
        return _openvino_encoder(bundle, **options)
    return NativeFrameEncoder(bundle, **options)


def _native_pruner(device: str) -> Execute:
    from sag_ros.engines.native.pruner import NativeSagMask, obstacle
    from sag_ros.engines.openvino.encoders import OpenVinoSagMask

    def execute(pruner: Pruner, name: str = "sag", reuse: Reuse = "type") -> MaskSource:
        builder = OpenVinoSagMask if obstacle(pruner.config) else NativeSagMask
        return builder(pruner, name, reuse)

    return execute


def _reference_encoder(bundle: PolicyBundle, **options: str) -> FrameEncoder:
    return ReferenceFrameEncoder(bundle)


EXECUTORS = {
    "gpu": Executors(_gpu_encoder, _gpu_pruner),
    "native": Executors(_native_encoder, _native_pruner, "openvino"),
    "openvino": Executors(_openvino_encoder, _openvino_pruner, "openvino"),
    "reference": Executors(_reference_encoder, lambda device: SagMask),
}


def executors(name: str) -> Executors:
    """Those of ``name``, or the reference's where the package they need is missing."""
    found = EXECUTORS[name]
    if found.package is not None and importlib.util.find_spec(found.package) is None:
        return EXECUTORS["reference"]
    return found
