"""From what was heard of topics to tracks of numbers and films of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.contract import Contract
from sag_ros.train.convert.bags.inputs import JOINTS, WIDTH, Input, Inputs
from sag_ros.train.convert.bags.readers import TRAJECTORY, Readers
from sag_ros.train.convert.bags.recording import IMAGES, Heard, Read, Recording
from sag_ros.train.convert.bags.trajectories import TrajectoryReader, set_points
from sag_ros.train.convert.raw import ConversionError, Film, Track, Values
from sag_ros.train.convert.terms import continuous

_ROTATION = "tcp_rotation"


class Tracks:
    """What a bag has of the inputs of a policy.

    Args:
        bag: open.
        inputs: which topic is which part.
        readers: make what reads messages.
        contract: of the policy.
        cameras: camera of the contract -> topic.

    Attributes:
        reads: topic -> those that read its messages.

    Raises:
        ConversionError: a topic that is not there, or has messages of another type.
    """

    def __init__(
        self, bag: Recording, inputs: Inputs, readers: Readers, contract: Contract, cameras: Mapping[str, str]
    ) -> None:
        self._bag, self._inputs, self._contract, self._cameras = bag, inputs, contract, cameras
        self.reads: dict[str, list[Read]] = {}
        self._where: dict[tuple[bool, str], tuple[Input, int]] = {}  # number among those that read its topic
        for commanded, parts in ((False, inputs.state), (True, inputs.action)):
            for part, one in parts.items():
                kind, own = bag.kind(one.topic), self.reads.setdefault(one.topic, [])
                self._where[commanded, part] = one, len(own)
                trajectory = commanded and part == JOINTS and kind == TRAJECTORY and not one.fields
                own.append(TrajectoryReader(readers.joints) if trajectory else readers.reader(one, kind))
        for camera, topic in cameras.items():
            if bag.kind(topic) not in IMAGES:
                raise ConversionError(
                    f"--cameras {camera}={topic}: has messages of {bag.kind(topic)}; pictures are "
                    f"{' or '.join(IMAGES)}"
                )

    def numbers(self, heard: Mapping[str, Heard]) -> tuple[dict[str, Track], dict[str, Track]]:
        """Tracks of the state, and those of the action in their order.

        Raises:
            ConversionError: no message of a topic can be used.
        """
        state = {part: self._track(heard, False, part) for part in self._inputs.state}
        action = {}
        for part in self._inputs.parts:
            one = self._inputs.action.get(part)
            action[part] = state[part] if one is None else self._commanded(heard, part, one, state)
        return state, action

    def _commanded(
        self, heard: Mapping[str, Heard], part: str, one: Input, state: Mapping[str, Track]
    ) -> Track:
        measured = state.get(part)
        if part == WIDTH:
            if one.topic not in heard and measured is not None:  # the hand was never told anything
                return Track(measured.stamps, measured.values, one.topic, held=True)
            return _after(measured, self._track(heard, True, part))
        if self._bag.kind(one.topic) != TRAJECTORY or one.fields:
            return self._track(heard, True, part)
        stamps, commands = self._taken(heard, True, part)
        if measured is None:
            raise ConversionError(
                f"--action {part}={one.topic}: trajectories begin where the arm is; say so, too: "
                f"--state {part}=/topic"
            )
        return set_points(stamps, commands, measured, one.topic, float(measured.stamps[-1]))

    def _taken(self, heard: Mapping[str, Heard], commanded: bool, part: str) -> tuple[Values, list]:
        """Stamps of the messages of a part, in the order of the bag, and what was read of them."""
        one, number = self._where[commanded, part]
        if one.topic not in heard:
            raise ConversionError(
                f"{self._bag.path}: {one.topic} has no message; there is {self._bag.described}"
            )
        own = heard[one.topic]
        places, values = own.read[number]
        if not places:
            why = f"the first {own.why}" if own.why else f"none is about {part}"
            raise ConversionError(
                f"{self._bag.path}: of {len(own.stamps)} messages of {one.topic} ({own.kind}) none can be "
                f"used; {why}"
            )
        return own.stamps[places], values

    def _track(self, heard: Mapping[str, Heard], commanded: bool, part: str) -> Track:
        stamps, values = self._taken(heard, commanded, part)
        stamps, first = np.unique(stamps, return_index=True)
        rows = np.stack([values[place] for place in first])
        if part == _ROTATION:  # between two of opposite sign, halfway is nothing
            rows = continuous(rows, [slice(0, 4)])
        return Track(stamps, rows, self._where[commanded, part][0].topic)

    def films(self, heard: Mapping[str, Heard]) -> dict[str, Film]:
        """Topic -> of each camera. Raises ConversionError for one without a picture."""
        found = {}
        for camera, topic in self._cameras.items():
            if topic not in heard:
                raise ConversionError(
                    f"{self._bag.path}: {topic} has no message; there is {self._bag.described}"
                )
            size = self._contract.cameras[camera]
            stamps, first = np.unique(heard[topic].stamps, return_index=True)
            show = partial(self._show, topic, heard[topic], first, size.height, size.width)
            found[topic] = Film(stamps, show, topic)
        return found

    def _show(
        self,
        topic: str,
        heard: Heard,
        first: NDArray[np.intp],
        height: int,
        width: int,
        places: NDArray[np.intp],
    ) -> NDArray[np.uint8]:
        return self._bag.pictures(topic, heard, first[places], height, width)


def _after(measured: Track | None, commands: Track) -> Track:
    """Commands, each of which counts until the next; before the first one, what was measured."""
    stamps, values = commands.stamps, commands.values
    if measured is not None:
        before = measured.stamps < stamps[0]
        stamps = np.concatenate([measured.stamps[before], stamps])
        values = np.concatenate([measured.values[before], values])
    return Track(stamps, values, commands.source, held=True)
