"""The observation encoder in compiled code sees what the one in torch sees."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from sag_ros.engines.native.encoder import NativeFrameEncoder, obstacle
from sag_ros.engines.native.microkernel import LANES, available_forms
from sag_ros.engines.openvino.encoders import OpenVinoFrameEncoder
from sag_ros.engines.registry import build_frame_encoder
from sag_ros.policy.encoder import CameraNet, EncoderConfig

SIZES = {"shipped": (84, 84), "odd": (37, 51), "small": (9, 5)}
CLOSE = {"f32": 2e-5, "bf16": 0.05 if "pairs" in available_forms() else 2e-5}


def bundle_of(net: nn.Module, height: int, width: int):
    """As much of a bundle as an encoder needs."""
    size = SimpleNamespace(height=height, width=width)
    contract = SimpleNamespace(cameras={"front": size}, encoder=SimpleNamespace(features=64))
    return SimpleNamespace(contract=contract, encoder=SimpleNamespace(nets={"front": net}))


def made(config: EncoderConfig, seed: int = 0) -> CameraNet:
    """A network whose norms say something, and whose maps are sharp."""
    torch.manual_seed(seed)
    net = CameraNet(config).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "norm" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
        net.maps.weight.mul_(4.0)
    return net


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_features(size, precision):
    net = made(EncoderConfig(width=LANES, keypoints=LANES + 4))
    encoder = NativeFrameEncoder(bundle_of(net, *size), precision)
    rng = np.random.default_rng(0)
    for _ in range(2):
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = net(torch.from_numpy(image)[None])[0].numpy()
        found = encoder.encode("front", image)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=CLOSE[precision] * np.abs(expected).max())


def test_a_picture_that_is_not_contiguous_and_one_of_one_colour():
    net = made(EncoderConfig())
    encoder = NativeFrameEncoder(bundle_of(net, 84, 84), "f32")
    image = np.random.default_rng(1).integers(0, 256, (84, 84, 3), dtype=np.uint8)
    turned = image[::-1, ::-1]
    assert np.array_equal(encoder.encode("front", turned), encoder.encode("front", turned.copy()))
    with torch.inference_mode():
        expected = net(torch.zeros(1, 84, 84, 3, dtype=torch.uint8))[0].numpy()
    found = encoder.encode("front", np.zeros((84, 84, 3), np.uint8))
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_what_it_cannot_do_is_left_to_openvino(bundle):
    assert "multiple" in str(obstacle(CameraNet(EncoderConfig(width=LANES + 4))))
    assert "Identity" in str(obstacle(nn.Identity()))
    with pytest.raises(ValueError, match="Identity"):
        NativeFrameEncoder(bundle_of(nn.Identity(), 84, 84))
    fits = not any(obstacle(net) for net in bundle.encoder.nets.values())
    expected = NativeFrameEncoder if fits else OpenVinoFrameEncoder
    assert isinstance(build_frame_encoder("native", bundle), expected)


def test_pictures_of_another_kind_are_refused():
    encoder = NativeFrameEncoder(bundle_of(made(EncoderConfig()), 84, 84))
    with pytest.raises(ValueError, match=r"need a \(84, 84, 3\)"):
        encoder.encode("front", np.zeros((84, 85, 3), np.uint8))
    with pytest.raises(KeyError, match="side"):
        encoder.encode("side", np.zeros((84, 84, 3), np.uint8))
