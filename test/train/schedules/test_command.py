import pytest

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.stored import load_schedule, mask_of
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.schedules.command import ScheduleTraining
from sag_ros.train.schedules.router import RouterConfig

CAMERAS = {"front": {"height": 24, "width": 24}, "wrist": {"height": 24, "width": 24}}


def test_a_router_becomes_a_schedule_of_the_bundle(store, tmp_path, capsys):
    save_bundle(tmp_path / "policy", random_bundle(0, cameras=CAMERAS))
    router = RouterConfig(density=0.4, loop=LoopConfig(2, 2, 0.1, 0))
    training = ScheduleTraining(
        store, tmp_path / "policy", out=tmp_path / "out", router=router, engine="reference", threads=1
    )
    assert training.run().name == "l2c40.json"
    found = load_schedule(load_bundle(tmp_path / "policy"), "l2c40")
    assert found.reuse == "block"
    assert mask_of(found).density == pytest.approx(0.4, abs=0.02)
    assert not mask_of(found).pruned[0].any()
    provenance = found.provenance
    assert provenance["held_out"]["density"] == pytest.approx(mask_of(found).density, abs=1e-4)
    assert provenance["arguments"]["data"] == store.name
    assert str(tmp_path) not in str(provenance)
