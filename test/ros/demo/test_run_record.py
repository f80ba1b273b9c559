from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from synthetic_run import run

from sag_ros.ros.demo.run_record import Episode, chunk_rate, percentiles, summarise
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.chunk_record import ChunkRecord

KEYS = [
    "episodes",
    "successes",
    "chunk_rate_hz",
    "latency_ms",
    "inference_ms",
    "encode_ms",
    "pruner_ms",
    "density",
    "deadline_misses",
    "limit_violations",
    "clipped",
    "engine",
    "hardware",
]


def test_a_record_survives_its_message():
    later = dict.fromkeys(("received_ms", "encoded_ms", "begun_ms", "denoised_ms", "spliced_ms"), 3.5)
    stamp = 1.7e9 + 0.125
    record = ChunkRecord(
        chunk=7, obs_stamp=stamp, latency_ms=20.5, density=0.09, clipped=1, missed=1, **later
    )
    back = chunk_record.read(chunk_record.write(record, chunk_record.new_message()))
    assert back == record
    assert isinstance(back.chunk, int)


def test_values_are_found_by_name():
    message = chunk_record.write(ChunkRecord(latency_ms=5.0), chunk_record.new_message())
    names = message.layout.dim[0].label.split(",")
    message.layout.dim[0].label = ",".join(names[::-1])
    message.data = message.data[::-1]
    assert chunk_record.read(message).latency_ms == 5.0
    message.layout.dim[0].label = ",".join(name for name in names if name != "missed")
    with pytest.raises(ValueError, match="missed"):
        chunk_record.read(message)


def test_recordings_from_before_a_value_was_added_are_read():
    message = chunk_record.write(ChunkRecord(chunk=3, latency_ms=5.0), chunk_record.new_message())
    names = message.layout.dim[0].label.split(",")
    old = names.index("received_ms")
    message.layout.dim[0].label = ",".join(names[:old])
    message.data = message.data[:old]
    back = chunk_record.read(message)
    assert (back.chunk, back.latency_ms) == (3, 5.0)
    assert np.isnan(back.received_ms)


def test_the_summary_has_exactly_the_promised_keys():
    summary = summarise(run(3), "openvino-f32", {"cpu": "x"})
    assert list(summary) == KEYS
    for name in ("latency_ms", "inference_ms"):
        assert list(summary[name]) == ["p50", "p99", "max"]
    json.dumps(summary)


def test_the_summary_counts():
    episodes = run(3, seconds=4.0, rate=50.0)
    episodes[1].limit_violations = 2
    summary = summarise(episodes, "openvino-f32", {})
    assert (summary["episodes"], summary["successes"], summary["limit_violations"]) == (3, 2, 2)
    assert summary["chunk_rate_hz"] == pytest.approx(50.0, rel=0.01)
    assert summary["clipped"] == 6
    assert summary["encode_ms"] == 1.5
    assert summary["latency_ms"]["p50"] < summary["latency_ms"]["p99"] <= summary["latency_ms"]["max"]


def test_refused_chunks_count_neither_as_rate_nor_as_latency():
    episode = run(1, seconds=2.0)[0]
    rate = chunk_rate([episode])
    late = [replace(c, refused=1, latency_ms=900.0, publish_stamp=0.0) for c in episode.chunks]
    episode.chunks += late
    assert chunk_rate([episode]) == rate
    assert summarise([episode], "", {})["latency_ms"]["max"] < 900


def test_pauses_between_episodes_do_not_lower_the_rate():
    episodes = run(2, seconds=2.0, rate=40.0)
    assert chunk_rate(episodes) == pytest.approx(40.0, rel=0.01)


def test_an_empty_run_is_summarised():
    summary = summarise([Episode(0, 0)], "", {})
    assert summary["chunk_rate_hz"] == 0.0
    assert summary["latency_ms"] == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    assert percentiles([]) == percentiles(())
