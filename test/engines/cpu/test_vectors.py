from __future__ import annotations

import pytest

from sag_ros.engines.cpu.vectors import choose_lanes

WIDE, NARROW = frozenset({"avx2", "avx512f", "avx512bf16"}), frozenset({"avx2"})


@pytest.mark.parametrize("asked", [None, ""])
def test_as_wide_as_the_cpu(asked):
    assert choose_lanes(WIDE, asked) == 16
    assert choose_lanes(NARROW, asked) == 8
    assert choose_lanes(frozenset(), asked) == 8


@pytest.mark.parametrize("has", [WIDE, NARROW])
def test_pinned(has):
    assert choose_lanes(has, "8") == 8
    assert choose_lanes(has, "16") == 16
    for asked in ("4", "32", "wide", "16.0", " 8"):
        with pytest.raises(ValueError, match=f"SAG_ROS_VECTOR_LANES is '{asked}'; it has to be 8 or 16"):
            choose_lanes(has, asked)
