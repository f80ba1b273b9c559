"""What is checked before an engine executes; that each engine does is in test_agreement and test_stateful."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.engines.checked import CheckedEngine
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import make_plan
from sag_ros.pruning.static_masks import dense_mask

STEPS = 4


class Recorder(CheckedEngine):
    """Keeps what it is asked for."""

    name = "recorder"

    def _denoise(self, *arguments):
        self.asked = arguments
        return np.zeros((1, 1), np.float32)

    def _estimate(self, *arguments):
        self.asked = arguments
        return np.ones((1, 1), np.float32)


class Forgetful(Recorder):
    no_state = "engine forgetful begins at step 0"


@pytest.fixture
def case(bundle, draw):
    table = build_table("ddpm", STEPS)
    obs, noise = draw(bundle, table)
    plan = make_plan(dense_mask(STEPS, bundle.contract.blocks))
    trace = np.zeros((STEPS + 1, bundle.contract.executed.stop, noise.shape[2]), np.float32)
    engines = [kind(bundle, table, bundle.contract.executed.stop) for kind in (Recorder, Forgetful)]
    return engines, obs, plan, noise, trace


def test_what_fits_is_handed_on_as_it_is(case):
    (engine, forgetful), obs, plan, noise, trace = case
    engine.denoise(obs, plan, noise, 2, trace)
    assert all(a is b for a, b in zip(engine.asked, (obs, plan, noise, 2, trace), strict=True))
    assert engine.estimate(obs, noise[0], 1) == 1.0
    forgetful.denoise(obs, plan, noise)
    assert forgetful.asked[3:] == (0, None)


def test_what_does_not_fit_is_not(case):
    (engine, _), obs, plan, noise, trace = case
    for arguments, message in (
        ((obs[:1], plan, noise), "features have shape"),
        ((obs, plan, noise[1:]), "noise has shape"),
        ((obs, make_plan(dense_mask(STEPS + 1, plan.blocks)), noise), "the plan has 5 steps"),
        ((obs, plan, noise, STEPS), "first_step is 4; the plan has steps 0 to 3"),
        ((obs, plan, noise, 0, trace[:, 1:]), "the trace is float32"),
    ):
        with pytest.raises(ValueError, match=message):
            engine.denoise(*arguments)
    with pytest.raises(ValueError, match="step is 4; the sampler has steps 0 to 3"):
        engine.estimate(obs, noise[0], STEPS)
    assert not hasattr(engine, "asked")


def test_an_engine_without_a_state_says_so_first(case):
    (_, engine), obs, plan, noise, trace = case
    for call, message in (
        (lambda: engine.denoise(obs[:1], plan, noise, 1), "first_step 1, trace False"),
        (lambda: engine.denoise(obs, plan, noise, 0, trace), "first_step 0, trace True"),
        (lambda: engine.estimate(obs, noise[0], 9), "an estimate at step 9"),
    ):
        with pytest.raises(ValueError, match=f"engine forgetful begins at step 0; asked for {message}"):
            call()
