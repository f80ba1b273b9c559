"""What is compared."""

from __future__ import annotations

from sag_ros.bench.accelerate import candidates
from sag_ros.bench.run.methods import parse_methods
from sag_ros.policy.random_bundle import random_bundle


def test_all_of_a_bundle_are_methods_that_exist() -> None:
    found = candidates.all_of(random_bundle(0), (0.1, 0.03))
    assert found[0] == candidates.Candidate("dense", "dense")
    assert parse_methods(",".join(one.name for one in found))
    assert all(one.kind != "searched" for one in found)  # none lies beside it


def test_fewer_steps_are_fewer_than_all() -> None:
    assert [one.name for one in candidates.cheap(10)] == ["ddim8", "ddim5", "geometric5", "geometric3"]
    assert len(candidates.cheap(100)) == 9


def test_a_schedule_is_named_by_its_percentage() -> None:
    assert candidates.searched_name(0.1) == "searched10"
    assert candidates.searched_name(0.03) == "searched3"
