"""Schedules that were searched or trained for a policy and lie beside it (``pruning.stored``).

Static: what ``sag accelerate`` searches, BAC (arXiv 2506.13456), EVO (arXiv 2607.20293), L2C
(Learning-to-Cache), the mean mask of a pruner.
Predicted by a pruner: variants of Sparse ActionGen with another cache, budget or choice of masks.
"""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.pruner import stored_pruner
from sag_ros.pruning.stored import load_schedule, mask_of, schedule_key

NAMES = (
    "searched",
    "bac",
    "evo",
    "l2c",
    "sag_mean",
    "sag_block",
    "sag_block_mean",
    "sag_budget",
    "sag_choice",
    "sag_need",
)


def build_stored(request: Request) -> MaskSource:
    """The schedule of the name and number that is asked for.

    Raises:
        ValueError: the bundle holds none, or one for another number of steps.
    """
    key = schedule_key(request.name, request.steps, request.bundle.contract.diffusion.steps)
    schedule = load_schedule(request.bundle, key)
    if schedule.steps != request.steps:
        raise ValueError(f"schedule {key!r} is for {schedule.steps} steps, the sampler runs {request.steps}")
    if schedule.state is None:
        return FixedMask(mask_of(schedule), schedule.reuse, request.name)
    return request.execute(stored_pruner(request.bundle, schedule), request.name, schedule.reuse)


SOURCES = dict.fromkeys(NAMES, build_stored)
