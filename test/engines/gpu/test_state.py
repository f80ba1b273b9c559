from __future__ import annotations

import pytest
import torch

from sag_ros.engines.gpu.state import ALIGNMENT, State, aligned
from sag_ros.policy.random_bundle import random_bundle


@pytest.mark.parametrize(("count", "shape"), [((5,), (9, 10)), ((3, 2), (3, 2, 32)), ((4,), (64,))])
def test_parts_that_are_handed_out_are_contiguous_and_aligned(count, shape):
    whole = aligned(count, shape, torch.device("cpu"))
    assert whole.shape == (*count, *shape)
    assert not whole.any()
    places = whole.flatten(0, len(count) - 1) if len(count) > 1 else whole
    for number, part in enumerate(places):
        assert part.is_contiguous()
        assert (part.data_ptr() - whole.data_ptr()) % ALIGNMENT == 0
        part.fill_(number)
    assert [part.unique().tolist() for part in places] == [[number] for number in range(len(places))]


def test_buffers_whose_sizes_do_not_divide():
    bundle = random_bundle(0, network={"heads": 4, "width": 40})
    state = State(bundle.dpt, 3, 9, torch.device("cpu"))
    shapes = state.cache.shape, state.memory.shape, state.bias.shape
    state.align()
    assert (state.cache.shape, state.memory.shape, state.bias.shape) == shapes
    for buffer in (state.cache, state.bias, state.memory[0], state.memory[:, 1]):
        assert buffer[1].is_contiguous()
        assert (buffer[1].data_ptr() - buffer[0].data_ptr()) % ALIGNMENT == 0
    assert state.cache[:3].flatten(1).data_ptr() == state.cache.data_ptr()  # products read it where it lies
