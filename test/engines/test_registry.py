from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.engines.gpu.encoders import GpuFrameEncoder, GpuSagMask
from sag_ros.engines.native.encoder import obstacle
from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.registry import (
    ENGINES,
    FASTEST_FIRST,
    ON_GPU,
    build_engine,
    build_frame_encoder,
    build_mask_source_for,
    choose,
    pruner_executor,
)
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.mask_sources import SagMask

AWKWARD = 5 * LANES // 2  # a width that does not fill the vectors of this CPU


@pytest.fixture
def without(monkeypatch):
    """Pretend that packages are not installed."""
    find = importlib.util.find_spec

    def function(*names):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest: None if name in names else find(name, *rest)
        )

    return function


@pytest.fixture
def gpu(monkeypatch):
    """Pretend that torch has a GPU, or that it has none."""

    def function(present):
        reason = None if present else "no NVIDIA GPU"
        monkeypatch.setattr("sag_ros.engines.gpu.device.cuda_obstacle", lambda: reason)
        for user in ("gpu.device", "gpu.encoders"):
            monkeypatch.setattr(f"sag_ros.engines.{user}.choose_device", lambda device: torch.device("cpu"))

    return function


def on_cpu(reasons):
    """Of what ``auto`` passed over, the engines that run on the CPU."""
    return tuple(reason for reason in reasons if not any(f"engine {name}:" in reason for name in ON_GPU))


def test_auto():
    name, reasons = choose("auto")
    assert name == "native"
    assert on_cpu(reasons) == ()
    assert choose("reference") == ("reference", ())
    assert choose("auto", random_bundle(0))[0] == "native"


def test_auto_on_a_gpu(gpu, bundle):
    gpu(True)
    assert choose("auto", bundle)[0] == "cuda_graph"
    name, reasons = choose("auto", random_bundle(0, network={"cond_layers": 1}))
    assert name == "reference"
    assert any("engine cuda_graph: this engine needs token-wise" in reason for reason in reasons)
    name, reasons = choose("auto", bundle, "int8")
    assert name == "openvino"
    assert any("cuda_graph: precision 'int8' is not available on GPUs" in reason for reason in reasons)
    assert isinstance(build_frame_encoder("cuda_graph", bundle), GpuFrameEncoder)
    assert isinstance(build_mask_source_for("auto", "sag", bundle, 10), GpuSagMask)


def test_auto_with_tensorrt(gpu, bundle, tmp_path, monkeypatch):
    """Taken where this policy is compiled for this GPU; otherwise passed over, with the reason."""
    import fake_tensorrt as fake

    from sag_ros.engines.tensorrt import engine as tensorrt
    from sag_ros.engines.tensorrt.key import engine_key
    from sag_ros.engines.tensorrt.store import save

    gpu(True)
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path))
    device, tokens = torch.device("cpu"), bundle.contract.executed.stop
    find, absent = importlib.util.find_spec, ["tensorrt"]
    installed = ("torch_tensorrt", "tensorrt")

    def spec(name, *rest):
        return (None if name in absent else object()) if name in installed else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", spec)
    monkeypatch.setattr(tensorrt, "choose_device", lambda name: device)

    def reason(*arguments):
        name, (first, *_) = choose("auto", bundle, *arguments)
        assert name == "cuda_graph"
        assert first.startswith("not engine tensorrt: ")
        return first

    assert "tensorrt missing (extra [tensorrt]" in reason()
    absent.clear()
    monkeypatch.setattr(tensorrt, "import_tensorrt", lambda: 1 / 0)
    assert "tensorrt is installed but does not load: division" in reason()
    library = fake.FakeTensorRt(bundle, tokens)
    monkeypatch.setattr(tensorrt, "import_tensorrt", lambda: library)
    assert "never compiled on this machine; run: sag compile --engine tensorrt --precision f32" in reason()
    save(engine_key(bundle, tokens, "f32", device, library), fake.serialised(bundle, tokens))
    assert choose("auto", bundle) == ("tensorrt", ())
    assert "compiled for precision f32, not bf16" in reason("bf16")
    assert f"compiled for tokens {tokens}, not {bundle.contract.horizon}" in reason("f32", True)
    assert choose("auto")[0] == "cuda_graph"  # not knowing for which policy


