"""What agreement with the reference (test_agreement) does not show, on the CPU."""

from __future__ import annotations

import gc
import inspect
import weakref

import numpy as np
import pytest
import torch

from sag_ros.engines.cuda_graph.engine import CudaGraphEngine
from sag_ros.engines.gpu import graph_engine
from sag_ros.engines.gpu import graphs as gpu_graphs
from sag_ros.engines.gpu.graphs import EagerGraphs
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask


@pytest.fixture(scope="module")
def policy():
    return random_bundle(3, diffusion={"steps": 30})


@pytest.fixture
def table(policy):
    return build_table("ddpm", 30, policy.contract.clip)


class Counting(EagerGraphs):
    """Counts what is asked for."""

    def __init__(self):
        self.replays, self.captured = 0, 0

    def capture(self, work, before):
        super().capture(work, before)
        self.captured += 1

        def replay():
            self.replays += 1
            work()

        return replay


@pytest.fixture
def counting(policy, table, monkeypatch):
    graphs = Counting()
    monkeypatch.setattr(graph_engine, "make_graphs", lambda device: graphs)
    return CudaGraphEngine(policy, table, "f32", "cpu"), graphs


def masks(policy):
    blocks = policy.contract.blocks
    yield make_plan(dense_mask(30, blocks))
    yield make_plan(random_mask(30, blocks, 0.1, 0))
    yield make_plan(random_mask(30, blocks, 0.0, 0))
    yield make_plan(uniform_mask(30, blocks, 4), "block")


def test_few_replays(counting, policy, table, draw):
    """Asking for a kernel costs the host more than it costs the GPU to compute it."""
    engine, graphs = counting
    obs, noise = draw(policy, table)
    dense, _, emptiest, uniform = masks(policy)
    for plan, expected in (
        (dense, 30 * 2),  # all blocks of a step, its end
        (emptiest, 3 + 1 + (1 + 5 + 1)),  # 29 idle steps are 16 + 3 times 4 + 1
        (uniform, 8 * 2 + 7 * (1 + 3 + 1) + (1 + 1 + 1)),
    ):
        before = graphs.replays
        engine.denoise(obs, plan, noise)
        assert graphs.replays - before == 2 + expected  # begin and conditioning


def test_a_prepared_plan_is_one_replay(counting, policy, table, draw):
    engine, graphs = counting
    obs, noise = draw(policy, table)
    plain = CudaGraphEngine(policy, table, "f32", "cpu")
    for plan in masks(policy):
        captured = graphs.captured
        engine.prepare(plan)
        engine.prepare(make_plan(plan.mask, plan.reuse))  # a plan that is its equal
        assert graphs.captured == captured + 1
        before = graphs.replays
        engine.poison()
        got = engine.denoise(obs, plan, noise)
        assert graphs.replays == before + 3
        np.testing.assert_array_equal(got, plain.denoise(obs, plan, noise))
    traced = np.zeros((31, engine.tokens, noise.shape[2]), np.float32)
    engine.denoise(obs, plan, noise, 0, traced)  # its samples are between the replays
    assert np.abs(traced).max(axis=(1, 2)).min() > 0.0


def test_plans_that_may_be_prepared_are_counted(counting, policy, monkeypatch):
    engine, _ = counting
    monkeypatch.setattr(graph_engine, "MOST_PREPARED", 2)
    plans = list(masks(policy))
    for plan in plans[:2]:
        engine.prepare(plan)
    with pytest.raises(ValueError, match="2 plans are prepared already"):
        engine.prepare(plans[2])


def test_nothing_is_read_that_was_not_written(policy, table, draw):
    engine = CudaGraphEngine(policy, table, "f32", "cpu")
    obs, noise = draw(policy, table)
    for plan in masks(policy):
        expected = engine.denoise(obs, plan, noise)
        engine.poison()
        np.testing.assert_array_equal(engine.denoise(obs, plan, noise), expected)


def test_the_chunk_behind_a_broken_one_is_whole(policy, table, draw):
    engine = CudaGraphEngine(policy, table, "f32", "cpu")
    obs, noise = draw(policy, table)
    for plan in masks(policy):
        expected = engine.denoise(obs, plan, noise)
        assert np.isnan(engine.denoise(np.full_like(obs, np.nan), plan, noise)).all()
        np.testing.assert_array_equal(engine.denoise(obs, plan, noise), expected)


@pytest.mark.parametrize(("precision", "bound"), [("f32", 1e-5), ("bf16", 1e-2), ("f16", 2e-3)])
def test_residuals(policy, table, draw, precision, bound):
    engine = CudaGraphEngine(policy, table, precision, "cpu")
    obs, _ = draw(policy, table)
    network = policy.dpt
    rng = np.random.default_rng(0)
    for step in (0, 7, 29):
        h = 3.0 * rng.standard_normal((engine.tokens, network.config.width)).astype(np.float32)
        with torch.inference_mode():
            memory = network.memory(int(table.timesteps[step]), torch.from_numpy(obs)[None])
            for block in range(network.config.blocks):
                expected = network.block(torch.from_numpy(h)[None], memory, block)[0].numpy()
                expected = expected - expected.mean(axis=1, keepdims=True)
                engine.poison()
                got = engine.residual(block, step, obs, h)
                assert np.abs(got - expected).max() < bound * np.abs(expected).max()


