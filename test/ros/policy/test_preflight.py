"""What configure refuses, seen from the lifecycle node."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from fake_robot import Bench, FakeRobot
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from sag_ros.policy.bundle import POLICY_FILE, load_bundle
from sag_ros.policy.ladder_file import LADDER_FILE
from sag_ros.ros.parameters import ParameterError
from sag_ros.ros.policy import preflight
from sag_ros.ros.policy.fitting import Refused
from sag_ros.ros.policy.node import PolicyNode
from sag_ros.ros.policy.running import prepare
from sag_ros.ros.schema import PolicyNode as PolicyParameters

FAILURE, SUCCESS = TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.SUCCESS


def refused(domain, **changes) -> str:
    bench = Bench(**changes)
    try:
        assert bench.policy.trigger_configure() == FAILURE
        return bench.problem
    finally:
        bench.close()


def test_a_missing_bundle_is_refused_with_the_places_looked_at(domain, tmp_path):
    problem = refused(domain, bundle=tmp_path / "nowhere")
    assert "cannot configure" in problem
    assert "nowhere" in problem


def test_truncated_weights_are_refused(domain, bundle, tmp_path):
    for file in bundle.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:1000] if file.name == POLICY_FILE else content)
    assert POLICY_FILE in refused(domain, bundle=tmp_path)


def test_a_broken_contract_is_refused_by_key(domain, bundle, tmp_path):
    for file in bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "policy.yaml"
    path.write_text(path.read_text().replace("horizon:", "horizn:"))
    assert "horizn" in refused(domain, bundle=tmp_path)


def test_cameras_must_fit_the_contract(domain, bundle):
    problem = refused(domain, bundle=bundle, cameras__front__topic="a", cameras__side__topic="b")
    assert "camera 'wrist'" in problem
    assert "front, side" in problem


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"engine": "warp"}, "warp"),
        ({"mask_source": "magic"}, "magic"),
        ({"mask_source": "sag"}, "pruner"),
    ],
)
def test_names_that_do_not_exist_are_refused(domain, bundle, change, word):
    assert word in refused(domain, bundle=bundle, **change)


def test_a_delay_that_leaves_nothing_of_a_chunk_is_refused(domain, bundle):
    contract = load_bundle(bundle).contract
    lasts = contract.action_steps * contract.control_period
    problem = refused(domain, bundle=bundle, splice__delay=lasts - contract.control_period)
    assert "splice.delay is" in problem
    assert f"lasts {lasts:g} s" in problem


def test_an_engine_that_differs_from_the_reference_is_refused(domain, bundle, monkeypatch):
    from sag_ros.engines import runner

    build = runner.build_engine_for

    def broken(name, *arguments, **options):
        engine = build(name, *arguments, **options)
        honest = engine.denoise
        engine.denoise = lambda *a, **k: honest(*a, **k) + np.float32(0.05)
        return engine

    monkeypatch.setattr(runner, "build_engine_for", broken)
    problem = refused(domain, bundle=bundle)
    assert "differs from the reference" in problem
    assert "actions" in problem


@pytest.fixture
def coarse(monkeypatch):
    """Engines that do what bfloat16 does to a policy that cannot bear it."""
    from sag_ros.engines import runner

    build, precisions = runner.build_engine_for, []

    def lower(name, *arguments, precision="auto", **options):
        engine = build(name, *arguments, precision="f32", **options)
        precisions.append(precision)
        if precision != "f32":
            engine.precision, honest = "bf16", engine.denoise
            engine.denoise = lambda *a, **k: honest(*a, **k) + np.float32(0.05)
        return engine

    monkeypatch.setattr(runner, "build_engine_for", lower)
    return precisions


def test_where_the_fast_precision_is_too_coarse_it_computes_in_float32(domain, bundle, coarse):
    said = []
    config = PolicyParameters(bundle=str(bundle), engine="native", mask_source="random30", sampler="ddim2")
    prepared = prepare(config, said.append)
    assert prepared.facts["engine"] == "native-f32"
    assert prepared.report.action_error < 1e-3
    assert any(text.startswith("in float32, more slowly: engine native-bf16 differs") for text in said)
    assert coarse == ["auto", "f32"]
    again = prepare(config, said.append, prepared.report)  # in another process, without examining it again
    assert again.facts["engine"] == "native-f32"
    assert coarse == ["auto", "f32", "f32"]


def test_who_asked_for_a_precision_that_is_too_coarse_is_refused(domain, bundle, coarse):
    config = PolicyParameters(
        bundle=str(bundle), engine="native", mask_source="random30", sampler="ddim2", precision="bf16"
    )
    with pytest.raises(Refused, match="Use precision: f32"):
        prepare(config, lambda text: None)


def test_a_misspelt_parameter_is_refused_with_a_suggestion(domain):
    with pytest.raises(ParameterError, match="did you mean 'engine'"):
        PolicyNode(parameter_overrides=[Parameter("engin", value="auto")])


def test_parameters_are_declared_and_read_only(domain, bundle):
    bench = Bench(bundle)
    assert bench.policy.get_parameter("watchdog.camera").value == 1.0
    assert bench.policy.get_parameter("cameras.front.topic").value == "front/image_raw"
    result = bench.policy.set_parameters([Parameter("bundle", value="elsewhere")])[0]
    assert not result.successful
    bench.close()


def test_why_auto_passed_engines_over_is_in_the_diagnostics(domain, bundle):
    robot = FakeRobot()
    bench = Bench(bundle, robot, engine="auto")

    def values():
        return (
            {} if robot.diagnostics is None else {item.key: item.value for item in robot.diagnostics.values}
        )

    assert bench.policy.trigger_configure() == SUCCESS, bench.problem
    assert bench.until(lambda: "engine" in values())
    assert values()["engine"].startswith("native")
    for name in ("tensorrt", "cuda_graph"):
        assert f"not engine {name}: " in values()["engine_remarks"]
    bench.close()


@pytest.fixture
def with_ladder(bundle, tmp_path):
    """A bundle whose ladder names what is asked for, one rung that is faster, and one that is not."""
    for file in bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    loaded = load_bundle(tmp_path)
    steps = loaded.contract.diffusion.steps
    rungs = [
        {"sampler": sampler, "mask_source": "dense", "task": "x", "successes": n, "episodes": 10}
        for sampler, n in (("ddpm", 9), ("ddim2", 8), (f"ddim{steps}", 7))
    ]
    content = {"policy_sha256": loaded.policy_hash, "rungs": rungs}
    (tmp_path / LADDER_FILE).write_text(yaml.safe_dump(content))
    return load_bundle(tmp_path)


def climbed(bundle, monkeypatch, **changes):
    """The ladder, as if each step of a sampler took a millisecond."""
    monkeypatch.setattr(preflight, "_chunk_ms", lambda runner: float(len(runner.table)))
    config = PolicyParameters(bundle=str(bundle.folder), mask_source="dense", warm_up=1, **changes)
    said = []
    ladder = preflight.climb(bundle, preflight.build(bundle, config), config, said.append)
    return ladder, said


def test_rungs_that_are_faster_here_are_kept(with_ladder, monkeypatch):
    ladder, said = climbed(with_ladder, monkeypatch)
    assert [rung.name for rung in ladder.rungs] == ["ddpm+dense (9 of 10 x)", "ddim2+dense (8 of 10 x)"]
    assert [rung.ms for rung in ladder.rungs] == [float(with_ladder.contract.diffusion.steps), 2.0]
    assert "then ddim2+dense (8 of 10 x) 2.0 ms" in said[-1]
    alone, _ = climbed(with_ladder, monkeypatch, ladder=False)
    assert [rung.name for rung in alone.rungs] == ["ddpm+dense"]


def test_a_rung_that_cannot_be_built_is_refused(with_ladder, monkeypatch):
    file = with_ladder.folder / LADDER_FILE
    file.write_text(file.read_text().replace("ddim2", "magic"))
    with pytest.raises(preflight.Refused, match="magic"):
        climbed(with_ladder, monkeypatch)
    file.write_text("rungs: 3")
    with pytest.raises(preflight.Refused, match="sag bench tasks"):
        climbed(with_ladder, monkeypatch)
