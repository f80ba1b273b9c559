from __future__ import annotations

import pytest

from sag_ros.bench.methods import Method, parse_method, parse_methods

SAMPLERS = ("ddpm", "ddim")
MASKS = ("dense", "uniform", "sag")


@pytest.mark.parametrize(
    ("name", "sampler", "mask_source"),
    [
        ("dense", "ddpm", "dense"),
        ("ddpm", "ddpm", "dense"),
        ("ddim30", "ddim30", "dense"),
        ("sag", "ddpm", "sag"),
        ("uniform10", "ddpm", "uniform10"),
        ("ddim30+sag", "ddim30", "sag"),
        ("sag+ca", "ddpm", "sag+ca"),
        ("ddim30+ca", "ddim30", "dense+ca"),
        ("uniform10+ca+ddim4", "ddim4", "uniform10+ca"),
        ("sag+ddim30", "ddim30", "sag"),
    ],
)
def test_names(name, sampler, mask_source):
    assert parse_method(name, SAMPLERS, MASKS) == Method(name, sampler, mask_source)


@pytest.mark.parametrize("name", ["falcon", "", "sag+", "ddim30+magic"])
def test_unknown_part_lists_both_axes(name):
    with pytest.raises(ValueError, match=r"ddpm, ddim.*dense, uniform, sag"):
        parse_method(name, SAMPLERS, MASKS)


@pytest.mark.parametrize("name", ["ddpm+ddim30", "sag+dense"])
def test_two_on_one_axis(name):
    with pytest.raises(ValueError, match="names two of the axis"):
        parse_method(name, SAMPLERS, MASKS)


def test_list_uses_the_registries():
    methods = parse_methods("dense, ddim30,sag,dense")
    axes = [(method.sampler, method.mask_source) for method in methods]
    assert axes == [("ddpm", "dense"), ("ddim30", "dense"), ("ddpm", "sag")]


def test_empty_list():
    with pytest.raises(ValueError, match="no method"):
        parse_methods(" ,")
