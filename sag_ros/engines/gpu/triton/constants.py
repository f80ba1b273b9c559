"""Constants of a policy as the Triton kernels of the step's end read them: one array."""

from __future__ import annotations

import numpy as np

from sag_ros.engines.savings.folded_weights import Array, FoldedWeights


def tail_constants(folded: FoldedWeights, tokens: int, columns: int) -> Array:
    """One after the other: positions (T', d), embedding (A, d), readout (A, d), the readout's bias (AP,), and
    the action-space matrices to the head and to the mean square (AP, AP), see ``savings.step_tail``."""
    embed, readout = folded.embed.T, folded.readout.weight
    actions, width = embed.shape
    bias = np.zeros(columns)
    bias[:actions] = folded.readout.bias
    matrices = np.zeros((2, columns, columns))
    matrices[0, :actions, :actions] = embed @ readout.T
    matrices[1, :actions, :actions] = embed @ embed.T / width
    parts = folded.positions[:tokens], embed, readout, bias, matrices
    return np.concatenate([part.ravel() for part in parts])
