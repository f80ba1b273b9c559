from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract
from sag_ros.policy.samplers import build_sampler, ddim_table, ddpm_table
from sag_ros.policy.samplers.rtc import RtcSampler, RtcSettings, held_shares
from sag_ros.policy.schedule import cosine_alphas_cumprod

K, T, A = 20, 16, 3
EXECUTED = slice(1, 9)
ANYWHERE = np.ones(K, np.bool_)
TABLES = {"ddpm": ddpm_table(K), "ddim": ddim_table(K, 10)}


class World:
    """A network that wants one constant chunk, whatever it is shown."""

    def __init__(self, table, committed=2, released=4):
        self.sampler = RtcSampler(table, T, EXECUTED, RtcSettings(committed, released))
        self.rng, self.wanted, self.asked = np.random.default_rng(0), 0.5, []
        self.alpha_bar = cosine_alphas_cumprod(K)[table.timesteps]

    def estimate(self, sample, step):
        self.asked.append(step)
        return np.full((T, A), self.wanted, np.float32)

    def chunk(self, shift):
        sampler, table = self.sampler, self.sampler.table
        self.asked = []
        noise = self.rng.standard_normal((len(table) + 1, T, A)).astype(np.float32)
        self.start = sampler.begin(shift, noise[0], ANYWHERE[: len(table)], self.estimate)
        kept, given = noise.copy(), sampler.noise(self.start, noise)
        np.testing.assert_array_equal(noise, kept)
        trace = np.full_like(noise, np.nan)
        x = trace[0] = given[0]
        for step in range(len(table)):
            a = self.alpha_bar[step]
            eps = (x - np.sqrt(a) * self.wanted) / np.sqrt(1 - a)
            x = trace[step + 1] = table.step(step, x, eps, given[step + 1])
        sampler.end(self.start, trace)
        self.trace = trace
        return x


@pytest.fixture(params=TABLES)
def world(request):
    return World(TABLES[request.param])


def test_the_first_chunk_is_what_the_network_wants(world):
    assert world.chunk(None) == pytest.approx(0.5, abs=1e-4)
    assert len(world.asked) <= 10


def test_what_is_committed_is_kept_and_the_rest_is_free(world):
    world.chunk(None)
    world.wanted = -0.5
    new = world.chunk(3)
    assert not world.asked
    assert new[:3] == pytest.approx(0.5, abs=1e-4)  # the one before the first executed, and two committed
    assert new[7:] == pytest.approx(-0.5, abs=1e-4)
    assert (np.diff(new[:, 0]) <= 1e-5).all()  # let go of gradually
    assert new[3:7].min() < 0.4  # and not held


def test_a_chunk_goes_on_where_the_old_one_is(world):
    world.chunk(None)
    world.sampler._chunk = np.linspace(0.0, 0.75, T)[:, None].repeat(A, 1).astype(np.float32)
    new = world.chunk(2)
    assert new[:3, 0] == pytest.approx([0.1, 0.15, 0.2], abs=1e-4)
    world.sampler._chunk = np.linspace(0.0, 0.75, T)[:, None].repeat(A, 1).astype(np.float32)
    assert world.chunk(0.5)[:3, 0] == pytest.approx([0.025, 0.075, 0.125], abs=1e-4)


@pytest.mark.parametrize("shift", [-1, 10, 40.0])
def test_too_long_after_the_last_chunk_it_begins_anew(world, shift):
    world.chunk(None)
    world.wanted = -0.5
    assert world.chunk(shift) == pytest.approx(-0.5, abs=1e-4)
    assert world.asked


def test_what_is_not_finite_is_not_gone_on_with(world):
    world.chunk(None)
    world.sampler.end(world.start, np.full((len(world.sampler.table) + 1, T, A), np.nan, np.float32))
    assert np.isfinite(world.chunk(1)).all()
    assert world.asked


def test_the_same_start_gives_the_same_chunk_again(world):
    world.chunk(None)
    noise = np.random.default_rng(5).standard_normal((len(world.sampler.table) + 1, T, A)).astype(np.float32)
    start = world.sampler.begin(1, noise[0], ANYWHERE, world.estimate)
    first = world.sampler.noise(start, noise)
    world.sampler.reset(3)
    np.testing.assert_array_equal(world.sampler.noise(start, noise), first)


@given(committed=st.integers(1, 6), released=st.integers(0, 6), first=st.integers(0, 4))
def test_shares_fall_from_what_is_committed(committed, released, first):
    shares = held_shares(T, first, RtcSettings(committed, released))
    free = first + committed
    assert (shares[:free] == 1.0).all()
    assert (shares[free + released :] == 0.0).all()
    assert (np.diff(shares[free - 1 :]) <= 0.0).all()
    assert ((shares[free : free + released] > 0.0) & (shares[free : free + released] < 1.0)).all()


def test_in_the_registry_for_actions_that_can_be_gone_on_with():
    content = full_contract()
    assert build_sampler("rtc", parse_contract(content)).name == "rtc"
    assert len(build_sampler("rtc10", parse_contract(content)).table) == 10
    for one in content["action"][:-1]:
        one["meaning"] = "joint_offset"
    with pytest.raises(ValueError, match="lead away from each new observation"):
        build_sampler("rtc", parse_contract(content))
    with pytest.raises(ValueError, match=r"hold 6 \+ 4 actions, a chunk has 8"):
        RtcSampler(ddpm_table(K), T, EXECUTED, RtcSettings(6, 4))
