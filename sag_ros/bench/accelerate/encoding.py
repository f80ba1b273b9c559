"""How many demonstrations there is time to encode: a large encoder takes longer than all the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.encoder import ObservationEncoder
from sag_ros.train.data.features import camera_features
from sag_ros.train.data.fitted import fitted

_FRAMES = 32  # that are timed
LEAST = 20  # episodes


def episodes_within(bundle: PolicyBundle, data: Path, seconds: float) -> int | None:
    """How many episodes of the demonstrations ``data`` the encoder of ``bundle`` can encode in ``seconds``.

    Raises:
        StoreError: demonstrations that are not this policy's.
    """
    return encodable(bundle.encoder, fitted(bundle.contract, data), seconds)


def encodable(
    encoder: ObservationEncoder,
    demonstrations: Demonstrations,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
) -> int | None:
    """How many of the ``demonstrations`` can be encoded in ``seconds``, 20 at least; None: all of them."""
    episodes, frames = len(demonstrations.ends), min(_FRAMES, len(demonstrations))
    if not encoder.cameras:
        return None
    images = {camera: demonstrations.images(camera, 0, frames) for camera in encoder.cameras}
    camera_features(encoder, images)  # the first one allocates
    begun = now()
    camera_features(encoder, images)
    each = (now() - begun) / frames
    within = int(np.searchsorted(each * demonstrations.ends, seconds, side="right"))
    return None if within >= episodes else min(max(within, LEAST), episodes)
