from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sag_ros.policy.encoder import EncoderConfig, ObservationEncoder
from sag_ros.policy.keypoints import spatial_softmax


def images(seed: int, batch: int = 1, size: int = 84) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8, generator=generator)


def make(cameras: tuple[str, ...] = ("wrist", "front"), **sizes: int) -> ObservationEncoder:
    torch.manual_seed(0)
    return ObservationEncoder(cameras, EncoderConfig(**sizes)).eval()


def test_shapes_and_keypoint_maps_at_21() -> None:
    encoder = make()
    sizes: list[tuple[int, ...]] = []
    encoder.nets["front"].maps.register_forward_hook(lambda *a: sizes.append(tuple(a[2].shape)))
    assert encoder.encode("front", images(0, 3)).shape == (3, 64)
    assert sizes == [(3, 32, 21, 21)]
    assert encoder.feature_dim(8) == 2 * 64 + 8


def test_spatial_softmax_finds_the_peak() -> None:
    maps = torch.full((1, 2, 5, 9), -50.0)
    maps[0, 0, 0, 8] = 50.0  # top right
    maps[0, 1, 4, 2] = 50.0  # bottom, x = -0.5
    torch.testing.assert_close(spatial_softmax(maps), torch.tensor([[1.0, -0.5, -1.0, 1.0]]))
    torch.testing.assert_close(spatial_softmax(torch.zeros(1, 2, 5, 9)), torch.zeros(1, 4))


def test_frames_do_not_influence_each_other() -> None:
    encoder = make(width=8, keypoints=4, features=6).train()  # no batch statistics in either mode
    batch = images(1, 3, 32)
    together = encoder.encode("front", batch)
    for i in range(3):
        torch.testing.assert_close(
            encoder.encode("front", batch[i : i + 1])[0], together[i], atol=1e-5, rtol=1e-5
        )


def test_frame_follows_the_order_of_the_cameras() -> None:
    encoder = make(width=8, keypoints=4, features=6)
    front, wrist, state = images(1, 2, 32), images(2, 2, 32), torch.randn(2, 8)
    frame = encoder.frame({"front": front, "wrist": wrist}, state)
    expected = torch.cat((encoder.encode("wrist", wrist), encoder.encode("front", front), state), dim=1)
    torch.testing.assert_close(frame, expected)
    torch.testing.assert_close(encoder({"wrist": wrist, "front": front}, state), expected)


def test_cameras_have_their_own_weights() -> None:
    encoder = make(width=8, keypoints=4, features=6)
    picture = images(3, 1, 32)
    assert not torch.allclose(encoder.encode("front", picture), encoder.encode("wrist", picture))
    assert {key.split(".")[1] for key in encoder.state_dict()} == {"front", "wrist"}


def test_images_are_scaled_to_unit_limits() -> None:
    encoder = make(width=8, keypoints=4, features=6)
    seen: list[Tensor] = []
    encoder.nets["front"].stem.register_forward_hook(lambda *a: seen.append(a[1][0]))
    picture = torch.zeros(1, 16, 16, 3, dtype=torch.uint8)
    picture[..., 1] = 255
    encoder.encode("front", picture)
    assert [float(seen[0][0, c].mean()) for c in range(3)] == [-1.0, 1.0, -1.0]


def test_every_weight_learns() -> None:
    encoder = make(width=8, keypoints=4, features=6).train()
    picture = {"front": images(1, 2, 32), "wrist": images(2, 2, 32)}
    encoder(picture, torch.zeros(2, 8)).square().sum().backward()
    # the bias of a keypoint map cancels in the softmax
    without = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in without if not n.endswith("maps.bias")] == []


def test_without_cameras_the_state_is_all() -> None:
    state = torch.rand(2, 3)
    encoder = make(())
    assert torch.equal(encoder({}, state), state)
    assert not list(encoder.parameters())


def test_errors() -> None:
    with pytest.raises(KeyError, match="camera 'left' does not exist; available: wrist, front"):
        make().encode("left", images(0))
    with pytest.raises(ValueError, match="keypoints is 0"):
        EncoderConfig(keypoints=0)
