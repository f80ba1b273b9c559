"""What a consistency student learns: to agree with itself along the teacher's denoising trajectories."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sag_ros.policy.samplers.consistency import ALPHA_BAR_FLOOR, consistency_scaling
from sag_ros.policy.schedule import cosine_alphas_cumprod

# (sample (B, T', A), timestep (B,), features (B, To, D)) -> (B, T', A)
Network = Callable[[Tensor, Tensor, Tensor], Tensor]
HUBER = 0.00054  # times sqrt(values): where the distance turns from square to absolute (arXiv 2310.14189)


class ConsistencyLoss:
    """Distillation and denoising loss of Consistency Policy (arXiv 2405.07503, section IV), stop time 0.

    Args:
        steps: K.
        stride: timesteps from a noisy sample to the next one on its trajectory.
        clip: bound on clean samples; infinity for none.
        denoising_weight: weight of the distance to the demonstrated actions beside that to the target.
    """

    def __init__(self, steps: int, stride: int, clip: float, denoising_weight: float) -> None:
        if not 1 <= stride <= steps:
            raise ValueError(f"the teacher's stride is 1 to {steps} timesteps; got {stride}")
        self.steps, self.stride, self.clip, self.denoising_weight = steps, stride, clip, denoising_weight
        alpha_bar = cosine_alphas_cumprod(steps)
        skip, out = consistency_scaling(steps)
        # One more entry, at index -1: the clean sample, which f leaves as it is.
        self.signal = _column(np.append(np.sqrt(alpha_bar), 1.0))
        self.noise = _column(np.append(np.sqrt(1.0 - alpha_bar), 0.0))
        self.skip, self.out = _column(np.append(skip, 1.0)), _column(np.append(out, 0.0))
        self.taught = torch.from_numpy(np.asarray(alpha_bar >= ALPHA_BAR_FLOOR))

    def clean(self, network: Network, sample: Tensor, k: Tensor, features: Tensor) -> Tensor:
        """``f``: the clean sample at the end of the trajectory through ``sample`` at timesteps k (B,); -1 is
        the clean end itself."""
        return self.skip[k] * sample + self.out[k] * network(sample, k.clamp(min=0), features).float()

    @torch.no_grad()
    def follow(
        self, teacher: Network, sample: Tensor, k: Tensor, features: Tensor, actions: Tensor, noise: Tensor
    ) -> Tensor:
        """The sample ``stride`` timesteps further along its trajectory: one DDIM step of the teacher.

        Where alpha-bar is below the floor, a small error of the predicted noise is a large one of x0. There
        the sample keeps its own noise and demonstration at the new level, an unbiased estimate of the same
        step (consistency training, arXiv 2303.01469, theorem 2).
        """
        after = (k - self.stride).clamp(min=-1)
        result = self.signal[after] * actions + self.noise[after] * noise
        rows = self.taught[k].nonzero()[:, 0]
        if len(rows):
            x, level, then = sample[rows], k[rows], after[rows]
            eps = teacher(x, level, features[rows]).float()
            x0 = ((x - self.noise[level] * eps) / self.signal[level]).clamp(-self.clip, self.clip)
            result[rows] = self.signal[then] * x0 + self.noise[then] * eps
        return result

    def __call__(
        self,
        student: Network,
        target: Network,
        teacher: Network,
        features: Tensor,
        actions: Tensor,
        k: Tensor,
        noise: Tensor,
    ) -> Tensor:
        """The loss, 0-d: features (B, To, D); actions, noise (B, T', A); k (B,) in 0 ... K - 1.

        One noisy sample serves both terms; the paper draws one for each.
        """
        sample = self.signal[k] * actions + self.noise[k] * noise
        after = (k - self.stride).clamp(min=-1)
        with torch.no_grad():
            further = self.follow(teacher, sample, k, features, actions, noise)
            wanted = self.clean(target, further, after, features).clamp(-self.clip, self.clip)
        reached = self.clean(student, sample, k, features)
        return pseudo_huber(reached - wanted) + self.denoising_weight * pseudo_huber(reached - actions)


def pseudo_huber(difference: Tensor) -> Tensor:
    """``sqrt(|d|^2 + c^2) - c`` over each window (B, T', A), mean over the windows, 0-d."""
    c = HUBER * difference[0].numel() ** 0.5
    return ((difference.square().sum(dim=(1, 2)) + c * c).sqrt() - c).mean()


def _column(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None, None]
