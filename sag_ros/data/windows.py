"""Windows of a trajectory for training, padded as in Diffusion Policy (arXiv 2303.04137)."""

from __future__ import annotations

import numpy as np


def window_frames(
    ends: np.ndarray,
    horizon: int,
    observation_steps: int,
    action_steps: int,
    episodes: np.ndarray | None = None,
) -> np.ndarray:
    """Frame numbers of all training windows.

    A window may begin ``To - 1`` frames before its episode and end ``Ta - 1`` after it; missing frames
    repeat the edge. Token ``j`` of a window is ``action[frames[:, j]]``; its observations are the first
    ``To`` frames, so token ``To - 1`` belongs to the newest one.

    Args:
        ends: (E,) exclusive end of each episode in frames.
        horizon, observation_steps, action_steps: T, To, Ta.
        episodes: indices of the episodes to use, default all.

    Returns:
        (W, T) int64 frame numbers, by episode and time. Episodes too short for one padded window
        (fewer than T - To - Ta + 2 frames) still give one.
    """
    if not 1 <= observation_steps <= horizon or not 1 <= action_steps <= horizon - observation_steps + 1:
        raise ValueError(
            "need 1 <= To <= T and To - 1 + Ta <= T; "
            f"got T={horizon}, To={observation_steps}, Ta={action_steps}"
        )
    starts = np.concatenate([[0], ends[:-1]])
    windows = []
    for index in range(len(ends)) if episodes is None else episodes:
        start, end = int(starts[index]), int(ends[index])
        first = start - (observation_steps - 1)
        last = max(end - horizon + (action_steps - 1), first)
        frames = np.arange(first, last + 1)[:, None] + np.arange(horizon)
        windows.append(np.clip(frames, start, end - 1))
    return np.concatenate(windows) if windows else np.zeros((0, horizon), np.int64)


def hold_out(episodes: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split episode indices into (training, validation), both sorted; at least one is held out if share > 0.

    Raises ValueError if no training episode is left.
    """
    count = int(np.ceil(share * episodes)) if share > 0 else 0
    if count >= episodes:
        raise ValueError(f"holding out {count} of {episodes} episodes leaves none to train on; record more")
    order = np.random.default_rng(seed).permutation(episodes)
    return np.sort(order[count:]), np.sort(order[:count])
