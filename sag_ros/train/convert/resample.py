"""From the times at which something was recorded to the rate of a policy, by stamps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sag_ros.train.convert.raw import Film, Frames, LeftOut, RawEpisode, Track, Values

_SAME = 0.01  # share of a period: nearer rates are the same


def resampled(episode: RawEpisode, source: float, period: float, gap: float = np.inf) -> Frames:
    """``episode`` every ``period`` s: numbers and actions interpolated, pictures the nearest.

    Args:
        source: s from frame to frame as recorded; NaN where inputs have rates of their own.
        gap: s, the longest time without a value of an input that is interpolated, or without a picture.

    Raises:
        LeftOut: an input is missing for longer.
    """
    frames = episode.frames
    if frames is not None and abs(source - period) <= _SAME * period:
        every = np.arange(len(frames))
        return Frames(
            episode.name,
            {key: track.values for key, track in episode.numbers.items()},
            {key: track.values for key, track in episode.action.items()},
            {key: film.pictures(every) for key, film in episode.images.items()},
        )
    begin, end = episode.span
    for one in (*episode.numbers.values(), *episode.images.values()):
        _require(one, begin, end, gap, episode.name)
    for one in episode.action.values():
        _require(one, begin + period, end + period, gap, episode.name)
    count = int(np.floor((end - begin) / period + 1e-6)) + 1
    times = begin + period * np.arange(count)
    return Frames(
        episode.name,
        {key: _at(track, times) for key, track in episode.numbers.items()},
        {key: _at(track, times + period) for key, track in episode.action.items()},
        {key: film.pictures(nearest(film.stamps, times)) for key, film in episode.images.items()},
        None if episode.interventions is None else inside(times, episode.interventions),
    )


def inside(times: Values, stretches: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """(n,) whether each of ``times`` (n,), s, lies in one of the ``stretches``, (begin, end) s each."""
    found = np.zeros(len(times), np.bool_)
    for begin, end in stretches:
        found |= (times >= begin) & (times < end)
    return found


def _require(one: Track | Film, begin: float, end: float, gap: float, name: str) -> None:
    """Raise LeftOut where an input is missing for longer than ``gap``."""
    if isinstance(one, Track) and one.held:
        return
    first = max(int(np.searchsorted(one.stamps, begin, side="right")) - 1, 0)
    last = int(np.searchsorted(one.stamps, end, side="left"))
    own = one.stamps[first : last + 1]
    if not len(own) or own[0] > begin:
        own = np.concatenate([[begin], own])
    if own[-1] < end:
        own = np.concatenate([own, [end]])
    steps = np.diff(own)
    if len(steps) and steps.max() > gap:
        at = own[int(steps.argmax())]
        raise LeftOut(
            f"{name}: {one.source} has no message for {steps.max():.3f} s at {at:.2f} s; --gap allows {gap:g}"
        )


def nearest(stamps: Values, times: Values) -> NDArray[np.intp]:
    """Places (m,) of the ``stamps`` (n,), rising, that are nearest to ``times`` (m,)."""
    after = np.clip(np.searchsorted(stamps, times), 1, max(len(stamps) - 1, 1))
    after = np.minimum(after, len(stamps) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(times - stamps[before] <= stamps[after] - times, before, after)


def _at(track: Track, times: Values) -> Values:
    if track.held:
        place = np.searchsorted(track.stamps, times + 1e-9, side="right") - 1
        return track.values[np.maximum(place, 0)]
    columns = [np.interp(times, track.stamps, column) for column in track.values.T]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0))
