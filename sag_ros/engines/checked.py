"""What every engine does first: refuse arguments that do not fit the policy, the sampler and each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.dpt import DPTConfig
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.policy.unet import UNetConfig
from sag_ros.pruning.plan import Plan

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

Float32 = NDArray[np.float32]
Config = DPTConfig | UNetConfig


class CheckedEngine(ABC):
    """An :class:`sag_ros.engines.protocol.Engine` that checks its arguments; its subclass executes.

    Attributes:
        no_state: why it begins every chunk at step 0, with no trace and no estimates; None for one that can.
    """

    no_state: str | None = None

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable, tokens: int) -> None:
        """``tokens``: T', those that are computed."""
        self.tokens = tokens
        self._config, self._table = bundle.denoiser.config, table
        self._executed = bundle.contract.executed

    def denoise(
        self,
        obs_features: Float32,
        plan: Plan,
        noise: Float32,
        first_step: int = 0,
        trace: Float32 | None = None,
    ) -> Float32:
        """See :class:`sag_ros.engines.protocol.Engine`."""
        stateful = bool(first_step) or trace is not None
        if stateful and self.no_state is not None:
            asked = f"first_step {first_step}, trace {trace is not None}"
            raise ValueError(f"{self.no_state}; asked for {asked}")
        require_shapes(obs_features, plan, noise, self._config, len(self._table))
        if stateful:
            require_start(plan, first_step, trace, (len(noise), self.tokens, self._config.action_dim))
        return self._denoise(obs_features, plan, noise, first_step, trace)

    def estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        """See :class:`sag_ros.engines.protocol.Engine`."""
        if self.no_state is not None:
            raise ValueError(f"{self.no_state}; asked for an estimate at step {step}")
        require_sample(obs_features, sample, step, self._config, len(self._table))
        return self._estimate(obs_features, sample, step)

    @abstractmethod
    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        """``denoise`` with arguments that fit."""

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        """``estimate`` with arguments that fit; not asked of an engine with ``no_state``."""
        raise NotImplementedError


def require_shapes(
    obs_features: np.ndarray, plan: Plan, noise: np.ndarray, config: Config, steps: int
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


def require_start(plan: Plan, first_step: int, trace: np.ndarray | None, shape: tuple[int, int, int]) -> None:
    """Raise ValueError unless ``plan`` can begin at ``first_step`` and ``trace`` is float32 of ``shape``,
    (n + 1, T', A)."""
    if not 0 <= first_step < plan.steps:
        raise ValueError(f"first_step is {first_step}; the plan has steps 0 to {plan.steps - 1}")
    if first_step and not plan.starts()[first_step]:
        raise ValueError(
            f"first_step is {first_step}, but the plan reuses there what earlier steps would have cached; "
            "begin at one of plan.starts(), or use a denser mask (dense always fits)"
        )
    if trace is not None and (
        trace.shape != shape or trace.dtype != np.float32 or not trace.flags.c_contiguous
    ):
        raise ValueError(
            f"the trace is {trace.dtype} {trace.shape}; it has to be float32 {shape}, contiguous"
        )


def require_sample(
    obs_features: np.ndarray, sample: np.ndarray, step: int, config: Config, steps: int
) -> None:
    """Raise ValueError unless the arguments of ``estimate`` fit a policy and a sampler of ``steps`` steps."""
    obs_shape, shape = (config.obs_steps, config.obs_dim), (config.horizon, config.action_dim)
    if obs_features.shape != obs_shape or sample.shape != shape:
        raise ValueError(
            f"features and sample have shapes {obs_features.shape} and {sample.shape}; "
            f"the policy needs {obs_shape} and {shape}"
        )
    if not 0 <= step < steps:
        raise ValueError(f"step is {step}; the sampler has steps 0 to {steps - 1}")


def require_image(camera: str, image: np.ndarray, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise KeyError for a camera not in ``sizes``, ValueError unless ``image`` is uint8 of its size."""
    if camera not in sizes:
        raise KeyError(f"camera {camera!r} does not exist; available: {', '.join(sizes)}")
    if image.shape != sizes[camera] or image.dtype != np.uint8:
        raise ValueError(
            f"camera {camera!r}: need a {sizes[camera]} uint8 image, got {image.shape} {image.dtype}"
        )