def test_tensorrt_names_what_is_missing(bundle, gpu, monkeypatch):
    gpu(True)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setattr("sag_ros.engines.tensorrt.engine.choose_device", lambda name: torch.device("cuda", 0))
    with pytest.raises(ImportError, match=r"tensorrt needs torch_tensorrt and tensorrt \(extra \[tensorrt\]"):
        build_engine("tensorrt", bundle, build_table("ddpm", 10), precision="f32")


def test_auto_without_a_gpu(gpu):
    gpu(False)
    name, reasons = choose("auto")
    assert name == "native"
    assert "not engine cuda_graph: no NVIDIA GPU" in reasons


def test_auto_says_what_it_passed_over():
    name, reasons = choose("auto", random_bundle(0, network={"cond_layers": 1}))
    assert name == "reference"
    reasons = on_cpu(reasons)
    assert [reason.split(":")[0] for reason in reasons] == ["not engine native", "not engine openvino"]
    assert all("token-wise conditioning (cond_layers 0), the policy has 1" in reason for reason in reasons)
    name, reasons = choose("auto", random_bundle(0, network={"width": AWKWARD}))
    assert name == "openvino"
    assert f"multiple of {LANES} on this CPU" in on_cpu(reasons)[0]
    name, reasons = choose("auto", precision="int8")
    assert name == "openvino"
    assert "'int8' is not available in engine native" in on_cpu(reasons)[0]


@pytest.mark.parametrize("name", ["native", "openvino"])
def test_what_is_missing_is_named(bundle, monkeypatch, name):
    monkeypatch.setitem(sys.modules, f"sag_ros.engines.{name}.engine", None)
    table = build_table("ddpm", bundle.contract.diffusion.steps)
    with pytest.raises(ImportError, match=rf"{name} needs .*numba \(extra .*use reference"):
        build_engine(name, bundle, table)


def test_auto_without_numba(bundle, without):
    without("numba")
    name, reasons = choose("auto")
    assert name == "reference"
    assert on_cpu(reasons) == (
        "not engine native: numba missing (extra [openvino])",
        "not engine openvino: numba missing (extra [openvino])",
    )
    assert build_engine("auto", bundle, build_table("ddpm", 10)).name == "reference"
    assert build_frame_encoder("auto", bundle).name == "reference"


def test_auto_without_openvino(bundle, without):
    without("openvino")
    assert build_engine("auto", bundle, build_table("ddpm", 10)).name == "native"
    assert build_frame_encoder("auto", bundle).name == "reference"
    assert pruner_executor("auto", bundle) is SagMask


def test_refusals(bundle):
    table = build_table("ddpm", 10)
    with pytest.raises(ValueError, match="'magic' does not exist; available: auto, tensorrt, cuda_graph"):
        build_engine("magic", bundle, table)
    with pytest.raises(ValueError, match="unknown precision 'f8'; available: auto, f32, bf16, int8"):
        build_engine("openvino", bundle, table, precision="f8")
    with pytest.raises(
        ValueError, match="'int8' is not available in engine native; available: auto, f32, bf16"
    ):
        build_engine("native", bundle, table, precision="int8")
    with pytest.raises(ValueError, match=f"multiple of {LANES} .* has {AWKWARD}; use engine openvino"):
        build_engine("native", random_bundle(0, network={"width": AWKWARD}), table)
    with pytest.raises(TypeError):
        build_engine("reference", bundle, table, precision="f32")
    with pytest.raises(ValueError, match="use engine reference"):
        build_engine("openvino", random_bundle(0, network={"cond_layers": 1}), table)
    with pytest.raises(ValueError, match="use engine reference"):
        build_engine("native", random_bundle(0, network={"cond_layers": 1}), table)
    with pytest.raises(ValueError, match="no pruner"):
        build_mask_source_for("openvino", "sag", random_bundle(0), 10)
    with pytest.raises(ValueError, match="no schedule 'sag-5'"):
        build_mask_source_for("openvino", "sag", bundle, 5)


def test_the_registry_loads_no_library():
    """Nor does a spec: whoever lists the engines needs none of them."""
    libraries = {package for spec in ENGINES.values() for package in spec.packages}
    assert libraries == {"numba", "openvino", "triton", "tensorrt", "torch_tensorrt"}
    code = "import sys, sag_ros.engines.registry; print(*{n.partition('.')[0] for n in sys.modules})"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not libraries & set(child.stdout.split())


def test_what_auto_tries_exists():
    assert set(FASTEST_FIRST) <= set(ENGINES)
    assert list(ENGINES)[: len(FASTEST_FIRST)] == list(FASTEST_FIRST)
    assert all(name == spec.name for name, spec in ENGINES.items())


