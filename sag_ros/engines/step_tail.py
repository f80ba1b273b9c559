"""The end of a denoising step: final norm, head, sampler update and the next step's embedding, in numpy.

A fully pruned step adds a constant E (T', d) to the embedding, so it never leaves action space: with
``h = x W + E`` the head needs ``x (W R) + E R`` and the norm ``|h|^2 = x (W W^T) x^T + 2 x (W E^T) + |E|^2``,
A x A matrices instead of d wide ones. Exact, rounding aside; float64, where it costs no more.

The arrays are tiny, so time is the number of numpy calls: constants are folded and kept as arrays, because
numpy takes half a microsecond longer to digest a Python number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.folded import NORM_EPSILON, FoldedWeights
from sag_ros.policy.schedule import CoefficientTable

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class _Row(NamedTuple):
    """One step of the sampler with ``x0 = from_x * clip(x + ratio * eps, low, high)``; None = a zero term."""

    ratio: Float64
    low: Float64
    high: Float64
    prev_from_v: Float64
    prev_from_x: Float64 | None
    prev_from_eps: Float64 | None


class StepTail:
    """Owns the sample ``x`` (T', A) of one policy with one sampler."""

    def __init__(self, weights: FoldedWeights, table: CoefficientTable, tokens: int) -> None:
        embed, readout = weights.embed.T, weights.readout.weight.T  # (A, d), (d, A)
        actions, width = embed.shape
        self._bias = weights.readout.bias
        self._rows = [_row(coefficients, table.clip) for coefficients in table.coefficients]
        self._noise_scale = table.coefficients[:, 5].copy()
        self._embed = embed.astype(np.float32)
        self._positions = weights.positions[:tokens].astype(np.float32)
        self._readout = np.asfortranarray(readout, np.float32)
        # [what the head sees | what the mean square sees] of a sample and of a constant
        self._quadratic = np.concatenate([embed @ readout, embed @ embed.T / width], axis=1)
        self._linear = np.asfortranarray(np.concatenate([readout, 2.0 / width * embed.T], axis=1), np.float32)
        self._per_width = np.array(1.0 / width)
        self._epsilon = np.array(NORM_EPSILON)

        self.x = np.zeros((tokens, actions))
        self._x32 = np.zeros((tokens, actions), np.float32)
        self._noise = np.zeros((len(table), tokens, actions))
        self._head32 = np.empty((tokens, actions), np.float32)
        self._norm32 = np.empty(tokens, np.float32)
        self._eps = np.empty((tokens, actions))
        self._v = np.empty((tokens, actions))
        self._norm = np.empty(tokens)
        self._norm_column = self._norm[:, None]
        self._joint = np.empty((tokens, 2 * actions))
        self._joint_head, self._joint_norm = self._joint[:, :actions], self._joint[:, actions:]
        self._constant = np.empty((tokens, 2 * actions))
        self._constant32 = np.empty((tokens, 2 * actions), np.float32)
        self._constant_norm = np.empty(tokens)

    def start(self, noise: NDArray[np.floating]) -> None:
        """Begin a chunk with ``noise`` (n + 1, T', A)."""
        self.x[:] = noise[0]
        np.multiply(noise[1:], self._noise_scale[:, None, None], out=self._noise)

    def embed(self, h: Float32) -> None:
        """Write the embedded sample (T', d) into ``h``."""
        self._x32[:] = self.x
        np.dot(self._x32, self._embed, out=h)
        h += self._positions

    def finish(self, step: int, h: Float32) -> None:
        """Update the sample from the centred stream ``h`` (T', d) after the last block of ``step``."""
        np.dot(h, self._readout, out=self._head32)
        np.vecdot(h, h, out=self._norm32)
        np.multiply(self._norm32, self._per_width, out=self._norm)
        self._norm += self._epsilon
        self._update(step, self._head32)

    def set_constant(self, residual: Float32) -> None:
        """Fix what fully pruned steps add to the embedding, ``residual`` (T', d), which is overwritten."""
        residual += self._positions
        np.dot(residual, self._linear, out=self._constant32)
        self._constant[:] = self._constant32
        np.vecdot(residual, residual, out=self._norm32)
        np.multiply(self._norm32, self._per_width, out=self._constant_norm)
        self._constant_norm += self._epsilon

    def skip(self, start: int, stop: int) -> None:
        """Run fully pruned steps ``start`` ... ``stop - 1`` in action space; needs :meth:`set_constant`."""
        x, quadratic, joint, constant = self.x, self._quadratic, self._joint, self._constant
        seen_by_norm, norm, constant_norm = self._joint_norm, self._norm, self._constant_norm
        for step in range(start, stop):
            np.dot(x, quadratic, out=joint)
            joint += constant
            np.vecdot(seen_by_norm, x, out=norm)
            norm += constant_norm
            self._update(step, self._joint_head)

    def _update(self, step: int, head: NDArray[np.floating]) -> None:
        """Sampler update; ``head`` is still to be divided by the root of ``_norm``, the mean square."""
        norm, eps, v, x = self._norm, self._eps, self._v, self.x
        row = self._rows[step]
        np.sqrt(norm, out=norm)
        np.divide(head, self._norm_column, out=eps)
        eps += self._bias
        np.multiply(eps, row.ratio, out=v)
        v += x
        np.maximum(v, row.low, out=v)  # np.clip is four times slower
        np.minimum(v, row.high, out=v)
        v *= row.prev_from_v
        if row.prev_from_x is None:
            np.add(v, self._noise[step], out=x)
        else:
            x *= row.prev_from_x
            x += v
            x += self._noise[step]
        if row.prev_from_eps is not None:
            eps *= row.prev_from_eps
            x += eps


def _row(coefficients: Float64, clip: float) -> _Row:
    x0_from_x, x0_from_eps, prev_from_x0, prev_from_x, prev_from_eps, _ = (float(c) for c in coefficients)
    return _Row(
        np.array(x0_from_eps / x0_from_x),
        np.array(-clip / x0_from_x),
        np.array(clip / x0_from_x),
        np.array(prev_from_x0 * x0_from_x),
        np.array(prev_from_x) if prev_from_x else None,
        np.array(prev_from_eps) if prev_from_eps else None,
    )
