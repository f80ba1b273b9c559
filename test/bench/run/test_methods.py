from __future__ import annotations

import pytest

from sag_ros.bench.run.methods import Method, parse_method, parse_methods

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


def test_other_bundle():
    method = parse_method("ddim3+sag@out/run 7/student", SAMPLERS, MASKS)
    assert method == Method("ddim3+sag@out/run 7/student", "ddim3", "sag", "out/run 7/student")


def test_other_bundle_needs_a_folder():
    with pytest.raises(ValueError, match=r"'sag@': a folder is missing behind @"):
        parse_method("sag@", SAMPLERS, MASKS)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sag", "sag"),
        ("sag5", "sag"),
        ("uniform10", "uniform"),
        ("ddim10+sag5+ca", "ddim+sag+ca"),
        ("cm3@out/run2", "cm@out/run2"),
        ("l2c50", "l2c"),
    ],
)
def test_families_differ_in_their_numbers(name, family):
    assert Method(name, "", "").family == family


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
