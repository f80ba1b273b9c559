"""What configure refuses, seen from the lifecycle node."""

from __future__ import annotations

import numpy as np
import pytest
from fake_robot import Bench, FakeRobot
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from sag_ros.policy.bundle import POLICY_FILE
from sag_ros.ros.parameters import ParameterError
from sag_ros.ros.policy.node import PolicyNode

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