NAMES = [name for name in sorted(ENGINES) if name not in ON_GPU]


@pytest.mark.parametrize("name", NAMES)
def test_names(bundle, name):
    assert build_engine(name, bundle, build_table("ddpm", 10)).name == name
    # Whether our own code encodes depends on the width of this CPU's vectors.
    fits = name == "native" and not any(obstacle(net) for net in bundle.encoder.nets.values())
    expected = {"reference": "reference", "native": "native" if fits else "openvino"}.get(name, "openvino")
    assert build_frame_encoder(name, bundle).name == expected


def test_a_resnet_is_encoded_by_openvino_as_by_torch():
    size = {"height": 40, "width": 48}
    resnet = {"norm": "group", "crop": [32, 37], "mean": [0.5] * 3, "std": [0.2, 0.3, 0.4]}
    shape = {"width": 64, "keypoints": 5, "features": 6, "resnet18": resnet}
    bundle = random_bundle(0, cameras={"front": size}, encoder=shape)
    image = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    expected = build_frame_encoder("reference", bundle).encode("front", image)
    found = build_frame_encoder("native", bundle, precision="f32")
    assert found.name == "openvino"
    np.testing.assert_allclose(found.encode("front", image), expected, atol=1e-4 * np.abs(expected).max())


def test_frame_encoders_agree(bundle):
    rng = np.random.default_rng(0)
    reference = build_frame_encoder("reference", bundle)
    for name, options, bound in (
        ("openvino", {"precision": "f32"}, 1e-5),
        ("openvino", {"precision": "bf16"}, 5e-2),
        ("cuda_graph", {"device": "cpu"}, 1e-5),
    ):
        encoder = build_frame_encoder(name, bundle, **options)
        for camera, size in bundle.contract.cameras.items():
            images = rng.integers(0, 256, (2, size.height, size.width, 3), np.uint8)
            first, second = (encoder.encode(camera, image) for image in images)
            for got, image in ((first, images[0]), (second, images[1])):
                expected = reference.encode(camera, image)
                assert got.shape == expected.shape == (bundle.contract.encoder.features,)
                assert np.abs(got - expected).max() < bound * np.abs(expected).max()
            assert np.abs(first - second).max() > 1e-3


def test_frame_encoders_refuse(bundle):
    for encoder in (
        *(build_frame_encoder(name, bundle) for name in NAMES),
        build_frame_encoder("cuda_graph", bundle, device="cpu"),
    ):
        with pytest.raises(KeyError, match="'back' does not exist; available: front, wrist"):
            encoder.encode("back", np.zeros((28, 28, 3), np.uint8))
        with pytest.raises(ValueError, match=r"\(28, 28, 3\) uint8"):
            encoder.encode("front", np.zeros((28, 30, 3), np.uint8))
        with pytest.raises(ValueError, match=r"\(28, 28, 3\) uint8"):
            encoder.encode("front", np.zeros((28, 28, 3), np.float32))


@pytest.fixture(scope="module")
def choosing(bundle):
    """The same policy with a pruner that chooses one of four masks."""
    size = {**bundle.contract.pruner.model_dump(), "masks": 4}
    contract = bundle.contract.model_copy(update={"pruner": PrunerSpec(**size)})
    book = torch.rand(4, 10, bundle.contract.blocks, generator=torch.Generator().manual_seed(0)) < 0.5
    state = {**bundle.pruner_state, "codebook": book.float()}
    return replace(bundle, contract=contract, pruner_state=state)


@pytest.mark.parametrize("policy", ["bundle", "choosing"])
@pytest.mark.parametrize("engine", ["openvino", "cuda_graph"])
def test_pruners_agree(policy, engine, request):
    bundle = request.getfixturevalue(policy)
    reference, fast = (
        build_mask_source_for(name, "sag", bundle, 10, device="cpu") for name in ("reference", engine)
    )
    assert len(fast.masks) == (4 if policy == "choosing" else 0)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(20):
        obs = rng.standard_normal((2, bundle.contract.obs_dim), dtype=np.float32)
        mask = fast.mask(obs)
        assert (mask.pruned == reference.mask(obs).pruned).all()
        assert not mask.pruned[0, :3].any()
        seen.add(mask.pruned.tobytes())
    assert 1 < len(seen) <= (4 if policy == "choosing" else 20)
    with pytest.raises(ValueError, match="features have shape"):
        fast.mask(obs[:1])