def test_events_enclose_the_chunk(counting, policy, table, draw):
    engine, graphs = counting
    seen = []

    class Event:
        def __init__(self, name):
            self.name = name

        def record(self):
            seen.append((self.name, graphs.replays))

    before = graphs.replays
    engine.events = Event("start"), Event("end")
    engine.denoise(*draw(policy, table)[:1], next(masks(policy)), draw(policy, table)[1])
    assert seen == [("start", before), ("end", graphs.replays)]


def test_refusals(policy, table):
    if torch.version.cuda is None:
        with pytest.raises(ValueError, match=r"without CUDA.*use engine native"):
            CudaGraphEngine(policy, table)
    with pytest.raises(ValueError, match="precision 'int8' is not available on GPUs; available: auto, f32"):
        CudaGraphEngine(policy, table, "int8", "cpu")
    with pytest.raises(ValueError, match="device 'meta' is neither"):
        CudaGraphEngine(policy, table, "f32", "meta")
    with pytest.raises(ValueError, match="token-wise"):
        CudaGraphEngine(random_bundle(0, network={"cond_layers": 1}), table, "f32", "cpu")


def test_runner_prepares_what_it_knows(bundle, monkeypatch):
    prepared = []
    monkeypatch.setattr(CudaGraphEngine, "prepare", lambda self, plan: prepared.append(plan))
    for source, count in (("dense", 1), ("uniform3", 1), ("sag", 0)):
        runner = PolicyRunner(bundle, "ddpm", source, "cuda_graph", device="cpu")
        assert len(prepared) == count
        prepared.clear()
    PolicyRunner(bundle, "falcon", "dense", "cuda_graph", device="cpu")
    assert not prepared  # its chunks begin anywhere
    features = np.zeros((bundle.contract.observation_steps, bundle.contract.obs_dim), np.float32)
    reference = PolicyRunner(bundle, "ddpm", "sag", "reference")
    got, expected = (r.infer(0.0, features).chunk.positions for r in (runner, reference))
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("rounding", ["highest", "high"])
def test_products_are_recorded_with_full_sums(policy, table, monkeypatch, rounding):
    matmul = torch.backends.cuda.matmul

    def settings():
        return torch.get_float32_matmul_precision(), matmul.allow_bf16_reduced_precision_reduction

    seen = set()

    class Looking(EagerGraphs):
        def capture(self, work, before):
            seen.add(settings())
            return super().capture(work, before)

    monkeypatch.setattr(graph_engine, "make_graphs", lambda device: Looking())
    torch.set_float32_matmul_precision(rounding)
    before = settings()
    try:
        CudaGraphEngine(policy, table, "f32", "cpu").prepare(next(masks(policy)))
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == {("highest", False)}


class Recorder:
    """Stands in for torch.cuda: what is called in which order."""

    def __init__(self, monkeypatch):
        self.calls = []
        recorder = self

        class Stream:
            def __init__(self, device):
                recorder.calls.append("stream made")

            def synchronize(self):
                recorder.calls.append("synchronise")

            def wait_stream(self, other):
                recorder.calls.append(f"waits for {other}")

        class Graph:
            def replay(self):
                recorder.calls.append("replay")

        class Context:
            def __init__(self, name):
                self.name = name

            def __enter__(self):
                recorder.calls.append(f"{self.name} in")

            def __exit__(self, *error):
                recorder.calls.append(f"{self.name} out")

        signature = inspect.signature(torch.cuda.graph.__init__)

        def record(*arguments, **named):
            bound = signature.bind(None, *arguments, **named).arguments
            assert isinstance(bound["cuda_graph"], Graph)
            assert (bound["pool"], type(bound["stream"])) == ("pool", Stream)
            assert bound["capture_error_mode"] == "thread_local"
            return Context("recording")

        for name, stand_in in {
            "Stream": Stream, "CUDAGraph": Graph, "graph": record, "graph_pool_handle": lambda: "pool",
            "default_stream": lambda device: "the default",
            "device": lambda device: Context("device"), "stream": lambda stream: Context("stream"),
        }.items():  # fmt: skip
            monkeypatch.setattr(gpu_graphs.torch.cuda, name, stand_in)


def test_recording(monkeypatch):
    recorder = Recorder(monkeypatch)
    graphs = gpu_graphs.CudaGraphs(torch.device("cuda", 0))
    replay = graphs.capture(lambda: recorder.calls.append("work"), lambda: recorder.calls.append("before"))
    waits = "waits for the default"
    warm = [
        "device in",
        "stream in",
        waits,
        *["before", "work"] * 2,
        "stream out",
        "device out",
        "synchronise",
    ]
    assert recorder.calls == ["stream made", *warm, "recording in", "work", "recording out"]
    replay()
    assert recorder.calls[-1] == "replay"


def test_a_recording_keeps_what_it_reads(monkeypatch):
    """A graph holds addresses: a network that only the recorded work refers to must not be freed."""
    Recorder(monkeypatch)

    class Weights:
        def use(self):
            pass

    weights = Weights()
    held = weakref.ref(weights)
    replay = gpu_graphs.CudaGraphs(torch.device("cuda", 0)).capture(weights.use, lambda: None)
    del weights
    gc.collect()
    assert held() is not None
    del replay
    gc.collect()
    assert held() is None
