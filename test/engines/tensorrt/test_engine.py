"""The engine with a stand-in for the library (``fake_tensorrt``), on the CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fake_tensorrt as fake
import pytest
import torch
from deviation import relative_error

from sag_ros.engines.gpu import graph_engine
from sag_ros.engines.gpu.graphs import EagerGraphs
from sag_ros.engines.gpu.state import ALIGNMENT
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.tensorrt import engine as engine_module
from sag_ros.engines.tensorrt.engine import TensorRtEngine
from sag_ros.engines.tensorrt.export import HEAD, KINDS, part_name
from sag_ros.engines.tensorrt.key import engine_key
from sag_ros.engines.tensorrt.runtime import TensorRtError
from sag_ros.engines.tensorrt.store import NotCompiled, save
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import Op, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask

CPU = torch.device("cpu")
STEPS = 12


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def policy():
    return random_bundle(3, diffusion={"steps": STEPS}, network={"layers": 3})


@pytest.fixture
def table(policy):
    return build_table("ddpm", STEPS, policy.contract.clip)


@pytest.fixture
def library(policy):
    """The stand-in, with compiled engines in the store."""
    tokens = policy.contract.executed.stop
    library = fake.FakeTensorRt(policy, tokens)
    save(engine_key(policy, tokens, "f32", CPU, library), fake.serialised(policy, tokens))
    return library


@pytest.fixture
def engine(policy, table, library):
    return TensorRtEngine(policy, table, device="cpu", library=library)


def plans(blocks):
    yield make_plan(dense_mask(STEPS, blocks))
    yield make_plan(random_mask(STEPS, blocks, 0.2, 0))
    yield make_plan(random_mask(STEPS, blocks, 0.0, 0))
    yield make_plan(uniform_mask(STEPS, blocks, 4))
    yield make_plan(uniform_mask(STEPS, blocks, 4), "block")
    yield make_plan(random_mask(STEPS, blocks, 0.3, 0, "gate"), "gate")


def test_agrees_with_the_reference(engine, policy, table, draw):
    reference = ReferenceEngine(policy, table)
    assert engine.precision == "f32"
    assert engine.notes == ()
    for seed, plan in enumerate([*plans(policy.contract.blocks), *plans(policy.contract.blocks)]):
        obs, noise = draw(policy, table, seed)
        expected = reference.denoise(obs, plan, noise)
        engine.poison()
        assert relative_error(engine.denoise(obs, plan, noise), expected) < 1e-5
    obs, noise = draw(policy, table)
    for step in (0, 5):
        got, expected = (own.estimate(obs, noise[0], step) for own in (engine, reference))
        assert relative_error(got, expected[: engine.tokens]) < 1e-5


def test_at_the_whole_horizon(policy, table, draw):
    horizon = policy.contract.horizon
    library = fake.FakeTensorRt(policy, horizon)
    save(engine_key(policy, horizon, "f32", CPU, library), fake.serialised(policy, horizon))
    engine = TensorRtEngine(policy, table, "f32", "cpu", all_tokens=True, library=library)
    assert engine.tokens == horizon
    plan = next(plans(policy.contract.blocks))
    obs, noise = draw(policy, table)
    expected = ReferenceEngine(policy, table).denoise(obs, plan, noise)
    assert relative_error(engine.denoise(obs, plan, noise), expected) < 1e-5
    with pytest.raises(NotCompiled, match=f"tokens {horizon}, not {policy.contract.executed.stop}"):
        TensorRtEngine(policy, table, "f32", "cpu", library=library)
    library.__version__ = "10.16.0"
    with pytest.raises(
        NotCompiled, match="run: sag compile --engine tensorrt --precision f32 --all-tokens <"
    ):
        TensorRtEngine(policy, table, "f32", "cpu", all_tokens=True, library=library)


def test_what_is_enqueued_is_the_plan(engine, policy, table, library, draw):
    """Computed blocks in their order, a head behind each step, from and to the addresses of the buffers."""
    obs, noise = draw(policy, table)
    state = engine._state
    for plan in plans(policy.contract.blocks):
        library.calls.clear()
        engine.denoise(obs, plan, noise)
        expected, slots = [], []
        for kind, argument in zip(plan.kind, plan.argument, strict=True):
            if kind == Op.COMPUTE:
                layer, block = divmod(int(argument), 3)
                expected.append(part_name(layer, KINDS[block]))
                slots.append(state.cache[argument % plan.slots].data_ptr())
            elif kind == Op.STEP_END:
                expected.append(HEAD)
        assert library.enqueued() == expected
        enqueues = [call for call in library.calls if call[0] == "enqueue"]
        outputs = [addresses["output0"] for _, name, _, addresses in enqueues if name != HEAD]
        assert outputs == slots
        heads = {addresses["output0"] for _, name, _, addresses in enqueues if name == HEAD}
        assert heads == {engine._work._eps.data_ptr()}
        for _, name, _, addresses in enqueues:
            assert addresses["h"] == state.h.data_ptr()
            if name.endswith("cross_attention"):
                layer = int(name.removeprefix("layer").partition(".")[0])
                memory, bias = state.memory[layer], state.bias[layer]
                assert addresses["a"] == memory[0].data_ptr()
                assert addresses["b"] == memory[1].data_ptr()
                assert addresses["bias"] == bias.data_ptr()


def test_addresses_are_as_the_library_wants_them(engine):
    """A CPU's memory begins anywhere; the distances show what will be on a GPU."""
    state = engine._state
    for buffer in (state.cache, state.bias, state.memory[0], state.memory[:, 1]):
        assert {(own.data_ptr() - buffer.data_ptr()) % ALIGNMENT for own in buffer} == {0}


