"""The pruner in compiled code decides as the one in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sag_ros.engines.executors import executors
from sag_ros.engines.native.microkernel import LANES, available_forms, quickest_precision
from sag_ros.engines.native.pruner import NativeSagMask, choose_form, obstacle
from sag_ros.engines.openvino.encoders import OpenVinoSagMask
from sag_ros.engines.pruner_margins import Margin
from sag_ros.pruning.mask_sources import SagMask
from sag_ros.pruning.pruner import Pruner, PrunerConfig

SIZES = {
    "shipped": {},
    "two layers": {"layers": 2},
    "few steps": {"steps": 3, "obs_steps": 1},
    "many frames": {"steps": 30, "obs_steps": 5, "blocks": 9},
    "narrow": {"width": 64, "heads": 2, "feedforward": 96},
    "masks": {"masks": 4},
}


def made(seed: int = 0, **changes: int) -> Pruner:
    """A pruner whose every part says something."""
    torch.manual_seed(seed)
    config = PrunerConfig(**{"steps": 100, "blocks": 24, "obs_dim": 37, "obs_steps": 2, **changes})
    pruner = Pruner(config).eval()
    with torch.no_grad():
        for parameter in pruner.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        pruner.set_feature_statistics(3.0 + 2.0 * torch.randn(50, config.obs_dim))
        pruner.codebook.copy_((torch.rand_like(pruner.codebook) < 0.8).float())
    return pruner


# Form of the products, and what it may change of the margins, as a share of the largest.
FORMS = [("f32", 2e-5), *([("whole", 3e-3)] if "whole" in available_forms() else [])]


@pytest.mark.parametrize(("form", "allowed"), FORMS)
@pytest.mark.parametrize("changes", SIZES.values(), ids=SIZES)
def test_margins_and_masks(changes: dict[str, int], form: str, allowed: float) -> None:
    pruner = made(**changes)
    native, reference = NativeSagMask(pruner, form=form), SagMask(pruner)
    rng = np.random.default_rng(1)
    for _ in range(4):
        obs = (3.0 + 2.0 * rng.standard_normal((pruner.config.obs_steps, 37))).astype(np.float32)
        found = native.mask(obs)
        with torch.inference_mode():
            expected = Margin(pruner)(torch.from_numpy(obs)[None])[0].numpy()
        np.testing.assert_allclose(native._margin, expected, atol=allowed * float(np.abs(expected).max()))
        sure = np.abs(expected) > 2 * allowed * np.abs(expected).max()
        if not pruner.config.masks:
            assert np.array_equal(found.pruned[sure], reference.mask(obs).pruned[sure])
        assert not found.pruned[0, :3].any()


def test_attention_that_is_sure() -> None:
    """One key far ahead of the others, and one far behind all."""
    pruner = made()
    with torch.no_grad():
        for layer in pruner.encoder.layers:
            layer.self_attn.in_proj_weight.mul_(20.0)
    native = NativeSagMask(pruner, form="f32")
    obs = np.full((2, 37), 3.0, np.float32)
    native.mask(obs)
    with torch.inference_mode():
        expected = Margin(pruner)(torch.from_numpy(obs)[None])[0].numpy()
    np.testing.assert_allclose(native._margin, expected, atol=1e-3 * float(np.abs(expected).max()))


def test_not_a_number_is_not_hidden() -> None:
    native = NativeSagMask(made())
    obs = np.full((2, 37), 3.0, np.float32)
    native.mask(obs)
    obs[1, 5] = np.nan
    native.mask(obs)
    assert np.isnan(native._margin).any()
    obs[1, 5] = 3.0
    native.mask(obs)
    assert np.isfinite(native._margin).all()


def test_sizes_that_do_not_fit_are_left_to_openvino() -> None:
    odd = made(width=24, heads=2)
    assert f"not a multiple of {LANES}" in str(obstacle(odd.config))
    with pytest.raises(ValueError, match="width"):
        NativeSagMask(odd)
    execute = executors("native").pruner("auto")
    assert isinstance(execute(odd), OpenVinoSagMask)
    assert isinstance(execute(made()), NativeSagMask)


def test_features_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="features have shape"):
        NativeSagMask(made()).mask(np.zeros((1, 37), np.float32))


def test_whole_numbers_where_the_engine_takes_them() -> None:
    expected = "whole" if quickest_precision() == "int16" else "f32"
    assert choose_form("auto") == expected
    assert choose_form("f32") == "f32"
    assert np.array_equal(
        NativeSagMask(made(), form=expected).mask(np.ones((2, 37), np.float32)).pruned,
        NativeSagMask(made()).mask(np.ones((2, 37), np.float32)).pruned,
    )
