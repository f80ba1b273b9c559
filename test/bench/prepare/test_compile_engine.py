"""The command, with stand-ins for what a GPU and its libraries would do."""

from __future__ import annotations

import pytest

from sag_ros.bench.prepare import compile_engine, compile_tensorrt
from sag_ros.engines.registry import build_engine
from sag_ros.engines.tensorrt.runtime import TensorRtError
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


@pytest.fixture
def folder(tmp_path):
    save_bundle(tmp_path / "policy", random_bundle(3))
    return str(tmp_path / "policy")


@pytest.fixture
def asked(monkeypatch):
    """Compiles nothing; the reference stands for what was compiled. Returns what was asked for."""
    found = []

    def compile_nothing(bundle, table, *options):
        found.append(options)
        return build_engine("reference", bundle, table)

    monkeypatch.setattr(compile_tensorrt, "compile_tensorrt", compile_nothing)
    return found


def test_what_was_compiled_is_compared(folder, asked, capsys):
    assert compile_engine.main(folder, precision="bf16", force=True) == 0
    assert asked == [("bf16", False, True)]
    assert capsys.readouterr().out.count("reference-f32 agrees with reference") == 2


def test_an_engine_that_differs_fails(folder, monkeypatch, capsys):
    def other_weights(bundle, table, *options):
        return build_engine("reference", random_bundle(4), table)

    monkeypatch.setattr(compile_tensorrt, "compile_tensorrt", other_weights)
    assert compile_engine.main(folder) == 1
    assert capsys.readouterr().out.count("DIFFERS FROM reference") == 2


def test_samplers_that_need_the_whole_horizon_get_it(tmp_path, asked, monkeypatch):
    save_bundle(tmp_path / "policy", random_bundle(3, horizon=17, diffusion={"training": "streaming"}))
    monkeypatch.setattr(compile_engine, "agrees", lambda *arguments: True)
    assert compile_engine.main(str(tmp_path / "policy")) == 0
    assert asked == [("auto", True, False)]


def test_a_part_that_is_not_compiled_is_no_traceback(folder, monkeypatch, capsys):
    def fails(*arguments):
        raise TensorRtError("head", "it is not compiled")

    monkeypatch.setattr(compile_tensorrt, "compile_tensorrt", fails)
    assert compile_engine.main(folder) == 1
    assert capsys.readouterr().err.startswith("sag compile: TensorRT, part head: it is not compiled")


@pytest.mark.parametrize("all_tokens", [False, True])
def test_native_is_compiled_by_using_it(folder, capsys, all_tokens):
    assert compile_engine.main(folder, "native", all_tokens=all_tokens) == 0
    printed = capsys.readouterr().out
    assert "engine native is compiled, or was before" in printed
    assert printed.count("agrees with reference") == 2


@pytest.mark.parametrize("engine", ["persistent", "cuda_graph"])
def test_an_engine_that_cannot_run_here_says_why(folder, monkeypatch, engine):
    from sag_ros.engines.gpu import device

    monkeypatch.setattr(device, "cuda_obstacle", lambda: "no NVIDIA GPU")
    with pytest.raises(ValueError, match=f"engine {engine} cannot be compiled on this machine: no NVIDIA"):
        compile_engine.main(folder, engine)
