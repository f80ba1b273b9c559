from __future__ import annotations

import pytest
import torch

from sag_ros.train.run import precision


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("multiplies", [True, False])
def test_what_is_asked_for_is_done(monkeypatch: pytest.MonkeyPatch, asked: bool, multiplies: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": multiplies})
    assert _dtype(asked) == (torch.bfloat16 if asked else torch.float32)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, torch.float32),
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ],
)
def test_bfloat16_only_where_the_cpu_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert _dtype(None) == expected


def _dtype(bf16: bool | None) -> torch.dtype:
    with precision.autocast(bf16):
        return torch.nn.functional.linear(torch.ones(2, 2), torch.ones(2, 2)).dtype
