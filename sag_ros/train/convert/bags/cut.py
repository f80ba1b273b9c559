"""Which stretches of a bag are episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sag_ros.messages.fields import FieldPaths
from sag_ros.train.convert.bags.inputs import Input, parse
from sag_ros.train.convert.bags.recording import Heard, Read, Recording
from sag_ros.train.convert.raw import ConversionError, Values

Stretches = list[tuple[float, float]]


class Cutting:
    """Episodes of a bag: all of it, or where a topic says so, or between pauses.

    Args:
        marks: ``topic`` or ``topic:field`` whose number (``data``) is not 0 while an episode is on; or empty.
        pause: s of silence of all inputs that separates two episodes; None: it does not matter.

    Raises:
        ConversionError: both.
    """

    def __init__(self, marks: str, pause: float | None) -> None:
        if marks and pause is not None:
            raise ConversionError("--marks and --cut both say where episodes begin; give one of them")
        self.marks, self._pause = marks, pause
        self._input = parse(marks, "--marks") if marks else None

    def with_marks(self, reads: Mapping[str, Sequence[Read]]) -> dict[str, list[Read]]:
        """``reads``, and what reads the marks, the last of its topic."""
        return with_last(reads, self._input, None if self._input is None else number_of(self._input))

    def stretches(self, bag: Recording, heard: Mapping[str, Heard], inputs: Sequence[Values]) -> Stretches:
        """Of ``bag``, (begin, end) s each; ``inputs``: stamps (n,) of each, s, rising.

        Raises:
            ConversionError: nothing is marked.
        """
        begin, end = min(float(one[0]) for one in inputs), max(float(one[-1]) for one in inputs)
        if self._pause is not None:
            return silent(inputs, self._pause)
        if self._input is None:
            return [(begin, end)]
        own = heard.get(self._input.topic)
        if own is None:
            raise ConversionError(f"{bag.path}: {self._input.topic} has no message; there is {bag.described}")
        places, values = own.read[-1]
        found = marked(own.stamps[places], np.array(values), end)
        if not found:
            why = f"; the first {own.why}" if own.why else ""
            raise ConversionError(
                f"{bag.path}: the {len(own.stamps)} of {self._input.topic} ({own.kind}) mark no episode; "
                f"one is on while {(self._input.fields or ('data',))[0]} is true, or a number but 0{why}"
            )
        return found


def number_of(one: Input) -> Read:
    """What reads the number of a mark: its field, ``data`` if nothing is said."""
    paths = FieldPaths(one.topic, one.fields or ("data",))
    return lambda message: paths.numbers(message)[0]


def with_last(
    reads: Mapping[str, Sequence[Read]], one: Input | None, read: Read | None
) -> dict[str, list[Read]]:
    """``reads``, and ``read`` as the last of the topic of ``one``, if there is one."""
    found = {topic: list(own) for topic, own in reads.items()}
    if one is not None and read is not None:
        found.setdefault(one.topic, []).append(read)
    return found


def marked(stamps: Values, values: Values, end: float) -> Stretches:
    """Stretches in which a mark is set: true, or another number than 0; each other number is another stretch.

    Args:
        stamps: (n,) s, rising.
        values: (n,) from then on.
        end: s, of the bag, where a mark is still set then.
    """
    found, begin, last = [], 0.0, 0.0
    for stamp, value in zip(stamps.tolist(), values.tolist(), strict=True):
        if value == last:
            continue
        if last:
            found.append((begin, stamp))
        begin, last = stamp, value
    if last and end > begin:
        found.append((begin, end))
    return found


def silent(inputs: Sequence[Values], pause: float) -> Stretches:
    """Stretches between pauses in which no input has a message for longer than ``pause`` s.

    Args:
        inputs: stamps (n,) of each, s, rising.
    """
    stamps = np.sort(np.concatenate(inputs))
    last = np.flatnonzero(np.diff(stamps) > pause)
    begins, ends = np.r_[0, last + 1], np.r_[last, len(stamps) - 1]
    return [(float(stamps[first]), float(stamps[final])) for first, final in zip(begins, ends, strict=True)]
