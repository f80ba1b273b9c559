"""Sections about engines that are compiled ahead, with stand-ins for the libraries."""

from __future__ import annotations

from dataclasses import replace

import fake_tensorrt as fake
import gpu_fakes
import pytest

from sag_ros.bench.gpu import command as gpu_check
from sag_ros.bench.gpu import compile as gpu_compile
from sag_ros.bench.gpu.command import Options, sections_of
from sag_ros.bench.gpu.policies import random_policy
from sag_ros.bench.gpu.sections import Context, Section
from sag_ros.bench.prepare.compile_tensorrt import Libraries
from sag_ros.engines.registry import build_engine


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def options(tmp_path):
    return Options(
        json=tmp_path / "check.json", engines=("tensorrt",), precisions=("f32",), bundle="", device="cpu",
        small=True, chunks=10, draws=1,
    )  # fmt: skip


@pytest.fixture
def rows():
    return []


@pytest.fixture
def context(options, rows):
    return Context("compiling", options, lambda *row: rows.append(row), lambda: 99.0, build_engine)


def stand_ins():
    bundle = random_policy(True).bundle
    tokens = bundle.contract.executed.stop
    made = fake.serialised(bundle, tokens)
    return Libraries(fake.FakeTensorRt(bundle, tokens), lambda name, *rest: made[name])


def test_what_is_compiled_is_what_is_checked(options, context, rows):
    libraries = stand_ins()
    gpu_compile.compile_ahead(context, ("tensorrt",), libraries)
    ((kind, row),) = rows
    assert kind == "machine"
    assert list(row["compile_s"]) == ["compiling for random weights, s"]

    def build(name, bundle, table, **more):
        return build_engine(name, bundle, table, library=libraries.tensorrt, **more)

    section = Section("check", "sag_ros.bench.gpu.correctness:check_engine", 0, 99, ("tensorrt",))
    assert gpu_check.check(options, build, gpu_fakes.Ticking(), [section]) == 0
    assert set(libraries.tensorrt.enqueued()) >= {"head", "layer1.feed_forward"}


def test_what_cannot_be_compiled_is_an_error_with_its_policy(context, rows):
    libraries = stand_ins()

    def fails(*arguments):
        raise RuntimeError("no kernel image")

    gpu_compile.compile_ahead(context, ("tensorrt",), libraries._replace(compile_part=fails))
    ((kind, row),) = rows
    assert kind == "errors"
    assert (row["part"], row["error"]) == (
        "tensorrt f32, compiling for random weights", "RuntimeError: no kernel image",
    )  # fmt: skip


def test_where_it_is_missing_nothing_but_that_is_said(options, context, rows, monkeypatch):
    for module in (gpu_check, gpu_compile):
        monkeypatch.setattr(module, "missing", lambda: ("tensorrt missing",))
    gpu_compile.compile_ahead(context, ("tensorrt",))
    assert rows == [("absent", {"part": "tensorrt", "reason": "tensorrt missing"})]
    about = [own.name for own in sections_of(options) if "tensorrt" in own.engines]
    assert about == ["compiling"]
    monkeypatch.setattr(gpu_check, "missing", lambda: ())
    about = [own.name for own in sections_of(options) if "tensorrt" in own.engines]
    assert about == ["compiling", "correctness of tensorrt", "compiled engines, f32"]


def test_the_order_is_that_of_worth(options):
    names = [own.name for own in sections_of(replace(Options(), seed=1))]
    assert names.index("correctness of persistent") < names.index("sparse, bf16")
    assert names.index("sparse, bf16") < names.index("encoder and pruner") < names.index("dense eager")
    assert names.index("dense eager") < names.index("correctness of persistent:parts=4")
    assert names.index("correctness of persistent:parts=1") < names.index("other engines, bf16")
    assert names.index("other engines, bf16") < names.index("compiling")
    assert names[-2:] == ["sparse, f32", "torch.compile"]
