"""Observation encoder and pruner on a GPU, each recorded as a CUDA graph with a stream of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.engines.checked import require_image
from sag_ros.engines.gpu.device import choose_device, choose_precision, full_sums
from sag_ros.engines.gpu.graphs import make_graphs
from sag_ros.engines.pruner_margins import Margin, MaskDecision, plain_attention, require_features
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner
from sag_ros.values import Mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class RecordedModule:
    """A module of one input and one output of static shape, between arrays of the host."""

    def __init__(self, module: nn.Module, example: Tensor, device: torch.device) -> None:
        """``example`` has the input's shape and type; a copy of ``module`` goes to ``device``."""
        locked = device.type == "cuda"
        module = copy.deepcopy(module).eval().to(device)  # the bundle's own stays where the reference is
        self._given = torch.zeros_like(example, device=device)
        self._host_given = torch.zeros(example.shape, dtype=example.dtype, pin_memory=locked)
        with torch.inference_mode(), full_sums():
            self._result = torch.zeros_like(module(self._given))
            self._host_result = torch.zeros(self._result.shape, pin_memory=locked)
            self._graphs = make_graphs(device)
            self._replay = self._graphs.capture(lambda: self._result.copy_(module(self._given)), lambda: None)
        self.given: NDArray[np.generic] = self._host_given.numpy()
        self.result: NDArray[np.float32] = self._host_result.numpy()

    def __call__(self) -> None:
        """Compute ``result`` from ``given``."""
        with torch.inference_mode(), self._graphs.running():
            self._given.copy_(self._host_given, non_blocking=True)
            self._replay()
            self._host_result.copy_(self._result, non_blocking=True)
        self._graphs.synchronise()


class GpuFrameEncoder:
    """One recording for each camera."""

    name = "gpu"

    def __init__(self, bundle: PolicyBundle, precision: str = "auto", device: str = "auto") -> None:
        """Record; convolutions may round as TF32 does unless ``precision`` is f32.

        Raises:
            ValueError: no GPU, or unknown precision.
        """
        chosen = choose_device(device)
        exact = choose_precision(precision, chosen) == "f32"
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._cameras: dict[str, RecordedModule] = {}
        for camera, size in bundle.contract.cameras.items():
            image = torch.zeros(1, size.height, size.width, 3, dtype=torch.uint8)
            with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=not exact):
                self._cameras[camera] = RecordedModule(bundle.encoder.nets[camera], image, chosen)
            self._sizes[camera] = tuple(image.shape[1:])

    def encode(self, camera: str, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 -> (F,)."""
        require_image(camera, image, self._sizes)
        own = self._cameras[camera]
        own.given[0] = image
        own()
        return own.result[0].copy()


class GpuSagMask:
    """The mask predicted by the pruner, in f32."""

    def __init__(
        self, pruner: Pruner, name: str = "sag", reuse: Reuse = "type", device: str = "auto"
    ) -> None:
        """Record.

        Raises:
            ValueError: no GPU.
        """
        self.name, self.reuse = name, reuse
        self._config = config = pruner.config
        self._decide = MaskDecision(pruner, reuse)
        self.masks = self._decide.masks
        example = torch.zeros(1, config.obs_steps, config.obs_dim)
        with plain_attention():
            self._margin = RecordedModule(Margin(pruner), example, choose_device(device))

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L); see ``Pruner.mask``."""
        require_features(obs_features, self._config)
        self._margin.given[0] = obs_features
        self._margin()
        return self._decide(self._margin.result[0])
