"""When a human had the arm, by a topic of a bag: a number that is not 0 then, or the recorder's marks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sag_ros.messages.errors import MessageError
from sag_ros.train.convert.bags.cut import Stretches, marked, number_of, with_last
from sag_ros.train.convert.bags.inputs import parse
from sag_ros.train.convert.bags.recording import Heard, Read, Recording

# States of the supervisor in which somebody else may move the arm; the recorder marks "before to after: why".
HUMAN = ("paused", "taken over")
_STATE = re.compile(r"^(.+?) to (.+?)(?::|$)")


class Interventions:
    """See the module.

    Args:
        said: ``topic`` (of the recorder's marks, or of a message whose ``data`` is true while a human has the
            arm), ``topic:field``; or empty: nobody ever had it.

    Raises:
        ConversionError: it says neither.
    """

    def __init__(self, said: str) -> None:
        self._input = parse(said, "--interventions") if said else None

    def with_reads(self, reads: Mapping[str, Sequence[Read]], bag: Recording) -> dict[str, list[Read]]:
        """``reads`` of ``bag``, and what reads the interventions, the last of its topic.

        Raises:
            ConversionError: the bag has no such topic.
        """
        if self._input is None:
            return with_last(reads, None, None)
        told = bag.kind(self._input.topic) == "std_msgs/msg/String"
        return with_last(reads, self._input, _of_mark if told else number_of(self._input))

    def stretches(self, heard: Mapping[str, Heard], end: float) -> Stretches | None:
        """(begin, end) s in which a human had the arm, None where nobody tells; ``end``: s, of the bag."""
        if self._input is None:
            return None
        own = heard.get(self._input.topic)
        if own is None:  # no message: nobody ever had it
            return []
        places, values = own.read[-1]
        return marked(own.stamps[places], np.asarray(values, dtype=float) != 0.0, end)


def _of_mark(message: Any) -> float | None:
    """1 where the supervisor began to leave the arm to a human, 0 where that ended, None for other marks."""
    try:
        mark = json.loads(message.data)
        kind, text = mark["kind"], str(mark["text"])
    except (ValueError, KeyError, TypeError) as error:
        raise MessageError(f"is no mark of the recorder: {error!r}") from None
    change = _STATE.match(text) if kind == "state" else None
    if change is None:
        return 0.0 if kind == "silent" else None  # a fault is a state, too
    return float(change[2] in HUMAN)
