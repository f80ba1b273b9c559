"""What an engine and its executors promise; numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.dpt import DPTConfig
from sag_ros.pruning.plan import Plan

if TYPE_CHECKING:
    from sag_ros.policy.contract import Contract


class Engine(Protocol):
    """Executes plans on one policy with one sampler.

    Attributes:
        tokens: T', the leading tokens that are computed: all T, or those that influence executed actions.
    """

    name: str
    tokens: int

    def denoise(
        self,
        obs_features: NDArray[np.float32],
        plan: Plan,
        noise: NDArray[np.float32],
        first_step: int = 0,
        trace: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Denoise one chunk.

        Args:
            obs_features: (To, D) float32, oldest frame first.
            plan: of n steps, n being the length of the sampler's table.
            noise: (n + 1, T, A) float32, always at the full horizon; ``noise[0]`` is the first sample,
                ``noise[i + 1]`` is used in step i.
            first_step: the first sample is the one before this step; ``plan.starts()`` tells where a plan
                allows it.
            trace: (n + 1, T', A) float32, C order; is given the sample before each executed step and, in the
                last row, the one after all. Rows before ``first_step`` are left as they are.

        Returns:
            (Ta, A) float32, the executed tokens To-1 ... To-1+Ta-1, normalised units.

        Raises:
            ValueError: a shape that does not fit the policy, a plan for another number of steps or blocks or
                one that reads at ``first_step`` what earlier steps cached, or an engine that cannot begin
                later or trace.
        """
        ...

    def estimate(
        self, obs_features: NDArray[np.float32], sample: NDArray[np.float32], step: int
    ) -> NDArray[np.float32]:
        """The clean sample that one evaluation of the whole network implies.

        Args:
            obs_features: (To, D) float32.
            sample: (T, A) float32, as before step ``step``.

        Returns:
            (T', A) float32, clipped as the sampler does.

        Raises:
            ValueError: a shape that does not fit, or an engine that cannot.
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


def tokens_of(contract: Contract, all_tokens: bool) -> int:
    """T', the tokens that an engine computes: all T, or those that influence executed actions."""
    return contract.horizon if all_tokens else contract.executed.stop


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
    obs_features: np.ndarray, sample: np.ndarray, step: int, config: DPTConfig, steps: int
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
