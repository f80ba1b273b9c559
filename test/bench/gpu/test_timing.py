from contextlib import contextmanager

import numpy as np
import pytest
import torch

from sag_ros.bench.gpu.baselines import TorchDense
from sag_ros.bench.gpu.policies import Spec, plan_of, random_policy
from sag_ros.bench.gpu.timing import TURN, Candidate, Timer, figures, measure, row
from sag_ros.engines.reference import ReferenceEngine


class Fake:
    """Counts chunks; each takes ``ms`` by the host's clock and half of it by the device's."""

    events = None

    def __init__(self, timer, ms, log=None, name="", broken_at=None):
        self.timer, self.ms, self.log, self.name = timer, ms, [] if log is None else log, name
        self.broken_at, self.chunks = broken_at, 0

    def denoise(self, obs, plan, noise):
        self.chunks += 1
        self.log.append((self.name, plan))
        if self.chunks == self.broken_at:
            raise RuntimeError("lost")
        self.timer.seconds += self.ms / 1e3
        if self.events is not None:
            self.events[0] = self.ms / 2


class FakeTimer:
    def __init__(self, events=True):
        self.seconds, self.events = 0.0, events

    def now(self):
        return self.seconds

    def pair(self):
        return [None] if self.events else None

    def elapsed_ms(self, pair):
        return pair and pair[0]


@pytest.fixture
def fence():
    caught = []

    @contextmanager
    def function(part):
        try:
            yield
        except RuntimeError as error:
            caught.append((part, str(error)))

    function.caught = caught
    return function


@pytest.fixture(scope="module")
def policy():
    return random_policy(small=True)


@pytest.fixture(scope="module")
def plan(policy):
    return plan_of(policy, 0.1, 0)


def test_candidates_take_turns_and_both_clocks_count(plan, fence):
    timer, log = FakeTimer(), []
    engines = [Fake(timer, 4.0, log, "slow"), Fake(timer, 1.0, log, "fast")]
    found = [Candidate(engine.name, "f32", "random", [plan], engine) for engine in engines]
    times = measure(found, None, None, 25, timer, lambda: 1.0, fence)
    names = [name for name, _ in log]
    assert names[: 2 * TURN + 6] == ["slow"] * (TURN + 3) + ["fast"] * (TURN + 3)
    assert names[2 * TURN + 6 :] == (["slow"] * (TURN + 1) + ["fast"] * (TURN + 1)) * 2
    first = row(found[0], times[0])
    assert first["chunks"] == 30
    assert (first["host_ms_p50"], first["device_ms_p99"]) == (4.0, 2.0)
    assert all(engine.events is None for engine in engines)


def test_plans_are_taken_in_turns(policy, fence):
    timer, plans = FakeTimer(), [plan_of(policy, 0.1, seed) for seed in range(3)]
    engine = Fake(timer, 1.0)
    measure([Candidate("one", "f32", "own", plans, engine)], None, None, 10, timer, lambda: 1.0, fence)
    places = {id(plan): place for place, plan in enumerate(plans)}
    assert [places[id(plan)] for _, plan in engine.log[3:]] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


def test_one_that_raises_is_dropped_and_the_others_go_on(plan, fence):
    timer = FakeTimer()
    engines = [Fake(timer, 1.0, broken_at=20), Fake(timer, 1.0)]
    found = [Candidate(name, "f32", "m", [plan], own) for name, own in zip("ab", engines, strict=True)]
    times = measure(found, None, None, 30, timer, lambda: 1.0, fence)
    assert (len(times[0].host), len(times[1].host)) == (0, 30)
    assert engines[0].chunks == 20
    assert fence.caught == [("a f32 m", "lost")]


def test_no_time_left_ends_the_measurement_within_a_turn(plan, fence):
    timer = FakeTimer()
    found = [Candidate(name, "f32", "m", [plan], Fake(timer, 100.0)) for name in "ab"]
    times = measure(found, None, None, 200, timer, lambda: 0.75 - timer.seconds, fence)
    assert [len(own.host) for own in times] == [5, 0]


def test_a_device_without_events_has_none(plan, fence):
    timer = FakeTimer(events=False)
    candidate = Candidate("one", "f32", "m", [plan], Fake(timer, 1.0))
    (times,) = measure([candidate], None, None, 10, timer, lambda: 1.0, fence)
    assert row(candidate, times)["device_ms_p50"] is None
    assert figures("x", []) == {"x_p50": None, "x_p99": None}
    assert Timer(events=False).pair() is None


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(("precision", "allowed"), [("f32", 1e-5), ("bf16", 0.2)])
def test_dense_torch_computes_what_the_reference_does(policy, mode, precision, allowed):
    loop = TorchDense(policy.bundle, policy.table, torch.device("cpu"), precision, mode)
    for seed in range(2):
        obs, noise = policy.draw(np.random.default_rng(seed))
        expected = ReferenceEngine(policy.bundle, policy.table).denoise(obs, plan_of(policy, 1.0, 0), noise)
        got = loop.denoise(obs, None, noise)
        assert np.abs(got - expected).max() <= allowed * np.abs(expected).max()
    assert next(policy.bundle.dpt.parameters()).dtype == torch.float32


def test_options_of_an_engine():
    spec = Spec.parse("persistent:parts=4:way=fast")
    assert (spec.engine, spec.options) == ("persistent", {"parts": 4, "way": "fast"})
    assert Spec.parse("cuda_graph").options == {}
    assert Spec.parse("cuda_graph:fused=false").options == {"fused": False}
    for text in ("persistent:parts", ":parts=4", "persistent:=4"):
        with pytest.raises(ValueError, match="--engines"):
            Spec.parse(text)
