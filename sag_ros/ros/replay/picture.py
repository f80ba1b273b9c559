"""The moment of a fault as a picture: where the joints were and should go, the guard, what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.control.motion import of_command
from sag_ros.messages.stamps import SECOND
from sag_ros.ros.replay.chunks import Compared
from sag_ros.ros.replay.commands import matched
from sag_ros.ros.replay.evidence import Decided, Evidence
from sag_ros.ros.replay.timeline import next_episode, released

INK, FAINT, GRID = "#1d2733", "#8894a3", "#e4e8ee"
BLUE, ORANGE, GREEN, RED = "#2f6fde", "#e07a1f", "#2a9d6f", "#cf3f4f"
BEFORE, AFTER = 3.0, 1.5  # s around the moment
_PICTURES, _PREDICTED = 7, 24  # moments, chunks that are drawn
_SHOWN = 96  # px
_HAND = 10.0  # mm that the axis of the hand spans at least
_FIRST = ("fault", "silent", "stop", "failure", "operator")


def moment(evidence: Evidence) -> tuple[int, str]:
    """When what it was recorded for happened, ns since 1970, and what that was.

    Of an episode that failed: when the hand let go, or when the last decision was executed, if that was well
    before the end.
    """
    for kind in _FIRST:
        for mark in evidence.marks:
            if mark.kind == kind and kind in evidence.metadata["reason"] + " operator":
                text = f"{kind}: {mark.text}"
                let_go = released(evidence, mark.at) if kind in ("failure", "operator") else None
                if let_go is not None:
                    ago = (mark.at - let_go) / SECOND
                    return let_go, f"{text}; here the hand opens, {ago:.1f} s before"
                stood = _stood(evidence, mark.at) if kind in ("failure", "operator") else None
                if stood is not None:
                    ago = (mark.at - stood) / SECOND
                    return stood, f"{text}; here the last decision was executed, {ago:.1f} s before"
                return _stopped(evidence, mark.at), text
    last = evidence.chunks[-1].received if evidence.chunks else evidence.recording.begin
    return last, evidence.metadata["reason"]


def _stood(evidence: Evidence, until: int) -> int | None:
    """When the last decision before ``until`` was executed, ns; None if that was within a second of it."""
    came = [one.received for one in evidence.chunks if one.executed]
    last = max((at for at in came if at <= until), default=until)
    return last if until - last > SECOND else None


def _stopped(evidence: Evidence, marked: int) -> int:
    """When the arm was told to stop, ns, where that was just before it was said; else when it was said."""
    of_chunks = matched(evidence)
    stops = [sent.sent for place, sent in enumerate(evidence.commands) if place not in of_chunks]
    return max((stop for stop in stops if 0 <= marked - stop < SECOND), default=marked)


class _Window:
    """What lies around a moment; times in s from it."""

    def __init__(self, evidence: Evidence, at: int) -> None:
        self.evidence, self.at = evidence, at
        self.chunks = [one for one in evidence.chunks if self.holds(one.received)]

    def seconds(self, stamp: int) -> float:
        return (stamp - self.at) / SECOND

    def holds(self, stamp: int) -> bool:
        return -BEFORE <= self.seconds(stamp) <= AFTER

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) times and (N, J) positions."""
        told = [one for one in self.evidence.joints if self.holds(one.stamp)]
        times = np.array([self.seconds(one.stamp) for one in told])
        return times, np.array([one.position for one in told])

    def commanded(self, step: float) -> tuple[np.ndarray, np.ndarray]:
        """(N,) times and (N, J) what the newest command said at each."""
        sent = [one for one in self.evidence.commands if self.holds(one.sent)]
        times, rows = [], []
        for number, one in enumerate(sent):
            end = sent[number + 1].sent if number + 1 < len(sent) else self.at + round(AFTER * SECOND)
            motion = of_command(self.evidence.command(one, step))
            inside = np.arange(one.sent, end, SECOND // 100)
            times += [self.seconds(int(moment)) for moment in inside]
            rows += [motion.at(self.evidence.clock.seconds(int(moment)))[0] for moment in inside]
        return np.array(times), np.array(rows)

    def predicted(self) -> list[tuple[np.ndarray, np.ndarray, Decided]]:
        """Times and actions of some of the chunks, the last one among them."""
        picks = np.linspace(len(self.chunks) - 1, 0, min(_PREDICTED, len(self.chunks))).round().astype(int)
        found = []
        for pick in sorted(set(picks.tolist())):
            detail = self.chunks[pick].detail
            begin = self.seconds(detail.nanoseconds(detail.stamp))
            times = begin + detail.period * np.arange(1, len(detail.positions) + 1)
            found.append((times, detail.positions, self.chunks[pick]))
        return found


def _line(axis: Any, window: _Window) -> None:
    axis.axvline(0.0, color=RED, lw=1, ls=(0, (4, 3)))
    for begin in next_episode(window.evidence):  # the simulator puts arm and scene elsewhere
        second = window.seconds(begin)
        if -BEFORE < second < AFTER:
            begins, ends, said = (second, AFTER, "next") if second > 0.0 else (-BEFORE, second, "former")
            axis.axvspan(begins, ends, color=GRID, lw=0, zorder=0)
            top = axis.get_xaxis_transform()
            axis.text(begins, 1.0, f" {said} episode", fontsize=7, color=FAINT, va="top", transform=top)
    axis.set_xlim(-BEFORE, AFTER)
    axis.grid(True)


def _joints(figure: Any, grid: Any, window: _Window, step: float) -> None:
    times, measured = window.measured()
    when, commanded = window.commanded(step)
    predicted = window.predicted()
    poses = bool(predicted) and bool(len(predicted[0][2].detail.rotations))
    count = measured.shape[1] if measured.ndim == 2 else 0
    for joint in range(count):
        axis = figure.add_subplot(grid[joint // 4, joint % 4])
        if not poses:
            for t, positions, decided in predicted:
                colour = BLUE if decided.executed else RED
                axis.plot(t, positions[:, joint], color=colour, lw=0.7, alpha=0.45)
        if len(when):
            axis.plot(when, commanded[:, joint], color=ORANGE, lw=1.4)
        axis.plot(times, measured[:, joint], color=INK, lw=1.1)
        axis.set_title(f"joint {joint + 1}, rad", fontsize=9, loc="left")
        _line(axis, window)
    axis = figure.add_subplot(grid[count // 4, count % 4])
    for t, _, decided in predicted:
        axis.plot(t, 1e3 * decided.detail.gripper, color=BLUE, lw=0.7, alpha=0.45)
    states = [(window.seconds(one.received), one.detail.states[-1, count]) for one in window.chunks]
    if states:
        axis.plot(*np.array(states).T * np.array([[1.0], [1e3]]), color=INK, lw=1.1)
    axis.set_title("hand, mm", fontsize=9, loc="left")
    low, high = axis.get_ylim()
    if high - low < _HAND:  # what trembles by less is still
        axis.set_ylim((low + high - _HAND) / 2, (low + high + _HAND) / 2)
    _line(axis, window)


def _latencies(axis: Any, window: _Window) -> None:
    for decided in window.chunks:
        record = decided.record
        if record is None:
            continue
        t, refused = window.seconds(decided.received), bool(record.refused)
        colour = RED if refused else ORANGE if record.clipped else BLUE
        axis.plot(t, record.latency_ms, "x" if refused else ".", color=colour, ms=5, alpha=0.8)
    deadline = 1e3 * window.evidence.config.deadline
    axis.axhline(deadline, color=INK, lw=0.8, ls=(0, (1, 2)))
    axis.set_title(
        "camera to command, ms (orange: made gentler by the guard, red cross: refused; "
        f"dotted: deadline, {deadline:.0f})",
        fontsize=9,
        loc="left",
    )
    axis.set_ylim(bottom=0)
    _line(axis, window)


def _replayed(axis: Any, window: _Window, beside: Sequence[Compared], name: str) -> None:
    shown = [one for one in beside if window.holds(one.at)]
    if not shown:
        density = [(window.seconds(d.received), 100 * d.record.density) for d in window.chunks if d.record]
        if density:
            axis.plot(*np.array(density).T, ".", color=GREEN, ms=4)
        axis.set_title("blocks computed, %", fontsize=9, loc="left")
    else:
        times = [window.seconds(one.at) for one in shown]
        axis.plot(times, [one.actions for one in shown], ".", color=GREEN, ms=4)
        axis.set_title(f"how far {name} differs, rad", fontsize=9, loc="left")
    axis.set_ylim(bottom=0)
    _line(axis, window)


def _pictures(figure: Any, grid: Any, window: _Window) -> None:
    cameras = list(window.evidence.config.cameras)
    moments = np.linspace(-BEFORE, AFTER, _PICTURES)
    for row, camera in enumerate(cameras):
        stamps = window.evidence.stamps(camera)
        if not len(stamps):
            continue
        for column, second in enumerate(moments):
            stamp = int(stamps[np.abs(stamps - (window.at + second * SECOND)).argmin()])
            axis = figure.add_subplot(grid[row, column])
            axis.set_xticks([])
            axis.set_yticks([])
            unusable = window.evidence.picture(camera, stamp, _SHOWN, _SHOWN) is None
            if unusable or abs(window.seconds(stamp) - second) > 0.5:
                axis.set_visible(False)
                continue
            axis.imshow(window.evidence.picture(camera, stamp, _SHOWN, _SHOWN))
            axis.set_title(f"{camera} {window.seconds(stamp):+.2f} s", fontsize=8)


def draw(
    evidence: Evidence,
    path: Path,
    beside: Sequence[Compared] = (),
    name: str = "",
    said: str = "",
    at: int | None = None,
) -> Path:
    """Draw the moment; returns ``path``.

    Args:
        evidence: the recording, with chunks.
        path: of the PNG.
        beside: chunks of another policy, called ``name``.
        said: a line on what the replay found.
        at: another moment, ns since 1970.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found, text = moment(evidence)
    window = _Window(evidence, found if at is None else at)
    cameras = max(len(evidence.config.cameras), 1)
    style = {
        "font.size": 9, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
        "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.spines.top": False,
        "axes.spines.right": False, "grid.color": GRID, "axes.axisbelow": True,
    }  # fmt: skip
    with plt.rc_context(style):
        figure = plt.figure(figsize=(14, 9.5 + 1.6 * cameras), dpi=110)
        outer = figure.add_gridspec(
            3, 1, height_ratios=[3.4, 1.3, 1.3 * cameras], hspace=0.25, left=0.05, right=0.98, top=0.89,
            bottom=0.03,
        )  # fmt: skip
        figure.text(0.05, 0.965, text[:110], fontsize=15, fontweight="bold", va="center")
        lines = f"{evidence.recording.path.name}, {evidence.metadata['written']}. {said}"
        figure.text(0.05, 0.94, lines, fontsize=10, color=FAINT, va="center")
        legend = (
            "black: measured   orange: commanded   blue: wanted (actions of chunks)   "
            "red: wanted and refused   dashed: 0 s"
        )
        figure.text(0.05, 0.92, legend, fontsize=9, va="center")
        step = evidence.config.splice.step
        _joints(figure, outer[0].subgridspec(2, 4, hspace=0.35, wspace=0.2), window, step)
        middle = outer[1].subgridspec(1, 2, wspace=0.12)
        _latencies(figure.add_subplot(middle[0]), window)
        _replayed(figure.add_subplot(middle[1]), window, beside, name)
        _pictures(figure, outer[2].subgridspec(cameras, _PICTURES, hspace=0.25, wspace=0.05), window)
        figure.savefig(path, facecolor="white")
        plt.close(figure)
    return path
