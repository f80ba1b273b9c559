"""Training and validation windows of a finished policy: features by its own encoder, cached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sag_ros.data.windows import hold_out
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import Contract
from sag_ros.train.data.features import cached_features
from sag_ros.train.data.fitted import fitted
from sag_ros.train.data.windows import Windows, build_windows


@dataclass(frozen=True)
class PolicyWindows:
    """Windows of the episodes that are trained on, and of those held out."""

    training: Windows
    validation: Windows


def policy_windows(
    bundle: PolicyBundle,
    data: Path,
    cache: Path,
    episodes: int | None = None,
    share: float = 0.05,
    seed: int = 0,
    contract: Contract | None = None,
) -> PolicyWindows:
    """Windows of the demonstrations ``data`` for ``bundle``.

    Args:
        cache: safetensors file that keeps the features.
        episodes: only the first so many; None = all.
        share: of the episodes that is held out; ``seed`` draws them.
        contract: of which the windows have the shape; default the bundle's.

    Raises:
        StoreError: demonstrations that are not this policy's.
    """
    demonstrations = fitted(bundle.contract, data, episodes)
    features = cached_features(cache, bundle.encoder, bundle.normaliser, demonstrations)
    contract = bundle.contract if contract is None else contract
    training, validation = (
        build_windows(
            demonstrations,
            features,
            bundle.normaliser,
            contract.horizon,
            contract.observation_steps,
            contract.action_steps,
            chosen,
        )
        for chosen in hold_out(len(demonstrations.ends), share, seed)
    )
    return PolicyWindows(training, validation)
