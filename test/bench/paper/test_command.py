from __future__ import annotations

from sag_ros.bench.paper.command import available, main
from sag_ros.bench.paper.options import Options
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


def test_only_methods_that_the_bundle_has_everything_for(tmp_path):
    save_bundle(tmp_path / "lift", random_bundle(0))
    have, lack = available(("dense", "ddim5", "sag", "uniform5", "bac9"), tmp_path / "lift")
    assert have == ["dense", "ddim5", "uniform5"]
    assert lack == ["sag", "bac9"]


def test_a_task_without_a_policy_is_left_out_and_named(tmp_path, capsys):
    assert main(Options(tasks=("lift",), bundles=str(tmp_path), out=tmp_path / "out")) == 0
    assert "lift is left out" in capsys.readouterr().err
    assert (tmp_path / "out" / "paper.html").exists()