def test_every_address_is_set_before_it_is_used(engine, policy, table, library, draw):
    engine.denoise(*draw(policy, table)[:1], next(plans(policy.contract.blocks)), draw(policy, table)[1])
    fresh = []
    for call in library.calls:
        if call[0] == "address":
            fresh.append(call[1:])
        elif call[0] == "enqueue":
            _, name, stream, addresses = call
            assert stream == 0
            assert fresh == [(name, key, address) for key, address in addresses.items()]
            fresh = []
    assert not fresh
    assert [call[1] for call in library.calls if call[0] == "load"] == list(engine._contexts)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("deserialize", r"part layer0\.self_attention: it does not load the engine; compile it anew"),
        ("context", r"part layer0\.self_attention: it makes no execution context; is the GPU's memory full"),
        ("address", r"part \S+: it does not take the address of h; compile it anew"),
        ("enqueue", r"part \S+: it does not enqueue the execution; compile it anew: sag compile"),
    ],
)
def test_what_the_library_refuses_is_an_error(policy, table, library, call, message):
    library.refuse.add(call)
    with pytest.raises(TensorRtError, match=message):
        TensorRtEngine(policy, table, device="cpu", library=library)


@pytest.mark.parametrize("call", ["address", "enqueue"])
def test_a_chunk_whose_enqueue_fails_is_an_error(engine, policy, table, library, draw, call):
    obs, noise = draw(policy, table)
    library.refuse.add(call)
    with pytest.raises(TensorRtError):
        engine.denoise(obs, next(plans(policy.contract.blocks)), noise)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda engine: engine.shapes.update(h=(9, 33)),
            r"h is float32 \(9, 33\); it should be float32 \(9, 32",
        ),
        (lambda engine: engine.dtypes.update(h="float16"), r"h is float16 \(9, 32\)"),
        (lambda engine: engine.dtypes.update(output0="float16"), "output0 is float16"),
        (
            lambda engine: engine.modes.update(h=fake.Mode.OUTPUT),
            r"inputs \[\] and outputs \['h', 'output0'\]",
        ),
        (
            lambda engine: engine.shapes.update(x=(1,)) or engine.modes.update(x=fake.Mode.INPUT),
            r"\['h', 'x'\]",
        ),
    ],
)
def test_engines_that_do_not_fit_are_refused(policy, table, library, change, message):
    library.change = change
    with pytest.raises(TensorRtError, match=message):
        TensorRtEngine(policy, table, device="cpu", library=library)


def test_tensors_that_do_not_fit_are_refused(engine):
    context, h = engine._contexts["layer1.feed_forward"], engine._state.h
    with pytest.raises(ValueError, match=r"has \['h', 'output0'\]; got \['output0'\]"):
        context.enqueue(h, {}, 0)
    for wrong in (h[:-1], h.double(), h.T.contiguous().T):
        with pytest.raises(ValueError, match=r"part layer1\.feed_forward: h is .* has to be contiguous"):
            context.enqueue(torch.empty_like(h), {"h": wrong}, 0)


def test_never_compiles(policy, table, library):
    other = replace(policy, policy_hash="another", folder=Path("models/other"))
    with pytest.raises(
        NotCompiled,
        match=r"policy another is not compiled for TensorRT \(cpu, f32, 9 tokens\): never compiled on this "
        r"machine; run: sag compile --engine tensorrt --precision f32 models/other",
    ):
        TensorRtEngine(other, table, device="cpu", library=library)
    with pytest.raises(NotCompiled, match="precision f32, not bf16"):
        TensorRtEngine(policy, table, "bf16", "cpu", library=library)
    library.__version__ = "10.16.0"
    with pytest.raises(NotCompiled, match=r"tensorrt 10\.15\.1, not 10\.16\.0"):
        TensorRtEngine(policy, table, device="cpu", library=library)


class Refusing(EagerGraphs):
    """Records nothing whose work calls the library: its enqueues cannot be captured."""

    def __init__(self, library):
        self.library, self.entered = library, 0

    def capture(self, work, before):
        count = len(self.library.enqueued())
        super().capture(work, before)
        if len(self.library.enqueued()) > count:
            raise RuntimeError("operation not permitted when stream is capturing")
        return work


def test_enqueues_that_cannot_be_recorded(policy, table, library, draw, monkeypatch):
    for module in (graph_engine, engine_module):
        monkeypatch.setattr(module, "make_graphs", lambda device: Refusing(library))
    engine = TensorRtEngine(policy, table, device="cpu", library=library)
    (note,) = engine.notes
    assert note.endswith("cannot record them: operation not permitted when stream is capturing")
    reference = ReferenceEngine(policy, table)
    obs, noise = draw(policy, table)
    for plan in plans(policy.contract.blocks):
        engine.prepare(plan)
        got = engine.denoise(obs, plan, noise)
        assert relative_error(got, reference.denoise(obs, plan, noise)) < 1e-5


def test_refusals(policy, table, library):
    with pytest.raises(ValueError, match="computes on GPUs alone"):
        TensorRtEngine(policy, table, device="cpu")
    with pytest.raises(ValueError, match="'int8' is not available on GPUs"):
        TensorRtEngine(policy, table, "int8", "cpu", library=library)
    with pytest.raises(ValueError, match="token-wise"):
        TensorRtEngine(random_bundle(0, network={"cond_layers": 1}), table, device="cpu", library=library)
    with pytest.raises(ValueError, match="never saved"):
        TensorRtEngine(replace(policy, policy_hash=""), table, device="cpu", library=library)
    if torch.version.cuda is None:
        with pytest.raises(ValueError, match="without CUDA"):
            TensorRtEngine(policy, table)
