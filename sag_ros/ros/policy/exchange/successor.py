"""The policy that comes next: prepared beside the one that runs, until somebody asks to take it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sag_ros.realtime import undisturbed
from sag_ros.ros.policy import preflight
from sag_ros.ros.policy.exchange.examination import Verdict, examine_apart
from sag_ros.ros.policy.running import Prepared, name_of, observed, prepare
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.worker import Worker


class Successor(Worker):
    """Prepares a policy in a thread: it is examined in another process, then built here.

    The process of the examination has a low priority, this thread has that of the node: whoever waits for the
    interpreter's lock waits for the thread that has it, and that one for a core.

    Args:
        config: of the node, naming the new policy.
        slowest: ms that a chunk may take, in the fastest way that the policy has.
        say: called with a sentence.
        observed: what is subscribed, see ``running.observed``; another policy may observe nothing else.
        examine: in a process of its own by default.
    """

    def __init__(
        self,
        config: PolicyNode,
        slowest: float,
        say: Callable[[str], object],
        observed: str = "",
        examine: Callable[..., Verdict] | None = None,
    ) -> None:
        super().__init__("successor")
        self.name = name_of(config)
        self._config, self._slowest, self._say, self._examine = config, slowest, say, examine or examine_apart
        self._observed = observed
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None
        self._refused = ""

    @property
    def ready(self) -> Prepared | None:
        """What may take over, once it is there."""
        with self._lock:
            return self._prepared

    @property
    def refused(self) -> str:
        """Why it will never be there, or an empty text."""
        with self._lock:
            return self._refused

    @property
    def text(self) -> str:
        """How far it is, for a person."""
        if self.refused:
            return f"{self.name} is refused: {self.refused}"
        return f"{self.name} {'is ready: call ~/swap' if self.ready else 'is being prepared'}"

    def _run(self) -> None:
        refused, prepared = "", None
        try:
            verdict = self._examine(self._config, self._stop.is_set)
            for text in verdict.said:
                self._say(f"next: {text}")
            refused = verdict.refused
            if not refused and not self._stop.is_set():
                with undisturbed():
                    prepared = self._build(verdict)
        except preflight.Refused as error:
            refused = str(error)
        except Exception as error:  # the policy that runs goes on, whatever it is
            refused = f"{type(error).__name__}: {error}"
        with self._lock:
            self._refused, self._prepared = refused, prepared
        self._say(self.text)

    def _build(self, verdict: Verdict) -> Prepared:
        report = preflight.Report(**(verdict.report or {}))
        prepared = prepare(self._config, lambda text: None, report)
        if prepared.bundle.weights_hash != verdict.weights:
            raise preflight.Refused("its files were changed while it was examined; load it again")
        own = observed(prepared.bundle.contract)
        if self._observed and own != self._observed:
            raise preflight.Refused(
                f"it observes {own}; what runs observes {self._observed}: clean the node up and configure it "
                "with the other one"
            )
        fastest = prepared.ladder.rungs[-1].ms
        if fastest > self._slowest:
            raise preflight.Refused(
                f"a chunk takes {fastest:.0f} ms here at best, {self._slowest:.0f} are allowed (half of "
                "watchdog.observation); `sag advise` tells more"
            )
        return prepared
