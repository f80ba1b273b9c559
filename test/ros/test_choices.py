"""Which policy a node runs, by its parts or by a name."""

from __future__ import annotations

import pytest

from sag_ros.ros.choices import Next, following, swapped
from sag_ros.ros.parameters import ParameterError, changed, flatten, validate
from sag_ros.ros.schema import PolicyNode

TWO = {
    "policies.fast.bundle": "a",
    "policies.fast.mask_source": "sag_mean",
    "policies.careful.bundle": "b",
    "policies.careful.mask_source": "dense",
    "policies.careful.sampler": "ddim30",
}


def parts(config: PolicyNode) -> tuple[str, str, str, str]:
    return config.policy, config.bundle, config.sampler, config.mask_source


def test_a_name_says_all_of_it_and_survives_flattening() -> None:
    config = validate(PolicyNode, {**TWO, "policy": "careful", "sampler": "falcon"})
    assert parts(config) == ("careful", "b", "ddim30", "dense")
    assert validate(PolicyNode, flatten(config)) == config
    fast = validate(PolicyNode, {**TWO, "policy": "fast", "sampler": "falcon"})
    assert parts(fast) == ("fast", "a", "ddpm", "sag_mean")  # not what another one would be


def test_without_a_name_it_is_as_its_parts() -> None:
    assert parts(validate(PolicyNode, TWO)) == ("", *parts(PolicyNode())[1:])


@pytest.mark.parametrize("name", ["policy", "next.policy"])
def test_a_name_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ParameterError, match=r"policy 'fsat' is not one of .*; there is fast, careful"):
        validate(PolicyNode, {**TWO, name: "fsat"})
    with pytest.raises(ParameterError, match=r"there is none"):
        validate(PolicyNode, {name: "fsat"})


def test_an_unknown_part_of_a_policy_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'policies\.fast\.mask': did you mean 'mask_source'"):
        validate(PolicyNode, {"policies.fast.mask": "sag"})


def test_what_comes_next() -> None:
    config = validate(PolicyNode, {**TWO, "policy": "fast"})
    assert parts(following(config)) == parts(config)
    named = following(changed(config, {"next.policy": "careful"}))
    assert parts(named) == ("careful", "b", "ddim30", "dense")
    other = following(changed(config, {"next.policy": "careful", "next.sampler": "ddim10"}))
    assert parts(other) == ("", "b", "ddim10", "dense")
    own = following(PolicyNode(next=Next(bundle="c", sampler="ddim10")))
    assert parts(own) == ("", "c", "ddim10", "sag")


def test_what_took_over_stays_when_a_parameter_is_set() -> None:
    config = validate(PolicyNode, {**TWO, "policy": "fast"})
    for wanted in ({"next.policy": "careful"}, {"next.bundle": "c"}):
        after = swapped(config, following(changed(config, wanted)))
        assert parts(changed(after, {"deadline": 0.1})) == parts(after)
        assert swapped(after, config) == config
