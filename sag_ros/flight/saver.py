"""The thread between the ring and the disk: recordings when somebody asks, or all the time.

What takes long happens here; whoever fills the ring never waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sag_ros.flight.folder import RecordingFolder
from sag_ros.flight.ring import Ring
from sag_ros.flight.writing import RecordingWriter, Topic

LOOK = 0.25  # s between two looks
RANKS = ("fault", "silent", "failure", "stop")  # what a recording is called after: the worst of its reasons
Metadata = Mapping[str, Mapping[str, str]]


@dataclass
class Request:
    """A recording that was asked for: why, and when it is due (monotonic, s)."""

    reasons: list[str]
    due: float


@dataclass(frozen=True)
class Saved:
    """What became of recordings: paths of the last ones, how many, and what went wrong last."""

    paths: tuple[Path, ...] = ()
    count: int = 0
    problem: str = ""


@dataclass
class Stream:
    """The recording that is being written all the time."""

    writer: RecordingWriter
    begun: float
    topics: Mapping[str, Topic] = field(default_factory=dict)


class Saver:
    """Saves what a ring holds.

    Args:
        ring: that is filled elsewhere.
        folder: for the recordings.
        topics: name -> topic, as far as they are known now.
        describe: reasons -> metadata of a recording.
        after: s that are waited for before a recording that was asked for is written, so that what followed
            is in it; what is asked for meanwhile goes into the same one.
        roll: s of each recording of those that are written all the time; 0: none are.
        say: called with a sentence.
        now: monotonic clock, s; wall: the time of day for names, s since 1970.
    """

    def __init__(
        self,
        ring: Ring,
        folder: RecordingFolder,
        topics: Callable[[], Mapping[str, Topic]],
        describe: Callable[[list[str]], Metadata],
        after: float = 2.0,
        roll: float = 0.0,
        say: Callable[[str], object] = lambda text: None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ring, self._folder, self._topics, self._describe = ring, folder, topics, describe
        self._after, self._roll, self._say, self._now, self._wall = after, roll, say, now, wall
        self._lock = threading.Lock()
        self._request: Request | None = None
        self._stream: Stream | None = None
        self._next = ring.count  # of the message that the stream gets next
        self.lost = 0  # messages that were forgotten before the stream had them
        self.state = Saved()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def ask(self, reason: str, soon: bool = False) -> None:
        """Have a recording written; ``soon``: without waiting for what follows."""
        with self._lock:
            due = self._now() + (0.0 if soon else self._after)
            if self._request is None:
                self._request = Request([reason], due)
            else:
                if reason not in self._request.reasons:
                    self._request.reasons.append(reason)
                self._request.due = min(self._request.due, due)
        if soon:
            self._wake.set()

    @property
    def asked(self) -> bool:
        """Whether a recording is due that is not written yet."""
        with self._lock:
            return self._request is not None

    def stop(self, patience: float = 10.0) -> None:
        """Write what is due, then end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(LOOK)
            self._wake.clear()
            self.look()
        self.look(last=True)

    def look(self, last: bool = False) -> None:
        """Do what is due; ``last``: all that was asked for is."""
        if self._roll > 0.0:
            self._guarded(lambda: self._continue(last))
        with self._lock:
            request = self._request
            if request is None or (self._now() < request.due and not last):
                return
        self._guarded(lambda: self._save(request.reasons))
        with self._lock:
            if self._request is request:
                self._request = None

    def _guarded(self, act: Callable[[], None]) -> None:
        """The disk may be full, or gone: that is said, and the ring goes on."""
        try:
            act()
        except Exception as error:
            text = (
                str(error) if isinstance(error, OSError | LookupError) else f"{type(error).__name__}: {error}"
            )
            self.state = Saved(self.state.paths, self.state.count, f"nothing recorded: {text}")
            self._say(self.state.problem)

    def _name(self, what: str) -> str:
        return time.strftime("%Y%m%d_%H%M%S", time.localtime(self._wall())) + f"_{what}"

    def _begin(self, what: str) -> tuple[RecordingWriter, Mapping[str, Topic]]:
        topics = dict(self._topics())
        file = self._folder.create(self._name(what))
        try:
            return RecordingWriter(file, topics), topics
        except BaseException:
            file.abandon()
            raise

    def _save(self, reasons: list[str]) -> None:
        messages = self._ring.snapshot()
        kinds = [reason.partition(":")[0].replace(" ", "_") for reason in reasons]
        known = sorted((kind for kind in kinds if kind in RANKS), key=RANKS.index)
        writer, _ = self._begin((known or kinds)[0])
        try:
            for message in messages:
                writer.write(message)
            path = writer.finish(self._describe(reasons))
        except BaseException:
            writer.abandon()
            raise
        self._note(path, f"{path}: {'; '.join(reasons)}")

    def _note(self, path: Path, text: str) -> None:
        self.state = Saved((*self.state.paths[-9:], path), self.state.count + 1)
        self._say(text)

    def _continue(self, last: bool) -> None:
        """Append what is new to the running recording; begin another one when it is time."""
        messages, lost = self._ring.since(self._next)
        self.lost += lost
        self._next += lost + len(messages)  # what cannot be written is not tried again
        if self._stream is None:
            if not messages:
                return
            writer, topics = self._begin("running")
            self._stream = Stream(writer, self._now(), topics)
            messages = self._ring.retold(messages[0].received) + messages
        stream = self._stream
        try:
            for message in messages:
                stream.writer.write(message)
            old = self._now() - stream.begun >= self._roll
            if last or old or dict(self._topics()) != stream.topics:
                self._stream = None
                path = stream.writer.finish(self._describe(["running"]))
                self._note(path, f"{path}: running")
        except BaseException:
            self._stream = None
            stream.writer.abandon()
            raise
