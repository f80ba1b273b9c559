"""Engine ``auto``: the fastest that can be built on this machine, and why faster ones were passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sag_ros.engines.registry import ON_GPU, choose

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

Built = TypeVar("Built")


def build_fastest(
    name: str,
    bundle: PolicyBundle,
    build: Callable[[str], Built],
    precision: str = "auto",
    all_tokens: bool = False,
) -> tuple[Built, tuple[str, ...]]:
    """What ``build`` makes of engine ``name``; for ``auto`` of the fastest engine that it can make it of.

    Nothing may be known to stand in an engine's way, and it fails all the same: the GPU's memory is full, a
    driver is older than the libraries. Then the next one serves.

    Args:
        all_tokens: for a sampler that needs the whole horizon.

    Returns:
        What was built, and which faster engines were passed over and why.

    Raises:
        ValueError, TypeError, KeyError: wrong input, which another engine would not mend; of ``build``.
        Exception: whatever engine ``name``, or the last one of ``auto``, raises.
    """
    failed: dict[str, str] = {}
    while True:
        chosen, passed = choose(name, bundle, precision, all_tokens, failed)
        try:
            return build(chosen), passed
        except (ValueError, TypeError, KeyError):
            raise
        except Exception as error:
            if name != "auto" or chosen not in ON_GPU:
                raise
            failed[chosen] = f"it cannot be built ({type(error).__name__}: {error})"
