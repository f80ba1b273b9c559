"""Compiling with a stand-in for the libraries (``fake_tensorrt``), on the CPU."""

from __future__ import annotations

import fake_tensorrt as fake
import numpy as np
import pytest

from sag_ros.bench.gpu.policies import plan_of, with_table
from sag_ros.bench.prepare import compile_tensorrt as module
from sag_ros.bench.prepare.compile_tensorrt import Libraries, compile_tensorrt, import_libraries
from sag_ros.engines.tensorrt.runtime import TensorRtError
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def policy():
    return random_bundle(3)


class Compiler:
    """Makes the stand-in's engines; ``asked`` names the parts in their order, the one in ``broken`` fails."""

    def __init__(self, policy, tokens):
        self.made, self.asked, self.broken = fake.serialised(policy, tokens), [], None
        self.libraries = Libraries(fake.FakeTensorRt(policy, tokens), self.compile)

    def compile(self, name, program, signature, device, timings):
        self.asked.append(name)
        if name == self.broken:
            raise TensorRtError(name, "it is not compiled")
        return self.made[name]


@pytest.fixture
def compiler(policy):
    return Compiler(policy, policy.contract.executed.stop)


def compiled(policy, compiler, **options):
    table = build_table("ddpm", 10, policy.contract.clip)
    return compile_tensorrt(policy, table, device="cpu", libraries=compiler.libraries, **options)


def test_all_parts_once(policy, compiler, capsys):
    engine = compiled(policy, compiler)
    assert engine.name == "tensorrt"
    assert engine.tokens == policy.contract.executed.stop
    assert compiler.asked == list(compiler.made)
    printed = capsys.readouterr().out
    assert "compiling 7 engines for cpu, f32, TensorRT 10.15.1: never compiled on this machine" in printed
    assert "compiling: 7/7" in printed
    compiled(policy, compiler)
    assert len(compiler.asked) == 7
    assert "compiled already: 7 engines for cpu" in capsys.readouterr().out


def test_anew_when_asked_for_or_when_what_it_depends_on_has_changed(policy, compiler, capsys):
    compiled(policy, compiler)
    compiled(policy, compiler, force=True)
    assert len(compiler.asked) == 14
    compiler.libraries.tensorrt.__version__ = "11.0.0"
    compiled(policy, compiler)
    assert len(compiler.asked) == 21
    assert "compiled for tensorrt 10.15.1, not 11.0.0" in capsys.readouterr().out


def test_damaged_engines_are_compiled_anew(policy, compiler, cache, capsys):
    compiled(policy, compiler)
    (file,) = cache.rglob("head.engine")
    file.write_bytes(b"something else")
    compiled(policy, compiler)
    assert len(compiler.asked) == 14
    assert "its SHA-256 differs" in capsys.readouterr().out
    assert file.read_bytes() == compiler.made["head"]


def test_a_part_that_cannot_be_compiled_leaves_nothing(policy, compiler, cache):
    compiler.broken = "layer1.self_attention"
    with pytest.raises(TensorRtError, match=r"part layer1\.self_attention: it is not compiled"):
        compiled(policy, compiler)
    assert not list(cache.rglob("*.engine"))
    assert not list(cache.rglob("making-*"))


def test_at_the_whole_horizon(policy):
    compiler = Compiler(policy, policy.contract.horizon)
    assert compiled(policy, compiler, all_tokens=True).tokens == policy.contract.horizon


def test_what_is_missing_is_said(policy, monkeypatch):
    monkeypatch.setattr(module, "missing", lambda: ("tensorrt missing", "no NVIDIA GPU"))
    with pytest.raises(ValueError, match="on this machine: tensorrt missing; no NVIDIA GPU"):
        compile_tensorrt(policy, build_table("ddpm", 10))
    monkeypatch.setattr(module, "missing", lambda: ())

    def no_shared_library():
        raise ImportError("libnvinfer.so.11")

    monkeypatch.setattr(module, "import_torch_tensorrt", no_shared_library)
    with pytest.raises(ValueError, match=r"installed but does not load: libnvinfer\.so\.11"):
        import_libraries()


def test_what_was_compiled_is_what_computes(policy, compiler):
    engine = compiled(policy, compiler)
    own = with_table(policy)
    obs, noise = own.draw(np.random.default_rng(0))
    engine.denoise(obs, plan_of(own, 1.0, 0), noise)
    assert set(compiler.libraries.tensorrt.enqueued()) == set(compiler.made)
