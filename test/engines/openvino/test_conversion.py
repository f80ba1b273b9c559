from __future__ import annotations

import copy
import gc

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("openvino")

from sag_ros.engines.openvino.conversion import KEPT, convert, fingerprint
from sag_ros.engines.openvino.runtime import Request, compile_model, make_core

X = torch.zeros(1, 4)


def network(seed: int = 0, slope: float = 1.0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.LeakyReLU(slope)).eval()


def run(module: nn.Module, x: np.ndarray) -> np.ndarray:
    request = Request(compile_model(make_core(), convert(module, X), "f32"))
    out = np.zeros((1, 3), np.float32)
    request.bind_input(x)
    request.bind_output(out)
    request()
    return out


def test_the_same_network_is_converted_once():
    assert convert(network(), X) is convert(network(), X)


@pytest.mark.parametrize("other", [network(1), network(0, 0.5), network().append(nn.ReLU())])
def test_another_is_another(other):
    assert fingerprint(other, X) != fingerprint(network(), X)
    assert convert(other, X) is not convert(network(), X)


def test_shapes_and_types_of_the_examples_count():
    assert len({fingerprint(network(), x) for x in (X, torch.zeros(2, 4), X.double())}) == 3


def test_weights_that_change_later_do_not_change_the_model():
    module, x = network(), np.ones((1, 4), np.float32)
    untouched = copy.deepcopy(module)
    expected = run(module, x)
    with torch.no_grad():
        module[0].weight.zero_()
    assert np.allclose(run(untouched, x), expected)
    assert not np.allclose(run(module, x), expected)
    del module
    gc.collect()
    assert np.allclose(run(untouched, x), expected)


def test_only_so_many_are_kept():
    seeds = range(100, 100 + KEPT)  # of networks that no other test converts
    kept = [convert(network(seed), X) for seed in seeds]
    assert all(convert(network(seed), X) is model for seed, model in zip(seeds, kept, strict=True))
    convert(network(seeds.stop), X)
    assert convert(network(seeds.start), X) is not kept[0]
