"""Bags as a source of episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.policy.contract import Contract
from sag_ros.robots.arm import Arm
from sag_ros.train.convert.bags.cut import Cutting
from sag_ros.train.convert.bags.find import find_bags
from sag_ros.train.convert.bags.inputs import Inputs
from sag_ros.train.convert.bags.interventions import Interventions
from sag_ros.train.convert.bags.readers import Readers
from sag_ros.train.convert.bags.recording import Recording
from sag_ros.train.convert.bags.topics import Topics
from sag_ros.train.convert.bags.tracks import Tracks
from sag_ros.train.convert.raw import ConversionError, LeftOut, RawEpisode

_LEAST = 3  # frames of an episode


@dataclass(frozen=True)
class BagOptions:
    """What a person says of bags.

    Attributes:
        state, action: words, see :class:`inputs.Inputs`.
        cameras: camera of the contract -> topic.
        marks: ``topic`` or ``topic:field`` that tells when an episode is on; empty: none.
        cut: s of silence of all inputs that separates two episodes; None: a bag is one.
        gap: s that an input may be missing.
        joint_prefix: before the names of joints in messages.
        interventions: ``topic`` or ``topic:field`` that tells when a human had the arm; empty: none.
    """

    state: Sequence[str]
    action: Sequence[str]
    cameras: Mapping[str, str]
    marks: str = ""
    cut: float | None = None
    gap: float = 0.2
    joint_prefix: str = ""
    interventions: str = ""


class BagSource:
    """Bags below a folder, or one.

    Args:
        path: bag, or folder of bags; see :func:`find.find_bags`.
        contract: of the policy.
        arm: with its joints; None where none is known.
        options: which topics, and where episodes begin and end.

    Raises:
        ConversionError: options that do not go together with each other or with the policy.
    """

    def __init__(self, path: Path, contract: Contract, arm: Arm | None, options: BagOptions) -> None:
        self.period, self.left_out = float("nan"), list[str]()
        self._bags, self._contract, self._options = find_bags(path), contract, options
        self._inputs = Inputs(contract, arm, options.state, options.action)
        self._readers = Readers(contract, arm, options.joint_prefix)
        self._cutting = Cutting(options.marks, options.cut)
        self._interventions = Interventions(options.interventions)
        self._topics = Topics()

    def found(self) -> dict[str, Any]:
        """See :class:`raw.Source`."""
        return {"bags": len(self._bags), "topics": self._topics.content(), "notes": self._topics.notes}

    def episodes(self) -> Iterator[RawEpisode]:
        """See :class:`raw.Source`. A bag that cannot be read is left out where there are others."""
        read = False
        for path in self._bags:
            try:
                with Recording(path) as bag:
                    yield from self._of(bag)
                    read = True
            except LeftOut as error:
                if len(self._bags) == 1:
                    raise ConversionError(str(error)) from None
                self.left_out.append(str(error))
            except ConversionError as error:
                if not read:
                    raise  # a wrong topic is wrong everywhere
                self.left_out.append(str(error))

    def _of(self, bag: Recording) -> Iterator[RawEpisode]:
        tracks = Tracks(bag, self._inputs, self._readers, self._contract, self._options.cameras)
        pictures: dict[str, list[Any]] = {topic: [] for topic in self._options.cameras.values()}
        reads = self._cutting.with_marks({**pictures, **tracks.reads})
        heard = bag.read(self._interventions.with_reads(reads, bag))
        self._topics.recorded(bag.path.name, heard, bag.epoch)
        numbers, action = tracks.numbers(heard)
        images = tracks.films(heard)
        inputs = [*numbers.values(), *images.values(), *(one for one in action.values() if not one.held)]
        stretches = self._cutting.stretches(bag, heard, [one.stamps for one in inputs])
        human = self._interventions.stretches(heard, max(float(one.stamps[-1]) for one in inputs))
        for begin, end in stretches:
            name = bag.path.name
            if len(stretches) > 1 or self._cutting.marks:
                name = f"{name}, {begin:.2f} to {end:.2f} s"
            try:
                span = self._span(name, begin, end, inputs)
            except LeftOut as error:
                self.left_out.append(str(error))
                continue
            yield RawEpisode(name, span, numbers, action, images, interventions=human)

    def _span(self, name: str, begin: float, end: float, inputs: Sequence[Any]) -> tuple[float, float]:
        """Of the frames: where all inputs are there, if nobody has marked the episode."""
        period = self._contract.control_period
        if not self._cutting.marks:
            for one in inputs:
                inside = one.stamps[(one.stamps >= begin) & (one.stamps <= end)]
                if not len(inside):
                    raise LeftOut(f"{name}: no message of {one.source} between {begin:.2f} and {end:.2f} s")
            firsts = {one.source: float(one.stamps[np.searchsorted(one.stamps, begin)]) for one in inputs}
            lasts = {
                one.source: float(one.stamps[np.searchsorted(one.stamps, end, side="right") - 1])
                for one in inputs
            }
            self._note(name, begin, end, firsts, lasts)
            begin, end = max(firsts.values()), min(lasts.values())
        if end - begin < _LEAST * period:
            raise LeftOut(
                f"{name}: all inputs are there for {max(end - begin, 0.0):.2f} s only; an episode has "
                f"{_LEAST} frames, {period:g} s each"
            )
        return begin, end - period  # the action of the last frame is one period later

    def _note(
        self, name: str, begin: float, end: float, firsts: Mapping[str, float], lasts: Mapping[str, float]
    ) -> None:
        """Say what is lost because an input begins late or ends early."""
        latest, earliest = max(firsts, key=lambda key: firsts[key]), min(lasts, key=lambda key: lasts[key])
        for lost, text in (
            (firsts[latest] - begin, f"{latest} begins at {firsts[latest]:.2f} s"),
            (end - lasts[earliest], f"{earliest} ends at {lasts[earliest]:.2f} s"),
        ):
            if lost > max(1.0, self._options.gap):
                self._topics.notes.append(f"{name}: {text}, so {lost:.2f} s of it are left out")
