"""One fault, from the moving arm to the arm that moves again."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from sag_ros.bench.faults.outcome import GoesOn, Outcome, measure
from sag_ros.messages.stamps import SECOND
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.faults.row import Row
from sag_ros.ros.faults.stage import Stage

_PATIENCE = 4.0  # s for the policy to go on
_LATELY = 0.4  # s; a policy that executed a chunk since then runs
_HISTORY = re.compile(r"([\d.]+) s ago: (.*)")
_TELLING = ("problem", "cause", "last_violation", "last_inference_error")


class _Listener:
    """Notes what /diagnostics says that is new."""

    def __init__(self, stage: Stage, outcome: Outcome, begin: float) -> None:
        self._stage, self._outcome, self._begin = stage, outcome, begin
        self._known = {_bare(text) for text in self._texts(0.0)}  # from before the fault

    def _texts(self, since: float) -> list[str]:
        monitor = self._stage.monitor
        texts = [monitor.message]
        for key, value in monitor.diagnostics.items():
            if key.startswith(_TELLING):
                texts.append(value)
            found = _HISTORY.match(value) if key.startswith("history") else None
            if found and float(found[1]) <= since:
                texts.append(found[2])
        return texts

    def hear(self) -> bool:
        """Look; False, so that it can be waited with."""
        since = self._stage.clock.now() - self._begin
        for text in self._texts(since):
            if text and _bare(text) not in self._known:
                self._known.add(_bare(text))
                self._outcome.said.append((since, text))
        return False


def _bare(text: str) -> str:
    return re.sub(r"[\d.]+", "#", text)


def play(stage: Stage, row: Row) -> Outcome:
    """Bring a fault about in a new episode while the arm moves, and look what happens.

    Raises:
        GraphTimeout: the graph does not answer, or the arm does not move at all.
    """
    stage.begin_episode()
    return inject(stage, row)


def inject(stage: Stage, row: Row) -> Outcome:
    """Bring a fault about now, and look what happens. Raises GraphTimeout."""
    outcome = Outcome(row.name, row.what, row.expected)
    monitor, clock = stage.monitor, stage.clock
    episode = monitor.episode
    assert episode is not None
    violations = int(monitor.status.get("limit_violations", 0))
    begin = clock.now()
    listener = _Listener(stage, outcome, begin)
    row.begin(stage)
    stage.wait(row.lasts, listener.hear)
    end = clock.now()
    measure(outcome, list(stage.commands), begin, end)
    epoch = clock.epoch / SECOND

    def executed() -> list[tuple[float, float]]:
        """(published, observed) of every executed chunk, on our clock."""
        return [(c.publish_stamp - epoch, c.obs_stamp - epoch) for c in episode.executed]

    def goes_on() -> bool:
        listener.hear()
        return any(seen > end for _, seen in executed())

    ran = any(published > end - _LATELY for published, _ in executed()) and not np.isfinite(outcome.rest)
    row.end(stage)
    outcome.goes_on = _go_on(stage, goes_on, ran)
    stage.wait(0.3, listener.hear)
    outcome.lasted = end - begin
    outcome.left_over = stage.left_over
    if row.reaches:
        _judge_observations(outcome, executed(), begin, end)
    outcome.violations = int(monitor.status.get("limit_violations", 0)) - violations
    if outcome.violations:
        worst = "; ".join(monitor.status.get("worst", {}).values())
        outcome.remark = f"{worst}; commands up to {monitor.status.get('worst_delay_ms')} ms late"
    return outcome


def _go_on(stage: Stage, goes_on: Callable[[], bool], ran: bool) -> GoesOn:
    if stage.wait(_PATIENCE, goes_on):
        if stage.restarted:
            return GoesOn.RESTART
        return GoesOn.ALWAYS if ran else GoesOn.ITSELF
    stage.resume()
    if stage.wait(_PATIENCE, goes_on):
        return GoesOn.RESUME
    try:
        stage.transition("deactivate")
        stage.monitor.transition("activate", 10.0, retry=3.0)
    except GraphTimeout:
        return GoesOn.NEVER
    return GoesOn.ACTIVATE if stage.wait(_PATIENCE, goes_on) else GoesOn.NEVER


def _judge_observations(
    outcome: Outcome, executed: list[tuple[float, float]], begin: float, end: float
) -> None:
    """From which observation it went on, and whether one from before the stop was executed after it."""
    if not np.isfinite(outcome.rest):
        return
    rest = begin + outcome.rest
    before = [published for published, _ in executed if published <= rest]
    after = [(published, seen) for published, seen in executed if published > rest]
    if after:
        outcome.after = end - after[0][1]
        if before:
            outcome.old = sum(seen < max(before) for _, seen in after)
