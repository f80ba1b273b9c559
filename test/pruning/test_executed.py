import numpy as np
import pytest

from sag_ros.pruning.executed import executed_gflop, weight_bytes
from sag_ros.pruning.flops import NetworkSize
from sag_ros.pruning.plan import make_plan
from sag_ros.values import Mask

SIZE = NetworkSize(horizon=10, memory=3, layers=8, width=256, action=10, features=137)


def spread(per_type: int) -> Mask:
    """K=100, 3L=24: the first layer of ``per_type`` steps."""
    pruned = np.ones((100, 24), np.bool_)
    pruned[np.arange(per_type), :3] = False
    return Mask(pruned)


def test_the_known_example():
    """216 of 2400 blocks with every exact saving: 1.053 GFLOP, dense as published 15.76."""
    assert executed_gflop(SIZE, make_plan(spread(72)), tokens=9) == pytest.approx(1.053, rel=0.03)
    assert 2e-9 * SIZE.dense_macs(100) == pytest.approx(15.76, rel=0.01)


def test_linear_in_what_is_computed():
    one, two, three = (executed_gflop(SIZE, make_plan(spread(n)), 9) for n in (10, 20, 30))
    assert three - two == pytest.approx(two - one)
    assert two > one


def test_weights_are_counted_where_they_are_read():
    plan = make_plan(spread(10))
    hoisted = weight_bytes(SIZE, plan, 1.0, conditioning_each_step=False)
    each = weight_bytes(SIZE, plan, 1.0, conditioning_each_step=True)
    assert each > hoisted
    assert weight_bytes(SIZE, plan, 2.0, conditioning_each_step=False) == 2 * hoisted
    blocks = 10 * 12 * 256**2  # self-attention 4 d^2, feed-forward 8 d^2
    assert blocks < hoisted < 1.5 * blocks
