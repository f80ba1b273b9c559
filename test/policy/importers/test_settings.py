"""Interpolations of a training's settings."""

from __future__ import annotations

import pytest

from sag_ros.policy.importers.settings import SettingsError, find

CFG = {
    "a": 3,
    "b": "${a}",
    "c": {"d": "${b}", "list": ["${a}", 1]},
    "sum": "${eval:'${a}+2*${b}'}",
    "text": "run_${a}",
    "whole": "${c}",
    "loop": "${loop}",
    "evil": "${eval:'__import__(\"os\")'}",
    "now": "${now:%Y}",
}


def test_values() -> None:
    assert find(CFG, "c.d") == 3
    assert find(CFG, "c.list") == [3, 1]
    assert find(CFG, "sum") == 9
    assert find(CFG, "text") == "run_3"
    assert find(CFG, "whole.d") == 3
    assert find(CFG, "now") == "${now:%Y}"
    assert find(CFG, "nothing", 5) == 5


@pytest.mark.parametrize(("path", "said"), [("x.y", "no x.y"), ("evil", "not understood")])
def test_refusals(path: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        find(CFG, path)


def test_a_circle_ends() -> None:
    with pytest.raises(SettingsError, match="circle"):
        find(CFG, "loop")
