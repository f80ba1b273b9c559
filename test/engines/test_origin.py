from __future__ import annotations

import numpy as np
import pytest

from sag_ros.engines.origin import generator_of, state_words
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.random_bundle import random_bundle


@pytest.mark.parametrize("drawn", [0, 1, 7])
def test_a_generator_goes_on_from_the_words_of_its_state(drawn):
    one = np.random.default_rng(5)
    one.standard_normal(drawn, dtype=np.float32)  # an odd number leaves half of a draw behind
    words = state_words(one)
    assert all(int(float(word)) == word for word in words)
    again = generator_of(words)
    np.testing.assert_array_equal(one.standard_normal(9, np.float32), again.standard_normal(9, np.float32))


def test_words_that_are_no_state_are_refused():
    with pytest.raises(ValueError, match="10 words"):
        generator_of((1, 2))
    with pytest.raises(ValueError, match="10 words"):
        generator_of((-1,) * 10)


@pytest.mark.parametrize("noise", ["fresh", "fixed"])
@pytest.mark.parametrize("sampler", ["ddpm", "ddim2", "falcon4", "rtc4"])
def test_a_chunk_can_be_computed_again_without_those_before_it(sampler, noise):
    bundle = random_bundle(0)
    contract = bundle.contract

    def runner() -> PolicyRunner:
        return PolicyRunner(bundle, sampler, "random50", "reference", seed=3, noise=noise)

    rng, first, other = np.random.default_rng(0), runner(), runner()
    other.reset(99)
    chunks = []
    for number in range(4):
        features = rng.normal(size=(contract.observation_steps, contract.obs_dim)).astype(np.float32)
        stamp = number * contract.control_period
        chunks.append((stamp, features, first.infer(stamp, features)))
    for stamp, features, found in reversed(chunks):
        again = other.infer(stamp, features, origin=found.origin)
        np.testing.assert_array_equal(again.chunk.positions, found.chunk.positions)
        np.testing.assert_array_equal(again.chunk.gripper, found.chunk.gripper)
        assert again.mask.key == found.mask.key


def test_an_origin_of_another_kind_of_sampler_is_refused():
    bundle = random_bundle(0)
    contract = bundle.contract
    features = np.zeros((contract.observation_steps, contract.obs_dim), np.float32)
    found = PolicyRunner(bundle, "falcon4", "dense", "reference").infer(0.0, features)
    with pytest.raises(ValueError, match="begins with noise"):
        PolicyRunner(bundle, "ddim2", "dense", "reference").infer(0.0, features, origin=found.origin)
