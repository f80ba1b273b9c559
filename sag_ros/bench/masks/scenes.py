"""One episode of the adaptive mask source, a moment of each phase in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sag_ros.bench.masks.phases import PHASES
from sag_ros.bench.masks.record import ADAPTIVE, MaskEpisode, decode_mask
from sag_ros.values import Mask

PIXELS = 240


@dataclass(frozen=True)
class Scene:
    """One inference: episode, time in it (s), phase, what was decided and what the cameras see.

    ``pictures`` are (H, W, 3) uint8 each, finer than the policy is given.
    """

    seed: int
    time: float
    phase: str
    digest: str
    mask: Mask
    pictures: tuple[np.ndarray, ...]


def usual_masks(episodes: Sequence[MaskEpisode]) -> dict[str, str]:
    """Phase -> digest of the mask that is used most in it; of equals the earlier one."""
    pairs = Counter(pair for e in episodes for pair in zip(e.phases, e.masks, strict=True))
    return {phase: mask for (phase, mask), _ in reversed(pairs.most_common())}


def moments(episode: MaskEpisode, usual: Mapping[str, str]) -> dict[str, int]:
    """For each phase that occurs the index of an inference, in the order of ``PHASES``.

    It is the middle one of those with the ``usual`` mask of the phase; of all, where none has it.
    """
    found = {}
    for name in PHASES:
        every = [i for i, phase in enumerate(episode.phases) if phase == name]
        own = [i for i in every if episode.masks[i] == usual.get(name)] or every
        if own:
            found[name] = own[len(own) // 2]
    return found


def typical(episodes: Sequence[MaskEpisode]) -> MaskEpisode:
    """The episode with the most phases; of those the first that succeeded, else the first."""
    return max(episodes, key=lambda episode: (len(set(episode.phases)), episode.success))


def scenes(worker: Any, episodes: Sequence[MaskEpisode]) -> list[Scene]:
    """Run the typical one of ``episodes`` again; a moment of each phase, with the phase's usual mask."""
    episode, seen = worker.watch(ADAPTIVE, typical(episodes).seed)
    found = []
    for phase, index in moments(episode, usual_masks(episodes)).items():
        name, state = episode.masks[index], seen.states[index]
        pictures = tuple(
            worker.robot.render_video_frame(state.qpos, state.mocap_pos, PIXELS, PIXELS, camera)
            for camera in worker.bundle.contract.cameras
        )
        mask = decode_mask(episode.bits[name])
        found.append(Scene(episode.seed, episode.times[index], phase, name, mask, pictures))
    return found
