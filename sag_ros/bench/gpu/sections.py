"""Sections of ``sag gpu-check``: fenced, within a budget of time, on a GPU in a process each.

A kernel that reads out of bounds spoils the whole process's use of the GPU, and one that waits for ever
cannot be interrupted: only a process of its own keeps that from the other sections.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

LISTS = ("checks", "times", "pipeline", "absent", "errors")
"""What sections emit rows for, beside ``machine``, whose rows are merged."""
GRACE = 5.0  # s that a section gets to end by itself beyond its limit
FRAMES, TEXT = 12, 2000  # kept of an error: innermost calls, characters
Emit = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Section:
    """One part of the check.

    Attributes:
        target: ``module:function``, called with a :class:`Context`, ``engines`` if any, and ``arguments``.
        needs_s: not begun with less time than this left.
        at_most_s: of its time.
        engines: those that it is about, in the words of ``--engines``.
    """

    name: str
    target: str
    needs_s: float
    at_most_s: float
    engines: tuple[str, ...] = ()
    arguments: tuple[Any, ...] = ()

    def alone(self, engine: str) -> Section:
        """The same for one of its engines."""
        return replace(self, name=f"{self.name}, {engine} alone", engines=(engine,))


@dataclass
class Context:
    """What a section is given.

    Attributes:
        options: of the command, with its seed.
        emit: takes (list, row), see ``LISTS``.
        left: seconds until the section has to end.
        build: as ``registry.build_engine``.
        say: takes what is being done.
    """

    section: str
    options: Any
    emit: Emit
    left: Callable[[], float]
    build: Callable[..., Any]
    say: Callable[[str], None] = field(default=lambda text: None)

    @contextmanager
    def fence(self, part: str) -> Iterator[None]:
        """An exception is reported and costs only what it encloses."""
        try:
            yield
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
            trace = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
            text = f"{type(error).__name__}: {str(error)[:TEXT]}"
            self.error(part, text, trace)

    def error(self, part: str, text: str, trace: Sequence[str] = ()) -> None:
        """Report what went wrong."""
        self.emit("errors", error_row(self.section, part, text, trace))

    def absent(self, part: str, reason: str) -> None:
        """Report what does not exist on this machine, which is no error."""
        self.emit("absent", {"part": part, "reason": reason})


def error_row(section: str, part: str, text: str, trace: Sequence[str] = ()) -> dict[str, Any]:
    """JSON-ready; ``trace`` has the innermost call last."""
    return {"section": section, "part": part, "error": text, "trace": list(trace)}


Clock = Callable[[], float]


def run_here(section: Section, options: Any, end: float, emit: Emit, build: Any, clock: Clock) -> None:
    """In this process, until ``end`` of ``clock``; an exception is reported."""
    context = Context(section.name, options, emit, lambda: end - clock(), build)
    with context.fence("section"):
        module, _, name = section.target.partition(":")
        engines = (section.engines,) if section.engines else ()
        getattr(import_module(module), name)(context, *engines, *section.arguments)


def run_apart(section: Section, options: Any, limit: float, emit: Emit) -> None:
    """In a process of its own, which is ended when it exceeds ``limit`` seconds."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    end = time.monotonic() + limit  # the child's clock is the same; to start and to import torch is within it
    child = spawn.Process(target=_child, args=(there, section, options, end))
    child.start()
    there.close()  # so that the child's end is the end of the pipe
    failure = None
    try:
        while True:
            if here.poll(max(end + GRACE - time.monotonic(), 0.0)):
                try:
                    emit(*here.recv())
                except EOFError:
                    break
            else:
                failure = f"did not end within {limit:.0f} s and was stopped"
                child.kill()
                break
    finally:
        if failure is None and child.is_alive():
            child.join(GRACE)
        child.kill()
        child.join()
        here.close()
    if failure is None and child.exitcode != 0:
        code = child.exitcode or 0
        failure = f"its process ended with {f'signal {-code}' if code < 0 else f'status {code}'}"
    if failure is not None:
        emit("errors", error_row(section.name, "process", failure))


def _child(pipe: Connection, section: Section, options: Any, end: float) -> None:
    faulthandler.enable()  # says on stderr where a crash happened, or what does not end
    faulthandler.dump_traceback_later(max(end + 0.6 * GRACE - time.monotonic(), 0.01))
    import torch

    from sag_ros.engines.registry import build_engine

    torch.set_num_threads(1)  # products this small are slower on more
    run_here(section, options, end, lambda *row: pipe.send(row), build_engine, time.monotonic)
    faulthandler.cancel_dump_traceback_later()
    pipe.close()


def run_all(
    sections: list[Section],
    run: Callable[[Section, float, Emit], None],
    seconds: float,
    content: dict[str, Any],
    save: Callable[[], None],
    say: Callable[[str], None],
    clock: Clock = time.monotonic,
) -> None:
    """Run ``sections`` in order within ``seconds``; rows go to the lists in ``content``.

    An engine that took its own process down goes into no section with others; and where a section of several
    fails, :func:`victims` get one each, behind all others.

    Args:
        run: takes a section, its limit in seconds and what to emit with.
        save: called after every section.
    """
    start, waiting, dangerous = clock(), list(sections), set[str]()

    def emit(kind: str, row: dict[str, Any]) -> None:
        if kind == "machine":
            content["machine"] |= row
        else:
            content[kind].append(row)

    while waiting:
        section = waiting.pop(0)
        if len(section.engines) > 1:
            waiting += [section.alone(engine) for engine in section.engines if engine in dangerous]
            safe = tuple(engine for engine in section.engines if engine not in dangerous)
            if not safe:
                continue
            section = replace(section, engines=safe)
        left = seconds - (clock() - start)
        record: dict[str, Any] = {"name": section.name, "status": "interrupted", "seconds": 0.0}
        content["sections"].append(record)
        if left < section.needs_s:
            record["status"] = "skipped"
            record["why"] = f"{max(left, 0.0):.0f} s left, needs {section.needs_s:.0f} s"
            say(f"{section.name}: skipped, {record['why']}")
            save()
            continue
        limit = min(section.at_most_s, left)
        say(f"{section.name} (at most {limit:.0f} s, {left:.0f} s left)")
        before = {kind: len(content[kind]) for kind in LISTS}
        began = clock()
        run(section, limit, emit)
        new = {kind: content[kind][count:] for kind, count in before.items()}
        record["status"] = "failed" if new["errors"] else "done"
        record["seconds"] = round(clock() - began, 1)
        if len(section.engines) == 1 and any(row["part"] == "process" for row in new["errors"]):
            dangerous.update(section.engines)
        waiting += [section.alone(engine) for engine in victims(section, new)]
        save()


def victims(section: Section, new: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Engines of a section of several that have no result because of another one.

    The one whose error came first has only itself to blame, unless the process went down as a whole.
    """
    errors = new["errors"]
    if len(section.engines) < 2 or not errors:
        return []
    settled = {row["what"] for kind in ("times", "pipeline") for row in new[kind]}
    settled |= {row["part"] for row in new["absent"]}
    if not any(row["part"] == "process" for row in errors):
        settled.add(errors[0]["part"].split()[0])
    return [engine for engine in section.engines if engine not in settled]
