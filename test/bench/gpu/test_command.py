"""The whole command on the CPU, with engines that have a fault each."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import gpu_fakes
import numpy as np
import pytest

from sag_ros.bench.gpu import correctness
from sag_ros.bench.gpu.command import Options, check, main, sections_of
from sag_ros.bench.gpu.policies import plan_of, random_policy
from sag_ros.bench.gpu.sections import Section
from sag_ros.engines import registry
from sag_ros.engines.gpu import device
from sag_ros.engines.gpu.work import LaunchWork


@pytest.fixture
def options(tmp_path):
    return Options(
        json=tmp_path / "check.json", seed=3, engines=("cuda_graph",), precisions=("f32",), chunks=10,
        draws=1, compile=False, device="cpu", small=True, bundle="",
    )  # fmt: skip


def only(options, *words):
    return [section for section in sections_of(options) if section.name.startswith(words)]


def run(options, build=None, sections=None):
    status = check(options, build, gpu_fakes.Ticking(), sections)  # however slow this machine is
    return status, json.loads(options.json.read_text())


def test_all_sections_run_and_a_broken_engine_costs_only_itself(options, monkeypatch, capsys):
    monkeypatch.setitem(registry.ENGINES, "broken", None)
    options = replace(
        options, engines=("broken", "cuda_graph", "absent"), precisions=("f16", "f32"), bundle="small"
    )
    sections = [section for section in sections_of(options) if "CPU" not in section.name]
    status, content = run(options, gpu_fakes.raises, sections)
    assert status == 1
    assert content["finished"]
    status_of = {row["name"]: row["status"] for row in content["sections"]}
    assert status_of["correctness of cuda_graph"] == "done"
    assert status_of["correctness of broken"] == "failed"
    assert not any("alone" in name for name in status_of)
    assert {row["part"].split()[0] for row in content["errors"]} == {"broken"}
    assert any("illegal memory access" in row["error"] for row in content["errors"])
    assert {row["part"] for row in content["absent"]} == {"absent"}
    own = [row for row in content["checks"] if row["what"] == "cuda_graph"]
    assert all(row["ok"] for row in own)
    assert {row["case"] for row in own} > {
        "blocks", "estimate", "dense from half-way, traced", "dense, reuse type", "random 0.05, reuse block",
        "random 0.09, reuse type, prepared", "shipped masks 1", "encoder", "masks",
    }  # fmt: skip
    times = {(row["what"], row["variant"], row["precision"], row["mask"]) for row in content["times"]}
    for precision in ("f16", "f32"):
        assert {
            ("cuda_graph", "", precision, "random 0.09"), ("cuda_graph", "prepared", precision, "random 0.1"),
            ("cuda_graph", "", precision, "small"), ("cuda_graph", "prepared", precision, "dense"),
            ("torch graph", "", precision, "dense"), ("torch eager", "", precision, "dense"),
        } < times  # fmt: skip
    assert not any(row["what"] == "broken" for row in content["times"])
    assert all(row["chunks"] == 10 for row in content["times"])
    (pipeline,) = content["pipeline"]
    assert pipeline["added_ms_p50"] < pipeline["total_ms_p50"]
    printed = capsys.readouterr().out
    assert "seed 3" in printed and "aimed at" in printed and "failed" in printed


def test_engines_of_the_cpu_are_shown_beside(options):
    status, content = run(options, sections=only(options, "correctness", "engines of"))
    assert status == 0
    assert {row["what"]: row["chunks"] for row in content["times"]} == {"native": 10, "reference": 10}


def test_a_wrong_block_is_found_and_named(options):
    status, content = run(options, gpu_fakes.wrong_block, only(options, "correctness"))
    assert status == 1
    (blocks,) = [row for row in content["checks"] if row["case"] == "blocks"]
    assert not blocks["ok"]
    assert blocks["where"].startswith("block 5 (FFN of layer 1), step ")
    assert blocks["by_kind"]["SA"] < 1e-3 < 0.005 < blocks["by_kind"]["FFN"] < 0.02


@pytest.mark.parametrize(("times", "ok"), [(1.0, True), (3.9, True), (5.1, False)])
def test_more_is_allowed_where_a_chunk_magnifies_the_rounding_of_its_format(monkeypatch, times, ok):
    """An engine that is off by so many times what rounding the weights does."""
    monkeypatch.setitem(correctness.TOLERANCE, "bf16", 1e-3)
    policy = random_policy(small=True)
    obs, noise = policy.draw(np.random.default_rng(0))
    case = correctness.make_case(policy, "case", plan_of(policy, 0.2, 0), obs, noise)
    own = correctness.rounding(policy, case, "bf16")
    off = times * own * np.abs(case.expected).max()
    engine = SimpleNamespace(denoise=lambda *arguments: case.expected + np.float32(off))
    (row,) = correctness.check_chunk(engine, case, policy, "bf16")
    assert own > 1e-3
    assert row["allowed"] == pytest.approx(1e-3 + 4 * own if times * own > 1e-3 else 1e-3)
    assert row["ok"] == ok
    assert correctness.rounding(policy, case, "f16") < own / 2


def test_who_reads_what_an_earlier_chunk_left_is_caught_by_poison(options, monkeypatch):
    def begin(self):
        self._state.x.copy_(self._state.noise[0])
        self.embed()

    monkeypatch.setattr(LaunchWork, "begin", begin)
    status, content = run(options, sections=only(options, "correctness"))
    assert status == 1
    chunks = [row for row in content["checks"] if row["case"].endswith("type") and "random" in row["case"]]
    assert chunks and all(row["error"] == "inf" and not row["ok"] for row in chunks)


def test_two_runs_have_to_have_the_same_bits(options):
    status, content = run(options, gpu_fakes.restless, only(options, "correctness"))
    assert status == 1
    chunks = [row for row in content["checks"] if row["identical"] is not None]
    assert chunks and all(row["error"] < row["allowed"] and not row["ok"] for row in chunks)


def test_an_engine_that_cannot_be_built_is_an_error(options):
    status, content = run(options, gpu_fakes.cannot_be_built, only(options, "correctness", "dense eager"))
    assert status == 1
    assert [row["error"] for row in content["errors"]] == ["RuntimeError: ptxas died"] * 2
    assert content["errors"][0]["trace"][-1].endswith("cannot_be_built")
    assert [row["what"] for row in content["times"]] == ["torch eager"]


def test_what_the_budget_does_not_hold_is_left_out(options):
    clock = gpu_fakes.Ticking()

    def build(name, bundle, table, **more):
        clock.time += 455.0
        return registry.build_engine(name, bundle, table, **more)

    status = check(options, build, clock, only(options, "correctness", "dense eager"))
    content = json.loads(options.json.read_text())
    assert content["sections"][-1]["status"] == "skipped"
    assert status == 1  # checks were left out within a section: that is told as an error
    assert "no time left" in content["errors"][0]["error"]


def test_an_interruption_leaves_what_there_is(options):
    options = replace(options, keep=False)
    sections = [Section("one", "gpu_fakes:nothing_there", 0, 9), Section("two", "gpu_fakes:interrupt", 0, 9)]
    with pytest.raises(KeyboardInterrupt):
        check(options, sections=sections)
    content = json.loads(options.json.read_text())
    assert not content["finished"]
    assert [row["status"] for row in content["sections"]] == ["failed", "interrupted"]


def test_a_seed_is_drawn_and_told(options, capsys):
    check(replace(options, seed=None), sections=[])
    content = json.loads(options.json.read_text())
    assert f"seed {content['seed']}" in capsys.readouterr().out
    assert content["options"]["seed"] == content["seed"]


def test_without_a_gpu_it_says_why_and_what_works(options, monkeypatch, capsys):
    monkeypatch.setattr(device, "cuda_obstacle", lambda: "no NVIDIA GPU")
    assert main(replace(options, device="auto")) == 2
    printed = capsys.readouterr()
    assert "no NVIDIA GPU" in printed.err and "sag bench engines" in printed.err
    assert not options.json.exists()


def test_without_a_gpu_no_library_of_one_is_imported():
    code = (
        "import sys; from sag_ros.cli import main; print(main(['gpu-check'])); "
        "print([name for name in sys.modules if name.split('.')[0] in ('triton', 'tensorrt', "
        "'torch_tensorrt')])"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert child.stdout.splitlines() == ["2", "[]"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"minutes": 0.0}, "--minutes must be in"),
        ({"chunks": 3}, "at least 10"),
        ({"draws": 0}, "at least 1"),
        ({"engines": ()}, "must not be empty"),
        ({"engines": ("persistent:x",)}, "option=value"),
    ],
)
def test_wrong_options_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Options(**changes)
