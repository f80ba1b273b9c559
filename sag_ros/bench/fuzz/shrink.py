"""Make a failing story short: fewer events, fewer actions, fewer joints that move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sag_ros.bench.fuzz.play import replay
from sag_ros.bench.fuzz.story import Event, Story
from sag_ros.robots.arm import Arm


def shrink(arm: Arm, story: Story, what: str, tries: int = 500) -> Story:
    """The shortest story found in ``tries`` that still fails in the same way.

    Args:
        what: :attr:`sag_ros.bench.fuzz.play.Failure.what` of its failure.
    """
    left = tries
    found = True
    while found:
        found = False
        for shorter in _shorter(arm, story):
            if not left:
                return story
            left -= 1
            if any(failure.what == what for failure in replay(arm, shorter).failures):
                story, found = shorter, True
                break
    return story


def _shorter(arm: Arm, story: Story) -> Iterator[Story]:
    events = story.events
    size = len(events) // 2
    while size:
        for first in range(0, len(events), size):
            yield replace(story, events=events[:first] + events[first + size :])
        size //= 2
    for index, event in enumerate(events):
        for simpler in _simpler(arm, story, event):
            yield replace(story, events=(*events[:index], simpler, *events[index + 1 :]))


def _simpler(arm: Arm, story: Story, event: Event) -> Iterator[Event]:
    chunk = event.chunk
    if chunk is None or chunk.positions.ndim != 2 or chunk.positions.shape[1:] != (arm.dof,):
        return
    half = len(chunk.positions) // 2
    if half:
        yield replace(
            event, chunk=replace(chunk, positions=chunk.positions[:half], gripper=chunk.gripper[:half])
        )
    for joint in range(arm.dof):
        if (chunk.positions[:, joint] != story.start[joint]).any():
            still = chunk.positions.copy()
            still[:, joint] = story.start[joint]
            yield replace(event, chunk=replace(chunk, positions=still))
