"""Recordings that were made while the clock of the stamps ran away from the steady one, or was set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.policy.bundle import load_bundle
from sag_ros.ros.replay.chunks import Computing
from sag_ros.ros.replay.commands import CommandReplay
from sag_ros.ros.replay.evidence import load
from sag_ros.ros.replay.node_clock import NodeClock, nearest_stamp
from sag_ros.ros.stamps import FOLLOWED

GAIN = 5e-3  # s a second, as hosts of virtual machines were seen to slew


def running_away(evidence):
    """The same recording, had the clock gained: whatever reads it then reads more, and stamps that the node
    wrote follow in steps."""
    begin = evidence.chunks[0].received

    def gained(at: int) -> int:
        return round(GAIN * (at - begin))

    def followed(at: int) -> int:
        return gained(at) // FOLLOWED * FOLLOWED

    evidence.chunks = [
        replace(
            one,
            received=one.received + gained(one.received),
            detail=replace(one.detail, clock=one.detail.clock + followed(one.received)),
        )
        for one in evidence.chunks
    ]
    for one in evidence.commands:
        stamp = one.message.header.stamp
        stamp.sec, stamp.nanosec = divmod(nanoseconds(stamp) + followed(one.sent), SECOND)
    evidence.commands = [replace(one, sent=one.sent + gained(one.sent)) for one in evidence.commands]
    for name in ("joints", "desired"):
        told = [
            replace(one, received=one.received + gained(one.received), stamp=one.stamp + gained(one.stamp))
            for one in getattr(evidence, name)
        ]
        setattr(evidence, name, told)
    for sensor, messages in evidence.sensors.items():
        evidence.sensors[sensor] = [(at + gained(at), stamp + gained(stamp)) for at, stamp in messages]
    for camera, frames in evidence.frames.items():
        evidence.frames[camera] = {stamp + gained(stamp): data for stamp, data in frames.items()}
    return evidence


def test_commands_are_made_again_bit_for_bit(recording):
    made = CommandReplay(running_away(load(recording))).run()
    assert sum(not np.isnan(one.difference) for one in made) > 3
    assert all(one.equal for one in made), made


def test_its_pictures_are_found(recording, bundle):
    evidence = running_away(load(recording))
    computing = Computing(evidence, load_bundle(bundle), evidence.config)
    found = [computing.features(one.detail) is not None for one in evidence.chunks]
    assert sum(found) >= len(found) - 2  # a frame may be lost on the way


def clock(zeros, every=20_000_000):
    zeros = np.array(zeros, np.int64)
    return NodeClock(zeros + every * np.arange(1, len(zeros) + 1), zeros)


def test_seconds_are_of_the_chunk_that_came_next_to_them():
    steady = clock([7 * SECOND] * 3)
    assert steady.seconds(9 * SECOND) == 2.0
    assert steady.still(9 * SECOND).epoch == 7 * SECOND
    moved = clock([0, 100_000, 200_000])
    assert moved.seconds(20_000_000) == 0.02
    assert moved.seconds(40_100_000) == 0.04
    assert moved.unsure(40_100_000) == pytest.approx(2e-4, rel=0.01)
    assert steady.unsure(9 * SECOND) == 1e-6
    # Set by an hour: nothing between.
    assert clock([0, 0, 3600 * SECOND]).unsure(3600 * SECOND) == 1e-6


def test_a_stamp_is_found_where_the_clock_moved_meanwhile():
    stamps = np.array([0, 10_000_000, 20_000_000], np.int64)
    assert nearest_stamp(stamps, 10_000_000) == 10_000_000
    assert nearest_stamp(stamps, 9_980_000) == 10_000_000
    assert nearest_stamp(stamps, 20_100_000) == 20_000_000
    assert nearest_stamp(stamps, 15_000_000) is None
    assert nearest_stamp(stamps, -5_000_000) is None
    assert nearest_stamp(stamps[:0], 0) is None
