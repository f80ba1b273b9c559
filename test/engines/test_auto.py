"""Engine ``auto`` where what should run does not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from sag_ros.engines import registry
from sag_ros.engines.auto import build_fastest
from sag_ros.engines.cuda_graph import engine as cuda_graph
from sag_ros.engines.cuda_graph.engine import CudaGraphEngine
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.samplers import build_table


@pytest.fixture
def gpu(monkeypatch):
    """Nothing is known to stand in the way of engine cuda_graph."""
    real = registry.obstacle
    monkeypatch.setattr(
        registry, "obstacle", lambda name, *rest: None if name == "cuda_graph" else real(name, *rest)
    )


def test_nothing_of_a_gpu_is_loaded_at_start():
    """Not even by torch, which loads its compiler, and that Triton, for more than one would think."""
    code = """
import sys
import numpy as np
import torch
from sag_ros.engines.runner import PolicyRunner
from sag_ros.paths import model_folder
from sag_ros.policy.bundle import load_bundle
bundle = load_bundle(model_folder("pick_release"))
runner = PolicyRunner(bundle)
runner.infer(0.0, np.zeros((2, bundle.contract.obs_dim), np.float32))
loaded = {name.partition(".")[0] for name in sys.modules}
found = sorted(loaded & {"triton", "tensorrt", "torch_tensorrt"})
print(runner.engine.name, found, torch.cuda.is_initialized())
"""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert child.stdout.splitlines()[-1] == "native [] False"


def broken(error):
    def build(*arguments, **options):
        raise error

    return build


def test_the_next_one_serves(gpu, bundle, monkeypatch):
    spec = replace(registry.ENGINES["cuda_graph"], load=lambda: broken(RuntimeError("CUDA out of memory")))
    monkeypatch.setitem(registry.ENGINES, "cuda_graph", spec)
    runner = PolicyRunner(bundle, engine="auto")
    assert runner.engine.name == "native"
    assert "not engine cuda_graph: it cannot be built (RuntimeError: CUDA out of memory)" in runner.remarks
    assert runner._encoder.name in ("native", "openvino")
    with pytest.raises(RuntimeError, match="out of memory"):
        PolicyRunner(bundle, engine="cuda_graph")


def test_what_belongs_to_it_fails_with_it(gpu, bundle):
    built = []

    def build(name):
        built.append(name)
        if name == "cuda_graph":
            raise OSError("libcudnn.so.9")
        return name

    built_with, passed = build_fastest("auto", bundle, build)
    assert built_with == "native"
    assert built == ["cuda_graph", "native"]
    assert "not engine cuda_graph: it cannot be built (OSError: libcudnn.so.9)" in passed


@pytest.mark.parametrize("error", [ValueError("no schedule"), TypeError("option"), KeyError("camera")])
def test_wrong_input_is_not_mended_by_another_engine(gpu, bundle, error):
    with pytest.raises(type(error)):
        build_fastest("auto", bundle, broken(error))


def test_an_engine_of_the_cpu_that_fails_is_an_error(bundle):
    with pytest.raises(RuntimeError, match="LLVM"):
        build_fastest("auto", bundle, broken(RuntimeError("LLVM")))


def test_without_a_compiler_torch_does_what_could_be_fused(bundle, monkeypatch):
    built = []

    def build(self, bundle, table, device, fused, all_tokens):
        built.append(fused)
        if fused:
            raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(CudaGraphEngine, "_build", build)
    monkeypatch.setattr(cuda_graph, "choose_device", lambda device: torch.device("cuda", 0))
    table = build_table("ddpm", 10)
    (note,) = CudaGraphEngine(bundle, table, "f32").notes
    assert note.endswith("Triton does not work here: RuntimeError: Failed to find C compiler")
    assert built == [True, False]
    with pytest.raises(RuntimeError, match="C compiler"):
        CudaGraphEngine(bundle, table, "f32", fused=True)
    monkeypatch.setattr(cuda_graph, "fusion_obstacle", lambda *arguments: "triton is missing")
    assert CudaGraphEngine(bundle, table, "f32").notes == ()
    assert built[-1] is False
