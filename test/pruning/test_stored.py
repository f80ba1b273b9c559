from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.pruner import Pruner, pruner_config, stored_pruner
from sag_ros.pruning.stored import Schedule, load_schedule, mask_of, save_schedule, schedule_key, stored_names

SPEC = PrunerSpec(width=32, layers=1, heads=4, feedforward=64)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return save_bundle(tmp_path_factory.mktemp("policy"), random_bundle(0))


@settings(max_examples=20, deadline=None)
@given(pruned=arrays(np.bool_, (10, 6)), reuse=st.sampled_from(["type", "block"]))
def test_static_schedule_survives_the_disk(bundle, pruned, reuse):
    given = Schedule(10, 6, reuse, pruned, provenance={"method": "bac", "seed": 3})
    save_schedule(bundle, "any", given)
    found = load_schedule(load_bundle(bundle.folder), "any")
    assert (mask_of(found).pruned == pruned).all()
    assert (found.steps, found.blocks, found.reuse) == (10, 6, reuse)
    assert found.provenance == {"method": "bac", "seed": 3}


def test_pruner_survives_the_disk(bundle):
    torch.manual_seed(0)
    pruner = Pruner(pruner_config(bundle, 5, SPEC))
    save_schedule(bundle, "sag-5", Schedule(5, 6, "type", None, SPEC, pruner.state_dict()))
    found = stored_pruner(bundle, load_schedule(bundle, "sag-5"))
    obs = torch.randn(3, bundle.contract.observation_steps, bundle.contract.obs_dim)
    assert torch.allclose(found.logits(obs), pruner.logits(obs), atol=2e-2)  # float16 on disk
    assert "sag-5" in stored_names(bundle)
    with pytest.raises(ValueError, match="predicted from the observation"):
        mask_of(load_schedule(bundle, "sag-5"))


def test_keys():
    assert schedule_key("bac9", 100, 100) == "bac9"
    assert schedule_key("sag", 30, 100) == "sag-30"


def test_refusals(bundle):
    pruned = np.zeros((10, 6), np.bool_)
    with pytest.raises(ValueError, match="either a mask or a pruner"):
        Schedule(10, 6, "type")
    with pytest.raises(ValueError, match=r"mask is \(10, 6\); need \(9, 6\)"):
        Schedule(9, 6, "type", pruned)
    with pytest.raises(ValueError, match="in memory only"):
        save_schedule(random_bundle(0), "x", Schedule(10, 6, "type", pruned))
    with pytest.raises(ValueError, match="no schedule 'magic'"):
        load_schedule(bundle, "magic")
    save_schedule(bundle, "other", Schedule(10, 6, "type", pruned))
    with pytest.raises(BundleError, match=r"policy_sha256 is .*Another policy's"):
        load_schedule(replace(bundle, policy_hash="0" * 64), "other")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rows", ["######"], "rows is 1 rows; allowed: 10 rows"),
        ("rows", ["#####"] * 10, "rows.0 is '#####'; allowed: 6 characters"),
        ("rows", ["#####x"] * 10, "rows.0"),
        ("rows", None, "allowed: rows or pruner"),
        ("blocks", 9, "blocks is 9; allowed: 6"),
        ("colour", 1, "colour"),
        ("reuse", "never", "type"),
    ],
)
def test_damaged_files(bundle, key, value, message):
    file = save_schedule(bundle, "damaged", Schedule(10, 6, "type", np.zeros((10, 6), np.bool_)))
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, key: value}))
    with pytest.raises(BundleError, match=message):
        load_schedule(bundle, "damaged")
    file.write_text("{")
    with pytest.raises(BundleError, match=r"damaged\.json"):
        load_schedule(bundle, "damaged")


def test_a_name_is_no_path(bundle, tmp_path):
    given = Schedule(10, 6, "type", np.zeros((10, 6), bool))
    save_schedule(bundle, "mine", given)
    (bundle.folder / "outside.json").write_bytes((bundle.folder / "schedules" / "mine.json").read_bytes())
    with pytest.raises(ValueError, match=r"no schedule '\.\./outside'"):
        load_schedule(load_bundle(bundle.folder), "../outside")
