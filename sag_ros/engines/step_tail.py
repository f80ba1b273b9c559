"""The end of a denoising step: final norm, head, sampler update and the next step's embedding.

A fully pruned step adds a constant E (T', d) to the embedding, so it never leaves action space: with
``h = x W + E`` the head needs ``x (W R) + E R`` and the norm ``|h|^2 = x (W W^T) x^T + 2 x (W E^T) + |E|^2``,
A x A matrices instead of d wide ones. Exact, rounding aside; the sample is float64, where it costs no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines import glue
from sag_ros.engines.folded import NORM_EPSILON, FoldedWeights
from sag_ros.policy.schedule import CoefficientTable

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class StepTail:
    """Owns the sample ``x`` (T', A) of one policy with one sampler."""

    def __init__(self, weights: FoldedWeights, table: CoefficientTable, tokens: int) -> None:
        embed, readout = weights.embed.T, weights.readout.weight.T  # (A, d), (d, A)
        actions, width = embed.shape
        self._bias = np.ascontiguousarray(weights.readout.bias, np.float64)
        self._rows = sampler_rows(table)
        self._noise_scale = table.coefficients[:, 5].copy()
        self._embed = np.ascontiguousarray(embed, np.float32)
        self._positions = np.ascontiguousarray(weights.positions[:tokens], np.float32)
        self._readout = np.ascontiguousarray(readout.T, np.float32)
        # [what the head sees | what the mean square sees] of a sample and of a constant
        self._quadratic = np.concatenate([embed @ readout, embed @ embed.T / width], axis=1)
        self._linear = np.ascontiguousarray(
            np.concatenate([readout, 2.0 / width * embed.T], axis=1).T, np.float32
        )
        self.x = np.zeros((tokens, actions))
        self._noise = np.zeros((len(table), tokens, actions))
        self._constant = np.empty((tokens, 2 * actions))
        self._mean_square = np.empty(tokens)

    def start(self, noise: NDArray[np.floating]) -> None:
        """Begin a chunk with ``noise`` (n + 1, T', A)."""
        self.x[:] = noise[0]
        np.multiply(noise[1:], self._noise_scale[:, None, None], out=self._noise)

    def embed(self, h: Float32) -> None:
        """Write the embedded sample (T', d) into ``h``."""
        glue.embed(self.x, self._embed, self._positions, h)

    def finish(self, step: int, h: Float32) -> None:
        """Update the sample from the centred stream ``h`` (T', d) after the last block of ``step``."""
        glue.finish(h, self._readout, self._bias, NORM_EPSILON, self._rows[step], self._noise[step], self.x)

    def skip(self, start: int, stop: int, weights: Float32, cache: Float32) -> None:
        """Run fully pruned steps ``start`` ... ``stop - 1``, each adding ``sum_s weights[s] cache[s]``.

        weights (slots,), cache (slots or more, T', d).
        """
        constant, mean_square = self._constant, self._mean_square
        glue.constant(weights, cache, self._positions, self._linear, NORM_EPSILON, constant, mean_square)
        steps = slice(start, stop)
        glue.skip(
            self.x, self._quadratic, constant, mean_square, self._rows[steps], self._bias, self._noise[steps]
        )


def sampler_rows(table: CoefficientTable) -> Float64:
    """(n, 6) ratio, low, high, from_v, from_x, from_eps of each step of the sampler.

    With ``v = clip(x + ratio eps, low, high)`` the next sample is
    ``from_v v + from_x x + from_eps eps + noise``.
    """
    x0_from_x, x0_from_eps, from_x0, from_x, from_eps, _ = table.coefficients.T
    bound = table.clip / x0_from_x
    return np.stack([x0_from_eps / x0_from_x, -bound, bound, from_x0 * x0_from_x, from_x, from_eps], axis=1)
