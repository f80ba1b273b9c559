"""The end of a denoising step: final norm, head, sampler update and the next step's embedding.

A fully pruned step adds a constant E (T', d) to the embedding, so it never leaves action space: with
``h = x W + E`` the head needs ``x (W R) + E R`` and the norm ``|h|^2 = x (W W^T) x^T + 2 x (W E^T) + |E|^2``,
A x A matrices instead of d wide ones. Exact, rounding aside; the sample is float64, where it costs no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.cpu import kernels
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, FoldedWeights
from sag_ros.policy.schedule import CoefficientTable

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class TailArrays(NamedTuple):
    """What the functions of ``cpu.kernels`` take; n steps."""

    x: Float64  # (T', A), the sample
    embed: Float32  # (A, d)
    positions: Float32  # (T', d)
    readout: Float32  # (A, d)
    bias: Float64  # (A,)
    rows: Float64  # (n, 1, 6), or (n, T', 6) with a row for each token; see sampler_rows
    noise: Float64  # (n, T', A), scaled
    quadratic: Float64  # (A, 2A)
    linear: Float32  # (2A, d)
    constant: Float64  # (T', 2A)
    mean_square: Float64  # (T',)


class StepTail:
    """Owns the sample ``x`` (T', A) of one policy with one sampler."""

    def __init__(self, weights: FoldedWeights, table: CoefficientTable, tokens: int) -> None:
        embed, readout = weights.embed.T, weights.readout.weight.T  # (A, d), (d, A)
        actions, width = embed.shape
        self._noise_scale = table.by_token()[:, :tokens, 5:].copy()
        # [what the head sees | what the mean square sees] of a sample and of a constant
        quadratic = np.concatenate([embed @ readout, embed @ embed.T / width], axis=1)
        linear = np.concatenate([readout, 2.0 / width * embed.T], axis=1).T
        self.arrays = TailArrays(
            x=np.zeros((tokens, actions)),
            embed=np.ascontiguousarray(embed, np.float32),
            positions=np.ascontiguousarray(weights.positions[:tokens], np.float32),
            readout=np.ascontiguousarray(readout.T, np.float32),
            bias=np.ascontiguousarray(weights.readout.bias, np.float64),
            rows=sampler_rows(table.by_token()[:, :tokens], table.clip),
            noise=np.zeros((len(table), tokens, actions)),
            quadratic=quadratic,
            linear=np.ascontiguousarray(linear, np.float32),
            constant=np.empty((tokens, 2 * actions)),
            mean_square=np.empty(tokens),
        )
        self.x = self.arrays.x
        # A second view, whose steps end at the clean sample.
        clean = table.estimates_by_token()
        self.estimating = self.arrays._replace(rows=sampler_rows(clean[:, :tokens], table.clip))

    def start(self, noise: NDArray[np.floating]) -> None:
        """Begin a chunk with ``noise`` (n + 1, T', A)."""
        self.x[:] = noise[0]
        np.multiply(noise[1:], self._noise_scale, out=self.arrays.noise)

    def start_estimate(self, sample: NDArray[np.floating], step: int) -> None:
        """Begin an estimate from ``sample`` (T', A), which is the one before ``step``."""
        self.x[:] = sample
        self.arrays.noise[step] = 0.0

    def embed(self, h: Float32) -> None:
        """Write the embedded sample (T', d) into ``h``."""
        embed(self.arrays, h)

    def finish(self, step: int, h: Float32) -> None:
        """Update the sample from the centred stream ``h`` (T', d) after the last block of ``step``."""
        finish(self.arrays, step, h)

    def skip(self, start: int, stop: int, weights: Float32, cache: Float32) -> None:
        """Run fully pruned steps ``start`` ... ``stop - 1``, each adding ``sum_s weights[s] cache[s]``.

        weights (slots,), cache (slots or more, T', d).
        """
        skip(self.arrays, start, stop, weights, cache)


@kernel
def embed(tail: TailArrays, h: Float32) -> None:
    """See :meth:`StepTail.embed`."""
    kernels.embed(tail.x, tail.embed, tail.positions, h)


@kernel
def finish(tail: TailArrays, step: int, h: Float32) -> None:
    """See :meth:`StepTail.finish`."""
    kernels.finish(h, tail.readout, tail.bias, NORM_EPSILON, tail.rows[step], tail.noise[step], tail.x)


@kernel
def skip(tail: TailArrays, start: int, stop: int, weights: Float32, cache: Float32) -> None:
    """See :meth:`StepTail.skip`."""
    kernels.constant(
        weights, cache, tail.positions, tail.linear, NORM_EPSILON, tail.constant, tail.mean_square
    )
    rows, noise = tail.rows[start:stop], tail.noise[start:stop]
    kernels.skip(tail.x, tail.quadratic, tail.constant, tail.mean_square, rows, tail.bias, noise)


def sampler_rows(coefficients: Float64, clip: float) -> Float64:
    """(..., 6) coefficients -> (..., 6) ratio, low, high, from_v, from_x, from_eps of each step.

    With ``v = clip(x + ratio eps, low, high)`` the next sample is
    ``from_v v + from_x x + from_eps eps + noise``.
    """
    x0_from_x, x0_from_eps, from_x0, from_x, from_eps, _ = np.moveaxis(coefficients, -1, 0)
    bound = clip / x0_from_x
    return np.stack([x0_from_eps / x0_from_x, -bound, bound, from_x0 * x0_from_x, from_x, from_eps], axis=-1)
