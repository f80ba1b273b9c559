"""Setpoints that lead away from a hand: the same numbers wherever the world is turned to, and back again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sag_ros.policy.actions import ActionDecoder
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.hands import Hands
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_sampler

NAMES = ("left", "right")
SEEDS = st.integers(0, 2**32 - 1)


def setpoints(hand: str) -> list[str]:
    return [*(f"{hand}_{axis}" for axis in "xyz"), *(f"{hand}_r{i}" for i in range(6)), f"{hand}_grip"]


def policy(named: tuple[str, ...] = NAMES, **changes: Any):
    """A policy of two hands, of which ``named`` are led away from; the state begins with something else."""
    parts = {"thing": 2} | {f"{name}_{part}": size for name in NAMES for part, size in (("at", 3), ("q", 4))}
    led = [{"position": f"{n}_at", "rotation": f"{n}_q", "setpoint": f"{n}_x"} for n in named]
    content = {
        "state": list(parts),
        "signals": {name: {"size": size} for name, size in parts.items()},
        "action": [
            {"name": one, "meaning": "setpoint", "unit": "1"} for name in NAMES for one in setpoints(name)
        ],
        "hands": led,
        **changes,
    }  # fmt: skip
    return random_bundle(0, **content)


def scene(seed: int, windows: int = 3, steps: int = 5):
    """States (W, 16) and absolute setpoints (W, T, 20)."""
    rng = np.random.default_rng(seed)
    states, actions = rng.normal(size=(windows, 16)), rng.normal(size=(windows, steps, 20))
    for first in (5, 12):
        states[:, first : first + 4] = Rotation.random(windows, rng=rng).as_quat()
    for first in (3, 13):
        turned = Rotation.random(windows * steps, rng=rng).as_matrix()[:, :2]
        actions[..., first : first + 6] = turned.reshape(windows, steps, 6)
    return states, actions


def moved(states, actions, turn: Rotation, shift):
    """The same in a world that was turned and shifted."""
    states, actions = states.copy(), actions.copy()
    for at, own in ((2, 0), (9, 10)):
        states[:, at : at + 3] = turn.apply(states[:, at : at + 3]) + shift
        states[:, at + 3 : at + 7] = (turn * Rotation.from_quat(states[:, at + 3 : at + 7])).as_quat()
        for window in actions:
            window[:, own : own + 3] = turn.apply(window[:, own : own + 3]) + shift
            rows = window[:, own + 3 : own + 9].reshape(-1, 2, 3)
            whole = np.concatenate([rows, np.cross(rows[:, :1], rows[:, 1:])], axis=1)
            window[:, own + 3 : own + 9] = (turn.as_matrix() @ whole)[:, :2].reshape(-1, 6)
    return states, actions


@given(SEEDS)
def test_there_and_back(seed):
    states, actions = scene(seed)
    hands = Hands(policy().contract)
    np.testing.assert_allclose(hands.arriving(hands.leading(actions, states), states), actions, atol=1e-9)


@given(SEEDS)
def test_it_is_the_same_wherever_the_world_is(seed):
    states, actions = scene(seed)
    rng = np.random.default_rng(seed + 1)
    hands = Hands(policy().contract)
    there = moved(states, actions, Rotation.random(rng=rng), rng.normal(size=3))
    np.testing.assert_allclose(hands.leading(there[1], there[0]), hands.leading(actions, states), atol=1e-9)


def test_to_stay_is_no_way_and_no_turn():
    states, actions = scene(0)
    actions[:, :, :3] = states[:, None, 2:5]
    actions[:, :, 3:9] = Rotation.from_quat(states[:, 5:9]).as_matrix()[:, None, :2].reshape(3, 1, 6)
    led = Hands(policy().contract).leading(actions, states)
    np.testing.assert_allclose(led[..., :9], np.broadcast_to([0, 0, 0, 1, 0, 0, 0, 1, 0], led[..., :9].shape),
                               atol=1e-12)  # fmt: skip


def test_what_belongs_to_no_hand_stays():
    states, actions = scene(1)
    led = Hands(policy(("right",)).contract).leading(actions, states)
    assert (led[..., :10] == actions[..., :10]).all()
    assert (led[..., 19] == actions[..., 19]).all()
    assert (led[..., 10:13] != actions[..., 10:13]).any()


def test_a_chunk_says_where_hands_have_to_be_in_the_world():
    bundle = policy()
    contract, (states, actions) = bundle.contract, scene(2, 1, 8)
    own, shift = (value.double().numpy() for value in bundle.normaliser.vectors("state"))
    scale, offset = (value.double().numpy() for value in bundle.normaliser.vectors("action"))
    features = np.zeros((contract.observation_steps, contract.obs_dim))
    features[-1, -contract.state_dim :] = states[0] * own + shift
    led = Hands(contract).leading(actions, states)[0]
    chunk = ActionDecoder(contract, bundle.normaliser)(0.0, led * scale + offset, features)
    np.testing.assert_allclose(chunk.positions, actions[0], atol=1e-9)


def test_real_time_chunking_does_not_go_on_with_them():
    with pytest.raises(ValueError, match="lead away from each new observation"):
        build_sampler("rtc", policy().contract)


@pytest.mark.parametrize(
    ("hand", "key", "allowed"),
    [
        ({"position": "thing"}, "hands.0.position", "has 3 numbers"),
        ({"rotation": "gone"}, "hands.0.rotation", "has 4 numbers"),
        ({"setpoint": "right_r5"}, "hands.0.setpoint", "the first of 9"),
        ({"setpoint": "gone"}, "hands.0.setpoint", "the first of 9"),
        ({"setpoint": "left_r0"}, "hands.1.setpoint", "no other hand has"),
    ],
)
def test_hands_that_are_not_there_are_refused(hand, key, allowed):
    led = [{"position": f"{n}_at", "rotation": f"{n}_q", "setpoint": f"{n}_x"} for n in NAMES]
    with pytest.raises(BundleError, match=allowed) as error:
        policy(hands=[led[0] | hand, led[1]] if key.startswith("hands.0") else [led[0], led[1] | hand])
    assert error.value.key == key
