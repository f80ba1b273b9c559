"""What an engine and its executors promise; numpy in, numpy out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

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
