import pytest

from sag_ros.engines.gpu.triton.sizes import choose_parts
from sag_ros.policy.contract import NetworkSpec


@pytest.mark.parametrize(
    ("width", "heads", "gpu", "parts"),
    [(256, 4, True, 8), (256, 4, False, 1), (192, 6, True, 1), (48, 3, True, 1), (16, 1, True, 1)],
)
def test_parts_where_nobody_says(width, heads, gpu, parts):
    assert choose_parts(NetworkSpec(layers=1, heads=heads, width=width, cond_layers=0), gpu) == parts
