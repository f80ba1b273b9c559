from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from sag_ros.engines.registry import (
    ENGINES,
    build_engine,
    build_frame_encoder,
    build_mask_source_for,
    build_sag_mask_source,
    resolve,
)
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table


@pytest.fixture(params=["openvino", "numba"])
def without_openvino(monkeypatch, request):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == request.param else find(name, *rest)
    )


def test_auto():
    assert resolve("auto") == "openvino"
    assert resolve("auto", random_bundle(0, network={"cond_layers": 1})) == "reference"
    assert resolve("reference") == "reference"


def test_what_is_missing_is_named(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "sag_ros.engines.openvino", None)
    table = build_table("ddpm", bundle.contract.diffusion.steps)
    with pytest.raises(ImportError, match=r"openvino and numba .*use reference"):
        build_engine("openvino", bundle, table)


def test_auto_without_openvino(bundle, without_openvino):
    assert resolve("auto") == "reference"
    assert build_engine("auto", bundle, build_table("ddpm", 10)).name == "reference"


def test_refusals(bundle):
    table = build_table("ddpm", 10)
    with pytest.raises(ValueError, match="'magic' does not exist; available: auto, reference, openvino"):
        build_engine("magic", bundle, table)
    with pytest.raises(ValueError, match="unknown precision 'f8'; available: auto, f32, bf16, int8"):
        build_engine("openvino", bundle, table, precision="f8")
    with pytest.raises(TypeError):
        build_engine("reference", bundle, table, precision="f32")
    with pytest.raises(ValueError, match="use engine reference"):
        build_engine("openvino", random_bundle(0, network={"cond_layers": 1}), table)
    with pytest.raises(ValueError, match="no pruner"):
        build_sag_mask_source("openvino", random_bundle(0))
    with pytest.raises(ValueError, match="decides for 10 steps, the sampler runs 5"):
        build_mask_source_for("openvino", "sag", bundle, 5)


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_names(bundle, name):
    assert build_engine(name, bundle, build_table("ddpm", 10)).name == name
    assert build_frame_encoder(name, bundle).name == name


def test_frame_encoders_agree(bundle):
    rng = np.random.default_rng(0)
    reference = build_frame_encoder("reference", bundle)
    for precision, bound in (("f32", 1e-5), ("bf16", 5e-2)):
        encoder = build_frame_encoder("openvino", bundle, precision=precision)
        for camera, size in bundle.contract.cameras.items():
            images = rng.integers(0, 256, (2, size.height, size.width, 3), np.uint8)
            first, second = (encoder.encode(camera, image) for image in images)
            for got, image in ((first, images[0]), (second, images[1])):
                expected = reference.encode(camera, image)
                assert got.shape == expected.shape == (bundle.contract.encoder.features,)
                assert np.abs(got - expected).max() < bound * np.abs(expected).max()
            assert np.abs(first - second).max() > 1e-3


def test_frame_encoders_refuse(bundle):
    for name in ENGINES:
        encoder = build_frame_encoder(name, bundle)
        with pytest.raises(KeyError, match="'back' does not exist; available: front, wrist"):
            encoder.encode("back", np.zeros((28, 28, 3), np.uint8))
        with pytest.raises(ValueError, match=r"\(28, 28, 3\) uint8"):
            encoder.encode("front", np.zeros((28, 30, 3), np.uint8))
        with pytest.raises(ValueError, match=r"\(28, 28, 3\) uint8"):
            encoder.encode("front", np.zeros((28, 28, 3), np.float32))


def test_pruners_agree(bundle):
    reference, fast = (build_sag_mask_source(name, bundle) for name in ("reference", "openvino"))
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(5):
        obs = rng.standard_normal((2, bundle.contract.obs_dim), dtype=np.float32)
        mask = fast.mask(obs)
        assert (mask.pruned == reference.mask(obs).pruned).all()
        assert not mask.pruned[0, :3].any()
        seen.add(mask.pruned.tobytes())
    assert len(seen) > 1
    with pytest.raises(ValueError, match="features have shape"):
        fast.mask(obs[:1])
