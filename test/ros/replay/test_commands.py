"""Its commands are made again by the supervisor, bit for bit."""

from __future__ import annotations

import numpy as np

from sag_ros.ros.replay.commands import CommandReplay, matched
from sag_ros.ros.replay.evidence import load


def test_every_command_is_made_again_bit_for_bit(recording):
    evidence = load(recording)
    assert len(matched(evidence)) == sum(decided.executed for decided in evidence.chunks)
    made = CommandReplay(evidence).run()
    stops = [one for one in made if one.chunk is None]
    assert stops  # that of the fault, at least
    commands = [one for one in made if not np.isnan(one.difference)]
    assert len(commands) >= len(evidence.commands) - 1
    assert all(one.equal for one in made), made


def test_another_setting_makes_other_commands(recording):
    evidence = load(recording)
    splice = evidence.config.splice.model_copy(update={"smoothing": 5.0})
    evidence.config = evidence.config.model_copy(update={"splice": splice})
    made = CommandReplay(evidence).run()
    assert not all(one.equal for one in made)
