"""All that is recorded as a CUDA graph stays on the GPU, asks the host nothing, and does the same in every
replay. (Kernels in Triton are launched as they are: no question there.)"""

from __future__ import annotations

import pytest
import torch
from recording import GPU, move, record

from sag_ros.bench.gpu.baselines import TorchDense
from sag_ros.engines.cuda_graph.engine import CudaGraphEngine
from sag_ros.engines.cuda_graph.unet import CudaGraphUNet
from sag_ros.engines.gpu.sequence import Sequence
from sag_ros.engines.pruner_margins import Margin, plain_attention
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_sampler, build_table
from sag_ros.pruning.pruner import build_pruner

STEPS = 10
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def policy():
    return random_bundle(3, diffusion={"steps": STEPS})


@pytest.fixture(scope="module")
def streaming():
    return random_bundle(3, horizon=17, diffusion={"steps": STEPS, "training": "streaming"})


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("sampler", ["ddpm", "streaming"])
def test_works_of_a_chunk(request, sampler, precision):
    policy = request.getfixturevalue("streaming" if sampler == "streaming" else "policy")
    table = build_sampler(sampler, policy.contract).table
    engine = CudaGraphEngine(policy, table, precision, "cpu", all_tokens=sampler == "streaming")
    work = move(engine._work)
    assert work._state.h.device.type == GPU
    for own in (work.begin, work.condition, lambda: work.end_step(3, estimate=True)):
        record(own)
    blocks = policy.contract.blocks
    for slots in (3, blocks):
        done = []
        sequence = Sequence.of(work, slots)
        sequence.map(lambda own, done=done: done.append(record(own)))
        idle = len(sequence.idle[False])
        assert len(done) == blocks + 1 + 2 + 1 + 2 * idle + 1
        assert all(done)
        assert [own.count("native_layer_norm") for own in done[: blocks + 3]] == [1] * blocks + [blocks, 1, 1]


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_works_of_a_unet(precision):
    unet = {"down_dims": [16, 32], "kernel_size": 5, "groups": 8, "step_dim": 16, "film_scale": True}
    policy = random_bundle(3, unet=unet, diffusion={"steps": STEPS})
    engine = CudaGraphUNet(policy, build_sampler("ddpm", policy.contract).table, precision, "cpu")
    work = move(engine._work)
    assert "mish" in record(work.begin)
    for estimate in (False, True):
        done = record(lambda estimate=estimate: work.advance(estimate))
        assert done.count("index_copy_") == 1
        assert "convolution" in done


def test_encoder_and_pruner(bundle):
    for camera, size in bundle.contract.cameras.items():
        net = move(bundle.encoder.nets[camera])
        image = move(torch.zeros(1, size.height, size.width, 3, dtype=torch.uint8))
        assert "convolution" in record(lambda net=net, image=image: net(image))
    pruner = build_pruner(bundle)
    margin = move(Margin(pruner))
    obs = move(torch.zeros(1, pruner.config.obs_steps, pruner.config.obs_dim))
    with plain_attention():
        assert "addmm" in record(lambda: margin(obs))


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_dense_torch(policy, precision):
    """What sparse engines are compared with is recorded, too."""
    dense = move(TorchDense(policy, build_table("ddpm", STEPS), CPU, precision))
    assert record(dense._chunk).count("native_layer_norm") == STEPS * (policy.contract.blocks + 1)


def test_the_rules_find_what_they_are_for():
    gpu, host = move(torch.zeros(3)), torch.zeros(3)
    for work, message in (
        (lambda: gpu.sum().item(), "asks the host"),
        (lambda: gpu.nonzero(), "asks the host"),
        (lambda: gpu[gpu > 0.0], "asks the host"),
        (lambda: gpu.copy_(host), "touches a tensor on the cpu"),
        (lambda: gpu + torch.tensor(2.0), "touches a tensor on the cpu"),
        (lambda: torch.rand_like(gpu), "draws random numbers"),
    ):
        with pytest.raises(AssertionError, match=message):
            record(work)
