"""The U-Net of Diffusion Policy."""

from __future__ import annotations

import pytest
import torch

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.dpt import sinusoidal
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.unet import UNet, UNetConfig

UNET = {"down_dims": [16, 24, 32], "kernel_size": 3, "groups": 8, "step_dim": 16, "film_scale": True}


@pytest.mark.parametrize("scaled", [True, False])
def test_what_conditions_do_is_a_part_of_the_step_and_one_of_the_frames(scaled):
    torch.manual_seed(0)
    net = UNet(UNetConfig(3, 5, 8, 2, (16, 24), 3, 8, 16, scaled)).eval()
    x, cond, steps = torch.randn(4, 8, 3), torch.randn(4, 2, 5), torch.tensor([1, 7, 30, 99])
    whole = net(x, steps, cond)
    assert whole.shape == (4, 8, 3)
    film = net.film_of_steps(steps) + net.film_of_frames(cond)
    torch.testing.assert_close(net.body(x, film), whole)
    one = net(x[2:3], 30, cond[2:3])
    torch.testing.assert_close(one, whole[2:3])
    # The literal way: both parts joined, through each block's own layer.
    both = torch.cat((net.diffusion_step_encoder(sinusoidal(steps, 16)), cond.flatten(1)), 1)
    embedded = torch.nn.functional.mish(both)
    blocks = [net.down_modules[0][0], net.mid_modules[1], net.up_modules[0][1]]
    parts = film.split([block.film_size for block in net._residual_blocks()], dim=1)
    for place, block in zip((0, 5, 7), blocks, strict=True):
        torch.testing.assert_close(parts[place], block.cond_encoder[1](embedded))


def test_the_last_norm_has_eight_groups_whatever_the_others_have():
    net = UNet(UNetConfig(3, 5, 8, 2, (16, 24), 3, 4, 16))
    assert net.down_modules[0][0].blocks[0].block[1].num_groups == 4
    assert net.final_conv[0].block[1].num_groups == 8  # in Diffusion Policy and LeRobot


def test_names_are_those_of_public_checkpoints():
    keys = set(UNet(UNetConfig(3, 5, 8, 2, (16, 24), 3, 8, 16)).state_dict())
    assert {
        "diffusion_step_encoder.1.weight", "diffusion_step_encoder.3.bias",
        "down_modules.0.0.blocks.0.block.0.weight", "down_modules.0.0.blocks.1.block.1.bias",
        "down_modules.0.0.cond_encoder.1.weight", "down_modules.0.0.residual_conv.weight",
        "down_modules.0.2.conv.weight", "mid_modules.1.blocks.0.block.0.bias",
        "up_modules.0.0.residual_conv.bias", "up_modules.0.2.conv.weight",
        "final_conv.0.block.0.weight", "final_conv.1.weight",
    } <= keys  # fmt: skip
    assert not any(key.startswith("down_modules.1.2") for key in keys)  # the last level is not halved


def test_a_bundle_with_one(tmp_path):
    bundle = random_bundle(0, unet=UNET)
    save_bundle(tmp_path, bundle, half=False)
    found = load_bundle(tmp_path)
    assert isinstance(found.denoiser, UNet)
    assert found.contract.blocks == 3
    for key, value in bundle.denoiser.state_dict().items():
        assert torch.equal(value, found.denoiser.state_dict()[key])
    with pytest.raises(ValueError, match="denoiser is a U-Net"):
        _ = found.dpt
    with pytest.raises(ValueError, match="denoiser is a U-Net"):
        _ = found.contract.transformer
