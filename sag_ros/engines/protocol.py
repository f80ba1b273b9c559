"""What an engine and its executors promise; numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.dpt import DPTConfig
from sag_ros.pruning.plan import Plan


class Engine(Protocol):
    """Executes plans on one policy with one sampler."""

    name: str

    def denoise(
        self, obs_features: NDArray[np.float32], plan: Plan, noise: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Denoise one chunk.

        Args:
            obs_features: (To, D) float32, oldest frame first.
            plan: of n steps, n being the length of the sampler's table.
            noise: (n + 1, T, A) float32, always at the full horizon; ``noise[0]`` is the first sample,
                ``noise[i + 1]`` is used in step i.

        Returns:
            (Ta, A) float32, the executed tokens To-1 ... To-1+Ta-1, normalised units.

        Raises:
            ValueError: a shape that does not fit the policy, or a plan for another number of steps or blocks.
        """
        ...


class FrameEncoder(Protocol):
    """Encodes each camera frame once, when it arrives."""

    name: str

    def encode(self, camera: str, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB -> (F,) float32.

        Raises:
            KeyError: no such camera. ValueError: another size.
        """
        ...


def require_shapes(
    obs_features: np.ndarray, plan: Plan, noise: np.ndarray, config: DPTConfig, steps: int
) -> None:
    """Raise ValueError unless the arguments of ``denoise`` fit a policy whose sampler has ``steps`` steps."""
    obs_shape = config.obs_steps, config.obs_dim
    if obs_features.shape != obs_shape:
        raise ValueError(f"features have shape {obs_features.shape}; the policy needs {obs_shape}")
    noise_shape = steps + 1, config.horizon, config.action_dim
    if noise.shape != noise_shape:
        raise ValueError(f"noise has shape {noise.shape}; the policy and sampler need {noise_shape}")
    if (plan.steps, plan.blocks) != (steps, config.blocks):
        raise ValueError(
            f"the plan has {plan.steps} steps of {plan.blocks} blocks; need {steps} of {config.blocks}"
        )


def require_image(camera: str, image: np.ndarray, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise KeyError for a camera not in ``sizes``, ValueError unless ``image`` is uint8 of its size."""
    if camera not in sizes:
        raise KeyError(f"camera {camera!r} does not exist; available: {', '.join(sizes)}")
    if image.shape != sizes[camera] or image.dtype != np.uint8:
        raise ValueError(
            f"camera {camera!r}: need a {sizes[camera]} uint8 image, got {image.shape} {image.dtype}"
        )
