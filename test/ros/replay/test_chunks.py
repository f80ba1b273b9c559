"""A forced fault left a file; its chunks are computed again, bit for bit."""

from __future__ import annotations

import pytest

from sag_ros.policy.bundle import load_bundle
from sag_ros.ros.replay.chunks import Computing, engine_of, replay, require_fitting, rungs_of
from sag_ros.ros.replay.evidence import load


@pytest.fixture(scope="module")
def evidence(recording):
    return load(recording)


@pytest.fixture(scope="module")
def bundle_now(evidence):
    return load_bundle(evidence.metadata["bundle"])


def test_every_chunk_is_computed_again_bit_for_bit(evidence, bundle_now):
    assert evidence.policies[-1][1]["weights_sha256"] == bundle_now.weights_hash
    require_fitting(evidence, bundle_now)
    engine, precision = engine_of(evidence.policies[-1][1])
    config = evidence.config.model_copy(update={"engine": engine, "precision": precision})
    found = replay(Computing(evidence, bundle_now, config), evidence.chunks)
    assert len(found) >= 5
    whole = [one for one in found if one.pictures]
    assert len(whole) >= len(found) - 2  # a frame may be lost on the way
    assert all(one.equal for one in found), found
    assert all(one.features == 0.0 and one.actions == 0.0 for one in whole)


def test_another_schedule_computes_something_else(evidence, bundle_now):
    config = evidence.config.model_copy(update={"mask_source": "dense"})
    found = replay(Computing(evidence, bundle_now, config, as_recorded=False), evidence.chunks[:3])
    assert [one.density[1] for one in found] == [1.0] * 3
    assert all(one.actions > 0.0 and not one.equal for one in found)


def test_what_was_told_of_the_policy():
    told = {"engine": "native-bf16", "rungs": "ddpm+sag, ddim10+sag_mean"}
    assert engine_of(told) == ("native", "bf16")
    assert rungs_of(told) == [("ddpm", "sag"), ("ddim10", "sag_mean")]
    assert engine_of({}) == ("auto", "auto")
    assert rungs_of({"sampler": "ddim5", "mask_source": "dense"}) == [("ddim5", "dense")]
