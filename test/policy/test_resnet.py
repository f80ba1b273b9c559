"""The camera encoder of public checkpoints."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.encoder import EncoderConfig, ObservationEncoder
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.resnet import ResNetCamera, ResNetConfig

SIZE = {"height": 40, "width": 48}
ENCODER = {"width": 64, "keypoints": 5, "features": 6}
RESNET = {"norm": "group", "crop": [32, 37], "mean": [0.5] * 3, "std": [0.5] * 3}


def test_it_is_a_resnet18() -> None:
    net = ResNetCamera(32, 64, ResNetConfig())
    own = sum(p.numel() for name, p in net.named_parameters() if not name.startswith(("maps", "project")))
    assert own == 11_689_512 - 513_000  # torchvision's, without its last layer
    assert net(torch.zeros(2, 84, 84, 3, dtype=torch.uint8)).shape == (2, 64)


def test_the_middle_of_a_picture_counts_and_its_colours_are_scaled() -> None:
    torch.manual_seed(0)
    net = ResNetCamera(5, 6, ResNetConfig(crop=(32, 37))).eval()
    image = torch.randint(0, 256, (1, 40, 48, 3), dtype=torch.uint8)
    other = image.clone()
    other[:, :4] = other[:, 36:] = 0
    other[:, :, :6] = other[:, :, 43:] = 0
    torch.testing.assert_close(net(other), net(image))
    whole = ResNetCamera(5, 6, ResNetConfig(crop=None, mean=(0.1, 0.2, 0.3), std=(0.3, 0.2, 0.1))).eval()
    whole.load_state_dict(net.state_dict())
    seen = []
    whole.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    whole(image)
    expected = (image[0, 3, 5] / 255.0 - torch.tensor([0.1, 0.2, 0.3])) / torch.tensor([0.3, 0.2, 0.1])
    torch.testing.assert_close(seen[0][0, :, 3, 5], expected)


def test_a_crop_that_is_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than the crop"):
        ResNetCamera(5, 6, ResNetConfig())(torch.zeros(1, 40, 48, 3, dtype=torch.uint8))


def test_affine_norms() -> None:
    net = ResNetCamera(5, 6, ResNetConfig(norm="affine", crop=None))
    assert not any(isinstance(one, torch.nn.GroupNorm) for one in net.modules())
    x = torch.randn(1, 64, 3, 3)
    torch.testing.assert_close(net.bn1(x), F.batch_norm(x, torch.zeros(64), torch.ones(64), eps=0.0))


@pytest.mark.parametrize("half", [True, False])
def test_a_bundle_keeps_it(tmp_path, half) -> None:
    bundle = random_bundle(0, cameras={"front": SIZE}, encoder={**ENCODER, "resnet18": RESNET})
    found = load_bundle(save_bundle(tmp_path, bundle, half).folder)
    assert found.contract == bundle.contract
    image = torch.randint(0, 256, (1, 40, 48, 3), dtype=torch.uint8)
    expected = bundle.encoder.encode("front", image)
    exact = {} if half is False else {"rtol": 0.05, "atol": 0.05}
    torch.testing.assert_close(found.encoder.encode("front", image), expected, **exact)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="64"):
        ObservationEncoder(["front"], EncoderConfig(width=16, resnet18=ResNetConfig()))
    with pytest.raises(ValueError, match="group or affine"):
        ResNetConfig(norm="batch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="above 0"):
        ResNetConfig(std=(0.0, 1.0, 1.0))


def test_features_may_end_in_a_relu():
    torch.manual_seed(0)
    plain = ResNetCamera(5, 6, ResNetConfig(crop=None)).eval()
    ended = ResNetCamera(5, 6, ResNetConfig(crop=None, relu=True)).eval()
    ended.load_state_dict(plain.state_dict())
    image = torch.randint(0, 256, (1, 40, 48, 3), dtype=torch.uint8)
    with torch.no_grad():
        features = plain(image)
        assert (features < 0).any()
        assert torch.equal(ended(image), features.clamp(min=0))
