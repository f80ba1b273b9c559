"""From the rate at which something was recorded to that of a policy, by stamps."""

from __future__ import annotations

import numpy as np

from sag_ros.train.convert.raw import RawEpisode, Values

_SAME = 0.01  # share of a period: nearer rates are the same


def resampled(episode: RawEpisode, source: float, period: float) -> RawEpisode:
    """``episode`` every ``period`` s: numbers and actions interpolated, pictures the nearest.

    Args:
        source: s from frame to frame as recorded; an action is to be reached so long after its stamp.
    """
    if abs(source - period) <= _SAME * period:
        return episode
    stamps = episode.stamps
    count = int(np.floor((stamps[-1] - stamps[0]) / period + 1e-6)) + 1
    times = stamps[0] + period * np.arange(count)
    nearest = np.abs(stamps[:, None] - times[None]).argmin(axis=0)
    return RawEpisode(
        episode.name,
        times,
        {key: _at(stamps, value, times) for key, value in episode.numbers.items()},
        _at(stamps + source, episode.action, times + period),
        {key: pictures[nearest] for key, pictures in episode.images.items()},
    )


def _at(stamps: Values, values: Values, times: Values) -> Values:
    columns = [np.interp(times, stamps, column) for column in values.T]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0))
