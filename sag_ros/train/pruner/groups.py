"""Groups of similar observations."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLE = 8000  # observations that the centres are computed from


def group_observations(features: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int64]:
    """k-means on standardised features (N, F): the group (N,) of each observation, 0 ... count - 1.

    Along an episode these are its phases: approach, grasp, carry, ...

    Raises:
        ValueError: fewer observations than groups.
    """
    if not 1 <= count <= len(features):
        raise ValueError(f"{len(features)} observations cannot form {count} groups; use fewer groups")
    deviation = np.maximum(features.std(axis=0), 1e-6)
    scaled = ((features - features.mean(axis=0)) / deviation).astype(np.float32)
    chosen = np.random.default_rng(seed).permutation(len(scaled))[:SAMPLE]
    cv2.setRNGSeed(seed)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-4)
    _, _, centres = cv2.kmeans(scaled[chosen], count, None, criteria, 5, cv2.KMEANS_PP_CENTERS)
    distance = (scaled**2).sum(axis=1)[:, None] - 2.0 * scaled @ centres.T + (centres**2).sum(axis=1)
    return distance.argmin(axis=1)
