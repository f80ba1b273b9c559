"""What happened in a recording, and when: marks, what the policy node complained of, the hand, stretches
without a decision. For a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.replay.evidence import Evidence

_TRAVEL = 0.01  # m that a hand moves at least when it opens or closes
_SPEED, _PAUSE = 0.02, 0.3  # m/s that it does so at least, s between two goes
_SILENCE = 0.3  # s without a decision that are worth a line
_CAUSE, _NUMBER = re.compile(r"cause \d+$"), re.compile(r"\d+(\.\d+)?")
OPENS, CLOSES = "the hand opens", "the hand closes"


@dataclass(frozen=True)
class Entry:
    """When, ns since 1970, and what."""

    at: int
    text: str


@dataclass(frozen=True)
class Pace:
    """Whether the policy was in time.

    Attributes:
        rate: decisions (chunks) a second while there were any.
        latency: camera stamp to command, ms: p50 and p99.
        late: how many came later than ``deadline``, s; ``refused``: how many were not executed.
    """

    rate: float
    latency: tuple[float, float]
    late: int
    deadline: float
    refused: int
    chunks: int


def timeline(evidence: Evidence) -> list[Entry]:
    """All of it, in order."""
    found = [Entry(mark.at, f"{mark.kind}: {mark.text}") for mark in evidence.marks]
    found += [*_hand(evidence), *_silences(evidence), *_complaints(evidence)]
    return sorted(found, key=lambda one: one.at)


def pace(evidence: Evidence) -> Pace | None:
    """None where no chunk has a record."""
    records = [one.record for one in evidence.chunks if one.record is not None]
    if not records:
        return None
    came = np.array([one.received for one in evidence.chunks]) / SECOND
    steps = np.diff(came)
    kept = steps[steps <= _SILENCE]
    latencies = np.array([one.latency_ms for one in records if not one.refused] or [np.nan])
    return Pace(
        float(len(kept) / kept.sum()) if len(kept) else 0.0,
        (float(np.percentile(latencies, 50)), float(np.percentile(latencies, 99))),
        sum(bool(one.missed) for one in records),
        evidence.config.deadline,
        sum(bool(one.refused) for one in records),
        len(records),
    )


def next_episode(evidence: Evidence) -> list[int]:
    """When the simulator began another episode, ns since 1970: the scene jumps then."""
    return [mark.at for mark in evidence.marks if mark.kind == "episode"]


def released(evidence: Evidence, until: int) -> int | None:
    """When the hand last began to open before ``until`` in the same episode, ns since 1970."""
    since = max((at for at in next_episode(evidence) if at < until), default=0)
    opened = [one.at for one in _hand(evidence) if one.text.startswith(OPENS) and since <= one.at <= until]
    return opened[-1] if opened else None


def _hand(evidence: Evidence) -> Iterator[Entry]:
    """Each time that its measured width grew or shrank in one go by more than a little."""
    column = len(evidence.joint_names)
    told = [(one.received, one.detail.states[-1]) for one in evidence.chunks]
    widths = [(at, float(state[column])) for at, state in told if len(state) > column]
    goes: list[tuple[int, int, float, float]] = []  # begin, end, ns; width before and after
    for (begin, before), (end, after) in pairwise(widths):
        if abs(after - before) * SECOND < _SPEED * max(end - begin, 1):
            continue
        same = goes and (after - before) * (goes[-1][3] - goes[-1][2]) > 0.0
        if same and begin - goes[-1][1] < _PAUSE * SECOND:
            goes[-1] = goes[-1][0], end, goes[-1][2], after
        else:
            goes.append((begin, end, before, after))
    for begin, _, before, after in goes:
        if abs(after - before) > _TRAVEL:
            what = OPENS if after > before else CLOSES
            yield Entry(begin, f"{what}, {1e3 * before:.0f} to {1e3 * after:.0f} mm")


def _silences(evidence: Evidence) -> Iterator[Entry]:
    came = [one.received for one in evidence.chunks]
    ended = [mark.at for mark in evidence.marks if mark.kind == "lifecycle"]  # there is none while it is off
    for before, after in pairwise(came):
        off = any(before <= at <= after for at in ended)
        if after - before > _SILENCE * SECOND and not off:
            yield Entry(before, f"no decision for {(after - before) / SECOND:.1f} s")


def _complaints(evidence: Evidence) -> Iterator[Entry]:
    """Each cause that the policy node tells of, from when it does, and when it is over."""
    before: dict[str, str] = {}
    for at, name, _, values in evidence.diagnostics:
        if not name.startswith(evidence.policy_node):
            continue
        causes = {key: text for key, text in values.items() if _CAUSE.match(key) and text}
        # Ages and counts in a text change all the time.
        now = {_NUMBER.sub("#", text): text for text in causes.values()}
        for kind, text in now.items():
            if kind not in before:
                yield Entry(at, f"{evidence.policy_node}: {text}")
        for kind, text in before.items():
            if kind not in now:
                yield Entry(at, f"{evidence.policy_node}: over: {text}")
        before = now


def decisions_in_a_row(evidence: Evidence) -> float:
    """By how much two chunks in a row contradict each other, where both say something: the largest difference
    of a position, rad or m, median over the recording. NaN where there are none."""
    found = []
    for before, after in pairwise(one.detail for one in evidence.chunks):
        shift = (after.stamp - before.stamp) / before.period
        places = np.arange(len(after.positions)) + shift
        both = (places >= 0.0) & (places <= len(before.positions) - 1)
        if not 0.0 < shift < len(before.positions) or not both.any():
            continue
        columns = [np.interp(places[both], np.arange(len(column)), column) for column in before.positions.T]
        found.append(float(np.abs(np.stack(columns, axis=1) - after.positions[both]).max()))
    return float(np.median(found)) if found else float("nan")
