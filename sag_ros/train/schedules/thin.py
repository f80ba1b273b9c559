"""Bring a schedule down to fewer blocks, the least needed first.

A search that pays for each block beyond its target takes the first block out that comes along, whatever the
actions lose: the target is reached at once, and few changes lead back.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sag_ros.train.schedules.action_error import Pruned


def thin(pruned: Pruned, density: float, forced: int, distance: Callable[[Pruned], float]) -> Pruned:
    """(n, 3L) like ``pruned`` with at most ``density`` computed: block after block is pruned, each time the
    one without which ``distance`` is smallest.

    Args:
        forced: how many blocks of step 0 stay.

    Raises:
        ValueError: that many blocks alone are more than ``density``.
    """
    if forced > density * pruned.size + 1e-9:
        raise ValueError(
            f"a density of {density:g} is {density * pruned.size:.1f} blocks of {pruned.size}; "
            f"{forced} are computed in any case, a density of {forced / pruned.size:.4f}"
        )
    best = pruned.copy()
    best[0, :forced] = False
    while (~best).sum() > density * best.size + 1e-9:
        places = [tuple(place) for place in np.argwhere(~best) if place[0] or place[1] >= forced]
        losses = []
        for place in places:
            best[place] = True
            losses.append(distance(best))
            best[place] = False
        best[places[int(np.argmin(losses))]] = True
    return best
