"""Observation encoder and pruner as OpenVINO models, one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.checked import require_image
from sag_ros.engines.openvino.conversion import convert
from sag_ros.engines.openvino.runtime import Request, choose_precision, compile_model, make_core
from sag_ros.engines.pruner_margins import Margin, MaskDecision, require_features
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner
from sag_ros.values import Mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class OpenVinoFrameEncoder:
    """One compiled network for each camera."""

    name = "openvino"

    def __init__(self, bundle: PolicyBundle, precision: str = "auto") -> None:
        """Compile; ``precision`` as for the engine, where ``int8`` leaves the encoder at the CPU's own."""
        core = make_core()
        self.precision = choose_precision(core, precision)
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._cameras: dict[str, tuple[NDArray[np.uint8], NDArray[np.float32], Request]] = {}
        sizes = bundle.contract.encoder
        for camera, size in bundle.contract.cameras.items():
            assert sizes is not None  # there are cameras
            image = np.zeros((1, size.height, size.width, 3), np.uint8)
            features = aligned(1, sizes.features)
            model = convert(bundle.encoder.nets[camera], torch.from_numpy(image.copy()))
            request = Request(compile_model(core, model, self.precision))
            request.bind_input(image)
            request.bind_output(features)
            self._cameras[camera] = image, features, request
            self._sizes[camera] = image.shape[1:]

    def encode(self, camera: str, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 -> (F,)."""
        require_image(camera, image, self._sizes)
        own, features, request = self._cameras[camera]
        own[0] = image
        request()
        return features[0].copy()


class OpenVinoSagMask:
    """The mask predicted by the pruner; in f32, so that decisions are those of the reference."""

    def __init__(self, pruner: Pruner, name: str = "sag", reuse: Reuse = "type") -> None:
        self.name, self.reuse = name, reuse
        self._config = config = pruner.config
        self._decide = MaskDecision(pruner, reuse)
        self.masks = self._decide.masks
        self._obs = aligned(1, config.obs_steps, config.obs_dim)
        self._margin = aligned(1, config.steps, config.blocks)
        model = convert(Margin(pruner), torch.from_numpy(self._obs.copy()))
        self._request = Request(compile_model(make_core(), model, "f32"))
        self._request.bind_input(self._obs)
        self._request.bind_output(self._margin)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L); see ``Pruner.mask``."""
        require_features(obs_features, self._config)
        self._obs[0] = obs_features
        self._request()
        return self._decide(self._margin[0])
