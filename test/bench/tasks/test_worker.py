from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.bench.tasks.options import Options
from sag_ros.bench.tasks.worker import Worker
from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.pruner import Pruner, pruner_config
from sag_ros.pruning.stored import Schedule, save_schedule


def settings(methods, bundle, execute=4):
    return Options(methods=methods, bundle=str(bundle), engine="reference", execute=execute)


def with_pruner(seed, pruner_seed=0):
    bundle = random_bundle(seed, pruner={"width": 16, "layers": 1, "heads": 2, "feedforward": 32})
    torch.manual_seed(pruner_seed)
    return replace(bundle, pruner_state=Pruner(pruner_config(bundle)).state_dict())


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Folders of small policies: a, b with other weights, and one each that cannot be compared with them."""
    root = tmp_path_factory.mktemp("bundles")
    save_bundle(root / "a", with_pruner(0))
    save_bundle(root / "b", with_pruner(1))
    save_bundle(root / "task", random_bundle(0, task="another task"))
    save_bundle(root / "period", random_bundle(0, control_period=0.1))
    camera = {"height": 32, "width": 28}
    save_bundle(root / "camera", random_bundle(0, cameras={"front": camera, "wrist": camera}))
    return root


def test_identity_is_of_the_method(bundles):
    names = f"dense,ddim5,uniform5,sag,sag@{bundles / 'b'}"
    worker = Worker(settings(names, bundles / "a"))
    identities = {name: worker.identity(name) for name in names.split(",")}
    assert len({str(sorted(one.items())) for one in identities.values()}) == 5
    assert {one["engine"] for one in identities.values()} == {"reference"}
    dense, sag = identities["dense"], identities["sag"]
    assert (dense["sampler"], dense["mask_source"]) == ("ddpm", "dense")
    assert sag["mask"].startswith("pruner ")
    assert sag["weights"] == dense["weights"] != identities[f"sag@{bundles / 'b'}"]["weights"]
    assert worker.identity("dense") == dense


def test_another_pruner_changes_only_what_it_decides(bundles, tmp_path):
    folder = tmp_path / "c"
    shutil.copytree(bundles / "a", folder)
    save_bundle(folder, with_pruner(0, pruner_seed=1))
    before = Worker(settings("dense,sag", bundles / "a"))
    after = Worker(settings("dense,sag", folder))
    assert before.identity("dense") == after.identity("dense")
    assert before.identity("sag") != after.identity("sag")


def test_pruners_beside_the_own_are_told_apart(bundles, tmp_path):
    folder = tmp_path / "d"
    shutil.copytree(bundles / "a", folder)

    def store(seed):
        bundle = with_pruner(0, pruner_seed=seed)
        schedule = Schedule(
            10, bundle.contract.blocks, "type", pruner=bundle.contract.pruner, state=bundle.pruner_state
        )
        save_schedule(load_bundle(folder), "sag9", schedule)
        worker = Worker(settings("sag,sag9,sag9+ca", folder))
        return [worker.identity(name) for name in ("sag", "sag9", "sag9+ca")]

    first, second = store(1), store(2)
    assert first[0] == second[0]
    assert len({one["mask"] for one in (*first[:2], second[1])}) == 3
    assert first[1]["mask"] == first[2]["mask"]
    assert first[1] != first[2]


def test_another_schedule_is_another_method(bundles):
    worker = Worker(settings("uniform5,uniform4", bundles / "a"))
    five, four = worker.identity("uniform5"), worker.identity("uniform4")
    assert five["weights"] == four["weights"]
    assert five["mask"] != four["mask"]


@pytest.mark.parametrize(
    ("other", "key"), [("task", "task"), ("period", "control_period"), ("camera", "cameras")]
)
def test_bundles_must_be_comparable(bundles, other, key):
    with pytest.raises(ValueError, match=rf"{other} has {key} .*the same task, cameras and rates"):
        Worker(settings(f"dense,ddim5@{bundles / other}", bundles / "a"))


def test_execute_is_what_all_policies_give(bundles):
    with pytest.raises(ValueError, match=r"--execute 9: the policy .*a gives 8 actions"):
        Worker(settings("dense", bundles / "a", execute=9))


def test_folder_that_is_none(bundles):
    with pytest.raises(FileNotFoundError):
        Worker(settings("dense@nowhere/at/all", bundles / "a"))


def test_parts_that_do_not_fit_name_the_method(bundles):
    worker = Worker(settings("dense,ddim5+sag", bundles / "a"))
    with pytest.raises(ValueError, match=r"method 'ddim5\+sag': the policy has no schedule 'sag-5'"):
        worker.runner("ddim5+sag")


def test_runner_of_another_engine_is_another(bundles):
    worker = Worker(settings("dense", bundles / "a"))
    assert worker.runner("dense") is worker.runner("dense", "reference")


def test_features_of_the_runner_fit_the_bundle(bundles):
    runner = Worker(settings("dense", bundles / "a")).runner("dense")
    inference = runner.infer(0.0, np.zeros((2, runner.bundle.contract.obs_dim), np.float32))
    assert inference.chunk.positions.shape == (8, 7)
